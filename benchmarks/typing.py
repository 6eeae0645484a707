"""What an editor shows while a program is written, and how soon.

    python -m benchmarks.typing --out benchmarks/results/typing-2026-12-01.md

Twenty lines of ten examples are typed letter by letter, each in its place in the finished program. At every prefix the
shapes of the other lines are compared with those of a check of these lines alone. Then the language server is typed at
over its protocol, with 120 ms between keys, in rounds: on a machine with other work the quietest says most.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types as lsp

from dslc.analyse import Analysis, analyse
from dslc.analyse.analysis import without_line
from tests.lsp.client import Client

EXAMPLES = Path(__file__).parent.parent / "examples"

LINES = (
    ("resnet.dl", "resnet18", "conv(out, 3, s=s) as conv1"),
    ("resnet.dl", "resnet18", "stem as conv1"),
    ("swin.dl", "swin_t", "residual: ln as norm1"),
    ("swin.dl", "swin_t", "ln as norm -> mean"),
    ("vit.dl", None, None),
    ("unet.dl", None, None),
    ("googlenet.dl", None, None),
    ("densenet.dl", None, None),
    ("mobilenet_v2.dl", None, None),
    ("convnext.dl", None, None),
    ("efficientnet.dl", None, None),
    ("vgg.dl", None, None),
)
"""A file, a net (none: its first), the beginning of a line (none: the first and the last that has a shape)."""
PAUSE = 0.12
"""Seconds between two keys."""


def shown(found: Analysis) -> dict[int, list[tuple[str | None, str]]]:
    """The shapes that hints show, by line."""
    if found.source is None:
        return {}
    by_line: dict[int, list[tuple[str | None, str]]] = {}
    for shapes in list(found.shapes.values())[:1]:
        for line, made in shapes.lines(found.source.path):
            if made and all(m.known for m in made):
                by_line[found.source.position(line.span.end)[0]] = [(m.words, m.default) for m in made]
    return by_line


def places() -> Iterator[tuple[Path, str, int]]:
    """The lines that are typed: a file, a net, and the number of a line."""
    for name, net, begin in LINES:
        path = EXAMPLES / name
        whole = analyse(path, net)
        chosen = net or next(iter(whole.shapes))
        lines = path.read_text("utf-8").split("\n")
        if begin is not None:
            yield path, chosen, next(n for n, line in enumerate(lines, 1) if line.strip().startswith(begin))
            continue
        found = sorted(n for n in shown(analyse(path, chosen)) if not lines[n - 1].rstrip().endswith((":", ",")))
        yield path, chosen, found[0]
        yield path, chosen, found[-1]


def typed(path: Path, net: str, number: int) -> tuple[int, float, float, int]:
    """Of one line: prefixes, the least share shown of a check of the others, of the finished program, and how many
    shapes differed.
    """
    lines = path.read_text("utf-8").split("\n")
    line = lines[number - 1]
    indent = len(line) - len(line.lstrip())
    right = analyse(path, net)  # the program was opened as it is, and the line taken out
    finished = shown(right).keys() - {number}
    count, least, least_of_all, wrong = 0, 1.0, 1.0, 0
    for end in range(indent + 1, len(line) + 1):
        text = "\n".join([*lines[: number - 1], line[:end], *lines[number:]])
        found = analyse(path, net, texts={path: text}, typing=number, before=right)
        right = found if found.ok else right
        other = without_line(found, number)
        here = shown(found)  # of a prefix that is right, it is such a check
        fresh = dict(here) if other is None else shown(analyse(path, net, texts={path: other}))
        fresh.pop(number, None)
        here.pop(number, None)
        count += 1
        least = min(least, len(here.keys() & fresh.keys()) / len(fresh) if fresh else 1.0)
        least_of_all = min(least_of_all, len(here.keys() & finished) / max(len(finished), 1))
        wrong += sum(here[n] != fresh[n] for n in here.keys() & fresh.keys())
    return count, least, least_of_all, wrong


class Typist:
    """A line of an example that is typed at over the protocol, key by key, in one server."""

    def __init__(self, file: str, net: str, begin: str) -> None:
        self.client = Client()
        self.lines = (EXAMPLES / file).read_text("utf-8").split("\n")
        self.number = next(n for n, line in enumerate(self.lines) if line.strip().startswith(begin))
        self.line = self.lines[self.number] + " -> dropout(0.1) -> relu"
        self.place = lsp.Position(self.number, len(self.line) - len(self.line.lstrip()) + 1)
        start = time.perf_counter()
        self.doc = self.client.open(EXAMPLES / file, "\n".join(self.lines))
        self.opened = self._arrived(start)
        focus = lsp.ExecuteCommandParams("dslc.focus", [self.doc.uri, net])
        self.client.done(self.client.ask.workspace_execute_command_async(focus))
        self._hover()
        time.sleep(4)

    def round(self, keys: int) -> tuple[list[float], list[float]]:
        """Milliseconds from each key to the diagnostics of its text, and of a hover after every fourth."""
        times: list[float] = []
        hovers: list[float] = []
        whole = len(self.lines[self.number])
        for key in range(keys):
            text = self.line[: whole + key % (len(self.line) - whole) + 1]
            start = time.perf_counter()
            before, after = self.lines[: self.number], self.lines[self.number + 1 :]
            self.client.change(self.doc, "\n".join([*before, text, *after]))
            times.append(self._arrived(start))
            if key % 4 == 0:
                hovers.append(self._hover())
            time.sleep(max(0.0, PAUSE - (time.perf_counter() - start)))
        return times, hovers

    def _arrived(self, start: float) -> float:
        wanted = (self.doc.uri, self.client.versions[self.doc.uri])
        while wanted not in self.client.arrived and time.perf_counter() - start < 5:
            time.sleep(0.0005)
        return (self.client.arrived.get(wanted, start + 5) - start) * 1e3

    def _hover(self) -> float:
        asked = time.perf_counter()
        self.client.done(self.client.ask.text_document_hover_async(lsp.HoverParams(self.doc, self.place)))
        return (time.perf_counter() - asked) * 1e3


def p95(times: list[float]) -> float:
    """The time that one in twenty takes longer than."""
    return sorted(times)[int(0.95 * len(times))]


def processor(file: str, net: str, times: int = 15) -> float:
    """Median milliseconds of processor time of what a key waits for."""
    found = []
    for _ in range(times):
        start = time.process_time()
        analyse(EXAMPLES / file, net, lints=False)
        found.append((time.process_time() - start) * 1e3)
    return statistics.median(found)


def shapes() -> list[str]:
    """The part about shapes."""
    rows, total, wrong = [], 0, 0
    for path, net, number in places():
        count, least, least_of_all, differ = typed(path, net, number)
        total, wrong = total + count, wrong + differ
        print(path.name, number, count, f"{least:.0%} {least_of_all:.0%}", differ, file=sys.stderr)
        rows.append(f"| {path.name}:{number} | {net} | {count} | {least:.0%} | {least_of_all:.0%} | {differ} |")
    return [
        f"{len(rows)} lines, {total} prefixes. Shown: the least share, over all prefixes of a line, of the shapes that",
        "a check of the other lines gives, and of those of the finished program; differ: shapes that are not those of",
        f"the check ({wrong} in all).",
        "",
        "| line | net | prefixes | shown, of the other lines | of the finished program | differ |",
        "|---|---|---|---|---|---|",
        *rows,
        "",
    ]


def keys(count: int, rounds: int) -> list[str]:
    """The part about latency."""
    out = [
        f"From a key to its diagnostics, over the protocol, {PAUSE * 1e3:.0f} ms a key, {rounds} rounds of {count}",
        "keys, in milliseconds: the processor's time of one analysis; of all keys least, median, p95 and most; the p95",
        "of the quietest round; the longest hover asked meanwhile; from opening the file to its first diagnostics.",
        "",
        "| net | processor | least | median | p95 | most | p95 of the quietest | hover | opened |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for file, net, begin in (
        ("resnet.dl", "resnet18", "conv(out, 3, s=s) as conv1"),
        ("swin.dl", "swin_t", "residual: ln as norm1"),
    ):
        typist = Typist(file, net, begin)
        found = [typist.round(count) for _ in range(rounds)]
        typist.client.close()
        times = [each for round, _ in found for each in round]
        numbers = [
            processor(file, net),
            min(times),
            statistics.median(times),
            p95(times),
            max(times),
            min(p95(round) for round, _ in found),
            max(each for _, hovers in found for each in hovers),
            typist.opened,
        ]
        out.append(f"| {net} | {' | '.join(f'{number:.0f}' for number in numbers)} |")
        print(out[-1], file=sys.stderr)
    return [*out, ""]


def report(count: int, rounds: int, parts: str) -> str:
    """The page."""
    out = ["# Shapes while a line is typed, and latency", ""]
    out += [f"`python -m benchmarks.typing`, Python {platform.python_version()}, {os.cpu_count()} cores.", ""]
    out += shapes() if "shapes" in parts else []
    out += [*keys(count, rounds), f"Load {os.getloadavg()[0]:.1f} at the end."] if "keys" in parts else []
    return "\n".join(out) + "\n"


def main() -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--part", choices=("shapes", "keys"), help="one of the two alone")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    text = report(given.keys, given.rounds, given.part or "shapes, keys")
    print(text)
    if given.out is not None:
        given.out.write_text(text, "utf-8")


if __name__ == "__main__":
    main()

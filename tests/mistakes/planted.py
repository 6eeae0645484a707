"""Programs in which a machine made two to six mistakes that have nothing to do with each other, all told in one run.

    python -m tests.mistakes.planted --seeds 0..1000

prints each mistake that was not told, and each that was told and is none: what only follows from another. Programs are
those of tests/random and the examples; mistakes are those of breaks.py, slips of syntax, and blocks beside the others.
Bars: 95 % of the mistakes are told, and nothing that follows.
"""

from __future__ import annotations

import argparse
import random
import re
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from dslc.check import _check
from dslc.diagnostics.model import Diagnostic
from dslc.names.loader import Loader
from dslc.ops.base import REGISTRY
from tests.errors.test_errors import line_in
from tests.mistakes.breaks import RULES
from tests.mistakes.ground import Broken, Ground
from tests.mistakes.mutations import ground

MOST = 6
DEPENDENT = frozenset(("stated_result", "limit_not_kept"))
"""Rules about what a whole net gives: a mistake in it takes their grounds away."""
SLIPS: dict[str, Callable[[str], str | None]] = {
    "bracket_missing": lambda text: text[:-1] if text.endswith(")") else None,
    "semicolon": lambda text: f"{text};",
    "arrow_missing": lambda text: text.replace(" -> ", " ", 1) if " -> " in text and '"' not in text else None,
    "arrow_twice": lambda text: text.replace(" -> ", " -> -> ", 1) if " -> " in text and '"' not in text else None,
    "dollar": lambda text: f"{text} $",
    "quote_open": lambda text: f'{text} -> "',
}
SYNTAX = tuple(f"E01{number:02}" for number in range(100))
BESIDE = {
    "E0301": "    conv(out, 3, stride=2) -> bn",
    "E0201": "    convv(out, 3) -> bn",
    "E0303": "    relu(1)",
    "E0162": "    conv(out 3) -> bn",
}


@dataclass(frozen=True)
class Edit:
    """What a mistake changes in the text, and what should be said: one of `codes` on one of `lines` of its own text."""

    rule: str
    start: int
    end: int
    new: str
    codes: tuple[str, ...]
    lines: tuple[int, ...]

    def rows(self, text: str) -> tuple[int, int]:
        """The first and last line that it touches."""
        return text.count("\n", 0, self.start), text.count("\n", 0, self.end)

    def added(self, text: str) -> int:
        """Lines that it adds."""
        return self.new.count("\n") - text.count("\n", self.start, self.end)


@dataclass(frozen=True)
class Planted:
    """A program with several mistakes, and what was said of it."""

    seed: int
    text: str
    edits: tuple[Edit, ...]
    lines: tuple[tuple[int, ...], ...]  # where each should be told
    found: tuple[tuple[str, int, str], ...]  # code, line and words of what was told
    alone: frozenset[tuple[str, int]]  # what is told of each mistake by itself

    @property
    def hidden(self) -> tuple[Edit, ...]:
        """The mistakes that were not told."""
        told = {(code, line) for code, line, _ in self.found}
        return tuple(
            e for e, at in zip(self.edits, self.lines, strict=True) if not told & {(c, n) for c in e.codes for n in at}
        )

    @property
    def followers(self) -> tuple[str, ...]:
        """What was told and is said of no mistake by itself."""
        return tuple(f"{code} line {n}: {words}" for code, n, words in self.found if (code, n) not in self.alone)

    @property
    def misses(self) -> bool:
        """Whether a mistake was not told, or something that is none was."""
        return bool(self.hidden or self.followers)


def edits_of(g: Ground, rng: random.Random) -> Iterator[Edit]:
    """Mistakes that this program has room for, in any order."""
    for name in rng.sample(sorted(RULES.keys() - DEPENDENT), len(RULES.keys() - DEPENDENT)):
        for broken in islice(RULES[name](g, rng), 2):
            yield _edit(g.text, broken)
    for name in rng.sample(sorted(SLIPS), len(SLIPS)):
        for line in rng.sample(g.lines, min(len(g.lines), 2)):
            span = line.stmt.span
            new = SLIPS[name](span.text)
            if new is not None and "\n" not in span.text:
                yield Edit(name, span.start, span.end, new, SYNTAX, (g.at(span.start),))
    code = rng.choice(sorted(BESIDE))
    end = len(g.text)
    block = f"\nblock spare_{code.lower()}(out: int) on x[N, C, H, W]:\n{BESIDE[code]}\n"
    yield Edit("block_beside", end, end, block, (code,), (g.text.count("\n") + 3,))


def _edit(text: str, broken: Broken) -> Edit:
    new = broken.text
    start = next((i for i, (a, b) in enumerate(zip(text, new, strict=False)) if a != b), min(len(text), len(new)))
    tail = 0
    while tail < min(len(text), len(new)) - start and text[-1 - tail] == new[-1 - tail]:
        tail += 1
    return Edit(broken.rule, start, len(text) - tail, new[start : len(new) - tail], broken.codes, broken.lines)


def chosen(g: Ground, rng: random.Random) -> list[Edit]:
    """Two to six mistakes of different rules on lines of their own, in the order of the text."""
    wanted = rng.randint(2, MOST)
    candidates = list(edits_of(g, rng))
    taken: list[Edit] = []
    for edit in rng.sample(candidates, len(candidates)):
        first, last = edit.rows(g.text)
        apart = all(last + 1 < other.rows(g.text)[0] or other.rows(g.text)[1] + 1 < first for other in taken)
        mine = words(edit.new) - words(g.text)
        own = all(edit.rule != other.rule and not mine & words(other.new) for other in taken)
        if apart and own:
            taken.append(edit)
        if len(taken) == wanted:
            break
    return sorted(taken, key=lambda edit: edit.start)


def words(text: str) -> set[str]:
    return set(re.findall(r"[A-Za-z_]\w*", text)) - REGISTRY.keys()


def planted(seed: int, folder: Path) -> Planted | None:
    """What is said of a seed's program; none where it has no room for two mistakes.

    Of what is planted those count that are told where they stand alone: of others nobody knows what hides them.
    """
    rng = random.Random(seed)
    g = ground(rng, seed, folder)
    if g is None:
        return None
    told: dict[Edit, tuple[tuple[str, int, str], ...]] = {}
    for edit in chosen(g, rng):
        said = _said(g.path, g.text[: edit.start] + edit.new + g.text[edit.end :])
        if any(code in edit.codes and line in edit.lines for code, line, _ in said):
            told[edit] = said
    if len(told) < 2:
        return None
    text, shift, lines = g.text, 0, []
    for edit in told:
        lines.append(tuple(line + shift for line in edit.lines))
        shift += edit.added(g.text)
    alone: set[tuple[str, int]] = set()
    for edit, said in told.items():
        first = edit.rows(g.text)[0] + 1
        shifts = [(other.rows(g.text)[0] + 1, other.added(g.text)) for other in told if other is not edit]
        for code, line, _ in said:
            before = line if line <= first else max(line - edit.added(g.text), first)
            alone.add((code, line + sum(n for at, n in shifts if at < before)))
    for edit in reversed(told):
        text = text[: edit.start] + edit.new + text[edit.end :]
    return Planted(seed, text, tuple(told), tuple(lines), _said(g.path, text), frozenset(alone))


def _said(path: Path, text: str) -> tuple[tuple[str, int, str], ...]:
    """Code, line and words of each error of a text; no fixes are looked for."""
    there = path.with_name("broken.dl")
    there.write_text(text, encoding="utf-8")
    found: tuple[Diagnostic, ...] = _check(there, None, None, None, 100_000, (), None, Loader()).errors
    return tuple((d.code, line_in(str(there), d), d.message) for d in found)


def shares(results: list[Planted]) -> tuple[float, int]:
    """The share of mistakes that were told, and what follows from one."""
    made = sum(len(one.edits) for one in results)
    return 1 - sum(len(one.hidden) for one in results) / made, sum(len(one.followers) for one in results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0..1000")
    parser.add_argument("--show", action="store_true", help="the program of each seed that misses")
    options = parser.parse_args()
    first, _, last = options.seeds.partition("..")
    with tempfile.TemporaryDirectory() as folder:
        results = [one for seed in range(int(first), int(last)) if (one := planted(seed, Path(folder)))]
    made: Counter[str] = Counter(edit.rule for one in results for edit in one.edits)
    hidden: Counter[str] = Counter(edit.rule for one in results for edit in one.hidden)
    for one in results:
        for edit in one.hidden:
            at = one.lines[one.edits.index(edit)]
            print(
                f"{one.seed} HIDDEN {edit.rule} {'/'.join(edit.codes[:2])} line {at};",
                f"beside {[e.rule for e in one.edits]}",
            )
        for words in one.followers:
            print(f"{one.seed} FOLLOWS {words}; of {[e.rule for e in one.edits]}")
        if options.show and one.misses:
            print(one.text)
    for name, count in hidden.most_common():
        print(f"{name}: {count} of {made[name]} hidden")
    told, followers = shares(results)
    total = sum(made.values())
    print(
        f"{len(results)} programs, {total} mistakes of {len(made)} kinds: {told:.2%} told, {followers} that only follow"
    )


if __name__ == "__main__":
    main()

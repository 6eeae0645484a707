"""Programs spoilt at random: `check` says what is wrong with each, and never breaks or hangs.

    python -m tests.random.mutants --seeds 0..50000 --out mutants.jsonl

takes a program of the project for each seed, changes it by tokens, lines or bytes, and checks the result as the command
does; what still passes is built too, as PyTorch text and as a graph. FILE gets a line for each fault and one for each
hundred mutants, from which the next run goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import resource
import shutil
import signal
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from click.testing import CliRunner

from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.backends.torch.emit import generate
from dslc.check import check_file
from dslc.cli.main import main as command
from dslc.diagnostics.model import CompileError, Failure
from dslc.weights.init import initial

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("examples", "stdlib", "tests")
SECONDS = 10.0
"""The most that one mutant may compute; on a busy machine it may take so many times as long:"""
WAIT = 12

OPS = 20_000
"""The most ops of a mutant's net, by `--max-ops`: an edge as a depth asks for a network of ten thousand layers, which
takes seconds rightly.
"""

SMALL = 1_000_000
"""Elements of the weights of a network that is built as well."""

BLOCK = 100
MEMORY = 1_000_000
"""Kilobytes above which a run goes on in a new process."""

TOKEN = re.compile(r"->|\*\*|//|[<>=!]=|\w+|[^\w\s]|[ ]+|\n")
NUMBER = re.compile(r"\d[\w.]*")
EDGES = ["0", "-1", "1", "2", "2147483648", "9223372036854775807", "9223372036854775808", "18446744073709551619",
         "1" + "0" * 20, "1" + "0" * 400, "1e400", "1e-400", "-0.0", "nan", "inf", "0.5", "1_000", "0x10", "3x0", "3x3",
         "99999x99999", "4.2G", "7K", "1e38", "3.5e38", "true", "none", "[1, 2]", "(1, 2)", '"a"', "2**63",
         "10**20"]  # fmt: skip
LETTERS = [
    "\u202e",
    "é",
    "\ufeff",
    "\u2028",
    "\x00",
    "\r",
    "\t",
    "\U0001f600",
    "\u0301",
    "`",
    '"',
    "{",
    "}",
    "\\",
    "\x1b",
]
WORDS = ["use", "as", "let", "fn", "block", "inline", "net", "extern", "on", "if", "elif", "else", "for", "in", "and",
         "or", "not", "module", "param", "buffer", "const", "require", "budget", "when", "training", "seq", "true",
         "false", "none", "it", "->", "=", "+=", "**", "//", "@", "|", ":", "*", "...", "N", "H", "conv", "linear",
         "relu", "concat", "rearrange", "lstm", "sdpa", "id", "float", "range", "cast", "_"]  # fmt: skip

Change = Callable[[random.Random, list[str]], list[str]]


class Slow(BaseException):
    """A mutant took too long; no handler of errors catches this."""


# ---- mutants


def sources() -> dict[Path, float]:
    """All programs of the project, those that hold many nets more rarely: each net is checked."""
    found = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.dl"))
    return {path: 1 / (1 + len(re.findall(rb"^net ", path.read_bytes(), re.M))) for path in found}


def deleted(rng: random.Random, tokens: list[str]) -> list[str]:
    at = rng.randrange(len(tokens))
    return tokens[:at] + tokens[at + rng.randint(1, 3) :]


def doubled(rng: random.Random, tokens: list[str]) -> list[str]:
    at, size = rng.randrange(len(tokens)), rng.randint(1, 12)
    return tokens[:at] + tokens[at : at + size] * rng.randint(2, 3) + tokens[at + size :]


def swapped(rng: random.Random, tokens: list[str]) -> list[str]:
    i, j = rng.randrange(len(tokens)), rng.randrange(len(tokens))
    tokens[i], tokens[j] = tokens[j], tokens[i]
    return tokens


def replaced(rng: random.Random, tokens: list[str]) -> list[str]:
    tokens[rng.randrange(len(tokens))] = rng.choice(rng.choice((tokens, WORDS, EDGES)))
    return tokens


def numbered(rng: random.Random, tokens: list[str]) -> list[str]:
    """A number as one at an edge."""
    places = [at for at, token in enumerate(tokens) if NUMBER.fullmatch(token)]
    if places:
        tokens[rng.choice(places)] = rng.choice(EDGES)
    return tokens


def renamed(rng: random.Random, tokens: list[str]) -> list[str]:
    """A name as another of the program, everywhere or once."""
    names = [token for token in tokens if token.isidentifier()]
    if not names:
        return tokens
    old, new = rng.choice(names), rng.choice(names)
    if rng.random() < 0.5:
        return [new if token == old else token for token in tokens]
    tokens[rng.choice([at for at, token in enumerate(tokens) if token == old])] = new
    return tokens


def inserted(rng: random.Random, tokens: list[str]) -> list[str]:
    tokens.insert(rng.randrange(len(tokens) + 1), rng.choice((*WORDS, *LETTERS, *EDGES)))
    return tokens


def lines(rng: random.Random, tokens: list[str]) -> list[str]:
    """A line left out, doubled, moved, or indented otherwise."""
    found = "".join(tokens).splitlines(keepends=True)
    at, how = rng.randrange(len(found)), rng.randrange(5)
    line = found.pop(at)
    if how == 1:
        found[at:at] = [line, line]
    elif how == 2:
        found.insert(rng.randrange(len(found) + 1), line)
    elif how == 3:
        found.insert(at, "    " + line)
    elif how == 4:
        found.insert(at, line.removeprefix("    "))
    return found


CHANGES: list[Change] = [
    deleted,
    doubled,
    swapped,
    replaced,
    replaced,
    numbered,
    numbered,
    renamed,
    renamed,
    inserted,
    lines,
]


def mutant(seed: int, files: dict[Path, float]) -> tuple[Path, bytes]:
    """A program's path and its changed bytes."""
    rng = random.Random(seed)
    (path,) = rng.choices(list(files), list(files.values()))
    data = path.read_bytes()
    if rng.random() < 0.12:
        return path, spoilt(rng, data)
    tokens = TOKEN.findall(data.decode())
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        if tokens:
            tokens = rng.choice(CHANGES)(rng, tokens)
    return path, "".join(tokens).encode("utf-8", "surrogatepass")


def spoilt(rng: random.Random, data: bytes) -> bytes:
    """Bytes changed without regard to what they mean."""
    at, how = rng.randrange(len(data) + 1), rng.randrange(5)
    if how == 0:
        return data[:at]
    if how == 1:
        return data[:at] + bytes(rng.randrange(256) for _ in range(rng.randint(1, 4))) + data[at:]
    if how == 2:
        return data[:at] + data[at + rng.randint(1, 20) :]
    if how == 3:
        return data.replace(b"\n", b"\r\n") if at % 2 else data.replace(b"    ", b"\t", at % 5)
    return data[:at] + data[at:].replace(b"(", b"(" * rng.choice((2, 40, 400)), 1)


# ---- trials


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises `Slow` inside after so many seconds of computing, or of waiting for other work."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Slow

    timers = ((signal.ITIMER_PROF, signal.SIGPROF, seconds), (signal.ITIMER_REAL, signal.SIGALRM, WAIT * seconds))
    before = {number: signal.signal(number, stop) for _, number, _ in timers}
    for timer, _, after in timers:
        signal.setitimer(timer, after)
    try:
        yield
    finally:
        for timer, number, _ in timers:
            signal.setitimer(timer, 0)
            signal.signal(number, before[number])


class Trials:
    """A folder with a copy of every program, in which a mutant lies beside the files that it uses."""

    def __init__(self, folder: Path, seconds: float = SECONDS) -> None:
        self.files, self.folder, self.seconds = sources(), folder, seconds
        self.counts: Counter[str] = Counter()
        for path in self.files:
            copy = folder / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)

    def run(self, seed: int, build: bool = True) -> str | None:
        """What is wrong with how one mutant was treated; none if nothing is."""
        source, data = mutant(seed, self.files)
        path = self.folder / source.relative_to(ROOT).with_name("mutant.dl")
        path.write_bytes(data)
        try:
            with limited(self.seconds):
                return self.checked(path, build)
        except Slow:
            return f"slow: over {self.seconds:g} s, {source.name}"

    def checked(self, path: Path, build: bool) -> str | None:
        result = CliRunner().invoke(command, ["check", "--max-ops", str(OPS), str(path)])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            return described("check", result.exception)
        passes = result.exit_code == 0
        self.counts["passes" if passes else "refused"] += 1
        if result.exit_code not in (0, 1) or (not passes and "error" not in result.stderr):
            return f"check: exit status {result.exit_code}, says {result.stderr[:200]!r}"
        return self.built(path) if passes and build else None

    def built(self, path: Path) -> str | None:
        """What breaks where the nets that passed are written as PyTorch and as graphs."""
        for net in check_file(str(path)).nets:
            what = "compile"
            try:
                model = compile_model(path, net)
                if sum(param.spec.count for param in model.params.values()) > SMALL:
                    continue
                what = "torch text"
                made = generate(model)
                if made.bugs:
                    return f"torch text: {made.bugs[0]}"
                what = "onnx emit"
                emit(model, initial(model.params))
                self.counts["built"] += 1
            except (CompileError, Failure):
                continue
            except Exception as error:
                return described(what, error)
        return None


def described(what: str, error: BaseException) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{what}: {type(error).__name__}: {str(error)[:200]} ({Path(frame.filename).name}:{frame.lineno})"


# ---- many


def farm(first: int, last: int, out: Path) -> bool:
    """Trials of many seeds, going on after the last full block that the file has.

    False where some are left: memory that thousands of compiles have cut into pieces is given back by a new process.
    """
    if out.exists():
        done = [json.loads(line).get("done", 0) for line in out.read_text(encoding="utf-8").splitlines()]
        first = max([first, *done])
    with tempfile.TemporaryDirectory() as folder, out.open("a", encoding="utf-8") as file:
        trials = Trials(Path(folder))
        for start in range(first, last, BLOCK):
            for seed in range(start, min(start + BLOCK, last)):
                words = trials.run(seed)
                if words is not None:
                    source, data = mutant(seed, trials.files)
                    fault = {
                        "seed": seed,
                        "source": source.name,
                        "words": words,
                        "text": data.decode("utf-8", "replace"),
                    }
                    file.write(json.dumps(fault) + "\n")
            file.write(json.dumps({"done": min(start + BLOCK, last), **trials.counts}) + "\n")
            file.flush()
            trials.counts.clear()
            if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > MEMORY and start + BLOCK < last:
                return False
    return True


def summary(out: Path) -> str:
    found = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    counts: Counter[str] = Counter()
    for line in found:
        counts.update({key: n for key, n in line.items() if key in ("passes", "refused", "built")})
    faults = [line for line in found if "words" in line]
    lines = [f"{counts['passes'] + counts['refused']} mutants: {dict(counts)}, {len(faults)} faults"]
    return "\n".join([*lines, *(f"    {f['seed']} {f['source']}: {f['words']}" for f in faults[:40])])


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.random.mutants")
    parser.add_argument("--seeds", default="0..50000", help="A..B: those from A to B - 1")
    parser.add_argument("--out", type=Path, required=True, help="a file of JSON lines")
    parser.add_argument("--sum", action="store_true", help="only sum up the file")
    asked = parser.parse_args(arguments)
    if not asked.sum:
        first, _, last = asked.seeds.partition("..")
        if not farm(int(first), int(last), asked.out):
            os.execv(sys.executable, [sys.executable, "-m", "tests.random.mutants", *arguments])
    print(summary(asked.out))


if __name__ == "__main__":
    main(sys.argv[1:])

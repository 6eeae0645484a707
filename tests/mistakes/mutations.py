"""Programs in which a machine broke exactly one rule: the right code on the right line, and little beside it.

    python -m tests.mistakes.mutations --seeds 0..2000

prints what misses, and the shares. Programs are those of tests/random and the examples; a seed is one program and one
rule of breaks.py. Bars: the right code on the right line in 95 %, at most one more error in 99 %.
"""

from __future__ import annotations

import argparse
import random
import re
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from dslc.check import check_file
from dslc.diagnostics.model import Diagnostic
from dslc.syntax import tree
from tests.errors.test_errors import line_in
from tests.mistakes.breaks import RULES, candidates
from tests.mistakes.ground import Broken, Ground, readable
from tests.random.case import seeded

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SHARE = 0.3
"""Of programs that are examples."""

SMALL = 6000
"""Letters of an example: larger ones take most of a run's time, and have no other lines."""


@dataclass(frozen=True)
class Tried:
    """What was said of a broken program."""

    seed: int
    broken: Broken
    found: tuple[Diagnostic, ...]
    path: Path

    @property
    def told(self) -> bool:
        """The right code on the right line."""
        return any(d.code in self.broken.codes and self.line(d) in self.broken.lines for d in self.found)

    @property
    def others(self) -> int:
        """Errors beside the one."""
        return max(len(self.found) - 1, 0)

    def line(self, diagnostic: Diagnostic) -> int:
        return line_in(str(self.path), diagnostic)

    def __str__(self) -> str:
        said = "; ".join(f"{d.code} line {self.line(d)}: {d.message}" for d in self.found[:4]) or "nothing"
        wanted = f"{'/'.join(self.broken.codes)} line {'/'.join(map(str, self.broken.lines))}"
        return f"{self.seed} {self.broken.rule}: wanted {wanted}; said {said}"


@lru_cache(None)
def examples(folder: Path) -> tuple[Path, ...]:
    """The examples, laid out in a folder since some use others, but for large ones."""
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)
    return tuple(path for path in sorted(folder.glob("*.dl")) if path.stat().st_size <= SMALL)


@lru_cache(64)
def example(path: Path) -> Ground | None:
    return readable(path, path.read_text(encoding="utf-8"))


def ground(rng: random.Random, seed: int, folder: Path) -> Ground | None:
    if rng.random() < SHARE:
        return example(rng.choice(examples(folder / "examples")))
    text, path = seeded(seed).text, folder / "ground.dl"
    path.write_text(text, encoding="utf-8")
    return readable(path, text)


def tried(seed: int, folder: Path) -> Tried | None:
    """What is said of a seed's broken program; none where the seed's program has no place for its rule."""
    rng = random.Random(seed)
    found = ground(rng, seed, folder)
    if found is None:
        return None
    for name in rng.sample(sorted(RULES), len(RULES)):
        if choices := candidates(found, name, rng):
            broken = rng.choice(choices)
            path = found.path.with_name("broken.dl")
            path.write_text(broken.text, encoding="utf-8")
            return Tried(seed, broken, check_file(path, _net_of(found, broken)).errors, path)
    return None


def _net_of(found: Ground, broken: Broken) -> str | None:
    """The net to check, if the broken line is its own; of any other line only a check of the whole file speaks."""
    items = [item for item in found.file.items if isinstance(item, tree.Block) and item.name == found.net]
    rows = [(found.at(item.span.start), found.at(item.span.end)) for item in items]
    own = any(first <= line <= last for first, last in rows for line in broken.lines)
    return found.net if own and re.search(rf"^net {found.net}\b", broken.text, re.MULTILINE) else None


def shares(results: list[Tried]) -> tuple[float, float]:
    """Of all: right code on the right line; at most one more error."""
    told = sum(one.told for one in results)
    quiet = sum(one.others <= 1 for one in results)
    return told / len(results), quiet / len(results)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", default="0..2000")
    first, _, last = parser.parse_args().seeds.partition("..")
    with tempfile.TemporaryDirectory() as folder:
        results = [one for seed in range(int(first), int(last)) if (one := tried(seed, Path(folder)))]
    rules: Counter[str] = Counter(one.broken.rule for one in results)
    missed: Counter[str] = Counter()
    for one in results:
        if not one.told or one.others > 1:
            missed[one.broken.rule] += 1
            print(("" if one.told else "MISSED ") + (f"{one.others} MORE " if one.others > 1 else "") + str(one))
    told, quiet = shares(results)
    for name, count in missed.most_common():
        print(f"{name}: {count} of {rules[name]}")
    never = ", ".join(sorted(set(RULES) - set(rules)))
    print(f"{len(results)} programs, {len(rules)} rules" + (f", never: {never}" if never else ""))
    print(f"right code on the right line {told:.2%}, at most one more error {quiet:.2%}")


if __name__ == "__main__":
    main()

"""Faults that a machine plants in examples/: each rule finds its own where it was put, and nothing else is said."""

from __future__ import annotations

import pkgutil
import random
import shutil
from collections.abc import Iterator
from functools import lru_cache
from importlib import import_module
from pathlib import Path

import pytest

from dslc.api import compile_model, nets
from dslc.diagnostics.model import CompileError
from dslc.ir.model import Model
from dslc.lints.catalogue import WARNINGS, rules
from dslc.lints.facts import Facts, facts_of
from dslc.lints.network import Network
from dslc.lints.run import lint
from tests.lints import planted as families
from tests.lints.faults import FAULTS, Planted

for family in pkgutil.iter_modules(families.__path__):
    import_module(f"{families.__name__}.{family.name}")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
RULES = {rule.code: rule for rule in rules()}
PLACES = 20
APART = {
    "W1601": "positions of a whole transformer: test_transformers.py, at three networks",
    "W1605": "a class token that others are averaged with: test_transformers.py, at two networks",
    "W1607": "a language model: examples/ has one family, in test_transformers.py",
    "W1608": "a table that is tied to the last layer: examples/ has one family, in test_transformers.py",
    "N1609": "a class token that is read beside a mean: test_transformers.py, at two networks",
}
"""Rules whose fault few networks of examples/ can have, and where it is put into those."""

FOUND = 0.95


@lru_cache
def good() -> tuple[tuple[Path, str, Model], ...]:
    """The first network of each file of examples/."""
    files = sorted(EXAMPLES.glob("*.dl"))
    return tuple((file, name, compile_model(file, name)) for file in files for name in nets(file, complete=True)[:1])


def warned(model: Model, code: str, facts: Facts) -> set[tuple[str, int]]:
    """Code and line of all warnings of a network, and of what one rule says."""
    chosen = dict.fromkeys((*rules(WARNINGS), RULES[code]))
    return {(d.code, d.span.line) for d in lint(model, facts, chosen).diagnostics}


def places(code: str) -> list[tuple[int, Planted]]:
    """All that a rule's fault can be planted in, in an order of chance: the network's number, and the program."""
    found = [(i, each) for i, (_, _, model) in enumerate(good()) for each in FAULTS[code].plant(Network(model))]
    random.Random(code).shuffle(found)
    return found


def spoilt(code: str, folder: Path) -> Iterator[tuple[int, Planted, Model]]:
    """The programs with a fault that compile."""
    for beside in EXAMPLES.glob("*.dl"):
        shutil.copy(beside, folder)
    for index, planted in places(code):
        file, name, _ = good()[index]
        path = folder / file.name
        path.write_text(planted.text, encoding="utf-8")
        try:
            yield index, planted, compile_model(path, name)
        except CompileError:
            continue
        finally:
            shutil.copy(file, folder)


def judged(code: str, count: int, folder: Path) -> tuple[list[str], list[str], int]:
    """Of so many places: where the rule was silent, and what else was said; and how many there were."""
    kind = FAULTS[code]
    facts = facts_of(dict(pair.split("=", 1) for pair in kind.facts.split()))
    missed, noise, tried = [], [], 0
    for index, planted, model in spoilt(code, folder):
        tried += 1
        file, _, original = good()[index]
        now, was = warned(model, code, facts), warned(original, code, facts)
        where = f"{file.name}:{planted.line}: {planted.text.splitlines()[planted.line - 1].strip()}"
        found = code in {one for one, _ in now} if kind.anywhere else (code, planted.line) in now
        if not found:
            missed.append(where)
        others = {other for other, _ in now - was if other[0] == "W" and other != code and other not in kind.also}
        noise += [f"{other} at {where}" for other in sorted(others)]
        if tried == count:
            break
    return missed, noise, tried


def test_each_rule_has_a_fault() -> None:
    assert FAULTS.keys() | APART.keys() == RULES.keys() and not FAULTS.keys() & APART.keys()


@pytest.mark.parametrize("code", sorted(FAULTS))
def test_a_planted_fault_is_found(code: str, tmp_path: Path) -> None:
    missed, noise, tried = judged(code, 3, tmp_path)
    assert tried == 3 and not missed and not noise, (tried, missed, noise)


@pytest.mark.long
@pytest.mark.parametrize("code", sorted(FAULTS))
def test_planted_faults_are_found_in_many_places(code: str, tmp_path: Path) -> None:
    missed, noise, tried = judged(code, PLACES, tmp_path)
    assert tried >= FAULTS[code].least, f"only {tried} places"
    assert len(missed) <= (1 - FOUND) * tried and not noise, (tried, missed, noise)

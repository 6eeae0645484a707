"""A machine breaks one rule in a right program: the right code on the right line, and little beside it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.mistakes.breaks import RULES
from tests.mistakes.mutations import Tried, shares, tried


def results_of(seeds: range, folder: Path) -> list[Tried]:
    found = [one for seed in seeds if (one := tried(seed, folder))]
    assert len(found) > 0.95 * len(seeds), "nearly every seed's program checks, and has a place for some rule"
    return found


def hold(results: list[Tried]) -> None:
    """The bars, and what misses where they are not kept."""
    told, quiet = shares(results)
    missed = "\n".join(str(one) for one in results if not one.told or one.others > 1)
    assert told >= 0.95 and quiet >= 0.99, f"{told:.2%} told, {quiet:.2%} quiet\n{missed}"


def test_one_broken_rule_is_told_where_it_is(tmp_path: Path) -> None:
    results = results_of(range(60), tmp_path)
    assert len({one.broken.rule for one in results}) > 25
    hold(results)


@pytest.mark.long
def test_one_broken_rule_is_told_in_two_thousand_programs(tmp_path: Path) -> None:
    results = results_of(range(2000), tmp_path)
    hold(results)
    tries = Counter(one.broken.rule for one in results)
    told = Counter(one.broken.rule for one in results if one.told)
    assert set(tries) >= set(RULES)
    assert not [name for name, count in tries.items() if told[name] < count / 2]


def test_a_rule_is_broken_in_one_place(tmp_path: Path) -> None:
    """And what should be said of it is on a line of the broken program."""
    for seed in range(16):
        if one := tried(seed, tmp_path):
            lines = one.broken.text.split("\n")
            assert all(1 <= line <= len(lines) for line in one.broken.lines)
            assert one.broken.codes and one.path.read_text(encoding="utf-8") == one.broken.text

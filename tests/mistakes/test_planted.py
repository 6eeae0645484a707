"""Mistakes that have nothing to do with each other are told in one run, and nothing is told that only follows."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.mistakes.planted import Planted, planted, shares


def results_of(seeds: range, folder: Path) -> list[Planted]:
    found = [one for seed in seeds if (one := planted(seed, folder))]
    assert len(found) > 0.8 * len(seeds), "most programs have room for two mistakes"
    return found


def hold(results: list[Planted]) -> None:
    """The bars, and what misses where they are not kept."""
    told, followers = shares(results)
    missed = "\n".join(f"{one.seed}: {[e.rule for e in one.hidden]} {one.followers}" for one in results if one.misses)
    assert told >= 0.95 and not followers, f"{told:.2%} told, {followers} only follow\n{missed}"


def test_mistakes_beside_each_other_are_all_told(tmp_path: Path) -> None:
    results = results_of(range(24), tmp_path)
    assert len({edit.rule for one in results for edit in one.edits}) > 25
    hold(results)


@pytest.mark.long
def test_mistakes_beside_each_other_are_told_in_a_thousand_programs(tmp_path: Path) -> None:
    hold(results_of(range(1000), tmp_path))

"""Mutants of the project's programs: no traceback, no hang, the right exit status.

`python -m tests.random.mutants` tries more.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.random import mutants
from tests.random.mutants import Slow, Trials, limited, mutant, sources, summary

PARTS, MUTANTS = 2, 120


@pytest.mark.parametrize("part", range(PARTS))
def test_mutants(part: int, tmp_path: Path) -> None:
    trials = Trials(tmp_path)
    found = {seed: trials.run(seed) for seed in range(part * MUTANTS, (part + 1) * MUTANTS)}
    assert {seed: words for seed, words in found.items() if words} == {}
    assert trials.counts["refused"] > MUTANTS // 2
    assert trials.counts["built"]


def test_a_seed_is_one_mutant() -> None:
    files = sources()
    assert mutant(3, files) == mutant(3, files) != mutant(4, files)


def test_what_takes_long_is_stopped() -> None:
    with pytest.raises(Slow), limited(0.05):
        while True:
            pass


def test_a_traceback_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("of the compiler")

    monkeypatch.setattr("dslc.cli.checking.check_file", broken)
    words = Trials(tmp_path).run(0)
    assert words is not None and words.startswith("check: KeyError: 'of the compiler' (")


def test_a_run_goes_on_where_it_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    monkeypatch.setattr(mutants, "BLOCK", 2)
    monkeypatch.setattr(mutants, "MEMORY", 1 << 60)  # whatever the tests before this one held

    def run(self: Trials, seed: int) -> str | None:
        seen.append(seed)
        return "words" if seed == 3 else None

    monkeypatch.setattr(mutants.Trials, "run", run)
    for last in (4, 6):
        mutants.farm(0, last, tmp_path / "out")
    assert seen == list(range(6))
    assert "1 faults" in summary(tmp_path / "out")

"""Mistakes that people make: what is said, where, and that what is proposed mends the program.

How a case is written stands in case.py. `pytest --regen` writes what is printed, and where every message carries edits
the mended program too, to be read in the diff; `python -m tests.mistakes` prints the marks of all cases.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dslc.check import check_file
from dslc.diagnostics.model import Edit
from dslc.lints.base import Lint
from dslc.source import Source
from tests.conftest import Golden
from tests.errors.test_errors import line_in
from tests.mistakes.case import HERE, Case, all_cases, apply, case, lay_out, mended_lines

CASES = all_cases()
PROGRAMS = [path for path in CASES if not case(path).is_command]
COMMANDS = [path for path in CASES if case(path).is_command]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs as they are checked."""
    made = tmp_path_factory.mktemp("mistakes")
    lay_out(made)
    return made


@pytest.fixture(autouse=True)
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Paths in messages are relative to the folder of the programs, and lines are not cut by a terminal's width."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.delenv("COLUMNS", raising=False)


@pytest.mark.parametrize("path", PROGRAMS, ids=str)
def test_each_mistake_is_told_where_the_file_says(path: Path) -> None:
    one = case(path)
    seen = [(line_in(str(path), d), d.severity.value, d.code, d.message) for d in one.found]
    assert sorted(entry[:3] for entry in seen) == sorted(entry[:3] for entry in one.expected)
    for line, _, code, words in one.expected:
        assert any((entry[0], entry[2]) == (line, code) and words in entry[3] for entry in seen), words


@pytest.mark.parametrize("path", COMMANDS, ids=str)
def test_a_mistaken_command_is_told(path: Path) -> None:
    """In the words expected, and nothing else is; a mistake of usage alone has no code."""
    one = case(path)
    _, stderr = one.printed
    said = re.findall(r"^(error|warning)\[([EW]\d{4})\]: (.*)$", stderr, re.MULTILINE)
    assert [entry[:2] for entry in said] == [tuple(entry[1:3]) for entry in one.expected]
    for (*_, message), (*_, words) in zip(said, one.expected, strict=True):
        assert words in message


@pytest.mark.parametrize("path", CASES, ids=str)
def test_it_is_printed_without_a_traceback(path: Path, golden: Golden) -> None:
    one = case(path)
    status, stderr = one.printed
    golden(one.golden, stderr)
    assert status == one.status
    assert stderr.strip()


@pytest.mark.parametrize("path", PROGRAMS, ids=str)
def test_the_mended_program_is_what_is_proposed_and_checks(path: Path, request: pytest.FixtureRequest) -> None:
    one = case(path)
    complete = all(one.proposals)
    if complete and request.config.getoption("--regen"):
        for path in (HERE / one.fixed.path, one.fixed.path):
            path.write_text(one.applied, encoding="utf-8")
    assert one.fixed.path.exists(), "write the mended program; --regen writes it where all messages have edits"
    if complete:
        assert one.applied == one.fixed.program
    assert one.program != one.fixed.program
    found = [d for d in check_file(one.fixed.path).without_notes if not isinstance(d.mistake, Lint)]
    assert not found, str(found[0].message)


@pytest.mark.parametrize("path", COMMANDS, ids=str)
def test_the_mended_command_runs(path: Path) -> None:
    fixed = case(path).fixed
    assert fixed.command != case(path).command or fixed.program != case(path).program
    status, stderr = fixed.printed
    assert not status, stderr


def test_nothing_lies_beside_that_belongs_to_no_case() -> None:
    known = {HERE / p for path in CASES for p in (path, case(path).fixed.path)} | {case(path).golden for path in CASES}
    stray = [p for p in HERE.glob("*/*.*") if p not in known and p.suffix in (".dl", ".stderr")]
    assert CASES and not stray


# ---- the harness itself


def test_edits_are_made_from_the_end_and_once() -> None:
    source = Source("f.dl", "abcdef")
    edits = [Edit(source.span(1, 2), "XY"), Edit(source.span(4, 4), "-"), Edit(source.span(1, 2), "XY")]
    assert apply("abcdef", edits) == "aXYcd-ef"
    with pytest.raises(ValueError, match="overlap"):
        apply("abcdef", [Edit(source.span(0, 3), ""), Edit(source.span(2, 4), "")])


def test_the_lines_that_a_mend_changes() -> None:
    before = "net f:\n    a\n    b\n    c\n"
    assert mended_lines(before, "net f:\n    a\n    d\n    c\n") == {3}
    assert mended_lines(before, "net f:\n    a\n    b\n    d\n    c\n") == {3, 4}
    assert mended_lines(before, "net f:\n    b\n    c\n") == {2}


def test_what_is_expected_is_no_part_of_the_program() -> None:
    one = Case(Path("options/x.dl"))
    vars(one)["text"] = "# command: check {file} --net 'a b'  # exit 2\n# error[E0218]: no net\n# why\nnet f: relu\n"
    assert one.command == ["check", "options/x.dl", "--net", "a b"]
    assert (one.status, one.is_command, one.expected) == (2, True, [(2, "error", "E0218", "no net")])
    assert one.program == "# why\nnet f: relu\n"
    two = Case(Path("names/x.dl"))
    vars(two)["text"] = "net f:\n    a  # error[E0201]: unknown  # error[E0202]: x\n    b  # warning[W0101]: y\n"
    assert two.program == "net f:\n    a\n    b\n"
    assert (two.status, two.command) == (1, ["check", "names/x.dl"])

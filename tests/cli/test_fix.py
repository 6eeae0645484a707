"""Which proposals `dslc check --fix` keeps: those that leave a program no worse, in the end and one by one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dslc.check import Findings
from dslc.cli.values import computed
from dslc.diagnostics.model import Edit, Help
from dslc.fix import ROUNDS, Fixing, edited
from dslc.source import Source
from tests.diagnostics.sample import Uneven

PATH = Path("net.dl").absolute()


class Fake:
    """A check for which each word of a text that is in `proposals` is an error, mended by what stands there."""

    def __init__(self, text: str, proposals: Mapping[str, tuple[str, ...]]) -> None:
        self.text, self.proposals, self.checks = text, proposals, 0

    def __call__(self, texts: Mapping[Path, str]) -> Findings:
        self.checks += 1
        source = Source("net.dl", texts.get(PATH, self.text))
        findings, at = Findings(), 0
        for word in source.text.split(" "):
            if word in self.proposals:
                span = source.span(at, at + len(word))
                help = [Help("so", edits=(Edit(span, new),)) for new in self.proposals[word]]
                found = Uneven(count=len(findings.found), hint=word).at(span, help=help)
                findings.found[found.key] = found
            at += len(word) + 1
        return findings


def fixed(text: str, **proposals: tuple[str, ...]) -> Fixing:
    check = Fake(text, proposals)
    fixing = Fixing(check, PATH, check({}))
    for diagnostic in fixing.findings.diagnostics:
        assert diagnostic.mistake is not None
    fixing.run()
    return fixing


@pytest.fixture(autouse=True)
def one_proposal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample mistake proposes nothing of its own here."""
    monkeypatch.setattr(Uneven, "help", ())


def test_what_helps_is_kept_and_what_harms_is_not() -> None:
    fixing = fixed("a b c", a=("x",), b=("b b",), c=("y",))
    assert fixing.text == "x b y" and fixing.applied == 2


def test_what_comes_to_light_is_mended_in_the_next_round() -> None:
    fixing = fixed("a", a=("b",), b=("c",), c=("fine",))
    assert fixing.text == "fine" and fixing.applied == 3


def test_two_proposals_are_no_safe_change() -> None:
    assert fixed("a b", a=("x", "y"), b=()).applied == 0


def test_it_ends_where_changes_go_in_a_circle() -> None:
    fixing = fixed("a", a=("b",), b=("a",))
    assert fixing.applied <= ROUNDS and isinstance(fixing.check, Fake) and fixing.check.checks < 3 * ROUNDS


def test_of_changes_that_overlap_the_first_is_made() -> None:
    source = Source("net.dl", "abc")
    findings = Findings()
    for start, end in ((0, 2), (1, 3)):
        found = Uneven(count=start).at(source.span(start, end), help=[Help("so", replace="x")])
        findings.found[found.key] = found
    fixing = Fixing(lambda texts: Findings(), PATH, findings)
    fixing.run()
    assert fixing.text == "xc"


def test_inserted_lines_end_as_those_of_the_file() -> None:
    source = Source("net.dl", "a\r\nb\r\n")
    assert edited(source.text, [Edit(source.span(3, 3), "c\nd\n")]) == "a\r\nc\r\nd\r\nb\r\n"
    assert edited("a\n", [Edit(source.span(0, 0), "c\n")]) == "c\na\n"


@pytest.mark.parametrize(
    ("text", "value"),
    [("2+1", 3), ("2 * (3 - 1)", 4), ("-3*2", -6), ("7 // 2", 3), ("1 / 4", 0.25), ("1/0", None), ("f(2)", None),
     ("2**9", None), ("2 +", None), ("True + 1", None)],
)  # fmt: skip
def test_what_an_expression_on_the_command_line_gives(text: str, value: float | None) -> None:
    assert computed(text) == value

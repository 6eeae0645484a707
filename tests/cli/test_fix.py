"""Which proposals `dslc check --fix` keeps: those that leave a program no worse, in the end and one by one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from dslc.check import Findings, check_file
from dslc.cli.values import computed
from dslc.diagnostics.model import Applicability, Edit, Help
from dslc.fix import ROUNDS, Fixing, edited
from dslc.names.loader import Loader
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


def test_a_guess_is_no_safe_change() -> None:
    source = Source("net.dl", "abc")
    help = Help("so", replace="x", applicability=Applicability.MAYBE)
    found = Uneven(count=1).at(source.span(0, 1), help=[help])
    fixing = Fixing(lambda texts: Findings(), PATH, Findings(found={found.key: found}))
    fixing.run()
    assert fixing.applied == 0


CERTAIN = [
    "conv(8, 3) -> rulu -> gap -> flatten -> linear(10)",
    "conv(16 / 2, 3) -> gap -> flatten -> linear(10)",
    "conv(3, 8, 3) -> gap -> flatten -> linear(10)",
    "conv(8, 3) -> gap -> flatten -> linear",
    "conv(8, 3, bias=0) -> gap -> flatten -> linear(10)",
]
CHOICES = [
    "residual: conv(8, 3, s=2)\n    gap -> flatten -> linear(10)",
    "conv(8, 2) -> gap -> flatten -> linear(10)",
    "conv(7 / 2, 3) -> gap -> flatten -> linear(10)",
    "conv(8, 3) -> linear(10)",
    "conv(12, 3, g=5) -> gap -> flatten -> linear(10)",
    "a = maxpool(2)\n    concat(a, x) -> gap -> flatten -> linear(10)",
    "conv(8, 3) -> gap -> flatten -> linear(10)\n    budget params <= 1MB",
]


@pytest.mark.parametrize("body", CERTAIN + CHOICES)
def test_only_what_nothing_else_can_be_meant_by_is_changed(body: str, tmp_path: Path) -> None:
    """The first are misspelt, or lack what has one value; of the others there are several networks to choose from."""
    path = tmp_path / "net.dl"
    path.write_text(f"net f on x[N, 3, H=32, W=32] -> [N, 10]:\n    {body}\n", encoding="utf-8")

    def check(texts: Mapping[Path, str]) -> Findings:
        return check_file(path, loader=Loader().edited({str(at): text for at, text in texts.items()}))

    before = check({})
    assert before.errors
    fixing = Fixing(check, path, before)
    fixing.run()
    assert bool(fixing.applied) == (body in CERTAIN) == fixing.findings.ok


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

"""Every construct of the language gives the tree it should: `trees/*.dl` with a dump beside each."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from dslc.syntax import tree
from dslc.syntax.dump import dump
from tests.syntax.sample import SAMPLES, block, expression, good, read

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("path", SAMPLES, ids=[p.stem for p in SAMPLES])
def test_trees(path: Path, golden: Callable[[Path, str], None]) -> None:
    golden(path.with_suffix(".txt"), dump(good(read(path))))


@pytest.mark.parametrize("path", sorted([*ROOT.glob("stdlib/*.dl"), *ROOT.glob("examples/*.dl")]), ids=lambda p: p.name)
def test_programs_parse(path: Path) -> None:
    assert good(read(path)).items


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("4.2G", 4_200_000_000),
        ("8MB", 8_000_000),
        ("2.5kB", 2_500),
        ("24GiB", 24 * 2**30),
        ("1.5KiB", 1_536),
        ("100B", 100),
        ("1.5K", 1500),
        ("1.2345K", 1234.5),
        ("0.1K", 100),
        ("26M", 26_000_000),
        ("1T", 10**12),
        ("2e3K", 2_000_000),
        ("1_000", 1000),
        ("1e3", 1000.0),
        ("1.", 1.0),
        (".5", 0.5),
        ("0", 0),
    ],
)
def test_numbers(text: str, value: float) -> None:
    number = expression(text)
    assert isinstance(number, tree.Number)
    assert (number.value, type(number.value)) == (value, type(value))


def test_comments_are_kept() -> None:
    text = "# top\nlet a = (1,  # one\n    # two\n    2)\n## doc\nlet b = 3 #last"
    file = good(text)
    assert [(c.text, c.own_line, c.span.line) for c in file.comments] == [
        ("# top", True, 1),
        ("# one", False, 2),
        ("# two", True, 3),
        ("## doc", True, 5),
        ("#last", False, 6),
    ]
    assert all(c.span.text == c.text for c in file.comments)
    assert [item.doc for item in file.items] == ["", "doc"]


@pytest.mark.parametrize("text", ["", "\n", "   \n\n", "# only\n", "  # only", "\n\n\n# a\n    # b\n"])
def test_nothing(text: str) -> None:
    assert good(text).items == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.rstrip("\n"),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", "   \n"),
        lambda text: text.replace("    ", "  "),
        lambda text: text.replace("\n", "\n\n"),
        lambda text: text.replace("\n", "  # remark\n"),
        lambda text: text + "    # last\n",
    ],
    ids=[
        "no last newline",
        "crlf",
        "byte order mark",
        "blanks",
        "two spaces",
        "empty lines",
        "comments",
        "comment last",
    ],
)
@pytest.mark.parametrize("path", [p for p in SAMPLES if p.stem in ("program", "statements")], ids=lambda p: p.stem)
def test_layout_does_not_matter(path: Path, change: Callable[[str], str]) -> None:
    text = read(path)
    plain = text[text.index("\n") + 1 :] if text.startswith("##") else text
    assert dump(good(change(plain))) == dump(good(plain))


def test_a_suite_belongs_to_the_last_step() -> None:
    (item,) = good(block("a -> f(1) as name:\n    b")).items
    assert isinstance(item, tree.Block)
    (step,) = item.suite.body
    assert isinstance(step, tree.Step) and isinstance(step.value, tree.Chain)
    last = step.value.steps[-1]
    assert isinstance(last, tree.As) and isinstance(last.value, tree.Call)
    assert last.value.suite is not None and not last.value.bare


def test_groups_leave_no_node_but_hold_together() -> None:
    chain = expression("a -> (b -> c)")
    assert isinstance(chain, tree.Chain) and len(chain.steps) == 2
    assert isinstance(chain.steps[1], tree.Chain)
    assert dump(expression("((a)) -> ((b))")) == "(-> a b)"

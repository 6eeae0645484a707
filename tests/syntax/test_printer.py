"""`unparse` writes an expression on one line that reads as the same expression."""

from __future__ import annotations

from pathlib import Path

import pytest

from dslc.syntax import tree
from dslc.syntax.dump import dump
from dslc.syntax.printer import unparse
from tests.syntax.sample import SAMPLES, block, expression, good, nodes, read


@pytest.mark.parametrize("path", SAMPLES, ids=[p.stem for p in SAMPLES])
def test_round_trip(path: Path) -> None:
    for node, _ in nodes(good(read(path)).items):
        if not isinstance(node, tree.Expr) or isinstance(node, tree.Slice):
            continue
        if isinstance(node, tree.Text) and node.span.text.startswith("`"):
            continue  # the text of a back-tick name, which is printed with it
        text = unparse(node)
        assert "\n" not in text
        has_suite = any(isinstance(each, tree.Suite) for each, _ in nodes(node))
        if not has_suite:
            assert dump(expression(text)) == dump(node), text
            assert unparse(expression(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "a + b * c",
        "(a + b) * c",
        "a - (b - c)",
        "-a**2",
        "(-a)**2",
        "a**b**c",
        "(a**b)**c",
        "not a in b",
        "(not a) in b",
        "a < b < c",
        "(a < b) < c",
        "a if b else c if d else e",
        "(a if b else c) if d else e",
        "(a if b else c) -> d",
        "a -> (b -> c) -> d",
        "(a -> b) as c",
        "(a -> b)(1)",
        "conv(8, s=2) as `x-{i}` -> (a, b)",
        "(a,)",
        "()",
        "x[0:1, ::2, ..., :]",
        "[x -> f for x, y in zip(a, b) if x if y]",
        "f(*a, *b, k = c -> d, s=d + 1, t = a if b else c)",
        "(a as b)(c)",
        '"say \\"{x}\\" \\{\\} \\\\ \\n"',
        "1000000",
        "0.001",
        "1e20",
        "3x3",
    ],
)
def test_canonical_text_stays(text: str) -> None:
    assert unparse(expression(text)) == text


def test_suites_are_left_out() -> None:
    (item,) = good(block("a -> f(1) as n:\n    b\nseq:\n    b\nseq as s:\n    b\ng: b")).items
    assert isinstance(item, tree.Block)
    steps = [step for step in item.suite.body if isinstance(step, tree.Step)]
    assert [unparse(step.value) for step in steps] == ["a -> f(1) as n: ...", "seq: ...", "seq as s: ...", "g: ..."]

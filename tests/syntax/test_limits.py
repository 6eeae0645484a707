"""Large texts are parsed without recursion, and texts beyond the limits get one clear error."""

from __future__ import annotations

import sys

import pytest

from dslc.diagnostics.model import Diagnostic
from dslc.syntax import text as rules
from dslc.syntax import tree
from dslc.syntax.dump import dump
from dslc.syntax.layout import DEEPEST, HEAVIEST
from dslc.syntax.printer import unparse
from tests.syntax.sample import block, good, nodes, parse_text


def only(text: str) -> Diagnostic:
    _, diagnostics = parse_text(text)
    assert len(diagnostics) == 1, [f"{d.span}: {d.code} {d.message}" for d in diagnostics]
    return diagnostics[0]


def body(text: str) -> tuple[tree.Stmt, ...]:
    (item,) = good(text).items
    assert isinstance(item, tree.Block)
    return item.suite.body


def test_many_lines() -> None:
    assert len(body("block a() on x:\n" + "    conv(8) -> relu\n" * 50_000)) == 50_000


def test_many_items() -> None:
    assert len(good("".join(f"let a{i} = {i}\n" for i in range(20_000))).items) == 20_000


@pytest.mark.parametrize("joint", [" -> ", "\n        -> "])
def test_many_steps(joint: str) -> None:
    (step,) = body(block(joint.join(["relu"] * 50_000)))
    assert isinstance(step, tree.Step) and isinstance(step.value, tree.Chain)
    assert len(step.value.steps) == 50_000


@pytest.mark.parametrize("form", ["f({})", "[{}]", "({})", "x = {}"])
def test_many_values(form: str) -> None:
    assert body(block(form.format(", ".join(["a"] * 20_000))))


def test_many_branches() -> None:
    text = block("if a: b\n" + "elif a: b\n" * 5_000 + "else: c\nconcat:\n" + "    | d\n" * 5_000)
    choice, _ = body(text)
    assert isinstance(choice, tree.If) and len(choice.branches) == 5_002


def test_file_too_long() -> None:
    for text in ("a" * (rules.LONGEST_FILE + 1), "let a = (\n" * 1_000_000):
        assert len(text) > rules.LONGEST_FILE
        found = only(text)
        assert (found.code, found.span.start) == ("E0101", 0)
        assert "4,194,304" in found.message


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("[", "]"), ("f(", ")"), ("-(", ")")])
def test_brackets_too_deep(opening: str, closing: str) -> None:
    good(f"let a = {opening * DEEPEST}b{closing * DEEPEST}\n" if opening != "-(" else "let a = b\n")
    found = only(f"let a = {opening * (DEEPEST + 1)}b{closing * (DEEPEST + 1)}\n")
    assert found.code in ("E0125", "E0126")
    assert only("let a = " + opening * 100_000 + "\nlet b = 3\n").code in ("E0125", "E0126")


def nested(depth: int) -> str:
    return "block a() on x:\n" + "".join(f"{'  ' * (i + 1)}if b:\n" for i in range(depth)) + "  " * (depth + 1) + "c\n"


def test_suites_too_deep() -> None:
    good(nested(DEEPEST - 1))
    found = only(nested(DEEPEST))
    assert (found.code, found.span.text) == ("E0125", "c")
    assert only(nested(500)).code == "E0125"


def test_brackets_in_suites_count_together() -> None:
    text = nested(DEEPEST - 2).replace("c\n", "f(c)\n")
    good(text)
    assert only(text.replace("f(c)", "f((c))")).code == "E0125"


@pytest.mark.parametrize(
    "form",
    ["a + ", "a ** ", "not ", "a and ", "a if b else ", "-", "a < b and ", "f(a) + "],
)
def test_too_many_operators(form: str) -> None:
    count = HEAVIEST // 2 - 10
    good(f"let x = {form * (count // 2)}a\n")
    assert only(f"let x = {form * 50_000}a\n").code == "E0126"


@pytest.mark.parametrize("form", [".b", "[0]", "()", "(a)"])
def test_too_many_calls(form: str) -> None:
    good(f"let x = a{form * (HEAVIEST // 2)}\n")
    assert only(f"let x = a{form * 50_000}\n").code == "E0126"


def test_what_is_accepted_is_not_deep() -> None:
    """The deepest trees that pass are walked by plain recursion, as later passes do."""
    inner = "a + " * 30 + "b"
    text = nested(30).replace("c\n", "f(" * 30 + inner + ")" * 30 + "\n")
    file = good(text)
    dump(file)
    for node, _ in nodes(file.items):
        if isinstance(node, tree.Expr):
            unparse(node)
    assert sys.getrecursionlimit() <= 1000


def test_wrong_text_is_bounded() -> None:
    for text in ("$" * 200_000, "let a = b c\n" * 50_000, "'" * 100_001, "(" * 100_000, "  a\n a\n" * 50_000):
        _, diagnostics = parse_text(text)
        assert 0 < len(diagnostics) <= rules.MOST_FOUND

"""Several mistakes in one run: each is reported once, and what is right around them is read."""

from __future__ import annotations

import random
import re

import pytest

from dslc.syntax import parser, tree
from dslc.syntax.dump import dump
from tests.syntax.sample import SAMPLES, block, parse_text, read


def found(text: str) -> list[tuple[int, str]]:
    _, diagnostics = parse_text(text)
    return [(d.span.line, d.code) for d in diagnostics]


def test_one_mistake_in_each_of_several_items() -> None:
    text = "net a() on x:\n    conv(8) relu\n\nnet b(:\n    relu\n\nlet c = \n\nnet d() on x: relu\n"
    assert found(text) == [(2, "E0162"), (4, "E0127"), (7, "E0162")]
    file, _ = parse_text(text)
    assert [dump(item).split("\n")[0] for item in file.items] == ["net a on x", "lost b", "lost c", "net d on x"]


def test_several_in_one_body_and_the_rest_is_read() -> None:
    text = block("a\nb c\nd\nfor i in :\n    e f\n    g\nh = \ni")
    assert found(text) == [(3, "E0162"), (5, "E0162"), (6, "E0162"), (8, "E0162")]
    file, _ = parse_text(text)
    assert dump(file) == (
        "block body on x[N C]\n  step a\n  step lost\n  step d\n"
        "  step lost i\n    step lost\n    step g\n  step lost h\n  step i"
    )


def test_a_broken_if_keeps_its_else() -> None:
    text = block("if a b:\n    c\nelif d e: f\nelse g:\n    h i\nj")
    assert found(text) == [(2, "E0162"), (4, "E0162"), (5, "E0162"), (6, "E0162")]


@pytest.mark.parametrize(
    "header", ["net a() n x:", "net a() on x[N M]:", "fn f(x y):", "extern block a() on x y:", "bloc a():"]
)
def test_under_a_broken_header_the_body_is_read(header: str) -> None:
    codes = [code for line, code in found(f"{header}\n    relu\n    b c\n    | d\n\nnet z() on x: y z\n") if line != 1]
    assert codes == ["E0162", "E0162"]


def test_mistakes_of_text_and_of_form_in_one_run() -> None:
    text = "net größe() on x:\n    conv(3x) -> relu\n    a + b -> c\n    seq\n    d e\n    f = 'x'\n    g(0x3)\n"
    assert found(text) == [
        (1, "E0103"),
        (2, "E0107"),
        (3, "E0140"),
        (4, "E0132"),
        (5, "E0162"),
        (6, "E0106"),
        (7, "E0108"),
    ]


def test_a_line_with_a_wrong_character_is_reported_once() -> None:
    assert found(block("a $ b c ) d\ne")) == [(2, "E0104"), (2, "E0128")]
    assert found(block("a $ b c\ne f")) == [(2, "E0104"), (3, "E0162")]


def test_an_unclosed_bracket_does_not_take_the_next_item() -> None:
    text = "net a() on x:\n    conv(8, (3, 3)\n    relu\n\nnet b() on x:\n    relu\n"
    assert found(text) == [(2, "E0127")]
    file, _ = parse_text(text)
    assert len(file.items) == 2


def test_an_open_string_does_not_take_the_next_line() -> None:
    assert found(block('f(a, "b)\nc d\ne')) == [(2, "E0105"), (3, "E0162")]


def test_one_uneven_line_is_one_mistake() -> None:
    lines = [f"    a{i}\n" for i in range(50)]
    for shift in ("   a\n", "     a\n"):
        text = "net a() on x:\n" + "".join([*lines[:25], shift, *lines[25:]])
        assert found(text) == [(27, "E0121")]
    text = "net a() on x:\n     a\n" + "".join(lines)
    assert {code for _, code in found(text)} == {"E0121"} and len(found(text)) <= 2


def test_stray_lines_are_reported_once_for_a_run_of_them() -> None:
    assert found("a\nb\n\nlet c = 3\nd\ne\n") == [(1, "E0160"), (5, "E0160")]


def test_attempts_are_bounded() -> None:
    text = "".join(f"net n{i}() on x: a b\n" for i in range(100))
    assert len(found(text)) == parser.ATTEMPTS + 1


def test_spans_are_of_the_whole_file() -> None:
    _, diagnostics = parse_text("# ä\nnet a() on x:\n    b c\nnet d() on x:\n    e f\n")
    assert [(str(d.span), d.span.text) for d in diagnostics] == [("test.dl:3:7", "c"), ("test.dl:5:7", "f")]


def test_diagnostics_come_in_the_order_of_the_text() -> None:
    _, diagnostics = parse_text(block("a b\nc = 3x\nd e\nf -> g + h\ni j"))
    starts = [d.span.start for d in diagnostics]
    assert starts == sorted(starts) and len(starts) == 5


def test_a_tree_with_mistakes_is_whole() -> None:
    """Whatever is left of a wrong text is a tree without placeholders of the parser."""
    file, _ = parse_text(block("if a b: c\nelse: d\nx = (e f)\nlet g\nfor h in i j: k\n| l m\nn"))
    assert isinstance(file, tree.File)
    assert "Broken" not in repr(file.items)
    dump(file)


PIECES = [
    *"()[]{}:,.|`\"'\t#\\\n=;$",
    "\n    ",
    "\n  ",
    "->",
    "if",
    "else",
    "for",
    "seq",
    "as",
    "it",
    "é",
    "0x3",
    "&&",
    "\0",
]


@pytest.mark.parametrize("seed", range(40))
def test_mutated_programs_never_raise(seed: int) -> None:
    rng = random.Random(seed)
    text = read(rng.choice(SAMPLES))
    words = re.findall(r"\w+|\s+|[^\w\s]", text)
    for _ in range(30):
        changed = list(words)
        for _ in range(rng.randrange(1, 6)):
            at = rng.randrange(len(changed))
            changed[at : at + rng.randrange(2)] = [rng.choice(PIECES)] if rng.random() < 0.6 else []
        file, diagnostics = parse_text("".join(changed))
        dump(file)
        for diagnostic in diagnostics:
            assert diagnostic.message and "\n" not in diagnostic.message
            assert 0 <= diagnostic.span.start <= diagnostic.span.end <= len(file.source.text)


# ---- what could not be read stays in the tree


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("y = conv(8 3)", "step lost y"),
        ("a, b = chunk(2 2)", "step lost a b"),
        ("let n = 3 4", "step lost n"),
        ("module head = linear(4 4)", "step lost head"),
        ("conv(8 3)", "step lost"),
        ("require n n", "step lost"),
        ("use std.conv: cba", "step lost cba"),
    ],
)
def test_a_lost_line_keeps_the_names_that_it_gives(line: str, shown: str) -> None:
    file, _ = parse_text(block(f"a\n{line}\nb"))
    assert dump(file).split("\n")[1:] == ["  step a", f"  {shown}", "  step b"]


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("net a(n: int on x:\n    relu", "a"),
        ("blok unit(n: int) on x:\n    relu", "blok unit"),
        ("use std.conv: cba dw", "cba dw"),
        ("use std.conv", "*"),
        ("from parts import head", "head"),
        ("let c = ", "c"),
    ],
)
def test_a_lost_item_keeps_the_names_that_it_defines(line: str, names: str) -> None:
    file, _ = parse_text(f"{line}\n\nnet z() on x: relu\n")
    assert [dump(item).split("\n")[0] for item in file.items] == [f"lost {names}", "net z on x"]


def test_what_is_read_otherwise_than_meant_is_lost_too() -> None:
    file, diagnostics = parse_text(block("a\nconv(0x3)\nit = 3\nb"))
    assert len(diagnostics) == 2
    assert dump(file).split("\n")[1:] == ["  step a", "  step lost", "  step lost", "  step b"]


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("conv(8, 3", "conv(8, 3)"),
        ("concat(a, conv(8, 3", "concat(a, conv(8, 3))"),
        ("y = conv(8, 3) -> relu;", "y = conv(8, 3) -> relu"),
        ("f(mode='half')", 'f(mode="half")'),
    ],
)
def test_a_slip_with_one_meaning_is_read_as_meant(line: str, meant: str) -> None:
    file, diagnostics = parse_text(block(f"{line}\nb"))
    assert len(diagnostics) == 1
    assert dump(file) == dump(parse_text(block(f"{meant}\nb"))[0])


@pytest.mark.parametrize("line", ["conv(8, 3 -> relu", "y = f(a as b", "concat(x for y"])
def test_a_bracket_that_may_end_elsewhere_is_not_closed(line: str) -> None:
    file, _ = parse_text(block(f"{line}\nb"))
    assert "lost" in dump(file) and dump(file).endswith("step b")


def test_an_unclosed_bracket_leaves_the_lines_below_it_theirs() -> None:
    text = block("a = conv(8, 3\n# why\nb = conv(8 3)\nconcat(\n    a,\n    b\n)")
    assert found(text) == [(2, "E0127"), (4, "E0162")]
    file, _ = parse_text(text)
    assert dump(file).split("\n")[1:] == [
        "  name a (call conv 8 3)",
        "  step lost b",
        "  step (call concat a b)",
    ]
    assert [comment.text for comment in file.comments] == ["# why"]


def test_lines_at_the_wrong_column_take_the_end_of_the_body_away() -> None:
    file, _ = parse_text("net a() on x:\n    relu\nconv(8, 3)\n\nnet b() on x: relu\n")
    assert [dump(item).split("\n") for item in file.items] == [
        ["net a on x", "  step relu", "  step lost"],
        ["net b on x", "  step relu"],
    ]


def test_a_file_that_is_not_read_to_its_end_says_so() -> None:
    assert parse_text(block("a\nb c"))[0].whole
    assert not parse_text("".join(f"net a{i}() on x:\n    b c\n" for i in range(100)))[0].whole

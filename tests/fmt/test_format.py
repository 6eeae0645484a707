"""The formatter: pairs of texts, programs spoilt at random, and every program of the project."""

from __future__ import annotations

import re
import time
from pathlib import Path
from random import Random

import pytest

from dslc.diagnostics.model import Sink
from dslc.source import Source
from dslc.syntax import tree
from dslc.syntax.dump import dump
from dslc.syntax.format import program
from dslc.syntax.format.place import WIDTH
from dslc.syntax.format.program import NotPreserved, TooLong, format_source
from dslc.syntax.printer import unparse
from tests.fmt.sample import MARK, Programs, formatted, laid_out, spoilt, with_comments
from tests.syntax.sample import SAMPLES, good, nodes

ROOT = Path(__file__).resolve().parents[2]
INPUTS = sorted((Path(__file__).parent / "input").glob("*.dl"))
EXPECTED = sorted((Path(__file__).parent / "expected").glob("*.dl"))
ODD = (
    "tests/fmt/input",
    "tests/syntax/trees",
    "tests/errors/syntax",
    "tests/mistakes",
)  # odd spelling is what these are for
WRONG = {ROOT / "tests" / "errors" / "calls" / "brackets.dl"}  # a syntax error of another chapter
PROJECT = sorted(
    path
    for folder in ("examples", "stdlib", "tests", "benchmarks", "docs")
    for path in (ROOT / folder).rglob("*.dl")
    if not path.relative_to(ROOT).as_posix().startswith(ODD) and path not in WRONG
)
PROGRAMS = [path for path in PROJECT if path.parent.name in ("examples", "stdlib", "expected")]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


# ---- pairs


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: path.stem)
def test_pair(path: Path) -> None:
    expected = read(path.parent.parent / "expected" / path.name)
    assert formatted(read(path)) == expected
    assert formatted(expected) == expected


def test_pairs_have_every_form_of_the_grammar() -> None:
    seen = {type(node) for path in INPUTS for node, _ in nodes(good(read(path)))}
    forms = {
        kind
        for kind in vars(tree).values()
        if isinstance(kind, type) and hasattr(kind, "__match_args__") and kind.__module__ == tree.__name__
    }
    lost = {tree.Lost, tree.LostItem}  # what could not be read: such a file is left as it is
    assert forms - seen == {tree.Expr, tree.Stmt, tree.Item, tree.File} | lost  # bases, and the whole


def test_pairs_have_every_token_of_the_grammar() -> None:
    seen = {token.kind for path in INPUTS for line in laid_out(read(path)).lines for token in line.tokens}
    scanner = program._scanner()
    assert {*scanner.symbols.values(), *scanner.keywords.values(), "SIZE", "STRING", "TICKED", "NUMBER"} - seen == set()


@pytest.mark.parametrize("text", ["", "\n", "   \n\n", "\ufeff"])
def test_nothing_stays_nothing(text: str) -> None:
    assert formatted(text) == ""


def test_line_ends_and_the_byte_order_mark_are_normal() -> None:
    assert formatted("\ufeffblock a:  \r\n    relu # c\r\n\r\n\r\n    gelu") == "block a:\n    relu  # c\n\n    gelu\n"


# ---- every program of the project


@pytest.mark.parametrize("path", PROJECT, ids=name)
def test_every_program_of_the_project_is_formatted(path: Path) -> None:
    assert formatted(read(path)) == read(path), f"dslc fmt {name(path)}"


@pytest.mark.parametrize("path", [*PROGRAMS, *SAMPLES], ids=name)
def test_lines_are_no_wider_than_they_can_be(path: Path) -> None:
    text = formatted(read(path))
    behind = {comment.span.start for comment in laid_out(text).comments}
    at = 0
    for line in text.splitlines(keepends=True):
        remark = next((start for start in range(at, at + len(line)) if start in behind), at + len(line))
        code = text[at:remark].rstrip()
        atom = '"' in code or not re.search(r" -> |[(\[].", code)  # a long string, or nowhere to break
        assert len(code) <= WIDTH or atom or path.stem == "long", code
        at += len(line)


# ---- at random


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("path", [path for path in PROGRAMS if path.stem != "comments"], ids=name)
def test_spaces_empty_lines_and_indentation_are_taken_back(path: Path, seed: int) -> None:
    text = formatted(read(path))
    mangled = spoilt(text, Random(f"{path.name}{seed}"))
    assert mangled != text and plain(formatted(mangled)) == plain(text)


def plain(text: str) -> str:
    """A text without its comments behind code and without those that were put in."""
    own = re.sub(rf"^ *{MARK}.*\n", "", re.sub(MARK[0] + " ~", MARK, text), flags=re.MULTILINE)
    starts = [(c.span.start, c.span.end) for c in laid_out(own).comments if not c.own_line]
    for start, end in reversed(starts):
        own = own[:start].rstrip(" ") + own[end:]
    return re.sub(r"\n\n+", "\n\n", own)


@pytest.mark.parametrize("path", [*PROGRAMS, *SAMPLES], ids=name)
def test_comments_and_breaks_anywhere(path: Path) -> None:
    source = read(path)
    for share in (0.02, 0.2, 0.7):
        text = with_comments(source, Random(f"{path.name}{share}"), share)
        once = formatted(text)  # which compares trees and comments
        assert formatted(once) == once
        assert once.count("~") == text.count("~") and not re.search(r" \n|\n\n\n", once)
        assert dump(good(once)) == dump(good(source))


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1])
@pytest.mark.parametrize("seed", range(12))
def test_lines_that_are_too_long(seed: int, share: float) -> None:
    random = Random(f"{seed} {share}")
    text = with_comments(Programs(random).program(), random, share)
    once = formatted(text)
    assert formatted(once) == once


# ---- with the printer


@pytest.mark.parametrize("path", [*SAMPLES, *PROGRAMS], ids=name)
def test_the_printer_writes_as_the_formatter(path: Path) -> None:
    texts = set()
    for node, _ in nodes(good(read(path)).items):
        if isinstance(node, tree.Expr) and not isinstance(node, tree.Slice | tree.Text):
            text = unparse(node)
            if len(text) < WIDTH - 8 and ": ..." not in text:
                texts.add(text)
    assert texts
    for text in texts:
        assert formatted(f"let a = {text}\n") == f"let a = {text}\n"


# ---- size, depth, and the promise


@pytest.mark.parametrize("form", ["let a = [{}]\n", "let a = f([[g({})]])\n"])
@pytest.mark.parametrize(("item", "joint"), [("a", ","), ("f(a, b)", ", "), ("(a,\nb)", ","), ("c", " , #c\n")])
def test_time_grows_with_length(form: str, item: str, joint: str) -> None:
    def seconds(count: int) -> float:
        text = form.format(joint.join([item] * count))
        begun = time.process_time()
        formatted(text)
        return time.process_time() - begun

    small = min(seconds(250) for _ in range(2))
    assert seconds(2000) < 25 * small + 0.1  # 8 times as long: 64 times the time if it were quadratic


def test_a_long_chain_and_deep_brackets() -> None:
    chain = formatted("block a() on x:\n    " + " -> ".join(["conv(8)"] * 5000) + "\n")
    assert max(map(len, chain.splitlines())) <= WIDTH and chain.count("->") == 4999
    deep = formatted("let a = " + "[" * 60 + "b, c" * 40 + "]" * 60 + "\n")
    assert formatted(deep) == deep


def test_text_that_becomes_too_long_to_be_read() -> None:
    nested = "[f(" * 30 + ",".join(["a" * 200] * 15_000) + ")]" * 30
    with pytest.raises(TooLong):
        format_source(Source("test.dl", f"let a = {nested}\n"), Sink())


def test_a_program_with_errors_has_no_text() -> None:
    sink = Sink()
    assert format_source(Source("test.dl", "net f on x[N]:\n    conv(8\n"), sink) is None
    assert [d.code for d in sink.diagnostics] == ["E0127"]


@pytest.mark.parametrize("lost", ["let a = 1 + 2\n", "let a = 1  # c\n", "let a = (\n"])
def test_another_program_is_never_returned(lost: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the formatter did wrong."""
    monkeypatch.setattr(program._Formatter, "text", lambda self: lost)
    with pytest.raises(NotPreserved):
        formatted("let a   = 1\n")

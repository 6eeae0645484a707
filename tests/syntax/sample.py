"""Parsing in tests: texts to trees, or to what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from dslc.diagnostics.model import Diagnostic, Sink
from dslc.source import Source, Span
from dslc.syntax import tree
from dslc.syntax.parser import parse

TREES = Path(__file__).parent / "trees"
SAMPLES = sorted(TREES.glob("*.dl"))


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def parse_text(text: str) -> tuple[tree.File, tuple[Diagnostic, ...]]:
    sink = Sink()
    return parse(Source("test.dl", text), sink), sink.diagnostics


def good(text: str) -> tree.File:
    """The tree of a text that has nothing wrong."""
    file, diagnostics = parse_text(text)
    assert not diagnostics, [f"{d.span}: {d.code} {d.message}" for d in diagnostics]
    return file


def expression(text: str) -> tree.Expr:
    """The expression of a text."""
    (item,) = good(f"let value = {text}\n").items
    assert isinstance(item, tree.LetItem)
    return item.value


def block(body: str) -> str:
    """A program around the lines of a body."""
    lines = body.strip("\n").split("\n")
    return "block body() on x[N, C]:\n" + "\n".join(f"    {line}" for line in lines) + "\n"


def nodes(root: object) -> Iterator[tuple[object, tuple[object, ...]]]:
    """All nodes under one that have a span, each with those it stands in, outermost first."""
    stack: list[tuple[object, tuple[object, ...]]] = [(root, ())]
    while stack:
        node, parents = stack.pop()
        if isinstance(node, tuple):
            stack += [(child, parents) for child in node]
        elif hasattr(node, "__match_args__") and not isinstance(node, Span | Source):
            spanned = hasattr(node, "span")
            if spanned:
                yield node, parents
            inside = (*parents, node) if spanned else parents
            stack += [(getattr(node, name), inside) for name in node.__match_args__]

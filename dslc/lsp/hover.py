"""What is known of the text under the pointer: signature, page, shape, costs, budgets."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import cleandoc
from typing import Final

from lsprotocol import types as lsp

from dslc.analyse import Made
from dslc.analyse.completion import call_around
from dslc.bind import language
from dslc.bind.signatures import signature_of, signature_of_op
from dslc.bind.table import Symbol, Use
from dslc.docs import docstring
from dslc.lsp.documents import Document
from dslc.lsp.names import use_at
from dslc.lsp.places import range_of
from dslc.ops.base import REGISTRY
from dslc.reports.numbers import short
from dslc.source import Span
from dslc.syntax import tree

MOST_DOC: Final = 1_500
"""Letters of a page that are shown."""


def hover(document: Document, offset: int, encoding: str) -> lsp.Hover | None:
    """What is known of the text at an offset: the signature with its page, the tensor that it makes, its costs."""
    analysis = document.focus
    if analysis is None or analysis.source is None:
        return None
    parts: list[str] = []
    use = use_at(analysis, offset)
    place = None
    if use is not None:
        place = range_of(use.span, encoding)
        parts += about(use.symbol) if use.symbol.kind != "attribute" else [_attribute(document.text, use)]
        if use.symbol.kind == "tensor" and (tensor := _of_symbol(document, use.symbol)) is not None:
            parts.append(shape_text(tensor))
    if use is None or use.symbol.kind not in ("tensor", "parameter", "size", "attribute", "port", "let", "loop"):
        for shapes in analysis.shapes.values():
            made = shapes.at(analysis.source.path, offset)
            if made is None or made.words is None:
                continue
            lines = [shape_text(made)]
            cost = shapes.cost(made)
            if cost is not None and any(cost):
                lines.append(f"{short(cost[0], 1)} params, {short(cost[1], 1)} MACs")
            if sees := shapes.field(made):
                lines.append(f"one unit sees {sees} places of the input")
            parts.append("  \n".join(lines))
            place = place or range_of(made.span, encoding)
    for span, text in _numbers(document, offset):
        parts.append(text)
        place = place or range_of(span, encoding)
    if not parts:
        return None
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, "\n\n".join(parts)), place)


def _numbers(document: Document, offset: int) -> Iterator[tuple[Span, str]]:
    """What a net costs, at its name, and what it needs of a limit, at its budget: once the text was checked."""
    source = document.whole.source if document.whole is not None else None
    if document.whole is None or document.whole.program is None or source is None or source.text != document.text:
        return
    for name, item in document.whole.program.nets.items():
        numbers = document.costs.get(name)
        if numbers is None:
            continue
        if item.name_span.start <= offset <= item.name_span.end:
            yield item.name_span, numbers.text
        for budget, text in numbers.budgets:
            if budget.span.source.path == source.path and budget.span.start <= offset <= budget.span.end:
                yield budget.span, f"`{budget.span.text}`: `{name}` needs {text}"


def _attribute(text: str, use: Use) -> str:
    """An argument of a layer of the language, by what the layer takes."""
    name = use.symbol.name
    called = call_around(text, use.span.start)
    op = REGISTRY.get(called[0]) if called is not None else None
    slot = next((s for s in signature_of_op(op).slots if s.name == name), None) if op is not None else None
    shown = name if slot is None else slot.text or name
    return f"```dl\n{shown}\n```\n\n" + (f"an attribute of `{op.name}`" if op is not None else "an attribute")


def shape_text(made: Made) -> str:
    """`[N, out, H // s, W // s]`, by default `[1, 64, 56, 56]`, in 8 expansions."""
    uses = f", the first of {made.count}" if made.count > 1 else ""
    words = made.words or "of several shapes"
    same = made.words == made.default
    return f"`{words}`" + ("" if same else f", by default `{made.default}`{uses}")


def _of_symbol(document: Document, symbol: Symbol) -> Made | None:
    """The tensor that a name of a body stands for."""
    if symbol.span is None:
        return None
    for _, left in document.made():
        for made in left:
            if made.span == symbol.span:
                return made
    assert document.focus is not None
    for shapes in document.focus.shapes.values():
        made_at = shapes.port(symbol.span)
        if made_at is not None:
            return made_at
    return None


def about(symbol: Symbol) -> list[str]:
    """The signature of a name as a program, and its page."""
    head, doc = signature(symbol), symbol.doc
    item = symbol.item
    if item is not None:
        doc = item.doc or doc
    elif symbol.kind == "language" and symbol.name in REGISTRY:
        doc = docstring(REGISTRY[symbol.name])
    doc = cleandoc(doc)
    if len(doc) > MOST_DOC:
        doc = doc[:MOST_DOC].rsplit("\n\n", 1)[0]
        if doc.count("```") % 2:
            doc = doc.rsplit("```", 1)[0].rstrip()
    return [f"```dl\n{head}\n```", *([doc] if doc else [])]


def signature(symbol: Symbol) -> str:
    """One line that says what a name is."""
    if symbol.item is not None:
        return header(symbol.item)
    if symbol.kind == "language":
        kind = language.kind_of(symbol.name)
        if kind == "layer":
            return signature_of_op(REGISTRY[symbol.name]).text
        return f"{symbol.name}  # {kind or 'of the language'}"
    if symbol.span is None:
        return f"{symbol.name}  # {symbol.kind}"
    home = getattr(symbol.home, "name", "")
    if symbol.kind in ("parameter", "size"):
        declared = next((p for p in getattr(symbol.home, "parameters", ()) if p.name_span == symbol.span), None)
        text = symbol.name if declared is None else declared.span.text
        return f"{text}  # {symbol.kind}{f' of {home}' if home else ''}"
    text = symbol.span.source.line_text(symbol.span.line).strip()
    return text if symbol.kind in ("let", "loop", "module") else f"{symbol.name}  # {symbol.kind}"


def header(item: tree.Definition) -> str:
    """A definition without its body."""
    text = item.span.text
    if isinstance(item, tree.Block):
        text = text[: max(item.suite.span.start - item.span.start, 0)].rstrip().rstrip(":=").rstrip() or text
    elif isinstance(item, tree.Extern | tree.Fn):
        text = signature_of(item).text if isinstance(item, tree.Fn) else text.split(" = ")[0]
    return text if len(text) < 1_000 else text.splitlines()[0]

"""What a name means: definition, references, hover, colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from lsprotocol import types as lsp

from dslc.analyse import Analysis, Made
from dslc.bind import language
from dslc.bind.signatures import signature_of, signature_of_op
from dslc.bind.table import Symbol, Use
from dslc.docs import docstring
from dslc.lsp.documents import Document
from dslc.lsp.places import Lines, location_of, range_of
from dslc.lsp.workspace import place_of
from dslc.ops.base import REGISTRY
from dslc.reports.numbers import short
from dslc.syntax import tree

MOST_DOC: Final = 1_500
"""Letters of a page that a hover shows."""


def use_at(analysis: Analysis | None, offset: int) -> Use | None:
    """The name at an offset of the main file."""
    if analysis is None or analysis.table is None or analysis.source is None:
        return None
    return analysis.table.at(analysis.source.path, offset)


def definition(analysis: Analysis | None, offset: int, encoding: str) -> lsp.Location | None:
    """Where a name is declared, in std too; none of a name of the language."""
    use = use_at(analysis, offset)
    return None if use is None or use.symbol.span is None else location_of(use.symbol.span, encoding)


def references(
    document: Document, offset: int, declared: bool, others: Callable[[Symbol], Iterable[Use]], encoding: str
) -> list[lsp.Location]:
    """All places of the program that name what a name means, and `others` of the workspace."""
    use = use_at(document.focus, offset)
    if use is None or document.focus is None or document.focus.table is None:
        return []
    uses = [*document.focus.table.uses(use.symbol), *others(use.symbol)]
    spans = [u.span for u in uses if declared or u.role != "bind"]
    own = use.symbol.span
    if declared and own is not None and all(own != span for span in spans):
        spans.insert(0, own)
    return list({place_of(span): location_of(span, encoding) for span in spans}.values())


# ---- hover


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
        parts += about(use.symbol)
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
            place = place or lsp_range(made, encoding)
    if not parts:
        return None
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, "\n\n".join(parts)), place)


def lsp_range(made: Made, encoding: str) -> lsp.Range:
    """The place of a tensor's text."""
    return range_of(made.span, encoding)


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
    doc = doc.strip()
    if len(doc) > MOST_DOC:
        doc = doc[:MOST_DOC].rsplit("\n\n", 1)[0]
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
    text = symbol.span.source.line_text(symbol.span.line).strip()
    return f"{symbol.name}  # {symbol.kind}: {text}" if symbol.kind != "tensor" else f"{symbol.name}  # tensor"


def header(item: tree.Definition) -> str:
    """A definition without its body."""
    text = item.span.text
    if isinstance(item, tree.Block):
        text = text[: max(item.suite.span.start - item.span.start, 0)].rstrip().rstrip(":=").rstrip() or text
    elif isinstance(item, tree.Extern | tree.Fn):
        text = signature_of(item).text if isinstance(item, tree.Fn) else text.split(" = ")[0]
    return text if len(text) < 1_000 else text.splitlines()[0]


# ---- colours

TYPES: Final = ("class", "function", "parameter", "typeParameter", "variable", "property", "namespace", "enumMember")
MODIFIERS: Final = ("declaration", "readonly", "defaultLibrary")
KINDS: Final = {
    "parameter": ("parameter", ()),
    "size": ("typeParameter", ("readonly",)),
    "let": ("variable", ("readonly",)),
    "loop": ("variable", ("readonly",)),
    "tensor": ("variable", ()),
    "module": ("property", ()),
    "definition": ("class", ()),
    "language": ("function", ("defaultLibrary",)),
    "attribute": ("parameter", ("defaultLibrary",)),
    "port": ("parameter", ("defaultLibrary",)),
}


def tokens(analysis: Analysis | None, lines: Lines) -> list[int]:
    """The colours of all names, as the protocol packs them: each from the place of the one before."""
    if analysis is None or analysis.table is None or analysis.source is None:
        return []
    path = analysis.source.path
    uses = sorted((u for u in analysis.table.all_uses() if u.span.source.path == path), key=lambda u: u.span.start)
    found: list[int] = []
    before, last = lsp.Position(0, 0), -1
    for use in uses:
        start, end = lines.position(use.span.start), lines.position(use.span.end)
        if use.span.start < last or start.line != end.line or start == end:
            continue
        last = use.span.end
        kind, marks = KINDS[use.symbol.kind]
        if use.symbol.kind == "definition" and isinstance(use.symbol.item, tree.Fn | tree.LetItem):
            kind = "function" if isinstance(use.symbol.item, tree.Fn) else "variable"
        marks = (*marks, *(("declaration",) if use.role == "bind" else ()))
        bits = sum(1 << MODIFIERS.index(mark) for mark in marks)
        column = start.character - (before.character if start.line == before.line else 0)
        found += [start.line - before.line, column, end.character - start.character, TYPES.index(kind), bits]
        before = start
    return found

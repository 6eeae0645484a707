"""What a name means: definition, references, colours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from lsprotocol import types as lsp

from dslc.analyse import Analysis
from dslc.bind.table import Symbol, Use
from dslc.lsp.documents import Document
from dslc.lsp.places import Lines, location_of
from dslc.lsp.workspace import place_of
from dslc.syntax import tree


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

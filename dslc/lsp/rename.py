"""Another name for what a name means, at every place of the workspace that names it, or why that cannot be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from lsprotocol import types as lsp

from dslc.analyse import analyse
from dslc.bind import language
from dslc.bind.table import Symbol
from dslc.lsp.documents import Document
from dslc.lsp.names import use_at
from dslc.lsp.places import range_of, uri_of
from dslc.lsp.workspace import Loaded, Place, importers, load, normal, place_of, symbol_place
from dslc.source import Source, Span

FIXED: Final = ("language", "attribute", "port")
"""Kinds of names that no program declares."""


def refused(document: Document, offset: int) -> str | None:
    """Why what stands at an offset cannot have another name; none where it can."""
    use = use_at(document.focus, offset)
    if use is None:
        return "there is no name here"
    symbol = use.symbol
    if symbol.span is None or symbol.kind in FIXED:
        return f"`{symbol.name}` is a name of the language"
    if symbol.span.source.is_library:
        return f"`{symbol.name}` is a name of std, which is not this program's to change"
    if symbol.family is not None:
        return f"`{symbol.name}` stands for several names"
    return None


def rename(
    document: Document, offset: int, name: str, folders: Iterable[Path], texts: Mapping[Path, str], encoding: str
) -> dict[Path, list[lsp.TextEdit]] | str:
    """The edits of each file; a text that says why there are none. `texts` are those of open documents."""
    if (why := refused(document, offset)) is not None:
        return why
    use = use_at(document.focus, offset)
    assert use is not None
    if not re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII):
        return f"`{name}` is no name: a letter, then letters, digits and `_`"
    if name in language.reserved() or language.kind_of(name) is not None:
        return f"`{name}` is a name of the language"
    own, symbol = load(document.path, texts), symbol_place(use.symbol)
    if own is None or symbol is None:
        return f"`{document.path.name}` cannot be read"
    loaded = [own, *importers(symbol[0], use.symbol.name, folders, texts)]
    spans = _spans(loaded, use.symbol, symbol)
    if not spans:
        return "the text has changed meanwhile"
    after = {**texts, **{path: _edited(each, name) for path, each in _by_file(spans).items()}}
    for program in loaded:
        if not _sound(program, symbol, spans, name, after):
            return f"`{name}` means something else at one of these places (in {program.path.name})"
    if (
        document.focus is not None
        and document.focus.ok
        and not analyse(document.path, document.focused, texts=after).ok
    ):
        return f"`{name}` means something else at one of these places"
    return {
        path: [lsp.TextEdit(range_of(span, encoding), _spelled(span, name)) for span in each]
        for path, each in _by_file(spans).items()
    }


def workspace_edit(changes: Mapping[Path, list[lsp.TextEdit]], documents: Iterable[Document]) -> lsp.WorkspaceEdit:
    """Edits by address: that of an open document as the client writes it."""
    open_ = {normal(document.path): document.uri for document in documents}
    return lsp.WorkspaceEdit(
        {open_.get(path) or uri_of(Source(str(path), "")): edits for path, edits in changes.items()}
    )


def _spans(loaded: Iterable[Loaded], symbol: Symbol, place: Place) -> dict[Place, Span]:
    """The places that name a symbol, each once, its declaration among them."""
    found = {place_of(use.span): use.span for program in loaded for use in program.uses(place)}
    if symbol.span is not None and symbol.span.text.strip("`") == symbol.name:
        found.setdefault(place, symbol.span)
    return dict(sorted(found.items()))


def _by_file(spans: Mapping[Place, Span]) -> dict[Path, list[Span]]:
    found: dict[Path, list[Span]] = {}
    for (path, _), span in spans.items():
        found.setdefault(path, []).append(span)
    return found


def _spelled(span: Span, name: str) -> str:
    return f"`{name}`" if span.text.startswith("`") else name


def _edited(spans: list[Span], name: str) -> str:
    """The text of a file with another name at some places, in order."""
    text, pieces, at = spans[0].source.text, [], 0
    for span in spans:
        pieces += [text[at : span.start], _spelled(span, name)]
        at = span.end
    return "".join([*pieces, text[at:]])


def _sound(before: Loaded, symbol: Place, spans: Mapping[Place, Span], name: str, texts: Mapping[Path, str]) -> bool:
    """Whether in one program the new name means at each place what the old one did, and nothing more is wrong."""
    after = load(before.path, texts)
    if after is None or after.errors > before.errors:
        return False
    wanted = {_moved(place_of(use.span), spans, name) for use in before.uses(symbol)}
    return wanted == {place_of(use.span) for use in after.uses(_moved(symbol, spans, name))}


def _moved(place: Place, spans: Mapping[Place, Span], name: str) -> Place:
    """Where a place lies once all names before it in its file are changed."""
    path, start = place
    by = sum(
        len(_spelled(span, name)) - len(span.text) for (file, at), span in spans.items() if file == path and at < start
    )
    return path, start + by

"""Diagnostics of the protocol, and their fixes as code actions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lsprotocol import types as lsp

from dslc.diagnostics.export import edits_of
from dslc.diagnostics.model import Applicability, Diagnostic, Severity
from dslc.lsp.documents import Document
from dslc.lsp.places import location_of, range_of, uri_of
from dslc.source import Span

SEVERITIES: Final = {
    Severity.ERROR: lsp.DiagnosticSeverity.Error,
    Severity.WARNING: lsp.DiagnosticSeverity.Warning,
    Severity.NOTE: lsp.DiagnosticSeverity.Information,
}
UNUSED: Final = ("unused", "nothing", "idle")
"""Words in names of warnings about what does nothing, which is shown faded."""


def problems(document: Document, encoding: str) -> dict[str, list[lsp.Diagnostic]]:
    """The diagnostics of a document by address of the file that they are in."""
    found: dict[str, list[lsp.Diagnostic]] = {document.uri: []}
    for diagnostic in document.diagnostics:
        uri, place = _place(document, diagnostic.span, encoding)
        found.setdefault(uri, []).append(_problem(document, diagnostic, place, encoding))
    return found


def _place(document: Document, span: Span, encoding: str) -> tuple[str, lsp.Range]:
    """The file and range of a span; of what has no text, the beginning of the document."""
    if span.source.kind != "text":
        return document.uri, lsp.Range(lsp.Position(0, 0), lsp.Position(0, 0))
    return _address(document, span), range_of(span, encoding)


def _address(document: Document, span: Span) -> str:
    """The address of a span's file, that of the document in the client's own spelling."""
    main = document.focus.source if document.focus is not None else None
    own = main is not None and span.source.shown == main.shown
    return document.uri if own else uri_of(span.source)


def _problem(document: Document, diagnostic: Diagnostic, place: lsp.Range, encoding: str) -> lsp.Diagnostic:
    words = [diagnostic.message]
    if diagnostic.label and diagnostic.label not in diagnostic.message:
        words.append(diagnostic.label)
    words += [f"help: {help.text}" for help in diagnostic.help]
    related = [
        lsp.DiagnosticRelatedInformation(location_of(label.span, encoding), label.text)
        for label in diagnostic.related
        if label.span.source.kind == "text"
    ]
    related += [
        lsp.DiagnosticRelatedInformation(location_of(frame.call, encoding), f"in {frame.what}")
        for frame, _ in zip(diagnostic.trail or (), range(8), strict=False)
        if frame.call.source.kind == "text"
    ]
    faded = any(word in diagnostic.switch for word in UNUSED)
    return lsp.Diagnostic(
        range=place,
        message="\n".join(words),
        severity=SEVERITIES[diagnostic.severity],
        code=diagnostic.code,
        source="dslc",
        related_information=related or None,
        tags=[lsp.DiagnosticTag.Unnecessary] if faded else None,
    )


def actions(document: Document, wanted: lsp.Range, encoding: str) -> list[lsp.CodeAction]:
    """The fixes of what is wrong in a range, the sure ones first."""
    found: list[tuple[bool, lsp.CodeAction]] = []
    for diagnostic in document.diagnostics:
        uri, place = _place(document, diagnostic.span, encoding)
        if uri != document.uri or not _meet(place, wanted):
            continue
        for sure, title, edit in _fixes(document, diagnostic, encoding):
            problem = _problem(document, diagnostic, place, encoding)
            action = lsp.CodeAction(
                title=title,
                kind=lsp.CodeActionKind.QuickFix,
                diagnostics=[problem],
                edit=edit,
                is_preferred=sure or None,
            )
            found.append((sure, action))
    return [action for _, action in sorted(found, key=lambda pair: not pair[0])]


def _fixes(document: Document, diagnostic: Diagnostic, encoding: str) -> Iterator[tuple[bool, str, lsp.WorkspaceEdit]]:
    for help in diagnostic.help:
        edits = edits_of(help, diagnostic.span)
        if not edits or any(e.span.source.kind != "text" or e.span.source.is_library for e in edits):
            continue
        changes: dict[str, list[lsp.TextEdit]] = {}
        for edit in edits:
            address = _address(document, edit.span)
            changes.setdefault(address, []).append(lsp.TextEdit(range_of(edit.span, encoding), edit.text))
        yield help.applicability is Applicability.CERTAIN, help.text, lsp.WorkspaceEdit(changes=changes)


def _meet(a: lsp.Range, b: lsp.Range) -> bool:
    return _key(a.start) <= _key(b.end) and _key(b.start) <= _key(a.end)


def _key(place: lsp.Position) -> tuple[int, int]:
    return place.line, place.character

"""What a document holds: its definitions, the lines that fold, its text in one style, inlay hints."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from lsprotocol import types as lsp

from dslc.analyse import Made
from dslc.diagnostics.model import Sink
from dslc.lsp.documents import Document
from dslc.lsp.places import Lines, range_of, uri_of
from dslc.lsp.workspace import programs
from dslc.names.loader import Loader
from dslc.source import Source, Span
from dslc.syntax import tree
from dslc.syntax.format.program import TooLong, format_source
from dslc.syntax.parser import parse

LONGEST = 48
"""Letters of a shape that a hint shows."""


def symbols(file: tree.File | None, encoding: str) -> list[lsp.DocumentSymbol]:
    """The definitions of a file, with their parameters and inputs."""
    found = []
    for item in file.items if file is not None else ():
        if (named := _named(item)) is None:
            continue
        span, kind = named
        inner = [
            lsp.DocumentSymbol(p.name, lsp.SymbolKind.Variable, range_of(p.span, encoding), range_of(s, encoding))
            for p in (*getattr(item, "parameters", ()), *(getattr(item, "ports", None) or ()))
            if (s := p.name_span) is not None and p.name
        ]
        whole = range_of(item.span, encoding)
        found.append(lsp.DocumentSymbol(span.text, kind, whole, range_of(span, encoding), children=inner))
    return found


def _named(item: tree.Item) -> tuple[Span, lsp.SymbolKind] | None:
    match item:
        case tree.LetItem(target=target):
            return target.span, lsp.SymbolKind.Constant
        case tree.Fn(name_span=span):
            return span, lsp.SymbolKind.Function
        case tree.Block(name_span=span, kind=kind):
            return span, lsp.SymbolKind.Module if kind == "net" else lsp.SymbolKind.Class
        case tree.NetAlias(name_span=span):
            return span, lsp.SymbolKind.Module
        case tree.Extern(name_span=span):
            return span, lsp.SymbolKind.Interface
    return None


def workspace_symbols(
    folders: list[Path], query: str, texts: dict[Path, str], encoding: str
) -> list[lsp.WorkspaceSymbol]:
    """The definitions of all programs of the workspace whose name holds what is asked for."""
    found = []
    for path in dict.fromkeys((*texts, *programs(folders))):
        try:
            text = texts[path] if path in texts else Loader().read(path).text
            file = parse(Source(str(path), text), Sink())
        except Exception:  # a file that vanished, or is none
            continue
        for item in file.items:
            named = _named(item)
            if named is not None and query.casefold() in named[0].text.casefold():
                place = lsp.Location(uri_of(named[0].source), range_of(named[0], encoding))
                found.append(lsp.WorkspaceSymbol(location=place, name=named[0].text, kind=named[1]))
    return found


def folds(text: str) -> list[lsp.FoldingRange]:
    """Lines with those indented under them, and runs of comments: of any text, read or not."""
    found: list[lsp.FoldingRange] = []
    lines = text.split("\n")
    open_: list[tuple[int, int]] = []  # indentation and number of lines that may have some under them
    last = -1
    comment: int | None = None
    for number, line in enumerate(lines):
        bare = line.strip()
        if bare.startswith("#"):
            comment = number if comment is None else comment
        elif comment is not None:
            if number - 1 > comment:
                found.append(lsp.FoldingRange(comment, number - 1, kind=lsp.FoldingRangeKind.Comment))
            comment = None
        if not bare or bare.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip())
        while open_ and open_[-1][0] >= indent:
            start = open_.pop()[1]
            if last > start:
                found.append(lsp.FoldingRange(start, last))
        open_.append((indent, number))
        last = number
    found += [lsp.FoldingRange(start, last) for _, start in open_ if last > start]
    return sorted(found, key=lambda fold: (fold.start_line, -fold.end_line))


def formatted(path: str, text: str, encoding: str) -> list[lsp.TextEdit]:
    """The change that brings a text into the one style; none of a text with mistakes of syntax."""
    sink = Sink()
    try:
        new = format_source(Source(path, text), sink)
    except TooLong:
        return []
    if new is None or new == text or sink.errors:
        return []
    head = 0
    most = min(len(text), len(new))
    while head < most and text[head] == new[head]:
        head += 1
    tail = 0
    while tail < most - head and text[len(text) - 1 - tail] == new[len(new) - 1 - tail]:
        tail += 1
    lines = Lines(text, encoding)
    return [lsp.TextEdit(lines.range(head, len(text) - tail), new[head : len(new) - tail])]


def hints(document: Document, wanted: lsp.Range, lines: Lines, cursor: int | None, shown: str) -> list[lsp.InlayHint]:
    """Shapes after the lines of a range that make tensors, but for the cursor's line; what budgets leave.

    `shown`: `words` of the block, or `default` sizes.
    """
    found: dict[int, lsp.InlayHint] = {}
    for line, left in document.made():
        end = line.span.end if not isinstance(line, tree.For | tree.If) else 0
        if isinstance(line, tree.Step | tree.Assign) and _suited(line):
            end = 0  # what it leaves stands below its suite: the lines there say it
        if not end or not left or not all(made.known and made.words for made in left):
            continue
        place = lines.position(end)
        if not wanted.start.line <= place.line <= wanted.end.line or place.line == cursor:
            continue
        text = ", ".join(_text(made, shown) for made in left)
        found[place.line] = lsp.InlayHint(
            lsp.Position(place.line, lines.position(lines.ends[place.line]).character),
            text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…",
            kind=lsp.InlayHintKind.Type,
            padding_left=True,
            tooltip=lsp.MarkupContent(
                lsp.MarkupKind.Markdown, "  \n".join(f"`{m.words}`, `{m.default}`" for m in left)
            ),
        )
    return [*found.values(), *_meters(document, wanted, lines, cursor)]


def _meters(document: Document, wanted: lsp.Range, lines: Lines, cursor: int | None) -> Iterator[lsp.InlayHint]:
    main = document.whole.source if document.whole is not None else None
    if main is None or main.text != document.text:
        return
    seen: dict[int, list[str]] = {}
    for name, numbers in document.costs.items():
        for budget, text in numbers.budgets:
            if budget.span.source.path == main.path and (name == document.focused or document.focused is None):
                seen.setdefault(budget.span.end, []).append(text)
    for end, texts in seen.items():
        place = lines.position(end)
        if wanted.start.line <= place.line <= wanted.end.line and place.line != cursor:
            yield lsp.InlayHint(place, f"({texts[0]})", padding_left=True, tooltip="what the net needs, of the limit")


def _suited(line: tree.Step | tree.Assign) -> bool:
    """Whether a line has lines indented under it."""
    source = line.span.source
    return source.position(line.span.start)[0] != source.position(line.span.end)[0] and ":\n" in line.span.text


def _text(made: Made, shown: str) -> str:
    return made.default if shown == "default" else made.words or made.default

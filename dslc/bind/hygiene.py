"""What is right and of no use: names that nothing reads, and names that hide those of the language and of std.

Each rule looks at the table alone. `check` asks for them where it found no mistake: a name that is misspelt where it
is read seems unused where it is given.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator

from dslc.bind import language
from dslc.bind.bodies import own_files
from dslc.bind.mistakes_hygiene import EmptyFile, HiddenName, UnusedDefinition, UnusedLet, UnusedParameter, UnusedUse
from dslc.bind.table import Symbol, Table, Use
from dslc.diagnostics.model import Diagnostic, Edit, Help, Sink, in_order
from dslc.names.resolve import FileNames, Program, is_core, lookup
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import nodes
from dslc.types.const import Binding, Scope


def hygiene(program: Program, sink: Sink) -> None:
    """Report what the files of a program that was bound hold for nothing."""
    table = program.table
    assert table is not None
    reads: dict[Symbol, list[Use]] = defaultdict(list)
    for use in table.all_uses():
        if use.role in ("read", "call"):
            reads[use.symbol].append(use)
    found: list[Diagnostic] = []
    for file in own_files(program):
        found += _of_file(file, table, reads)
    for diagnostic in in_order(found):
        sink.add(diagnostic)


def _of_file(file: FileNames, table: Table, reads: dict[Symbol, list[Use]]) -> Iterator[Diagnostic]:
    items = file.tree.items
    if not items:
        yield EmptyFile(file.tree.source.path).at(file.tree.source.span(0, 0))
        return
    shares = not any(isinstance(i, tree.Definition) for i in items)  # what it names is for others
    built = any(isinstance(i, tree.NetAlias) or (isinstance(i, tree.Block) and i.kind == "net") for i in items)
    for item in items:
        if isinstance(item, tree.Use) and not shares:
            yield from _uses(item, table, reads)
        elif isinstance(item, tree.Definition) and item in table.bodies:
            yield from _definition(item, file, table, reads, built)
            yield from _body(item, file, table, reads)


def _uses(item: tree.Use, table: Table, reads: dict[Symbol, list[Use]]) -> Iterator[Diagnostic]:
    """The names of a `use` line that its file does not read: one warning, which takes them out together."""
    named = table.imported.get(item, {})
    idle = [
        here.name
        for _, here in item.names
        if here.name in named and not any(u.span.source is item.span.source for u in reads[named[here.name]])
    ]
    if idle:
        spans = [there.span.to(here.span) for there, here in item.names]
        wrong = [span for span, (_, here) in zip(spans, item.names, strict=True) if here.name in idle]
        yield UnusedUse(tuple(idle)).at(wrong[0], help=[_without(item.span, spans, wrong)])


def _without(line: Span, spans: list[Span], wrong: list[Span]) -> Help:
    """Take names out of a list with commas, or the whole line if none is left."""
    if len(wrong) == len(spans):
        gone = _line(line)
        return Help("leave the line out", edits=(Edit(gone or line, ""),))
    kept = [span for span in spans if span not in wrong]
    whole = spans[0].to(spans[-1])
    text = ", ".join(span.text for span in kept)
    return Help(f"leave {'it' if len(wrong) == 1 else 'them'} out", edits=(Edit(whole, text),))


def _line(span: Span) -> Span | None:
    """The lines of a statement with their newline; none where something else stands on them."""
    text = span.source.text
    start = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", span.end)
    end = len(text) if end < 0 else end + 1
    if text[start : span.start].strip() or text[span.end : end].strip():
        return None
    return Span(span.source, start, end)


def _definition(
    item: tree.Definition, file: FileNames, table: Table, reads: dict[Symbol, list[Use]], built: bool
) -> Iterator[Diagnostic]:
    """A definition that hides one of std, or that nothing uses in a file that has a net (`built`)."""
    symbol = table.defined[item]
    hidden = None if file.scope.parent is None else file.scope.parent.names.get(symbol.name)
    if hidden is not None and symbol.span is not None and is_core(hidden) and not _is_itself(hidden, item):
        yield HiddenName(symbol.name, "a block of std").at(symbol.span)
    net = isinstance(item, tree.NetAlias) or (isinstance(item, tree.Block) and item.kind == "net")
    if net or not built or symbol.span is None or symbol.name.startswith("_"):
        return
    own = table.bodies[item].uses
    others = [use for alias in (symbol, *table.aliases.get(item, ())) for use in reads[alias] if use not in own]
    if not others:
        kind = {tree.LetItem: "let", tree.Fn: "fn", tree.Extern: "extern block"}.get(type(item), "block")
        yield UnusedDefinition(kind, symbol.name).at(symbol.span)


def _is_itself(hidden: Binding, item: tree.Definition) -> bool:
    """Whether a name of std is that of the definition itself: std was asked for as a program of its own."""
    meant = lookup(hidden)
    return meant is not None and _file_of(meant[0].span) == _file_of(item.span)


def _file_of(span: Span) -> str:
    return os.path.realpath(span.source.file or span.source.path)


def _body(item: tree.Definition, file: FileNames, table: Table, reads: dict[Symbol, list[Use]]) -> Iterator[Diagnostic]:
    lines = {line.target.span: line for line in lets(item)}
    passed = table.defined[item] in table.passed
    for symbol in table.bodies[item].symbols:
        span = symbol.span
        if span is None or symbol.home is None:
            continue
        if symbol.family is None and not symbol.name.startswith("_"):
            yield from _hides(symbol, span, file.scope)
        if reads[symbol] or symbol in table.perhaps or symbol.name.startswith("_"):
            continue
        if symbol.kind == "let" and span in lines:
            line = _line(lines[span].span)
            help = [Help("leave the line out", edits=(Edit(line, ""),))] if line is not None else []
            yield UnusedLet(symbol.name).at(span, help=help)
        elif symbol.kind == "parameter" and not isinstance(item, tree.Extern) and not passed:
            yield UnusedParameter(getattr(item, "name", ""), symbol.name).at(span)


def lets(item: tree.Definition) -> list[tree.Let]:
    """The `let` lines of a definition."""
    return [node for node in nodes(item) if isinstance(node, tree.Let)]


def _hides(symbol: Symbol, span: Span, file: Scope) -> Iterator[Diagnostic]:
    """A local name that can be taken for what it hides: a layer for a block of std, a value for a word or function.

    A tensor, or a number that has the name of a block, fits nowhere that the other does.
    """
    binding = file.find(symbol.name)
    kind = "unknown" if symbol.static is None else symbol.static.kind
    if symbol.kind == "size" or kind == "tensor":
        return
    if binding is not None and is_core(binding):
        if kind == "layer":
            yield HiddenName(symbol.name, "a block of std").at(span)
    elif binding is None and (of := language.kind_of(symbol.name)) is not None:
        yield HiddenName(symbol.name, f"{'an' if of[0] in 'aei' else 'a'} {of} of the language").at(span)

"""After a mistake: what is still known goes on, and what is not stays silent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dslc.elaborate.run import Flowing, Place
from dslc.ir.model import Value
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Binding, Scope
from dslc.types.dim import UNKNOWN
from dslc.types.tensor import TensorType
from dslc.values.hole import HOLE, hole

_WORD: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def spoil(name: str, span: Span, scope: Scope) -> None:
    """A name whose line failed: what reads it stays silent. A tensor of that name stays."""
    before = scope.names.get(name)
    if before is None or before.kind not in ("tensor", "module"):
        scope.names[name] = Binding("let", hole(span), span)


def lose_names(part: tree.Stmt | tree.Lost, p: Place) -> None:
    """Names that a line would have given, and the lines under it: they may mean anything, if they mean nothing yet."""
    for name, span in _names_of(part):
        if p.scope.find(name) is None:
            spoil(name, span, p.scope)


def alike(before: Flowing, after: Flowing) -> Flowing:
    """The current value after any number of turns, if one turn makes `after` of `before`: a hole where ranks change."""
    if not isinstance(before, Value) or not isinstance(after, Value) or before is after:
        return after
    a, b = before.type, after.type
    if a.rank != b.rank or a.dtype is not b.dtype:
        return HOLE
    dims = tuple(x if x is y else UNKNOWN for x, y in zip(a.dims, b.dims, strict=True))
    channel = a.channel if a.channel == b.channel else None
    return Value(TensorType(dims, a.dtype, channel), None, None, 0, after.span)


def moves(part: tree.Suite | tree.Stmt) -> bool:
    """Whether lines may move the chain."""
    match part:
        case tree.Suite(body=body):
            return any(map(moves, body))
        case tree.Step(value=tree.Lost() as lost):
            return lost.moves or (lost.suite is not None and moves(lost.suite))
        case tree.If(branches=branches):
            return any(moves(suite) for _, suite in branches)
        case tree.For(suite=suite):
            return moves(suite)
    return isinstance(part, tree.Step)


def _names_of(part: tree.Stmt | tree.Lost) -> Iterator[tuple[str, Span]]:
    suites: tuple[tree.Suite, ...] = ()
    match part:
        case tree.Lost(names=names, suite=suite):
            yield from ((name, part.span) for name in names)
            suites = () if suite is None else (suite,)
        case tree.Step(value=tree.Lost() as lost):
            yield from _names_of(lost)
        case tree.Assign(targets=targets):
            yield from ((t.name, t.span) for t in targets if isinstance(t, tree.Name))
        case tree.Let(target=target) | tree.TensorDef(target=target) | tree.ModuleDef(target=tree.Name() as target):
            yield target.name, target.span
        case tree.If(branches=branches):
            yield from (pair for c, _ in branches if isinstance(c, tree.Lost) for pair in _names_of(c))
            suites = tuple(suite for _, suite in branches)
        case tree.For(suite=suite):
            suites = (suite,)
    for inner in suites:
        for line in inner.body:
            yield from _names_of(line)


def unread(block: tree.Block) -> Iterator[tuple[str, Span, tree.Assign]]:
    """Tensors that a body names and that nothing in its text reads, each with the place that makes it, and its line.

    None where a name in back-ticks is put together, which may be any.
    """
    given = [line for line in block.suite.body if isinstance(line, tree.Assign)]
    targets = {target for line in given for target in line.targets}
    names = [target.name for target in targets if isinstance(target, tree.Name)]
    reads: set[str | None] = {result.name for result in block.results or ()}
    reads |= {q.name for q in block.parameters} | {q.name for q in block.ports or ()}
    reads |= {name for name in names if names.count(name) > 1}  # which is another mistake
    todo: list[object] = [block.suite]
    while todo:
        node = todo.pop()
        if isinstance(node, tree.Name):
            reads |= set() if node in targets else {node.name}
        elif isinstance(node, tree.TickName) and any(not isinstance(piece, str) for piece in node.text.pieces):
            return
        elif isinstance(node, tree.Lost):
            reads.update(_WORD.findall(node.span.text))
        if isinstance(node, tuple | list):
            todo.extend(node)
        elif hasattr(node, "__match_args__") and not isinstance(node, Span):
            todo.extend(getattr(node, part) for part in node.__match_args__ if part != "span")
    for line in given:
        for target in line.targets if len(line.targets) == 1 else ():  # of several, how many there are may be wrong
            if isinstance(target, tree.Name) and target.name not in reads and not target.name.startswith("_"):
                yield (
                    target.name,
                    (line.value.steps[-1] if isinstance(line.value, tree.Chain) else line.value).span,
                    line,
                )

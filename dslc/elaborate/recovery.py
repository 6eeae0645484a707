"""After a mistake: what is still known goes on, and what is not stays silent."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from dslc.elaborate.run import Flowing, Place
from dslc.ir.model import Value
from dslc.ops.base import REGISTRY
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import mentions_it, nodes
from dslc.types.const import Binding, Scope
from dslc.types.dim import UNKNOWN
from dslc.types.tensor import TensorType
from dslc.values.hole import HOLE, hole

_WORD: Final = r"[A-Za-z_][A-Za-z0-9_]*"


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


def composes_names(block: tree.Block) -> bool:
    """Whether a body puts a name in back-ticks together, which may be any."""
    return any(
        isinstance(node, tree.TickName) and any(not isinstance(piece, str) for piece in node.text.pieces)
        for node in nodes(block.suite)
    )


def _lines(suite: tree.Suite) -> Iterator[tree.Stmt]:
    """The lines of a body, with those of its loops and conditions."""
    for line in suite.body:
        yield line
        for inner in (line.suite,) if isinstance(line, tree.For) else [s for _, s in getattr(line, "branches", ())]:
            yield from _lines(inner)


def unread(block: tree.Block) -> Iterator[tuple[str, str, Span, Span]]:
    """Inputs, modules and tensors of a body that nothing in its text reads, as `Dropped` calls them: kind and name,
    the place that makes it, and its line.

    The first input is the current value. None where a name in back-ticks is put together, which may be any.
    """
    if composes_names(block):
        return
    lines = list(_lines(block.suite))
    given = [line for line in lines if isinstance(line, tree.Assign)]
    made = {line.target for line in lines if isinstance(line, tree.ModuleDef)}
    targets = made | {target for line in given for target in line.targets}
    names = [target.name for target in targets if isinstance(target, tree.Name)]
    reads: set[str | None] = {result.name for result in block.results or ()}
    reads |= {name for name in names if names.count(name) > 1}  # which is another mistake, or of sides of an `if`
    for node in nodes(block.suite):
        if isinstance(node, tree.Name) and node not in targets:
            reads.add(node.name)
        elif isinstance(node, tree.Lost):
            reads.update(re.findall(_WORD, node.span.text))
    for port in (block.ports or ())[1:]:
        if port.name not in reads and not port.name.startswith("_"):
            yield "input", port.name, port.span, port.span
    reads |= {q.name for q in block.parameters} | {q.name for q in block.ports or ()}
    if any(q.name is not None and not q.optional and q.name not in names for q in block.results or ()):
        return  # one of them may be meant for a result that no line gives, which is told
    for line in lines:
        target, at = _made(line)
        if target is not None and target.name not in reads and not target.name.startswith("_"):
            yield "module" if isinstance(line, tree.ModuleDef) else "value", target.name, at, line.span


def _made(line: tree.Stmt) -> tuple[tree.Name | None, Span]:
    """The one plain name that a line gives a module or a tensor of its own, and the text that makes it."""
    match line:
        case tree.ModuleDef(target=tree.Name() as target):
            return target, target.span
        case tree.Assign(value=tree.Name()):  # another name of a tensor, which others may read
            return None, line.span
        case tree.Assign(targets=(tree.Name() as target,), value=value):  # of several, how many may be wrong
            return target, (value.steps[-1] if isinstance(value, tree.Chain) else value).span
    return None, line.span


def restarts(block: tree.Block) -> Iterator[tuple[Span, Span]]:
    """The last layer of each line whose tensor nothing reads, and the line after it, which begins at a named tensor."""
    lines = list(_lines(block.suite))
    targets = [t for line in lines if isinstance(line, tree.Assign) for t in line.targets if isinstance(t, tree.Name)]
    named = {port.name for port in block.ports or ()} | {target.name for target in targets}
    for before, line in zip(block.suite.body, block.suite.body[1:], strict=False):
        match before, line:
            case tree.Step(value=value), tree.Step(value=tree.Chain(steps=(tree.Name(name=name), *_)) as chain):
                last = value.steps[-1] if isinstance(value, tree.Chain) else value
                made = last.value if isinstance(last, tree.As) else last
                layer = made.target if isinstance(made, tree.Call) else made
                makes = isinstance(layer, tree.Name) and layer.name in REGISTRY and layer.name not in named
                if makes and name in named and not mentions_it(chain):
                    yield made.span, line.span

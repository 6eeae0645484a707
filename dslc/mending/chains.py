"""Fixes for lines `name = ..` that were meant to move the chain: a name is given to a value, and `it` stays."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Edit
from dslc.elaborate.mistakes.flow import Dropped, WrongPort
from dslc.mending.ground import Candidate, Ground, short, walk
from dslc.mending.rules import mends
from dslc.ops.errors_tensor import RankMismatch, ShapeMismatch
from dslc.syntax import tree
from dslc.types.errors import Coincidence, JoinedSizes


@mends(Dropped, ShapeMismatch, JoinedSizes, Coincidence, RankMismatch, WrongPort)
def named_and_gone_on(g: Ground) -> Iterator[Candidate]:
    """`e1 = cba(16)` and `e2 = maxpool(2) -> cba(32)` below it: both read what was there before the first.

    The name that nothing reads is left out. Where something else mends a mismatch that is offered: two branches are
    written like this as well.
    """
    lines = list(_branching(g))
    own = [line for line in lines if line.span.start <= g.span.start < line.span.end]
    dropped = isinstance(g.diagnostic.mistake, Dropped)
    if len(lines) < 2 or (dropped and (not own or _begun_anew(g, own[0]))):
        return
    first = (own or lines)[0]
    name, text = first.targets[0].span.text, short(first.value.span.text)
    said = f"a line `{name} = ..` names a value and does not move the chain; to go on from it"
    shown = f"`{text}`, without the name" if dropped else f"`{text}`, and `{name} = it` on a line of its own"
    others = sorted({line.span.line for line in lines} - {first.span.line})
    other = next((line.targets[0].span.text for line in lines if line not in own), "")
    named = f", with `{other} = it` behind it" if dropped and other else ""
    more = f" (and so in line{'s' * (len(others) > 1)} {', '.join(map(str, others))}{named})" if others else ""
    edits = [edit for line in lines for edit in _apart(g, line)[: 1 if dropped and line in own else 2]]
    yield Candidate(f"{said}: {shown}{more}", tuple(edits), loses=not dropped)


def _begun_anew(g: Ground, line: tree.Assign) -> bool:
    """Whether the next line that moves the chain begins with values of its own: then this one was none of its."""
    after = [n for n in walk(g.block) if isinstance(n, tree.Step) and n.span.start > line.span.end]
    value = after[0].value if after else None
    first = value.steps[0] if isinstance(value, tree.Chain) else value
    given = {t.span.text for n in walk(g.block) if isinstance(n, tree.Assign) for t in n.targets}
    given |= {port.name for port in (g.block.ports or () if g.block is not None else ())}
    read = [n for n in walk(first) if isinstance(n, tree.Name | tree.It)]
    return bool(read) and all(isinstance(n, tree.Name) and n.name in given for n in read)


def _branching(g: Ground) -> Iterator[tree.Assign]:
    """The lines of the body that name what a layer makes of the current value, with other lines below them."""
    block = g.block
    if block is None:
        return
    assigned = [n for n in walk(block) if isinstance(n, tree.Assign)]
    names = {t.name for n in assigned for t in n.targets if isinstance(t, tree.Name)}
    names |= {port.name for port in block.ports or ()}
    for line in assigned:
        step = line.value.steps[0] if isinstance(line.value, tree.Chain) else line.value
        step = step.value if isinstance(step, tree.As) else step
        read = {n.name for n in walk(step) if isinstance(n, tree.Name)}
        layer = isinstance(step, tree.Call | tree.Name) and names.isdisjoint(read)
        at = g.line_start(line.span.start)
        if layer and len(line.targets) == 1 and not g.source.text[at : line.span.start].strip():
            yield line


def _apart(g: Ground, line: tree.Assign) -> tuple[Edit, Edit]:
    at = g.line_start(line.span.start)
    indent = g.source.text[at : line.span.start]
    name = line.targets[0].span.text
    return g.edit(line.span.start, line.value.span.start, ""), g.after(line.value.span, f"\n{indent}{name} = it")

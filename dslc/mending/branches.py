"""Fixes for branches whose maps come apart: one that is pooled away, a factor, a stride or padding of one of them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Final

from dslc.ir.made import way
from dslc.ir.model import Value
from dslc.mending.ground import Candidate, Ground, inside, short, walk
from dslc.mending.projections import STRIDED, suite_call
from dslc.mending.rules import mends
from dslc.ops.errors_tensor import RankMismatch, ShapeMismatch
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.dim import Size
from dslc.types.errors import Coincidence, JoinedSizes

BRANCHING: Final = ("add", "concat")
"""Combinators of branches that begin at one tensor."""


def _used(g: Ground, value: Value) -> Iterator[tree.Call]:
    """The uses of layers of this text that changed a size of a map on its way, the last first."""
    if value.type.channel == 1 and value.type.rank > 2:
        for step in reversed(way(value, 2)):
            call = g.layer(step.node)
            if call is not None:
                yield call


@mends(JoinedSizes, Coincidence, ShapeMismatch)
def pooled_branch(g: Ground) -> Iterator[Candidate]:
    """`| gap -> conv(c, 1)` beside maps: as large as they are again, as in a pyramid of dilated convolutions."""
    block = g.block
    if block is None or getattr(g.diagnostic.mistake, "channels", False) or all(map(_single, g.inputs)):
        return
    names = [port.name for port in block.ports or ()]
    names += [
        t.name
        for n in walk(block)
        if isinstance(n, tree.Assign) and n.span.start < g.span.start
        for t in n.targets
        if isinstance(t, tree.Name)
    ]
    for value in g.inputs:
        if not _single(value) or not g.own(value.span) or value.span is None:
            continue
        for name in reversed(names):
            text = f" -> upsample(like={name})"
            said = f"as large as the others again: `{short(value.span.text)}{text}`"
            yield Candidate(said, (g.after(value.span, text),), group="pooled", reveals=True)


def _single(value: Value) -> bool:
    return value.type.channel == 1 and value.type.rank > 2 and all(size == 1 for size in value.type.spatial)


@mends(JoinedSizes, Coincidence, ShapeMismatch)
def factor_of_a_branch(g: Ground) -> Iterator[Candidate]:
    """`| avgpool(8) -> conv(c, 1) -> upsample(4)`: back by the factor that the others ask for."""
    sizes: list[Size] = [value.type.dims[2] if value.type.rank > 2 else 0 for value in g.inputs]
    for value, size in zip(g.inputs, sizes, strict=True):
        call = next(_used(g, value), None)
        if call is None or call.target.span.text != "upsample" or not call.arguments:
            continue
        if suite_call(g) is None and len(g.inputs) < 3:
            continue  # of two by hand `like_the_other` knows more
        scale = call.arguments[0].value
        for other in dict.fromkeys(sizes):
            whole = isinstance(scale, tree.Number) and isinstance(scale.value, int)
            if not whole or not isinstance(size, int) or not isinstance(other, int) or other == size:
                continue
            right, rest = divmod(int(scale.value) * other, size) if isinstance(scale, tree.Number) else (0, 1)
            if not rest and right > 0:
                said = f"{right} times as large, to {other} places: `{g.shown(scale.span, str(right))}`"
                yield Candidate(said, (g.put(scale.span, str(right)),), group="factor")


@mends(JoinedSizes, Coincidence, ShapeMismatch)
def stride_of_the_way_beside(g: Ground) -> Iterator[Candidate]:
    """`skip = conv(128, 1)` beside a way with `s=2`: the same stride in the projection."""
    whole = suite_call(g)
    if len(g.inputs) < 2 or (whole is not None and whole.target.span.text not in BRANCHING):
        return
    for skip, body in permutations(g.inputs, 2):
        strides = [given for call in _used(g, body) if (given := g.named(call, "s")) is not None]
        made = inside(skip)
        while made is not None and "out" not in made.consts and len(made.inputs) == 1:
            made = inside(made.inputs[0])
        call = g.layer(made)
        if len(strides) != 1 or call is None or call.target.span.text not in STRIDED:
            continue
        if g.named(call, "s") is None and next(_used(g, skip), None) is None:
            text = f"s={strides[0].value.span.text}"
            said = f"the stride of the way beside it (line {strides[0].span.line}), here too"
            shown = short(g.with_argument(call, text))
            yield Candidate(f"{said}: `{shown}`", (g.argument(call, text),), sole=True)


@mends(JoinedSizes, Coincidence, ShapeMismatch)
def padding_of_the_way_beside(g: Ground) -> Iterator[Candidate]:
    """`concat(x -> conv(c, 1), x -> conv(c, 3, p=0))`: without `p` a convolution keeps the size."""
    for value in g.inputs if suite_call(g) is None and len(g.inputs) > 1 else ():
        for call in _used(g, value):
            given = g.named(call, "p")
            if given is not None and given.value.span.text in ("0", '"valid"') and call.target.span.text in STRIDED:
                said = f"with its default padding it keeps the size: `{short(call.span.text)}` without `p`"
                yield Candidate(said, (g.without_argument(call, given),), group="padding")


@mends(JoinedSizes, Coincidence, ShapeMismatch)
def strided_beside_its_input(g: Ground) -> Iterator[Candidate]:
    """`new = conv(12, 3, s=2)`, and `concat(it, new)` of what it was made of: without the stride."""
    if len(g.inputs) != 2 or suite_call(g) is not None:
        return
    for old, new in (g.inputs, g.inputs[::-1]):
        calls = [call for call in _used(g, new) if g.named(call, "s") is not None]
        if len(calls) == 1 and _made_of(new, old):
            given = g.named(calls[0], "s")
            if given is not None:
                said = f"without its stride it keeps the size of what it is joined with: `{short(calls[0].span.text)}`"
                yield Candidate(f"{said} without `{given.span.text}`", (g.without_argument(calls[0], given),))


def _made_of(new: Value, old: Value) -> bool:
    made = inside(new)
    while made is not None and made.inputs:
        if old in made.inputs:
            return True
        made = inside(made.inputs[0])
    return False


@mends(ShapeMismatch, JoinedSizes, Coincidence)
def guarded_sum(g: Ground) -> Iterator[Candidate]:
    """`if s == 1: it + x` of a block that some uses give other channels: `if s == 1 and C == out: it + x`."""
    line = g.outline.around(g.node, tree.If)
    condition = next((c for c, suite in line.branches if _holds(suite, g.span)), None) if line is not None else None
    if condition is None or len(g.inputs) != 2 or g.types[0].rank != g.types[1].rank:
        return
    new, old = g.inputs if g.inputs[0].producer is not None else g.inputs[::-1]
    words = [(g.word(old, axis), g.word(new, axis)) for axis in range(old.type.rank)]
    differ = [w for axis, w in enumerate(words) if old.type.dims[axis] != new.type.dims[axis]]
    asked = [f"{a} == {b}" for a, b in differ if a and b and a != b and not (a.isdigit() and b.isdigit())]
    if len(asked) != len(differ):
        return
    plain = not isinstance(condition, tree.Conditional) and getattr(condition, "op", "") != "or"
    text = " and ".join([condition.span.text if plain else f"({condition.span.text})", *asked])
    said = f"only where the shapes agree: `if {short(text)}`"
    yield Candidate(said, (g.put(condition.span, text),), sole=True)


def _holds(suite: tree.Suite, span: Span) -> bool:
    return suite.span.start <= span.start and span.end <= suite.span.end


@mends(RankMismatch)
def pooled_map_beside_features(g: Ground) -> Iterator[Candidate]:
    """`concat(image -> gap, table)`: a map of one place is features with `flatten`."""
    node = g.node
    if not isinstance(node, tree.Call) or node.suite is not None or len(g.positional(node)) != len(g.inputs):
        return
    edits = []
    shown = ""
    for argument, value in zip(g.positional(node), g.inputs, strict=True):
        if _single(value):
            shown = f"{argument.value.span.text} -> flatten"
            edits.append(g.put(argument.value.span, shown))
    if edits and any(type.rank == 2 for type in g.types):
        yield Candidate(f"a map of one place as features: `{short(shown)}`", tuple(edits), sole=True)

"""Fixes for maps that halving left odd or too small: a doubling of one more, other sizes of the input, fewer turns."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import combinations, pairwise
from math import prod

from dslc.ir.made import Change, way
from dslc.ir.model import Node, Value
from dslc.mending.ground import Candidate, Ground, inside, net_dims, short, walk
from dslc.mending.rules import mends
from dslc.ops.errors import TooSmall
from dslc.ops.errors_tensor import ShapeMismatch
from dslc.record import replace
from dslc.syntax import tree
from dslc.types.dim import Size
from dslc.types.errors import BelowLeast, Coincidence, JoinedSizes

LATER = 3
"""Transposed convolutions after the first that are tried with one place more."""
LONGEST = 1 << 24
"""Places of an axis that are proposed at most."""
POOLS = ("maxpool", "avgpool", "lppool")


# ---- maps that meet


@mends(ShapeMismatch, JoinedSizes, Coincidence)
def one_place_more_in_several(g: Ground) -> Iterator[Candidate]:
    """`deconv(w, 2, s=2)` makes 24 of 12, and 25 is what 12 was made of; and so at other levels behind it."""
    if len(g.inputs) != 2:
        return
    for value, other in (g.inputs, g.inputs[::-1]):
        made = _doubled(value)
        call = g.expr(made.span) if made is not None else None
        call = call.value if isinstance(call, tree.As) else call
        lacking = _lacking(value, other)
        if not isinstance(call, tree.Call) or not lacking or g.named(call, "op"):
            continue
        text = f"op={lacking}"
        shown = short(g.with_argument(call, text))
        said = f"{lacking} more at the end of each axis, which rounding took: `{shown}`"
        later = [c for c in g.calls(g.block) if c.target.span.text == "deconv" and c.span.start > g.span.end]
        later = [c for c in later if not g.named(c, "op")][:LATER]
        for count in range(1, len(later) + 1):
            for more in combinations(later, count):
                lines = ", ".join(str(c.span.line) for c in more)
                edits = tuple(g.argument(c, text) for c in (call, *more))
                yield Candidate(f"{said}, and in line {lines}", edits, group="op")


def _doubled(value: Value) -> Node | None:
    """The transposed convolution that a map comes from, by ops that pass on its places, as a norm does."""
    made = inside(value)
    while made is not None and made.op.name != "deconv":
        if len(made.inputs) != 1 or made.inputs[0].type.dims[2:] != value.type.dims[2:]:
            return None
        value = made.inputs[0]
        made = inside(value)
    return made


def _lacking(value: Value, other: Value) -> int:
    """By how many places a map is smaller than another, alike on each axis where it is; 0 where that is not known."""
    if value.type.rank != other.type.rank or value.type.rank < 3:
        return 0
    less = [b - a for a, b in zip(value.type.dims[2:], other.type.dims[2:], strict=True) if a != b]
    numbers = {n for n in less if isinstance(n, int)}
    if any(not isinstance(n, int) for n in less):
        return 1
    return numbers.pop() if len(numbers) == 1 and min(numbers) > 0 else 0


@mends(ShapeMismatch)
def even_image(g: Ground) -> Iterator[Candidate]:
    """An image of 100 by 100 for a network that halves three times: the nearest sizes that stay even."""
    if len(g.inputs) != 2 or g.types[0].rank != g.types[1].rank:
        return
    axis = next((a for a in range(2, g.types[0].rank) if g.types[0].dims[a] != g.types[1].dims[a]), None)
    ways = [way(value, axis) for value in g.inputs] if axis is not None else []
    for steps in sorted(ways, key=len, reverse=True):
        factor, first = _halved(steps), steps[0].size
        if factor > 1 and isinstance(first, int) and first % factor:
            below = first // factor * factor
            for size in (below, below + factor):
                yield from _other_size(g, first, size, f"a multiple of {factor}, which stays whole when it is halved")
            return


def _halved(steps: Sequence[Change]) -> int:
    """By what an axis is divided on its way, all in all."""
    sizes = [step.size for step in steps]
    falls = [(a, b) for a, b in pairwise(sizes) if isinstance(a, int) and isinstance(b, int)]
    return prod(round(a / b) for a, b in falls if 0 < b < a)


def _other_size(g: Ground, old: int, new: int, why: str) -> Iterator[Candidate]:
    """Another number for a size of the nets' inputs and of maps that they make; a square image stays one."""
    if not 0 < new <= LONGEST:
        return
    results = [r.spec.dims or () for b in g.blocks if b.kind == "net" for r in b.results or () if r.spec is not None]
    stated = [dim.value for dims in results for axis, dim in enumerate(dims) if axis > 1]
    given = [dim.default or dim.value for axis, dim in net_dims(g) if axis]
    if any(isinstance(s, tree.Number) and s.value == old for s in given):
        spots = [s for s in (*given, *stated) if isinstance(s, tree.Number) and s.value == old]
        edits = [g.put(s.span, str(new)) for s in spots]
        yield Candidate(f"{new} for {old} in the header: {why}", tuple(edits))


# ---- maps that are used up


@mends(TooSmall, BelowLeast)
def fewer_items(g: Ground) -> Iterator[Candidate]:
    """A loop over a list, or over a parameter's number of turns, that halves once too often: an item or a turn less."""
    loop = g.outline.around(g.node, tree.For)
    if loop is None:
        return
    source, name = _over(loop.source)
    where = _default(g, source)
    if isinstance(where, tree.List) and name != "range":
        items = where.items
        for less in (1, 2):
            if len(items) > less:
                kept = g.edit(items[-less - 1].span.end, items[-1].span.end, "")
                shown = ", ".join(i.span.text for i in items[:-less])
                said = f"{less} turn{'s' if less > 1 else ''} less: `[{short(shown)}]`"
                yield Candidate(said, (kept,), group="turns")
    elif isinstance(where, tree.Number) and isinstance(where.value, int) and source is not where:
        for less in (1, 2):
            if where.value > less:
                shown = g.shown(where.span, str(where.value - less))
                said = f"{less} turn{'s' if less > 1 else ''} less by default: `{shown}`"
                yield Candidate(said, (g.put(where.span, str(where.value - less)),), group="turns")


def _over(source: tree.Expr) -> tuple[tree.Expr, str]:
    """What a loop counts or runs through, and by which function."""
    if isinstance(source, tree.Call) and len(source.arguments) == 1:
        name = source.target.span.text
        if name in ("enumerate", "range", "reversed"):
            inner, below = _over(source.arguments[0].value)
            return inner, "range" if "range" in (name, below) else name
    return source, ""


def _default(g: Ground, expr: tree.Expr) -> tree.Expr | None:
    """An expression, or what its name is by default or by `let`."""
    if not isinstance(expr, tree.Name):
        return expr
    block = g.block
    for parameter in block.parameters if block is not None else ():
        if parameter.name == expr.name:
            return parameter.default
    for line in walk(block):
        if isinstance(line, tree.Let) and line.target.span.text == expr.name:
            return line.value
    return None


@mends(TooSmall)
def not_in_the_last_turns(g: Ground) -> Iterator[Candidate]:
    """A pool at the end of each turn of a loop: in the turns in which there is something left to pool."""
    loop, node, frame = g.outline.around(g.node, tree.For), g.node, g.diagnostic.trail
    turn = next((f.what for f in frame or () if f.turn), "")
    counted = re.match(r"(\w+)=(\d+)\b", turn)
    if loop is None or not isinstance(node, tree.Call) or counted is None or node.target.span.text not in POOLS:
        return
    name, at = counted.groups()
    source = loop.source
    counts = isinstance(source, tree.Call) and source.target.span.text in ("enumerate", "range")
    if counts and loop.targets[0].name == name and int(at):
        shown = f"({node.span.text} if {name} < {at} else id)"
        yield Candidate(f"as long as something is left: `{short(shown)}`", (g.put(node.span, shown),))


@mends(TooSmall)
def longer_input(g: Ground) -> Iterator[Candidate]:
    """An input that is halved to nothing: the size at which one window is left in the end."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, TooSmall) or len(g.inputs) != 1 or g.types[0].channel != 1:
        return
    sizes: tuple[Size, ...] = g.types[0].dims
    axis = next((a for a in range(2, len(sizes)) if sizes[a] == mistake.size), None)
    steps = way(g.inputs[0], axis) if axis is not None else []
    first = steps[0].size if steps else 0
    least = _halved(steps) * (mistake.dilation * (mistake.kernel - 1) + 1 - sum(mistake.padding))
    if isinstance(first, int) and least > first > 0:
        for size in (least, 2 * least, 4 * least):  # a stride on a map of one place shows in no size
            for candidate in _other_size(g, first, size, "then enough places are left for the last window"):
                yield replace(candidate, group="longer")

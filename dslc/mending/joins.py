"""Fixes for tensors that meet: axes that are missing, sizes that halving and doubling made different, positions."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.elaborate.mistakes.flow import WrongPort
from dslc.ir.model import Param, Value
from dslc.mending.ground import Candidate, Ground, short, walk
from dslc.mending.projections import suite_call
from dslc.mending.rules import mends
from dslc.ops.errors import TooSmall
from dslc.ops.errors_product import HeadsMismatch, InnerMismatch
from dslc.ops.errors_tensor import RankMismatch, ShapeMismatch
from dslc.syntax import tree
from dslc.types.dim import Size
from dslc.types.errors import BelowLeast, Coincidence, JoinedSizes
from dslc.types.limits import UniversalPin, UniversalSize

# ---- axes that are missing


def placed(few: tuple[Size, ...], many: tuple[Size, ...]) -> list[tuple[bool, ...]]:
    """The ways in which a shape fits into one of more axes in order: per axis of it, whether it is there.

    Axes that fit by size come first; a way in which sizes differ is none.
    """
    found: list[tuple[bool, ...]] = []

    def extend(at: int, used: int, there: tuple[bool, ...]) -> None:
        if at == len(many):
            if used == len(few):
                found.append(there)
            return
        if used < len(few) and (few[used] == many[at] or few[used] == 1):
            extend(at + 1, used + 1, (*there, True))
        if len(many) - at > len(few) - used:
            extend(at + 1, used, (*there, False))

    extend(0, 0, ())
    return found


def indexed(text: str, there: tuple[bool, ...]) -> str:
    """An expression with axes of size 1 where some are missing: `y[:, :, none, none]`."""
    items = [":" if here else "none" for here in there]
    while items and items[-1] == ":":
        items.pop()
    return f"{text}[{', '.join(items)}]"


@mends(RankMismatch)
def more_axes(g: Ground) -> Iterator[Candidate]:
    """The tensor of fewer axes is given the others, where the sizes say which those are."""
    if len(g.inputs) != 2:
        return
    less, more = sorted(g.inputs, key=lambda v: v.type.rank)
    ways = placed(less.type.dims, more.type.dims)
    call = suite_call(g)
    if call is not None:
        yield from _body_keeps_its_axes(g, call)
        for there in ways:
            yield from _at_the_end_of_the_suite(g, call, there, less)
        return
    side = _side(g, less)
    if side is None:
        return
    for there in ways:
        shown = indexed(_primary(side), there)
        said = f"add the axes that {less.type} lacks: `{short(shown)}`"
        yield Candidate(said, (g.put(side.span, shown),))
        sizes = ["-1" if here else g.word(more, axis) for axis, here in enumerate(there)]
        if isinstance(g.node, tree.Call) and all(sizes):
            shown = f"{shown} -> expand({', '.join(s for s in sizes if s)})"
            said = f"repeat it over the axes that {less.type} lacks: `{short(shown)}`"
            yield Candidate(said, (g.put(side.span, shown),))


@mends(RankMismatch)
def axes_of_a_mask(g: Ground) -> Iterator[Candidate]:
    """`sdpa(q, k, v, mask=keep)`: a mask of places `[N, T]` is one of keys, `[N, 1, 1, T]`."""
    call = g.use(g.diagnostic.site)
    if not isinstance(call, tree.Call) or call.target.span.text != "sdpa" or len(g.inputs) != 4:
        return
    given = g.named(call, "mask") or next(iter(g.positional(call)[3:]), None)
    if given is None:
        return
    query, key, _, mask = g.types
    scores = (*query.dims[:-1], key.dims[-2])
    for there in reversed(placed(mask.dims, scores)):  # keys, the last axis, before queries
        shown = indexed(_primary(given.value), there)
        which = "keys" if there[-1] else "queries"
        said = f"a mask of {which} has the axes of the scores: `{short(shown)}`"
        yield Candidate(said, (g.put(given.value.span, shown),), group="mask")


def _side(g: Ground, value: Value) -> tree.Expr | None:
    """The operand that a tensor is."""
    node = g.node
    if isinstance(node, tree.Call):
        return next((a.value for a in node.arguments if _is(a.value, value)), None)
    if not isinstance(node, tree.Binary):
        return None
    sides = [node.left, node.right]
    found = [side for side in sides if _is(side, value)]
    if len(found) == 1:
        return found[0]
    return sides[g.inputs.index(value)] if len(g.inputs) == 2 else None


def _is(expr: tree.Expr, value: Value) -> bool:
    """Whether an operand is that tensor, by its name or by the place that made it."""
    if isinstance(expr, tree.Name):
        return expr.name == value.name
    return value.span is not None and (expr.span == value.span or _ends(expr, value))


def _ends(expr: tree.Expr, value: Value) -> bool:
    last = expr.steps[-1] if isinstance(expr, tree.Chain) else expr
    return last.span == value.span


def _primary(expr: tree.Expr) -> str:
    plain = isinstance(expr, tree.Name | tree.It | tree.TickName | tree.Index | tree.Call)
    return expr.span.text if plain else f"({expr.span.text})"


def _last_step(call: tree.Call) -> tree.Expr | None:
    """The last step of a combinator's suite."""
    assert call.suite is not None
    line = call.suite.body[-1] if call.suite.body else None
    if not isinstance(line, tree.Step):
        return None
    return line.value.steps[-1] if isinstance(line.value, tree.Chain) else line.value


def _at_the_end_of_the_suite(g: Ground, call: tree.Call, there: tuple[bool, ...], less: Value) -> Iterator[Candidate]:
    last = _last_step(call)
    if last is not None and less is g.inputs[1]:
        shown = indexed("it", there)
        said = f"give the gate the axes that {less.type} lacks, at the end of the suite: `-> {shown}`"
        yield Candidate(said, (g.after(last.span, f" -> {shown}"),))


def _body_keeps_its_axes(g: Ground, call: tree.Call) -> Iterator[Candidate]:
    """`gap -> flatten -> linear(C)` in a gate: without `flatten`, with convolutions of kernel 1."""
    edits = []
    for node in walk(call.suite):
        if isinstance(node, tree.Name) and node.name == "flatten":
            edits += g.outline.without([node])
        if isinstance(node, tree.Call) and node.target.span.text == "linear" and len(node.arguments) == 1:
            edits.append(g.put(node.target.span, "conv"))
            edits.append(g.after(node.arguments[0].span, ", 1"))
    if edits:
        said = "keep the map: without `flatten`, and `conv(.., 1)` for `linear(..)` in the suite"
        yield Candidate(said, tuple(edits))


@mends(WrongPort)
def axes_of_a_port(g: Ground) -> Iterator[Candidate]:
    """A tensor that lacks axes of size 1 which the header has: `mask[:, none, none]`."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, WrongPort) or not mistake.sizes or call is None or len(g.inputs) != 1:
        return
    call = g.outline.around(g.outline.parents.get(call), tree.Call) if call.span == g.span else call
    for argument, shown in with_axes(g, call, g.inputs[0], mistake) if call is not None else ():
        said = f"add the axes of size 1 that the header has: `{short(shown)}`"
        yield Candidate(said, (g.put(argument.value.span, shown),))


def with_axes(g: Ground, call: tree.Call, value: Value, mistake: WrongPort) -> Iterator[tuple[tree.Argument, str]]:
    """The argument that a tensor is, and its text with the axes that a header has and it lacks."""
    wanted: list[Size] = [-1 if s is None else s for s in mistake.sizes]
    if value.type.rank >= len(wanted):
        return
    given = [a for a in call.arguments if a.value.span == g.span or _is(a.value, value)]
    for argument in given[:1]:
        for there in _open(value.type.dims, wanted):
            yield argument, indexed(_primary(argument.value), there)


def _open(few: tuple[Size, ...], many: list[Size]) -> Iterator[tuple[bool, ...]]:
    """As `placed`, where -1 takes any size; an axis that is not there may be a written 1, or one that takes any."""
    count = len(many)
    for bits in range(1 << count):
        there = tuple(bool(bits >> (count - 1 - i) & 1) for i in range(count))
        if sum(there) != len(few):
            continue
        sizes = iter(few)
        if all((s == -1 or s == next(sizes)) if here else s in (1, -1) for s, here in _drawn(many, there, sizes)):
            yield there


def _drawn(many: list[Size], there: tuple[bool, ...], sizes: Iterator[Size]) -> Iterator[tuple[Size, bool]]:
    for size, here in zip(many, there, strict=True):
        if here and size == -1:
            next(sizes)
        yield size, here


# ---- products


@mends(InnerMismatch, JoinedSizes, Coincidence)
def transposed(g: Ground) -> Iterator[Candidate]:
    """`q @ k`: the rows of both are summed over, so the second is transposed."""
    node = g.node
    if not isinstance(node, tree.Binary) or node.op != "@" or len(g.inputs) != 2:
        return
    left, right = g.types
    axes = f"{right.rank - 2}, {right.rank - 1}"
    if left.dims[-1] == right.dims[-1]:
        shown = f"({node.right.span.text} -> transpose({axes}))"
        said = f"sum over the last axis of both: `{short(f'{node.left.span.text} @ {shown}')}`"
        yield Candidate(said, (g.put(node.right.span, shown),))
    if left.rank > 1 and left.dims[-2] == right.dims[-2]:
        shown = f"({node.left.span.text} -> transpose({left.rank - 2}, {left.rank - 1}))"
        said = f"sum over the last axis but one of both: `{short(f'{shown} @ {node.right.span.text}')}`"
        yield Candidate(said, (g.put(node.left.span, shown),))
    if left.dims[-1] == right.dims[-1] == right.dims[-2]:
        return
    if right.dims[-1] == left.dims[-2] and left.dims[-1] == right.dims[-2]:
        return
    if right.rank == left.rank and right.dims[-1] == left.dims[-2]:
        shown = f"{node.right.span.text} @ {node.left.span.text}"
        yield Candidate(f"the other way round: `{short(shown)}`", (g.put(node.span, shown),))


@mends(HeadsMismatch)
def shared_heads(g: Ground) -> Iterator[Candidate]:
    """Groups of queries that share keys and values."""
    call = g.use(g.diagnostic.site)
    if isinstance(call, tree.Call) and call.target.span.text == "sdpa" and not g.named(call, "gqa"):
        said = "groups of queries share keys and values: `gqa=true`"
        yield Candidate(said, (g.argument(call, "gqa=true"),))


# ---- positions and tokens


@mends(ShapeMismatch)
def table_of_positions(g: Ground) -> Iterator[Candidate]:
    """A table with another number of rows than there are tokens: 196 places, and one for the class."""
    if len(g.inputs) != 2:
        return
    for table, tokens in (g.inputs, g.inputs[::-1]):
        param = table.producer
        if not isinstance(param, Param) or param.definition is None or not g.own(param.definition.span):
            continue
        dims = param.definition.spec.dims or ()
        shift = tokens.type.rank - table.type.rank
        for axis, dim in enumerate(dims):
            size = tokens.type.dims[axis + shift] if axis + shift >= 0 else 1
            old = table.type.dims[axis]
            if dim.value is None or old in (1, size) or not isinstance(size, int):
                continue
            if dim.value.span.text.isidentifier() or not isinstance(old, int):
                continue
            one_more = size == old + 1
            by = " (one of them is the class token)" if one_more else ""
            word = g.word(tokens, axis + shift) or str(size)
            written = f"{dim.span.text} + 1" if one_more and isinstance(dim.value, tree.Binary) else word
            written = str(size) if one_more and not isinstance(dim.value, tree.Binary) else written
            said = f"there are {size} on axis {axis + shift}{by}: `{param.name}: [{_with(dims, axis, written)}]`"
            yield Candidate(said, (g.put(dim.span, written),), certain=one_more)


def _with(dims: tuple[tree.DimSpec, ...], axis: int, text: str) -> str:
    return ", ".join(text if at == axis else dim.span.text for at, dim in enumerate(dims))


@mends(ShapeMismatch, JoinedSizes, Coincidence, UniversalPin, UniversalSize)
def expanded_token(g: Ground) -> Iterator[Candidate]:
    """A token `[1, 1, D]` beside `[N, T, D]`: it is repeated for each of the batch."""
    node = g.node
    if not isinstance(node, tree.Call) or len(g.inputs) < 2:
        return
    for argument, value in zip([a for a in node.arguments if a.name is None], g.inputs, strict=False):
        other = next((v for v in g.inputs if v is not value and v.type.rank == value.type.rank), None)
        if other is None or value.type.dims[0] != 1 or other.type.dims[0] == 1:
            continue
        batch = g.word(other, 0)
        rest = ", ".join(["-1"] * (value.type.rank - 1))
        for words in ([batch] if batch else []) + ["it.shape[0]"]:
            shown = f"{_primary(argument.value)} -> expand({words}, {rest})"
            said = f"repeat it for each of the batch: `{short(shown)}`"
            yield Candidate(said, (g.put(argument.value.span, shown),), group="batch", reveals=True)


@mends(TooSmall)
def smaller_window(g: Ground) -> Iterator[Candidate]:
    """A window that does not fit: with its default padding, or no larger than the map."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, TooSmall) or call is None:
        return
    padding = g.named(call, "p")
    if padding is not None and call.target.span.text == "conv":
        edit = g.without_argument(call, padding)
        yield Candidate(f"with its default padding it fits: without `{padding.span.text}`", (edit,))
    kernel = next((a.value for a in call.arguments if isinstance(a.value, tree.Number) and a.name in (None, "k")), None)
    numbers = [a.value for a in call.arguments if isinstance(a.value, tree.Number) and a.name in (None, "k")]
    kernel = next((n for n in numbers if n.value == mistake.kernel), kernel)
    if isinstance(kernel, tree.Number) and isinstance(mistake.size, int) and mistake.size > 1:
        shown = g.shown(kernel.span, str(mistake.size))
        yield Candidate(f"all of the map: `{shown}`", (g.put(kernel.span, str(mistake.size)),))


@mends(BelowLeast, TooSmall)
def fewer_turns(g: Ground) -> Iterator[Candidate]:
    """Too many halvings in a loop: one or two turns less."""
    loop = g.outline.around(g.node, tree.For)
    source = loop.source if loop is not None else None
    if isinstance(source, tree.Call) and source.target.span.text == "range" and len(source.arguments) == 1:
        count = source.arguments[0].value
        if isinstance(count, tree.Number) and isinstance(count.value, int):
            for less in (1, 2):
                if count.value > less:
                    said = f"{less} turn{'s' if less > 1 else ''} less: `range({count.value - less})`"
                    yield Candidate(said, (g.put(count.span, str(count.value - less)),), group="turns")

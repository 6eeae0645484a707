"""Fixes for sizes of maps that halving, doubling and strides made different on two ways that meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeGuard

from dslc.diagnostics.model import Edit
from dslc.ir.made import way
from dslc.ir.model import Node
from dslc.mending.ground import Candidate, Ground, inside, short, walk
from dslc.mending.projections import suite_call
from dslc.mending.rules import mends
from dslc.ops.errors_tensor import ShapeMismatch
from dslc.syntax import tree
from dslc.types.errors import Coincidence, JoinedSizes

# ---- axes that are missing

POOLS = ("maxpool", "avgpool", "lppool")


@mends(JoinedSizes, Coincidence, ShapeMismatch)
def tapped_too_late(g: Ground) -> Iterator[Candidate]:
    """A value that was named one line too late, after the pool: the two lines change places."""
    for line, suite, at in _taps(g):
        before = suite.body[at - 1] if at else None
        if not isinstance(before, tree.Step) or not isinstance(line.value, tree.It):
            continue
        first, second = before.span, line.span
        if "\n" in first.text.strip() or g.line_start(first.start) == g.line_start(second.start):
            continue
        said = f"name `{line.targets[0].span.text.strip('`')}` before `{short(first.text)}`"
        text = g.source.text
        held, moved = text[first.start : first.end].rstrip(), text[second.start : second.end].rstrip()
        edits = (
            g.edit(first.start, first.start + len(held), moved),
            g.edit(second.start, second.start + len(moved), held),
        )
        yield Candidate(f"{said}: it is taken after that step, and so smaller than what it meets", edits)


def _taps(g: Ground) -> Iterator[tuple[tree.Assign, tree.Suite, int]]:
    """The lines `name = it` of the body around the mistake."""
    for node in walk(g.block):
        if isinstance(node, tree.Suite):
            for at, line in enumerate(node.body):
                if isinstance(line, tree.Assign) and len(line.targets) == 1:
                    yield line, node, at


@mends(JoinedSizes, Coincidence, ShapeMismatch)
def pool_keeps_the_size(g: Ground) -> Iterator[Candidate]:
    """A pool, or a convolution, in one branch that takes a stride or no padding, where the others keep the size."""
    call = g.call
    if call is None or call.suite is None:
        return
    for inner in g.calls(call.suite):
        name = inner.target.span.text
        kernel = next((a.value for a in inner.arguments if a.name in (None, "k")), None)
        named = {a.name for a in inner.arguments}
        if name in POOLS and isinstance(kernel, tree.Number) and isinstance(kernel.value, int) and kernel.value % 2:
            half = kernel.value // 2
            if "s" not in named and "p" not in named:
                shown = g.with_argument(inner, f"s=1, p={half}")
                said = f"`{short(inner.span.text)}` has stride {kernel.value}; this keeps the size: `{shown}`"
                yield Candidate(said, (g.argument(inner, f"s=1, p={half}"),))
            elif "p" not in named and _is_one(g.named(inner, "s")):
                yield _padded(g, inner, half)
            elif "s" not in named:
                said = f"`{short(inner.span.text)}` has stride {kernel.value}; this keeps the size: `s=1`"
                yield Candidate(said, (g.argument(inner, "s=1"),))
        elif name in POOLS and isinstance(kernel, tree.Number) and isinstance(kernel.value, int):
            shown = f"{name}({kernel.value + 1}, s=1, p={kernel.value // 2})"
            said = f"`{short(inner.span.text)}` cannot keep the size, its kernel is even: `{shown}`"
            yield Candidate(said, (g.put(inner.span, shown),))
        elif name in ("conv", "cba", "dw", "sepconv"):
            padding, stride = g.named(inner, "p"), g.named(inner, "s")
            if padding is not None and padding.value.span.text in ("0", "valid"):
                said = f"with its default padding it keeps the size: `{short(inner.span.text)}` without `p`"
                yield Candidate(said, (g.without_argument(inner, padding),), loses=True)
            if stride is not None and not _is_one(stride):
                said = f"without its stride it keeps the size: `{short(inner.span.text)}` without `s`"
                yield Candidate(said, (g.without_argument(inner, stride),), loses=True)


@mends(JoinedSizes, Coincidence, ShapeMismatch)
def padded_as_convolutions_are(g: Ground) -> Iterator[Candidate]:
    """`maxpool(3, s=2)` beside `conv(c, 3, s=2)`: a pool has no padding by default, a convolution has half its kernel.

    The pools on one of the ways that meet, each, and all of them.
    """
    edits: dict[int, tuple[Edit, str]] = {}
    for value in g.inputs:
        for axis in range(2, value.type.rank) if value.type.channel == 1 else ():
            for step in way(value, axis):
                call = g.use(step.node.span) if step.node is not None else None
                kernel, stride = (_number(g, call, "k", 0), _number(g, call, "s", None)) if call is not None else (0, 0)
                if not isinstance(call, tree.Call) or call.target.span.text not in POOLS or g.named(call, "p"):
                    continue
                if kernel % 2 and kernel > 1 and stride > 1:
                    text = f"p={kernel // 2}"
                    edits[call.span.start] = g.argument(call, text), short(g.with_argument(call, text))
    for some in ([*edits], *([start] for start in edits if len(edits) > 1)):
        shown = "`, `".join(dict.fromkeys(edits[start][1] for start in some))
        said = f"a pool has no padding by default, a convolution has half its kernel; padded alike: `{shown}`"
        if some:
            yield Candidate(said, tuple(edits[start][0] for start in some), group="padded")


def _number(g: Ground, call: tree.Expr, name: str, at: int | None) -> int:
    """A written number that a call is given by name, or at a position; 0 where there is none."""
    if not isinstance(call, tree.Call):
        return 0
    positional = g.positional(call)
    by_place = positional[at] if at is not None and at < len(positional) else None
    given = g.named(call, name) or by_place
    number = given.value.value if given is not None and isinstance(given.value, tree.Number) else 0
    return number if isinstance(number, int) else 0


@mends(JoinedSizes, Coincidence, ShapeMismatch)
def all_keep_the_size(g: Ground) -> Iterator[Candidate]:
    """Several branches with a stride: all without."""
    call = g.call
    inner = list(g.calls(call.suite)) if call is not None and call.suite is not None else []
    edits, said = [], []
    for one in inner:
        stride = g.named(one, "s")
        if stride is not None and not _is_one(stride):
            kernel = next((a.value for a in one.arguments if a.name in (None, "k")), None)
            size = kernel.value if isinstance(kernel, tree.Number) and isinstance(kernel.value, int) else 0
            half = size // 2
            if one.target.span.text in POOLS and size % 2 and g.named(one, "p") is None:
                edits.append(g.put(stride.span, f"s=1, p={half}"))
            else:
                edits.append(g.put(stride.value.span, "1"))
            said.append(g.shown(stride.span, edits[-1].text if edits[-1].text != "1" else "s=1"))
    if len(edits) > 1:
        shown = "`, `".join(dict.fromkeys(said))
        yield Candidate(f"without their strides all branches keep the size: `{shown}`", tuple(edits), loses=True)


def _padded(g: Ground, call: tree.Call, half: int) -> Candidate:
    shown = g.with_argument(call, f"p={half}")
    return Candidate(f"padded it keeps the size: `{short(shown)}`", (g.argument(call, f"p={half}"),))


def _is_one(argument: tree.Argument | None) -> bool:
    return argument is not None and isinstance(argument.value, tree.Number) and argument.value.value == 1


@mends(JoinedSizes, Coincidence, ShapeMismatch)
def the_other_way_round(g: Ground) -> Iterator[Candidate]:
    """A decoder's loop that runs as the encoder's does: the last level comes first."""
    loop = g.outline.around(g.node, tree.For)
    source = loop.source if loop is not None else None
    if isinstance(source, tree.Call) and source.target.span.text == "range":
        shown = f"reversed({source.span.text})"
        said = f"from the last level to the first: `for {loop.targets[0].name} in {shown}`" if loop is not None else ""
        yield Candidate(said, (g.put(source.span, shown),))


@mends(JoinedSizes, Coincidence, ShapeMismatch)
def another_tensor(g: Ground) -> Iterator[Candidate]:
    """Another level of the same ones, which has the size that is asked for: `s1` for `s2`."""
    node, block = g.node, g.block
    operands = [a.value for a in node.arguments] if isinstance(node, tree.Call) else []
    if isinstance(node, tree.Binary):
        operands = [node.left, node.right]
    names = [operand for operand in operands if isinstance(operand, tree.Name)]
    others = [t.name for line, _, _ in _taps(g) for t in line.targets if isinstance(t, tree.Name)]
    for name in names if block is not None and len(g.inputs) == 2 else ():
        before = [n for n in others if n not in [one.name for one in names] and _stem(n) == _stem(name.name)]
        for other in before[:4]:
            later = [n for n in walk(block) if _reads(n, other) and n.span.start > name.span.end]
            if len(later) == 1:
                where = f"`{other}` here and `{name.name}` in line {later[0].span.line}"
                edits = (g.put(name.span, other), g.put(later[0].span, name.name))
                yield Candidate(f"the other way round, each with what has its size: {where}", edits, sole=True)
            said = f"`{other}` instead of `{name.name}`, which has another size"
            yield Candidate(said, (g.put(name.span, other),), group="name", loses=True)


def _reads(node: object, name: str) -> TypeGuard[tree.Name]:
    return isinstance(node, tree.Name) and node.name == name


def _stem(name: str) -> str:
    """What the names of several levels have in common: `skip` of `skip2`."""
    return name.rstrip("0123456789").rstrip("_")


@mends(JoinedSizes, ShapeMismatch)
def places_that_rounding_took(g: Ground) -> Iterator[Candidate]:
    """25 places halved are 12, and 24 doubled: the transposed convolution adds the one that is missing."""
    mistake = g.diagnostic.mistake
    if len(g.inputs) != 2 or g.types[0].rank != g.types[1].rank or any(t.channel != 1 for t in g.types):
        return
    differ = [axis for axis in range(2, g.types[0].rank) if g.types[0].dims[axis] != g.types[1].dims[axis]]
    for at in (0, 1) if differ else ():
        sizes = [type.dims[differ[0]] for type in g.types]
        if isinstance(mistake, JoinedSizes):
            sizes = [mistake.left_value, mistake.right_value]
        made, (less, more) = way(g.inputs[at], differ[0])[-1].node, (sizes[at], sizes[1 - at])
        call = g.use(made.span) if made is not None else None
        if not isinstance(call, tree.Call) or call.target.span.text != "deconv" or g.named(call, "op"):
            continue
        stride = g.named(call, "s")
        limit = stride.value.value if stride is not None and isinstance(stride.value, tree.Number) else 1
        if isinstance(less, int) and isinstance(more, int) and 0 < more - less < limit:
            shown = short(g.with_argument(call, f"op={more - less}"))
            said = f"{more - less} more at the end of each axis, which rounding took: `{shown}`"
            yield Candidate(said, (g.argument(call, f"op={more - less}"),))


@mends(JoinedSizes, Coincidence, ShapeMismatch)
def all_as_large_as_one(g: Ground) -> Iterator[Candidate]:
    """`concat(a, b, c)` of three scales: all as large as one of them."""
    node = g.node
    if not isinstance(node, tree.Call) or any(type.channel != 1 or type.rank < 3 for type in g.types):
        return
    given = g.positional(node)
    if len(given) < 3 or len(given) != len(g.inputs):
        return
    if not all(isinstance(a.value, tree.Name | tree.TickName) for a in given):
        return
    for like in given[:2]:
        edits, said = [], []
        for value, one in zip(g.inputs, given, strict=False):
            text = f" -> upsample(like={like.span.text})"
            if one is not like and value.type.dims[2:] != g.inputs[given.index(like)].type.dims[2:]:
                edits.append(g.after(one.span, text))
            said.append(f"{one.span.text}{text}" if edits and edits[-1].span.start == one.span.end else one.span.text)
        if edits:
            shown = short(f"{node.target.span.text}({', '.join(said)})")
            yield Candidate(f"all as large as `{like.span.text}`: `{shown}`", tuple(edits), group="like")


@mends(JoinedSizes, Coincidence, ShapeMismatch)
def like_the_other(g: Ground) -> Iterator[Candidate]:
    """Halved with rounding and doubled again: one side is made as large as the other."""
    node = g.node
    if len(g.inputs) != 2 or suite_call(g) is not None or getattr(g.diagnostic.mistake, "channels", False):
        return
    if isinstance(node, tree.Call) and len(node.arguments) == 2 and not any(a.name for a in node.arguments):
        sides = [node.arguments[0].value, node.arguments[1].value]
    elif isinstance(node, tree.Binary):
        sides = [node.left, node.right]
    else:
        return
    yield from _upsampled(g, sides)
    if any(type.channel != 1 or type.rank < 3 for type in g.types):
        return  # tokens are no borders of a map, to be cut off
    yield from _not_upsampled(g, sides)
    for at in (0, 1):
        side, other = sides[at], sides[1 - at]
        if isinstance(other, tree.It) and (margins := _margins(g, at)):  # in a chain `it` is another
            cropped = f"{side.span.text} -> crop({margins})"
            cropped = cropped if isinstance(node, tree.Call) else f"({cropped})"
            said = f"take away what is too much at the borders: `{short(cropped)}`"
            yield Candidate(said, (g.put(side.span, cropped),))
        if not isinstance(other, tree.Name | tree.TickName):
            continue
        bigger = side.span.text
        cropped = f"({bigger} -> crop(like={other.span.text}))"
        if isinstance(node, tree.Call):
            cropped = cropped[1:-1]
        said = f"crop the larger map to the other: `{short(cropped)}`"
        yield Candidate(said, (g.put(side.span, cropped),))


def _margins(g: Ground, at: int) -> str:
    """What to crop of one of two maps to give it the size of the other, where that is a number; else nothing."""
    larger, smaller = g.types[at], g.types[1 - at]
    if larger.rank != smaller.rank or larger.channel != 1:
        return ""
    extra = [a - b for a, b in zip(larger.spatial, smaller.spatial, strict=True)]
    numbers = [n for n in extra if isinstance(n, int) and n > 0]
    if len(numbers) != len(extra) or not numbers:
        return ""
    if len(set(numbers)) == 1 and numbers[0] % 2 == 0:
        return str(numbers[0] // 2)
    return f"({', '.join(f'({n // 2}, {n - n // 2})' for n in numbers)})"


def _not_upsampled(g: Ground, sides: list[tree.Expr]) -> Iterator[Candidate]:
    """The coarser of two maps as large as the finer one, where that is a whole number of times as large."""
    mistake = g.diagnostic.mistake
    if isinstance(mistake, JoinedSizes):
        sizes = [mistake.left_value, mistake.right_value]
    else:
        differ = next(((a, b) for a, b in zip(*(t.spatial for t in g.types), strict=False) if a != b), (0, 0))
        sizes = [size if isinstance(size, int) else 0 for size in differ]
    at = sizes.index(min(sizes))
    coarse, fine = sizes[at], sizes[1 - at]
    made = (way(value, 2)[-1].node for value in g.inputs)
    grown = any(node is not None and node.op.name in ("upsample", "deconv") for node in made)
    if coarse < 1 or fine % coarse or fine == coarse or grown:  # else it is the factor, or the other map, that is wrong
        return
    side, other = sides[at], sides[1 - at]
    times = fine // coarse
    named = isinstance(other, tree.Name | tree.TickName)
    shown = f"{side.span.text} -> upsample({f'like={other.span.text}' if named else times})"
    shown = shown if isinstance(g.node, tree.Call) else f"({shown})"
    said = f"{times} times as large, to the size of the map that it meets: `{short(shown)}`"
    yield Candidate(said, (g.put(side.span, shown),))


def _upsampled(g: Ground, sides: list[tree.Expr]) -> Iterator[Candidate]:
    """`upsample(2)` as large as the map that it meets."""
    for at, value in enumerate(g.inputs):
        made = inside(value)
        call = g.use(made.span) if made is not None else None
        other = sides[1 - at]
        if not isinstance(made, Node) or not isinstance(call, tree.Call) or call.target.span.text != "upsample":
            continue
        if not call.arguments:
            continue
        scale = call.arguments[0].value
        number = scale.value if isinstance(scale, tree.Number) else None
        for factor in (2, 4) if isinstance(number, int) else ():
            for right in (number * factor, number // factor) if isinstance(number, int) else ():
                said = f"{right} times as large, not {number}: `upsample({right})`"
                if right > 1:
                    yield Candidate(said, (g.put(scale.span, str(right)),), group="scale")
        if not isinstance(other, tree.Name | tree.TickName):
            continue
        shown = f"like={other.span.text}"
        said = f"upsample to the size of the map that it meets: `upsample({shown})`"
        yield Candidate(said, (g.put(call.arguments[0].span, shown),))

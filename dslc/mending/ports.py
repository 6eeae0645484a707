"""Fixes for blocks: tensors of another form than their header's, heads and parts that do not divide."""

from __future__ import annotations

from collections.abc import Iterator
from math import isqrt, prod

from dslc.bind.mistakes_body import WrongCount
from dslc.elaborate.mistakes.conditions import RequireFailed
from dslc.elaborate.mistakes.flow import WrongPort
from dslc.ir.made import maker
from dslc.ir.model import Node, Value
from dslc.mending.axes import first, places
from dslc.mending.ground import Candidate, Ground, inside, short, walk
from dslc.mending.joins import with_axes
from dslc.mending.rules import mends
from dslc.ops.errors import BadGroups, WrongRank, near_divisors
from dslc.ops.errors_index import IndexOutOfRange
from dslc.ops.errors_product import StateShape
from dslc.ops.errors_tensor import CannotSplit, NoSuchAxis, RankMismatch, ReshapeCount, ShapeMismatch, SplitSum
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree

RECURRENT = ("lstm", "gru", "rnn")


@mends(WrongPort)
def tokens_of_a_map(g: Ground) -> Iterator[Candidate]:
    """A map for a block of tokens, or tokens for a block of maps."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, WrongPort) or len(g.inputs) != 1 or mistake.end.port is None:
        return
    type, wanted = g.inputs[0].type, len(mistake.sizes)
    letters = places(type)
    if type.channel == 1 and type.rank in (4, 5) and wanted == 3 and letters is not None:
        tokens = f'rearrange("n c {letters} -> n ({letters}) c")'
        for candidate in first(g, tokens, "places as tokens"):
            yield replace(candidate, sole=True)
        step, rows = g.step, g.word(g.inputs[0], 2)
        if step is not None and rows is not None and type.rank == 4:
            back = f'rearrange("n (h w) c -> n c h w", h={rows})'
            said = f"places as tokens, and as a map again after it: `{tokens} -> .. -> {back}`"
            yield Candidate(said, (g.before(step.span, f"{tokens} -> "), g.after(step.span, f" -> {back}")))
    if type.rank == 3 and wanted == 4 and isinstance(type.dims[1], int):
        side = isqrt(type.dims[1])
        if side * side == type.dims[1]:
            text = f'rearrange("n (h w) c -> n c h w", h={side})'
            yield from first(g, text, f"{type.dims[1]} tokens as {side} rows of places")
    if type.rank > 2 and wanted == 2:
        if type.channel == 1:
            yield from first(g, "gap -> flatten", "the mean of each channel")
        elif type.rank == 3:
            yield from first(g, "mean(1)", "the mean of the tokens")
        yield from first(g, "flatten", "all places side by side")


@mends(WrongPort)
def result_without_places(g: Ground) -> Iterator[Candidate]:
    """A result `[N, 2]` of tokens or of a map: their mean, before the last layer or after it."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, WrongPort) or len(g.inputs) != 1 or mistake.end.port is not None:
        return
    type = g.inputs[0].type
    if len(mistake.sizes) == 2 and type.rank == 3 and type.channel != 1:
        yield from first(g, "mean(1)", "the mean of the tokens")
    elif len(mistake.sizes) == 2 and type.rank > 3 and g.step is not None:
        said = f"the mean of each channel: `{short(g.step.span.text)} -> gap -> flatten`"
        yield Candidate(said, (g.after(g.step.span, " -> gap -> flatten"),))


@mends(RequireFailed, CannotSplit)
def dividing_number(g: Ground) -> Iterator[Candidate]:
    """Heads, groups or parts that do not divide a width: the nearest that do."""
    mistake = g.diagnostic.mistake
    if isinstance(mistake, RequireFailed):
        if mistake.divisor is None or mistake.dividend is None or not g.own(mistake.place):
            return
        whole, parts, place = mistake.dividend, mistake.divisor, mistake.place
    else:
        assert isinstance(mistake, CannotSplit)
        whole, parts = mistake.size, mistake.parts
        number = g.outline.find(g.span)
        place = g.span if isinstance(number, tree.Number) and number.value == parts else _argument(g, parts)
    if place is None or place.text.strip() != str(parts):
        yield from _one_of_several(g, whole, parts)
        return
    for near in near_divisors(whole, parts)[::-1]:
        if near == 1:
            continue
        each = f"{whole // near} each" if whole // near > 1 else "1 each"
        yield Candidate(f"{near} divides {whole}, {each}: `{g.shown(place, str(near))}`", (g.put(place, str(near)),))
    if isinstance(mistake, RequireFailed) and whole > parts:
        yield from _other_width(g, whole, parts)


def _one_of_several(g: Ground, whole: int, parts: int) -> Iterator[Candidate]:
    """`(three h d)` with `three=3, h=4`: one of the numbers whose product is to divide the axis."""
    call = g.call
    for argument in reversed(call.arguments if call is not None else ()):
        number = argument.value
        if argument.name is None or not isinstance(number, tree.Number) or not isinstance(number.value, int):
            continue
        rest = parts // number.value if number.value and parts % number.value == 0 else 0
        if rest < 2 or whole % rest:
            continue
        for near in near_divisors(whole // rest, number.value)[::-1]:
            shown = f"{argument.name}={near}"
            yield Candidate(f"{near} times {rest} divide {whole}: `{shown}`", (g.put(number.span, str(near)),))


def _argument(g: Ground, parts: int) -> Span | None:
    call = g.call
    for argument in call.arguments if call is not None else ():
        if isinstance(argument.value, tree.Number) and argument.value.value == parts:
            return argument.value.span
    return None


def _other_width(g: Ground, whole: int, parts: int) -> Iterator[Candidate]:
    """The width itself, where one number of the text is it."""
    below = whole // parts * parts
    spots = [n for n in g.outline.at.values() if isinstance(n, tree.Number) and n.value == whole]
    lines = [d for b in g.blocks for p in b.ports or () for d in p.spec.dims or () if d.span.text == str(whole)]
    if len(spots) + len(lines) != 1:
        return
    span = spots[0].span if spots else lines[0].span
    for width in (below + parts, below):
        yield Candidate(f"{width} divides into {parts}: `{width}` for the width", (g.put(span, str(width)),))


@mends(WrongCount)
def as_many_parts(g: Ground) -> Iterator[Candidate]:
    """`a, b, c = chunk(2)`: as many parts as names."""
    mistake, line = g.diagnostic.mistake, g.outline.around(g.node, tree.Assign)
    if line is None:
        line = next((n for n in g.outline.parents if isinstance(n, tree.Assign) and _holds(n, g)), None)
    if not isinstance(mistake, WrongCount) or line is None:
        return
    for call in g.calls(line.value):
        if call.target.span.text in ("chunk", "split") and call.arguments:
            count = call.arguments[0].value
            if isinstance(count, tree.Number) and count.value == mistake.values:
                shown = f"{call.target.span.text}({mistake.names})"
                said = f"as many parts as names: `{short(shown)}`"
                yield Candidate(said, (g.put(count.span, str(mistake.names)),))


@mends(WrongCount)
def parts_of_one_tensor(g: Ground) -> Iterator[Candidate]:
    """`mu, logvar = linear(2 * latent)`: one tensor in as many equal parts; of a recurrent layer, its state too."""
    mistake, line = g.diagnostic.mistake, g.outline.around(g.node, tree.Assign)
    if line is None:
        line = next((n for n in g.outline.parents if isinstance(n, tree.Assign) and _holds(n, g)), None)
    if not isinstance(mistake, WrongCount) or mistake.values != 1 or line is None:
        return
    last = line.value.steps[-1] if isinstance(line.value, tree.Chain) else line.value
    last = last.value if isinstance(last, tree.As) else last
    name = last.target.span.text if isinstance(last, tree.Call) else ""
    if isinstance(last, tree.Call) and name in RECURRENT and g.named(last, "state") is None:
        keras = g.named(last, "return_state")
        shown = short(g.with_argument(last, "state=true"))
        shown = g.shown(keras.span, "state=true") if keras is not None else shown
        said = f"the state comes as well where it is asked for: `{shown}`"
        edit = g.argument(last, "state=true") if keras is None else g.put(keras.span, "state=true")
        yield Candidate(said, (edit,), sole=True)
    if isinstance(line.value, tree.Chain | tree.Call | tree.As | tree.Name | tree.It | tree.TickName):
        text = f" -> chunk({mistake.names})"
        said = f"one tensor in {mistake.names} equal parts: `{short(line.value.span.text + text)}`"
        yield Candidate(said, (g.after(line.value.span, text),))


def _holds(line: tree.Assign, g: Ground) -> bool:
    return g.own(line.span) and line.span.start <= g.span.start < line.span.end


@mends(ReshapeCount)
def features_of_the_shape(g: Ground) -> Iterator[Candidate]:
    """`linear(32 * 7 * 7) -> reshape(N, 64, 7, 7)`: as many features as the shape has elements."""
    call = g.call
    made = maker(g.inputs[0], -1) if g.inputs and g.types[0].rank == 2 else None
    place = made.place if made is not None else None
    sizes = [a.value for a in call.arguments[1:]] if call is not None else []
    if place is None or not g.own(place) or len(sizes) < 2:
        return
    plain = all(isinstance(size, tree.Number | tree.Name) and size.span.text != "-1" for size in sizes)
    text = " * ".join(size.span.text for size in sizes)
    if plain:
        said = f"as many features as the shape has elements: `{g.shown(place, text)}`"
        yield Candidate(said, (g.put(place, text),))


@mends(ReshapeCount)
def reshaped_to_what_is_left(g: Ground) -> Iterator[Candidate]:
    """One size as -1: what the others leave."""
    call = g.call
    if call is None or any(a.value.span.text == "-1" for a in call.arguments):
        return
    for argument in call.arguments[:0:-1]:
        said = f"what the others leave, for `{argument.span.text}`: `{g.shown(argument.value.span, '-1')}`"
        yield Candidate(said, (g.put(argument.value.span, "-1"),), group="rest")


@mends(ReshapeCount)
def reshaped_to_a_square(g: Ground) -> Iterator[Candidate]:
    """`reshape(N, 32, 8, 8)` of 7 times 7 places: rows and columns as many as the others leave."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, ReshapeCount) or call is None or len(call.arguments) < 4 or not g.inputs:
        return
    rows, columns = (a.value for a in call.arguments[-2:])
    others = [a.value.value for a in call.arguments[1:-2] if isinstance(a.value, tree.Number)]
    known = [size for size in g.types[0].dims[1:] if isinstance(size, int)]
    if (
        rows.span.text != columns.span.text
        or len(others) != len(call.arguments) - 3
        or len(known) != g.types[0].rank - 1
    ):
        return
    count, left = prod(known), prod(n for n in others if isinstance(n, int))
    side = isqrt(count // left) if left and count % left == 0 else 0
    if side and side * side * left == count:
        shown = ", ".join([*(a.span.text for a in call.arguments[:-2]), str(side), str(side)])
        said = f"{count} are {left} times {side} times {side}: `{call.target.span.text}({shown})`"
        yield Candidate(said, (g.put(rows.span, str(side)), g.put(columns.span, str(side))))


@mends(SplitSum)
def pieces_that_add_up(g: Ground) -> Iterator[Candidate]:
    """`split([48, 24])` of 64: the last piece, or the first, is what the others leave."""
    mistake, pieces = g.diagnostic.mistake, g.outline.find(g.span)
    if not isinstance(mistake, SplitSum) or not isinstance(pieces, tree.List) or not mistake.size.isdigit():
        return
    numbers = [item.value if isinstance(item, tree.Number) else None for item in pieces.items]
    whole = [n for n in numbers if isinstance(n, int)]
    for at in (-1, 0):
        rest = int(mistake.size) - (sum(whole) - whole[at]) if len(whole) == len(numbers) else 0
        if rest > 0:
            which = "last" if at else "first"
            shown = g.shown(pieces.items[at].span, str(rest))
            said = f"{rest} are left for the {which} piece: `{shown}`"
            yield Candidate(said, (g.put(pieces.items[at].span, str(rest)),))


@mends(StateShape)
def state_of_that_size(g: Ground) -> Iterator[Candidate]:
    """A recurrent layer of as many features as the state that it is given."""
    mistake, call = g.diagnostic.mistake, g.call
    first = g.positional(call)[0] if call is not None and g.positional(call) else None
    given = mistake.given.strip("[]").split(", ")[-1] if isinstance(mistake, StateShape) else ""
    if first is not None and given.isdigit():
        said = f"the state has {given} features: `{g.shown(first.value.span, given)}`"
        yield Candidate(said, (g.put(first.value.span, given),))


@mends(IndexOutOfRange, NoSuchAxis)
def last_place(g: Ground) -> Iterator[Candidate]:
    """An index or an axis beyond the last: counted from 0 the last is one less, or -1."""
    mistake, node = g.diagnostic.mistake, g.node
    if isinstance(mistake, NoSuchAxis):
        if isinstance(node, tree.Number) or (node := g.outline.find(g.span)) is not None:
            for axis in (mistake.rank - 1, -1):
                said = f"the last axis of {mistake.shape}: `{g.shown(node.span, str(axis))}`"
                if mistake.axis >= mistake.rank:
                    yield Candidate(said, (g.put(node.span, str(axis)),), group="axis")
        return
    if not isinstance(mistake, IndexOutOfRange) or not isinstance(node, tree.Index) or not mistake.size.isdigit():
        return
    last = int(mistake.size) - (not mistake.slice)
    for item in walk(node.items):
        if isinstance(item, tree.Number) and item.span.text == mistake.index:
            what = "its end" if mistake.slice else "the last, counted from 0,"
            said = f"axis {mistake.axis} has {mistake.size}: {what} is `{last}`"
            yield Candidate(said, (g.put(item.span, str(last)),))


@mends(BadGroups)
def one_group_a_channel(g: Ground) -> Iterator[Candidate]:
    """`conv(out, 3, g=out)` of other channels: depthwise is one group for each that comes in."""
    site = g.use(g.diagnostic.site)
    groups = g.named(site, "g") if isinstance(site, tree.Call) else None
    if not isinstance(site, tree.Call) or groups is None or not g.positional(site) or not g.inputs:
        return
    out, word = g.positional(site)[0], g.word(g.inputs[0], 1)
    if out.value.span.text != groups.value.span.text or word is None:
        return
    text = site.span.text
    shown = f"{site.target.span.text}({word}, {', '.join(a.span.text for a in site.arguments[1:])})"
    shown = shown.replace(groups.span.text, f"g={word}")
    said = f"one group for each channel that comes in, for `{short(text)}`: `{short(shown)}`"
    yield Candidate(said, (g.put(out.value.span, word), g.put(groups.value.span, word)))


@mends(WrongPort)
def elements_of_a_port(g: Ground) -> Iterator[Candidate]:
    """Truth values, or indices, where the net's header says floats: with the axes that the block's header has."""
    mistake, call, block = g.diagnostic.mistake, g.call, g.block
    if not isinstance(mistake, WrongPort) or mistake.fault != "type" or not g.inputs or block is None:
        return
    kind, value = mistake.wanted.split("[")[0], g.inputs[0]
    port = next((p for p in block.ports or () if p.name == value.name and p.spec.dtype is None), None)
    if not kind or port is None or block.kind != "net":
        return
    said = f"say in the header what it holds: `{port.name}: {kind}{port.spec.span.text}`"
    edit = g.edit(port.span.start + len(port.name), port.spec.span.start, f": {kind}")
    yield Candidate(said, (edit,))
    for argument, shown in with_axes(g, call, value, mistake) if call is not None else ():
        both = f"{said}, and give it the axes that are asked for: `{shown}`"
        yield Candidate(both, (edit, g.put(argument.value.span, shown)))


@mends(WrongPort, RankMismatch, ShapeMismatch, WrongRank)
def state_of_the_upper_layer(g: Ground) -> Iterator[Candidate]:
    """The state `[layers, N, hidden]` of a recurrent layer: that of its last layer, in both directions."""
    for value in g.inputs:
        made = _recurrent(value)
        call = g.expr(made.span) if made is not None else None
        call = call.value if isinstance(call, tree.As) else call
        line = next((n for n in walk(g.block) if isinstance(n, tree.Assign) and made and _wraps(n, made.span)), None)
        if not isinstance(call, tree.Call) or line is None:
            continue
        both = g.named(call, "bidirectional")
        for target in line.targets[1:]:
            if not isinstance(target, tree.Name):
                continue
            name, later = (
                target.name,
                [n for n in walk(g.block) if isinstance(n, tree.Name) and n.span.start > line.span.end],
            )
            last = f"concat({name}[-2], {name}[-1])" if both is not None and _true(both) else f"{name}[-1]"
            what = "both directions" if last.startswith("concat") else "the upper layer"
            for read in later:
                if read.name == name:
                    said = f"axis 0 of `{name}` counts the layers; the state of {what}: `{last}`"
                    yield Candidate(said, (g.put(read.span, last),), group=name)


def _true(argument: tree.Argument) -> bool:
    return argument.value.span.text == "true"


def _wraps(line: tree.Assign, span: Span) -> bool:
    return line.span.source.path == span.source.path and line.span.start <= span.start and span.end <= line.span.end


def _recurrent(value: Value) -> Node | None:
    """The recurrent layer whose state a tensor was made of, by ops of one input."""
    made = inside(value)
    while made is not None and made.op.name not in RECURRENT and len(made.inputs) == 1:
        value = made.inputs[0]
        made = inside(value)
    return made if made is not None and made.op.name in RECURRENT and value.index > 0 else None

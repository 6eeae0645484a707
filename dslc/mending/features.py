"""Fixes for features: parts of one layer, steps of a sequence, truth values, rows of a decoder's first map."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dslc.elaborate.mistakes.flow import WrongPort
from dslc.elaborate.mistakes.weights import TiedShape
from dslc.ir.made import maker, way
from dslc.ir.model import Param, Value
from dslc.mending.ground import Candidate, Ground, inside, short, walk
from dslc.mending.rules import mends
from dslc.ops.errors import WrongRank
from dslc.ops.errors_tensor import ShapeMismatch
from dslc.syntax import tree

RECURRENT = ("lstm", "gru", "rnn")
"""Layers that go along a sequence."""


@mends(ShapeMismatch)
def parts_of_twice_as_many(g: Ground) -> Iterator[Candidate]:
    """`gamma, beta = linear(32) -> chunk(2)` for 32 channels: each part has the half of what the layer makes."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, ShapeMismatch) or len(g.inputs) != 2:
        return
    for part, other in (g.inputs, g.inputs[::-1]):
        value, made = part, inside(part)
        while made is not None and made.op.name != "chunk" and made.inputs and "out" not in made.consts:
            value = made.inputs[0]
            made = inside(value)
        if made is None or made.op.name != "chunk":
            continue
        source = maker(made.inputs[0], 1 if made.inputs[0].type.rank == 2 else made.inputs[0].type.channel or -1)
        place, count = source.place if source is not None else None, len(made.outs)
        word = g.word(other, mistake.axis) if mistake.axis < other.type.rank else None
        if place is None or word is None or not g.own(place):
            continue
        text = str(count * int(word)) if word.isdigit() else f"{count} * {word}"
        said = f"{count} parts of {word} are {text}: `{g.shown(place, text)}`"
        yield Candidate(said, (g.put(place, text),), sole=True)


@mends(WrongPort)
def last_step_of_a_sequence(g: Ground) -> Iterator[Candidate]:
    """`lstm(32) -> linear(1)` of a result `[N, 1]`: the last step of the sequence."""
    mistake, step = g.diagnostic.mistake, g.step
    if not isinstance(mistake, WrongPort) or mistake.end.port is not None or len(g.inputs) != 1 or step is None:
        return
    type = g.types[0]
    if len(mistake.sizes) == 2 and type.rank == 3 and _recurrent_before(g.inputs[0]):
        shown = short(f"it[:, -1] -> {step.span.text}")
        yield Candidate(f"the last step: `{shown}`", (g.before(step.span, "it[:, -1] -> "),))


@mends(TiedShape)
def as_wide_as_the_table(g: Ground) -> Iterator[Candidate]:
    """`linear(vocab, weight=words.weight)` of features wider than the table: they are brought to its width first."""
    site = g.use(g.diagnostic.site)
    if not isinstance(site, tree.Call) or len(g.types) != 2 or site.target.span.text != "linear":
        return
    features, table = g.types
    if table.rank != 2 or features.dims[-1] == table.dims[1]:
        return
    width = _given_width(g, site) or str(table.dims[1])
    said = f"the table is {table.dims[1]} wide, the features {features.dims[-1]}; as wide as the table first"
    shown = short(f"linear({width}) -> {site.span.text}")
    yield Candidate(f"{said}: `{shown}`", (g.before(site.span, f"linear({width}) -> "),))


def _given_width(g: Ground, site: tree.Call) -> str | None:
    """The width of a table as the text says it, where `module words = embedding(vocab, narrow)` made it."""
    weight = g.named(site, "weight")
    name = weight.value.value if weight is not None and isinstance(weight.value, tree.Attribute) else None
    made = [n.value for n in walk(g.block) if isinstance(n, tree.ModuleDef) and _same(n.target, name)]
    made += [n.value for n in walk(g.block) if isinstance(n, tree.As) and _same(n.name, name)]
    given = [a.value.span.text for call in made if isinstance(call, tree.Call) for a in g.positional(call)[1:2]]
    return given[0] if len(given) == 1 else None


def _same(one: object, other: object) -> bool:
    return isinstance(one, tree.Name) and isinstance(other, tree.Name) and one.name == other.name


def _recurrent_before(value: Value) -> bool:
    made = inside(value)
    while made is not None and made.op.name not in RECURRENT and made.inputs:
        made = inside(made.inputs[0])
    return made is not None and made.op.name in RECURRENT


@mends(WrongPort)
def numbers_for_truth_values(g: Ground) -> Iterator[Candidate]:
    """A mask of integers where truth values are asked for."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, WrongPort) or mistake.fault != "type" or call is None or len(g.inputs) != 1:
        return
    if not mistake.wanted.startswith("bool") or g.inputs[0].type.dtype.is_float:
        return
    given = next((a for a in call.arguments if a.value.span == g.span), None)
    if given is not None:
        shown = f"{given.value.span.text} != 0"
        yield Candidate(f"true where it is not 0: `{short(shown)}`", (g.put(given.value.span, shown),))


@mends(WrongRank)
def parameter_for_each_of_the_batch(g: Ground) -> Iterator[Candidate]:
    """`sdpa(latents, k, v)` of a table `[16, 64]`: the same for each of the batch."""
    call, value = g.call, g.inputs[0] if len(g.inputs) == 1 else None
    if call is None or value is None or not isinstance(value.producer, Param) or value.name is None:
        return
    given = next((a for a in call.arguments if a.value.span.text == value.name), None)
    ports = [port.name for port in (g.block.ports or () if g.block is not None else ())]
    for batch in ("N", *(f"{name}.shape[0]" for name in ports)):
        text = f"{value.name}[none] -> expand({batch}{', -1' * value.type.rank})"
        if given is not None:
            yield Candidate(
                f"the same for each of the batch: `{text}`", (g.put(given.value.span, text),), group="batch"
            )


@mends(WrongPort)
def rows_of_the_first_map(g: Ground) -> Iterator[Candidate]:
    """`linear(64 * 8 * 8) -> reshape(N, 64, 8, 8)` of a decoder of 28 by 28: it begins with 7 rows."""
    mistake = g.diagnostic.mistake
    if not isinstance(mistake, WrongPort) or mistake.end.port is not None or len(g.inputs) != 1:
        return
    axis, value = mistake.axis, g.inputs[0]
    if axis is None or axis < 2 or axis >= min(len(mistake.sizes), value.type.rank):
        return
    start = way(value, axis)[0]
    made = inside(start.value)
    call = g.use(made.span) if made is not None and made.op.name == "reshape" else None
    wanted, size, first = mistake.sizes[axis], value.type.dims[axis], start.size
    if not isinstance(call, tree.Call) or not isinstance(first, int) or not isinstance(wanted, int):
        return
    if not isinstance(size, int) or not size or wanted * first % size:
        return
    right = str(wanted * first // size)
    source = maker(made.inputs[0], -1) if made is not None and made.inputs else None
    place = source.place if source is not None else None
    texts = [*call.arguments[2:], *([g.outline.find(place)] if place is not None and g.own(place) else [])]
    spots = [n.span for text in texts for n in walk(text) if isinstance(n, tree.Number) and n.value == first]
    if spots and right != "0":
        shown = short(re.sub(rf"\b{first}\b", right, call.span.text))
        lines = " and ".join(dict.fromkeys(str(span.line) for span in spots))
        said = f"{right} grow to {wanted} as {first} do to {size}: `{shown}`"
        said += f", and so in the layer before it (line {lines})" if len(spots) > len(call.arguments) - 2 else ""
        yield Candidate(said, tuple(g.put(span, right) for span in spots))

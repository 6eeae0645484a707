"""Fixes for what must be as long as an axis: pieces of a split, numbers for each channel, states for each layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dslc.ir.model import Node
from dslc.mending.axes import first
from dslc.mending.ground import Candidate, Ground, inside, net_dims, short
from dslc.mending.rules import mends
from dslc.ops.errors_map import WrongLength
from dslc.ops.errors_product import StateShape
from dslc.ops.errors_tensor import SplitSum
from dslc.syntax import tree

RECURRENT: Final = ("lstm", "gru", "rnn")

# ---- pieces


@mends(SplitSum)
def equal_pieces(g: Ground) -> Iterator[Candidate]:
    """`split([32, 32])` in a block, or of other channels: halves of whatever comes; else as they were."""
    pieces, call, mistake = g.outline.find(g.span), g.call, g.diagnostic.mistake
    if not isinstance(mistake, SplitSum) or call is None or not isinstance(pieces, tree.List | tree.Tuple):
        return
    texts, count = {item.span.text for item in pieces.items}, len(pieces.items)
    word = g.word(g.inputs[0], mistake.axis) if len(g.inputs) == 1 else None
    numbers = [item.value for item in pieces.items if isinstance(item, tree.Number)]
    whole = [n for n in numbers if isinstance(n, int)]
    if len(texts) == 1 and count > 1:
        if word is not None and not word.isdigit():
            part = f"{word if word.isidentifier() or word[:1] == '(' else f'({word})'} // {count}"
            shown = f"[{', '.join([part] * count)}]"
            said = f"{count} equal pieces of whatever comes: `{g.shown(pieces.span, shown)}`"
            yield Candidate(said, (g.put(pieces.span, shown),), group="equal")
        given = [str(count), *(a.span.text for a in call.arguments if a.value is not pieces)]
        shown = f"chunk({', '.join(given)})"
        said = f"{count} equal pieces, however many there are: `{shown}`"
        yield Candidate(said, (g.put(call.span, shown),))
    elif mistake.size.isdigit() and len(whole) == count and (total := sum(whole)):
        size = int(mistake.size)
        if all(n * size % total == 0 for n in whole):
            shown = f"[{', '.join(str(n * size // total) for n in whole)}]"
            said = f"as large to each other as they were: `{g.shown(pieces.span, shown)}`"
            yield Candidate(said, (g.put(pieces.span, shown),))


# ---- numbers of channels


@mends(WrongLength)
def a_number_for_each_channel(g: Ground) -> Iterator[Candidate]:
    """The numbers of three colours for one channel, or one number for three: their mean, or as often as needed."""
    mistake, call = g.diagnostic.mistake, g.call
    if not isinstance(mistake, WrongLength) or call is None:
        return
    edits, shown = [], call.span.text
    lists = [a.value for a in call.arguments if isinstance(a.value, tree.Tuple | tree.List)]
    for value in sorted(lists, key=lambda value: -value.span.start):
        numbers = [item.value for item in value.items if isinstance(item, tree.Number)]
        if len(numbers) != len(value.items) or len(numbers) != mistake.length:
            continue
        if mistake.channels == 1:
            text = f"({round(sum(numbers) / len(numbers), 3):g},)"
        elif len(set(numbers)) == 1:
            text = f"({', '.join([value.items[0].span.text] * mistake.channels)})"
        else:
            continue
        edits.append(g.put(value.span, text))
        at = value.span.start - call.span.start
        shown = f"{shown[:at]}{text}{shown[at + len(value.span.text) :]}"
    if edits:
        said = "the mean of the numbers, for one channel" if mistake.channels == 1 else "a number for each channel"
        yield Candidate(f"{said}: `{short(shown)}`", tuple(edits))
    if mistake.channels == 1 and g.types and g.types[0].rank == 4:
        copies = f'repeat("n 1 h w -> n c h w", c={mistake.length})'
        yield from first(g, copies, f"{mistake.length} equal channels, for layers that were trained with so many")
    elif 1 < mistake.length < mistake.channels:
        yield from first(g, f"it[:, :{mistake.length}]", f"the first {mistake.length} channels alone")
    for axis, dim in net_dims(g):
        if axis == 1 and dim.span.text == str(mistake.channels) and mistake.length > 1:
            said = f"an input of {mistake.length} channels: `{mistake.length}` for `{dim.span.text}` in the header"
            yield Candidate(said, (g.put(dim.span, str(mistake.length)),))


# ---- states


@mends(StateShape)
def as_many_layers(g: Ground) -> Iterator[Candidate]:
    """A state of one layer for two, or of one direction for two: alike in both recurrent layers."""
    mistake, here = g.diagnostic.mistake, g.call
    states = [value for value in g.inputs if value.index > 0 and recurrent_state(value.producer)]
    if not isinstance(mistake, StateShape) or here is None or not states:
        return
    given = inside(states[0])
    there = g.use(given.span) if given is not None else None
    line = f" in line {there.span.line}" if there is not None and there.span.line != here.span.line else ""
    for name, default in (("layers", "1"), ("bidirectional", "false")):
        if isinstance(there, tree.Call):
            yield from _alike(g, there, here, name, default, line)
        yield from _alike(g, here, there, name, default, " here")


def recurrent_state(producer: object) -> bool:
    """Whether an op is a recurrent layer, or a block that may hold one."""
    return not isinstance(producer, Node) or producer.op.name in RECURRENT


def _alike(
    g: Ground, changed: tree.Call, other: tree.Expr | None, name: str, default: str, where: str
) -> Iterator[Candidate]:
    """A recurrent layer with an argument as another one has it."""
    if not isinstance(other, tree.Call):
        return
    own, wanted = _argument(g, changed, name), _argument(g, other, name)
    text = wanted.value.span.text if wanted is not None else default
    if (own.value.span.text if own is not None else default) == text:
        return
    if own is None:
        edit, shown = g.argument(changed, f"{name}={text}"), short(g.with_argument(changed, f"{name}={text}"))
    elif wanted is None and own.name is not None:
        edit, shown = g.without_argument(changed, own), f"no `{own.span.text}`"
        yield Candidate(f"{shown}{where}, as where the state comes from", (edit,), group=f"{name}{where}")
        return
    else:
        edit, shown = g.put(own.value.span, text), g.shown(own.value.span, text)
    yield Candidate(f"as many layers and directions{where}: `{shown}`", (edit,), group=f"{name}{where}")


def _argument(g: Ground, call: tree.Call, name: str) -> tree.Argument | None:
    """An argument of a recurrent layer by its name; the number of layers is the second by its place."""
    placed = g.positional(call)
    return g.named(call, name) or (placed[1] if name == "layers" and len(placed) > 1 else None)

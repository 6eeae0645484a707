"""Fixes for what must be as long as an axis: pieces of a split, numbers for each channel."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.bind.mistakes import WrongType
from dslc.mending.axes import first
from dslc.mending.ground import Candidate, Ground, net_dims, short
from dslc.mending.rules import mends
from dslc.ops.errors_map import WrongLength
from dslc.ops.errors_tensor import SplitSum
from dslc.syntax import tree

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


@mends(WrongType)
def one_number_as_a_list(g: Ground) -> Iterator[Candidate]:
    """`normalize(mean=0.5)`: numbers, one for each channel."""
    mistake, number = g.diagnostic.mistake, g.outline.find(g.span)
    if not isinstance(mistake, WrongType) or mistake.wanted != "numbers" or not isinstance(number, tree.Number):
        return
    channels = g.types[0].dims[1] if g.types and g.types[0].rank > 1 else 1
    for count in (channels, 1, 3):
        if isinstance(count, int) and 0 < count < 5:
            text = f"({', '.join([number.span.text] * count)}{',' * (count == 1)})"
            said = f"a number for each channel: `{g.shown(number.span, text)}`"
            yield Candidate(said, (g.put(number.span, text),), group="list")


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

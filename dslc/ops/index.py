"""Indexing of tensors: `x[:, 0]`, `pos[:, :T]`, `x[..., ::2]`, `x[:, :, none]`, `table[ids]`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops import words
from dslc.ops.base import (
    Axes,
    Graph,
    InferContext,
    NoMacs,
    NoParams,
    Op,
    Port,
    Reach,
    Shift,
    Types,
    Window,
    attr,
    op,
)
from dslc.ops.broadcasting import broadcast, converted
from dslc.ops.counting import FRESH, NOTHING, Moves, Saved, Storage
from dslc.ops.errors_index import EmptySlice, IndexOutOfRange, TooManyIndices
from dslc.ops.layout import channels_at
from dslc.ops.recovery import Known
from dslc.ops.signals import Keeps, Signal, figures
from dslc.ops.torchtext import Form, In, PyExpr, PyIndex, TorchContext
from dslc.ops.views import PartView
from dslc.record import frozen, replace
from dslc.types.const import Const, derived
from dslc.types.dim import UNKNOWN, Dim, Size, evaluate
from dslc.types.tensor import DType, TensorType

Bounds = tuple[Const | None, Const | None, Const | None]
WHOLE: Bounds = (None, None, None)
LAST = 2**63 - 1
"""The end of a slice that has none, in ONNX."""


@frozen
class Entry:
    """One index of `axis` (none: a new axis): a slice, a place, or the tensor of input `tensor`."""

    axis: int | None
    bounds: Bounds = WHOLE
    place: Const | None = None
    tensor: int | None = None

    @property
    def start(self) -> object:
        """Where a slice begins, as written."""
        return 0 if self.bounds[0] is None else self.bounds[0].value

    @property
    def stop(self) -> object:
        """Where a slice ends, as written; none at the end."""
        return None if self.bounds[1] is None else self.bounds[1].value

    @property
    def step(self) -> int:
        """The step of a slice."""
        value = 1 if self.bounds[2] is None else self.bounds[2].value
        assert isinstance(value, int)
        return value

    def range(self, size: int) -> tuple[int, int]:
        """From where to where it reads, of an axis of `size` places; all of it where that is no number."""
        if self.place is not None:
            at = self.place.value
            return (at % size, at % size + 1) if isinstance(at, int) else (0, size)
        start, stop = self.start, size if self.stop is None else self.stop
        if not isinstance(start, int) or not isinstance(stop, int):
            return 0, size
        return start % size if start < 0 else start, stop % size if stop < 0 else min(stop, size)


@op("index")
class Index(NoParams, NoMacs, Moves, PartView, Op):
    """Parts of a tensor, as in PyTorch: places, slices, `...`, `none` (a new axis) and integer tensors.

    The bounds of a slice lie within the axis (PyTorch cuts them silently) and it takes at least one place.
    Several integer tensors are joined as in arithmetic; their axes stand where they stood, or first if others
    are between.

    ```dl
    net f on x[N, T=17, 64]:
        it[:, 0] -> linear(10)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", rank=(1, None), dtype="any"),
        Port("indices", rank=(0, None), dtype="int", many=True, optional=True),
    )
    is_layer: ClassVar[bool] = False
    from_end: ClassVar[bool] = True
    items: object = attr()

    def entries(self, x: TensorType) -> tuple[Entry, ...]:
        """One index for each axis of the tensor and each new one; a Reject where there are too many."""
        assert isinstance(self.items, tuple)
        taken = sum(1 for item in self.items if item not in ("...", "none"))
        dots = sum(1 for item in self.items if item == "...")
        if taken > x.rank or dots > 1:
            raise Reject(TooManyIndices(taken, str(x), x.rank, dots))
        found: list[Entry] = []
        axis, tensor = 0, 1
        for item in self.items:
            if item == "...":
                for _ in range(x.rank - taken):
                    found.append(Entry(axis))
                    axis += 1
                continue
            if item == "none":
                found.append(Entry(None))
                continue
            if item == "tensor":
                found.append(Entry(axis, tensor=tensor))
                tensor += 1
            elif isinstance(item, Const):
                found.append(Entry(axis, place=item))
            else:
                found.append(Entry(axis, bounds=item))
            axis += 1
        found += [Entry(rest) for rest in range(axis, x.rank)]
        return tuple(found)

    def places(self, ins: Types) -> dict[int, Size]:
        x = ins[0]
        return {e.tensor: x.dims[e.axis] for e in self.entries(x) if e.tensor is not None and e.axis is not None}

    def recover(self, ins: Known) -> Types:
        x = ins[0]
        if x is None or not isinstance(self.items, tuple) or "tensor" in self.items:
            return ()
        try:
            kept = [entry for entry in self.entries(x) if entry.place is None]
        except Reject:
            return ()
        return (TensorType((UNKNOWN,) * len(kept), x.dtype),)

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType:
        x = ins[0]
        kept: list[tuple[Entry, Size, Const | None]] = []
        for entry in self.entries(x):
            if entry.axis is None or entry.tensor is not None:
                kept.append((entry, 1, None))
            elif entry.place is not None:
                check_place(c, entry.place, x.dims[entry.axis], entry.axis)
            else:
                kept.append((entry, *sliced(c, entry, x)))
        dims = [size for _, size, _ in kept]
        names = [word for _, _, word in kept]
        source = [entry.axis for entry, _, _ in kept]
        if len(ins) > 1:
            joined = ins[1]
            for other in ins[2:]:
                joined = broadcast(c, "[]", joined, other, (True, True))
            at, places = tensor_places([entry for entry, _, _ in kept])
            for place in reversed(places):
                del dims[place], names[place]
            kept_channel = source[places[0]] if len(places) == 1 and joined.rank == 1 else None
            source = [axis for place, axis in enumerate(source) if place not in places]
            dims[at:at] = joined.dims
            names[at:at] = [joined.word(axis) for axis in range(joined.rank)]
            source[at:at] = [kept_channel] * joined.rank
        for entry in self.entries(x):
            if entry.place is not None and entry.axis in x.split:
                rest = tuple(axis for axis in x.split if axis != entry.axis)
                x = x.with_channel(rest[0]) if len(rest) == 1 else replace(x, split=rest)
        channel, split = channels_at(x, source)
        return x.with_dims(tuple(dims), channel, tuple(names), split)

    def storage(self, ins: Types, outs: Types) -> Storage:
        return super().storage(ins, outs) if len(ins) == 1 else FRESH

    def saved(self, ins: Types, outs: Types) -> Saved:
        return Saved(tuple(range(1, len(ins)))) if ins[0].dtype.is_float else NOTHING

    def reach(self, ins: Types, outs: Types) -> Reach:
        x, entries = ins[0], self.entries(ins[0])
        plain = all(e.axis is not None and e.place is None and e.tensor is None for e in entries)
        if plain and x.channel == 1 and entries[0].bounds == WHOLE:
            starts = [from_start(entry.start, x.dims[axis]) for axis, entry in enumerate(entries)][2:]
            strides = tuple(entry.step for entry in entries[2:])
            if all(isinstance(start, int) for start in starts):
                offset = tuple(start for start in starts if isinstance(start, int))
                if set(strides) <= {1}:
                    return Shift(offset)
                ones = (1,) * len(strides)
                return Window(ones, strides, tuple(-start for start in offset), ones)
        source: list[int | None] = []
        offsets: list[int] = []
        steps = []
        for entry in entries:
            if entry.place is None:
                start = 0 if entry.axis is None else from_start(entry.start, x.dims[entry.axis])
                channels = entry.axis is not None and x.holds_channels(entry.axis)
                moved = isinstance(start, int) and not channels
                source.append(entry.axis if moved or channels else None)
                offsets.append(start if moved and isinstance(start, int) else 0)
                steps.append(entry.step if moved else 1)
        if len(ins) > 1:
            at, places = tensor_places([entry for entry in entries if entry.place is None])
            for place in reversed(places):
                del source[place], offsets[place], steps[place]
            new = outs[0].rank - len(source)
            source[at:at], offsets[at:at], steps[at:at] = [None] * new, [0] * new, [1] * new
        return Axes(tuple(source), offset=tuple(offsets), step=tuple(steps) if set(steps) > {1} else ())

    def signal(self, ins: Types, outs: Types) -> Signal:
        if len(ins) > 1:
            return Keeps()
        dims = figures(ins[0].dims)
        cut = [(e.axis, e.range(dims[e.axis])) for e in self.entries(ins[0]) if e.axis is not None]
        cut = [(axis, part) for axis, part in cut if part != (0, dims[axis])]
        return Keeps(cut[0][0], (cut[0][1],)) if len(cut) == 1 else Keeps()

    def torch(self, t: TorchContext) -> Form:
        items: list[Const | str | PyExpr | Bounds] = []
        assert isinstance(self.items, tuple)
        tensor = 1
        for item in self.items:
            if item == "tensor":
                items.append(In(tensor))
                tensor += 1
            else:
                items.append("None" if item == "none" else item)
        while len(items) > 1 and (items[-1] == "..." or items[-1] == WHOLE):
            items.pop()
        return Form(function=PyIndex(In(0), tuple(items)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        entries = self.entries(ins[0])
        name = slice_node(g, x[0], entries, ins[0].dims)
        for entry in reversed(entries):
            if entry.place is not None:
                assert entry.axis is not None
                place = from_end(g, bound(entry.place.value), ins[0].dims[entry.axis])
                at = (
                    g.scalar(place, DType.INT64)
                    if isinstance(place, int)
                    else g.op("Squeeze", [g.extents([place], x[0]), g.ints([0])])
                )
                name = str(g.op("Gather", [name, at], axis=entry.axis))
        kept = [entry for entry in entries if entry.place is None]
        new = [place for place, entry in enumerate(kept) if entry.axis is None]
        if new:
            name = str(g.op("Unsqueeze", [name, g.ints(new)]))
        if len(x) == 1:
            return name
        at, places = tensor_places(kept)
        if len(places) == 1:
            return str(g.op("Gather", [name, x[1]], axis=at))
        rest = [axis for axis in range(len(kept)) if axis not in places]
        name = str(g.op("Transpose", [name], perm=(*places, *rest)))
        name = str(g.op("GatherND", [name, stacked(g, x[1:], ins[1:])]))
        rank = max(i.rank for i in ins[1:])
        order = [*range(rank, rank + at), *range(rank), *range(rank + at, rank + len(rest))]
        return name if order == sorted(order) else str(g.op("Transpose", [name], perm=order))


def tensor_places(kept: Sequence[Entry]) -> tuple[int, tuple[int, ...]]:
    """Where the axes of index tensors go among the others, and which entries they are."""
    places = tuple(place for place, entry in enumerate(kept) if entry.tensor is not None)
    side_by_side = places[-1] - places[0] + 1 == len(places)
    return places[0] if side_by_side else 0, places


def stacked(g: Graph, names: Sequence[str], types: Sequence[TensorType]) -> str:
    """Index tensors, repeated to one shape, side by side along a new last axis."""
    wide = [converted(g, name, x.dtype, DType.INT64) for name, x in zip(names, types, strict=True)]
    total = wide[0]
    for other in wide[1:]:
        total = str(g.op("Add", [total, other]))
    shape = g.op("Shape", [total])
    last = g.ints([-1])
    parts = [str(g.op("Unsqueeze", [g.op("Expand", [name, shape]), last])) for name in wide]
    return str(g.op("Concat", parts, axis=-1))


def slice_node(g: Graph, name: str, entries: Sequence[Entry], dims: Sequence[Size]) -> str:
    """All slices of an index in one node."""
    cut = [e for e in entries if e.axis is not None and e.place is None and e.tensor is None]
    cut = [e for e in cut if (e.start, e.stop, e.step) != (0, None, 1)]
    if not cut:
        return name
    axes = [e.axis for e in cut if e.axis is not None]
    starts = [from_end(g, bound(e.start), dims[axis]) for e, axis in zip(cut, axes, strict=True)]
    ends = [LAST if e.stop is None else from_end(g, bound(e.stop), dims[a]) for e, a in zip(cut, axes, strict=True)]
    steps = [e.step for e in cut]
    inputs = [name, extents(g, starts, name), extents(g, ends, name), g.ints(axes)]
    if any(step != 1 for step in steps):
        inputs.append(g.ints(steps))
    return str(g.op("Slice", inputs))


def from_end(g: Graph, place: Size, size: Size) -> Size:
    """A bound of a slice; an open one so many places before the end of its axis as that number, which needs no size."""
    left = size - place
    if g.static(place) is not None or not isinstance(left, int) or left < 0:
        return place
    return -left if left else LAST


def extents(g: Graph, values: Sequence[Size], like: str) -> str:
    """A vector of bounds, which may be negative numbers."""
    numbers = [value for value in values if isinstance(value, int)]
    return g.ints(numbers) if len(numbers) == len(values) else g.extents(values, like)


def bound(value: object) -> Size:
    """A bound as a size."""
    assert isinstance(value, int | Dim)
    return value


def from_start(value: object, size: Size) -> Size:
    """A place counted from the start; a negative number counts from the end."""
    place = bound(value)
    return size + place if isinstance(place, int) and place < 0 else place


def check_place(c: InferContext, place: Const, size: Size, axis: int) -> None:
    """A Reject unless a place lies on its axis."""
    value = bound(place.value)
    if isinstance(value, int) and isinstance(size, int):
        if not -size <= value < size:
            raise Reject(IndexOutOfRange(str(value), axis, str(size), slice=False), at="items")
    elif isinstance(value, int):
        c.at_least(size, -value if value < 0 else value + 1)
    else:
        c.at_least(value, 0)
        c.at_least(size, value + 1)


def checked_bound(c: InferContext, value: object, size: Size, axis: int) -> Size:
    """A slice's bound counted from the start. A Reject unless it lies on its axis or at its end."""
    place = bound(value)
    if isinstance(place, int) and isinstance(size, int):
        if not -size <= place <= size:
            raise Reject(IndexOutOfRange(str(place), axis, str(size), slice=True), at="items")
        return place + size if place < 0 else place
    if place is UNKNOWN:
        return place
    negative = place < 0 if isinstance(place, int) else evaluate(place, c.sizes.default) < 0
    if negative:
        c.at_least(size + place, 0)
        return size + place
    if not isinstance(place, int):
        c.at_least(place, 0)
    c.at_least(size, place)
    return place


def sliced(c: InferContext, entry: Entry, x: TensorType) -> tuple[Size, Const | None]:
    """The places that a slice takes, in numbers and words."""
    axis = entry.axis
    assert axis is not None
    size, word, step = x.dims[axis], x.word(axis), entry.step
    if entry.bounds == WHOLE:
        return size, word
    start = checked_bound(c, entry.start, size, axis)
    stop = size if entry.stop is None else checked_bound(c, entry.stop, size, axis)
    length = stop - start
    if step < 1 or (isinstance(length, int) and length < 1):
        texts = [str(b.value) if b is not None else "" for b in entry.bounds]
        text = ":".join(texts if texts[2] else texts[:2])
        raise Reject(EmptySlice(text, axis, str(size), step), at="items")
    if not isinstance(length, int):
        c.at_least(length, 1)
    if step != 1:
        return -(-length // step), None
    first, last = entry.bounds[0], entry.bounds[1]
    if last is not None and start == 0 and words.size_of(last) == stop:
        return length, last
    if last is None and first is not None and word is not None and word.origin is not None and start == first.value:
        return length, derived("-", word, first, length)
    return length, None

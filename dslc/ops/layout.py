"""Axes by number, and types whose axes are taken from others: what the tensor ops share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dslc.diagnostics.model import Reject
from dslc.ops import words
from dslc.ops.base import Axes, Graph, InferContext, Pointwise, Reach
from dslc.ops.errors_none import BadSize, NoAxis
from dslc.ops.errors_tensor import NoSuchAxis, RepeatedAxis
from dslc.record import replace
from dslc.types.const import Const
from dslc.types.dim import Size, product
from dslc.types.tensor import DType, TensorType

PERMUTE = '''class Permute(nn.Module):
    """Puts the axes of a tensor in another order."""

    def __init__(self, *axes: int) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(self.axes)
'''


WRITTEN = 1 << 20
"""Numbers in a row that are written into a graph; more of them are made while it runs."""


def axis_of(op: str, axis: int, x: TensorType, at: str = "axis", more: int = 0) -> int:
    """An axis counted from 0. A Reject where `x` (with `more` new axes) has no such axis."""
    rank = x.rank + more
    if not -rank <= axis < rank:
        raise Reject(NoSuchAxis(op, axis, str(x), rank), at=at)
    return axis % rank


def axes_of(op: str, axes: int | Sequence[int], x: TensorType, at: str = "axis") -> tuple[int, ...]:
    """Different axes, each counted from 0, in the order given. A Reject for none: torch takes none for all."""
    if axes == ():
        raise Reject(NoAxis(op), at=at)
    found: list[int] = []
    for axis in (axes,) if isinstance(axes, int) else axes:
        number = axis_of(op, axis, x, at)
        if number in found:
            raise Reject(RepeatedAxis(op, number, str(x)), at=at)
        found.append(number)
    return tuple(found)


def spatial_axes(x: TensorType) -> tuple[int, ...]:
    """The axes that hold neither batch nor channels; without known channels, those of a map."""
    channels = x.split or (1 if x.channel is None else x.channel,)
    return tuple(axis for axis in range(1, x.rank) if axis not in channels)


def check_sizes(c: InferContext, op: str, sizes: Iterable[Size], but: str = "", at: str = "sizes") -> None:
    """A Reject at the attribute `at`, or a guard, for sizes below 1; `but` says what -1 means there."""
    for size in sizes:
        if not isinstance(size, int):
            c.at_least(size, 1)
        elif size < 1:
            raise Reject(BadSize(op, size, but), at=at)


def pick(x: TensorType, source: Sequence[int | None], new: Sequence[tuple[Size, Const | None]] = ()) -> TensorType:
    """A tensor whose axes are taken from `x` by number; none takes the next of `new` sizes."""
    fresh = iter(new)
    dims: list[Size] = []
    names: list[Const | None] = []
    for axis in source:
        size, word = next(fresh) if axis is None else (x.dims[axis], x.word(axis))
        dims.append(size)
        names.append(word)
    channel, split = channels_at(x, source)
    return x.with_dims(tuple(dims), channel, tuple(names), split)


def channels_at(x: TensorType, source: Sequence[int | None]) -> tuple[int | None, tuple[int, ...]]:
    """The channel axis, or the axes of its parts, of a tensor whose axes are taken from `x`, where no part is gone."""
    order = tuple(source)
    channel = None if x.channel is None or x.channel not in order else order.index(x.channel)
    return channel, tuple(order.index(axis) for axis in x.split) if set(x.split) <= set(order) else ()


def one_place(x: TensorType, axis: int) -> TensorType:
    """A tensor with one place of an axis chosen and the axis gone. Of channels taken apart it holds the other parts."""
    y = pick(x, [a for a in range(x.rank) if a != axis])
    left = tuple(a - (a > axis) for a in x.split if a != axis)
    if axis not in x.split:
        return y
    return y.with_channel(left[0]) if len(left) == 1 else replace(y, split=left)


def merged(x: TensorType, axes: Sequence[int]) -> tuple[Size, Const | None]:
    """Size and words of several axes merged into one."""
    return product(x.dims[axis] for axis in axes), words.product([(x.dims[a], x.word(a)) for a in axes])


def shape_text(sizes: Sequence[object]) -> str:
    """Sizes as a shape: `[N, 3, -1]`."""
    return f"[{', '.join(map(str, sizes))}]"


def cut_places(x: TensorType, axis: int) -> Reach:
    """The reach of an op that cuts or joins along an axis: the places of that axis move, if it holds any."""
    if x.holds_channels(axis):
        return Pointwise()
    return Axes(tuple(None if a == axis else a for a in range(x.rank)))


def places(g: Graph, size: Size, like: str | None) -> str:
    """The numbers 0 to size - 1 as a vector of int64 in ONNX."""
    static = g.static(size)
    if static is not None and static <= WRITTEN:
        return g.ints(range(static))
    known = None if static is None else g.scalar(static, DType.INT64)
    count = known or g.op("Squeeze", [g.extents([size], like), g.ints([0])])
    return str(g.op("Range", [g.scalar(0, DType.INT64), count, g.scalar(1, DType.INT64)]))


def never_empty(g: Graph, x: str, dims: Sequence[Size]) -> str:
    """A tensor of these sizes, refused where it is empty: of it onnxruntime 1.30 aborts in LSTM, GRU, TopK and Einsum.

    A Reshape that copies all extents but one and infers that one is an error where another is 0. It copies no element.
    """
    known = [g.static(size) is not None for size in dims]
    if all(known) or len(dims) < 2:
        return x
    inferred = known.index(True) if any(known) else len(dims) - 1
    shape = [-1 if axis == inferred else 0 for axis in range(len(dims))]
    return str(g.op("Reshape", [x, g.ints(shape)]))

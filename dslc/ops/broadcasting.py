"""Shapes and element types that meet element by element."""

from __future__ import annotations

from dslc.diagnostics.model import Reject
from dslc.ops.base import Graph, InferContext
from dslc.ops.errors_tensor import RankMismatch, ShapeMismatch
from dslc.types.const import Const
from dslc.types.dim import Size
from dslc.types.tensor import DType, TensorType


def broadcast(c: InferContext, symbol: str, a: TensorType, b: TensorType, loose: tuple[bool, bool]) -> TensorType:
    """The shape of two tensors joined element by element, with the element type of the first.

    Sizes are equal axis by axis, or one is 1. A loose side (a parameter) may have a lower rank, aligned at
    the right; where its number meets a size that depends on the input, that size is pinned.
    """
    if a.rank != b.rank and not (loose[1] if a.rank > b.rank else loose[0]):
        raise Reject(RankMismatch(symbol, str(a), str(b), (a.rank, b.rank)))
    rank = max(a.rank, b.rank)
    shift = rank - a.rank, rank - b.rank
    channel = joined_channel(a, b, shift, loose)
    dims: list[Size] = []
    words: list[Const | None] = []
    for axis in range(rank):
        left, right = axis - shift[0], axis - shift[1]
        if left < 0 or right < 0:
            side, at = (b, right) if left < 0 else (a, left)
            dims.append(side.dims[at])
            words.append(side.word(at))
            continue
        x, y = a.dims[left], b.dims[right]
        if isinstance(x, int) and x == 1:
            dims.append(y)
            words.append(b.word(right))
            continue
        if isinstance(y, int) and y == 1:
            dims.append(x)
            words.append(a.word(left))
            continue
        if any(loose) and isinstance(x, int) != isinstance(y, int):
            x, y = c.pin(x), c.pin(y)
        if isinstance(x, int) and isinstance(y, int):
            if x != y:
                mistake = ShapeMismatch(symbol, str(a), str(b), axis, (str(x), str(y)), axis == channel)
                raise Reject(mistake)
            dims.append(x)
        else:
            dims.append(c.equal(x, y))
        words.append(a.word(left) or b.word(right))
    return a.with_dims(tuple(dims), channel, tuple(words))


def joined_channel(a: TensorType, b: TensorType, shift: tuple[int, int], loose: tuple[bool, bool]) -> int | None:
    """The channel axis of two tensors joined: of the side that is no parameter; none where two disagree."""
    left = None if a.channel is None else a.channel + shift[0]
    right = None if b.channel is None else b.channel + shift[1]
    if loose[0] != loose[1]:
        left, right = (right, left) if loose[0] else (left, right)
        return left if left is not None else right
    if left is None or right is None:
        return left if left is not None else right
    return left if left == right else None


def promoted(a: TensorType, b: TensorType) -> DType:
    """The element type of two numeric tensors joined, as torch promotes: float over int, then the wider.

    A scalar (rank 0) does not widen a tensor of its own kind (torch.result_type).
    """
    if a.dtype is b.dtype:
        return a.dtype
    if a.dtype is DType.BOOL or b.dtype is DType.BOOL:
        return b.dtype if a.dtype is DType.BOOL else a.dtype
    if a.dtype.is_float != b.dtype.is_float:
        return a.dtype if a.dtype.is_float else b.dtype
    if (a.rank == 0) != (b.rank == 0):
        return b.dtype if a.rank == 0 else a.dtype
    return DType.FLOAT32 if a.dtype.is_float else DType.INT64


def promoted_number(x: TensorType, number: object) -> DType:
    """The element type of a numeric tensor joined with a number."""
    return DType.FLOAT32 if isinstance(number, float) and not x.dtype.is_float else x.dtype


def converted(g: Graph, name: str, source: DType, target: DType) -> str:
    """A tensor with another element type, cast only if needed."""
    return name if source is target else str(g.op("Cast", [name], to=target))


def number_tensor(g: Graph, number: object, dtype: DType, like: str) -> str:
    """A number, or a size that depends on the input, as a scalar tensor."""
    if isinstance(number, bool | int | float):
        return g.scalar(float(number) if dtype.is_float else int(number), dtype)
    size: Size = number  # type: ignore[assignment]
    static = g.static(size)
    if static is not None:
        return g.scalar(static, dtype)
    vector = str(g.op("Squeeze", [g.extents([size], like), g.ints([0])]))
    return converted(g, vector, DType.INT64, dtype)

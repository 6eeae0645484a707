"""Shapes and element types that meet element by element."""

from __future__ import annotations

from dslc.diagnostics.model import Reject
from dslc.ops.base import Graph, InferContext, Types
from dslc.ops.errors_dtype import MixedFloats
from dslc.ops.errors_tensor import RankMismatch, ShapeMismatch
from dslc.ops.torchtext import ElementType, PyExpr, TorchContext, call
from dslc.types.const import Const
from dslc.types.dim import Dim, Size
from dslc.types.floats import LARGEST, overflows
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
    return a.with_dims(tuple(dims), channel, tuple(words), () if channel is not None else joined_split(a, b, shift))


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


def joined_split(a: TensorType, b: TensorType, shift: tuple[int, int]) -> tuple[int, ...]:
    """The axes that hold the channels' parts in two tensors joined: of the one that says so, none if they differ."""
    left, right = (tuple(axis + by for axis in x.split) for x, by in zip((a, b), shift, strict=True))
    return left or right if not left or not right or left == right else ()


def promoted(symbol: str, a: TensorType, b: TensorType) -> DType:
    """The element type of two tensors joined: float over int over truth values, then the wider of integers.

    Two types of floats never mix, though torch would widen: `float` is another type in every build, so that what is
    float32 in one would be 16 bits in the next, silently. A Reject says so. A scalar (rank 0) does not widen a tensor
    of its own kind (torch.result_type).
    """
    if a.dtype is b.dtype:
        return a.dtype
    if a.dtype is DType.BOOL or b.dtype is DType.BOOL:
        return b.dtype if a.dtype is DType.BOOL else a.dtype
    if a.dtype.is_float != b.dtype.is_float:
        return a.dtype if a.dtype.is_float else b.dtype
    if a.dtype.is_float:
        raise Reject(MixedFloats(symbol, a.dtype.value, b.dtype.value))
    if (a.rank == 0) != (b.rank == 0):
        return b.dtype if a.rank == 0 else a.dtype
    return DType.INT64


def promoted_number(x: TensorType, number: object) -> DType:
    """The element type of a tensor joined with a number, which is of no type of its own.

    A whole tensor and a number with a fraction make `float`. They are joined in float32, torch's default, and the
    result is then rounded: `raised`. Truth values become what the number is.
    """
    if isinstance(number, float) and not x.dtype.is_float:
        return DType.FLOAT
    return DType.INT64 if x.dtype is DType.BOOL and not isinstance(number, bool) else x.dtype


def raised(t: TorchContext, joined: PyExpr) -> PyExpr:
    """What torch makes of whole tensors in float32, its default, as the network's own float where it is to be one."""
    made_here = not any(x.dtype.is_float for x in t.ins)
    return call("to", ElementType(), receiver=joined) if made_here and t.outs[0].dtype is DType.FLOAT else joined


def working(ins: Types, common: DType) -> DType:
    """The element type in which a graph joins tensors that meet in `common`: float32 of whole ones that make one."""
    return next((x.dtype for x in ins if x.dtype.is_float), DType.FLOAT32) if common.is_float else common


def masking(number: object, dtype: DType) -> bool:
    """Whether a number is one below all that a type of 16 bits holds: the idiom of masks (`-1e9`).

    torch joins it in float32 and rounds to -inf. A graph keeps to the finite range, in which a query that may read
    nothing spreads over all keys, as it does in float32, and 0 times the mask is 0.
    """
    return isinstance(number, int | float) and number < 0 and overflows(number, dtype)


def saturated(g: Graph, name: str, dtype: DType) -> str:
    """A tensor of float32 in a type of 16 bits, what overflows as the largest number that it holds."""
    most = LARGEST[dtype]
    clipped = g.op("Clip", [name, g.scalar(-most, DType.FLOAT32), g.scalar(most, DType.FLOAT32)])
    return converted(g, str(clipped), DType.FLOAT32, dtype)


def converted(g: Graph, name: str, source: DType, target: DType) -> str:
    """A tensor with another element type, cast only if needed."""
    return name if source is target else str(g.op("Cast", [name], to=target))


def held(dtype: DType) -> DType:
    """The type in which an op of ONNX that knows no bfloat16 computes for a type: its numbers are those of float32."""
    return DType.FLOAT32 if dtype is DType.BFLOAT16 else dtype


def number_tensor(g: Graph, number: object, dtype: DType, like: str) -> str:
    """A number, or a size that depends on the input, as a scalar tensor."""
    if isinstance(number, bool | int | float):
        return g.scalar(float(number) if dtype.is_float else int(number), dtype)
    assert isinstance(number, Dim)
    static = g.static(number)
    if static is not None:
        return g.scalar(static, dtype)
    vector = str(g.op("Squeeze", [g.extents([number], like), g.ints([0])]))
    return converted(g, vector, DType.INT64, dtype)

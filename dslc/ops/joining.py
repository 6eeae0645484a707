"""Ops that join tensors: `cat` end to end, `stack` along a new axis."""

from __future__ import annotations

from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops import words
from dslc.ops.axes import axis_slot, joined_axis
from dslc.ops.base import (
    Axes,
    Graph,
    InferContext,
    NoMacs,
    NoParams,
    Op,
    Port,
    Reach,
    Types,
    attr,
    op,
)
from dslc.ops.broadcasting import converted, promoted
from dslc.ops.counting import Fresh, Moves, SavesNothing
from dslc.ops.errors_tensor import (
    RankMismatch,
    ShapeMismatch,
)
from dslc.ops.layout import axis_of, cut_places, pick
from dslc.ops.recovery import Known, RecoversJoined, joined
from dslc.ops.signals import Joins, Signal
from dslc.ops.torchtext import Form, In, TorchContext, call, sequence
from dslc.record import replace
from dslc.types.dim import UNKNOWN, Size
from dslc.types.tensor import DType, TensorType

MANY: tuple[Port, ...] = (Port("xs", rank=(1, None), dtype="any", many=True),)


@op("cat")
class Cat(RecoversJoined, NoParams, NoMacs, Moves, Fresh, SavesNothing, Op):
    """Tensors joined end to end along an axis (the channels, unless given); all other sizes are equal.

    `concat` of the standard library is this op over branches.

    ```dl
    net f on x[N, 64, 8, 8]:
        y = conv(32, 3) -> relu
        cat(it, y)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = MANY
    axis: int | None = attr(None, keyword=True)

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType:
        axis = joined_axis("concat", ins, self.axis)
        result = joined_sizes(c, "concat", ins, axis)
        sizes = [(x.dims[axis], x.word(axis)) for x in ins]
        size: Size = sum(side for side, _ in sizes)
        return result.with_dim(axis, size, words.total(sizes))

    def reach(self, ins: Types, outs: Types) -> Reach:
        return cut_places(outs[0], joined_axis("concat", ins, self.axis))

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Joins(joined_axis("concat", ins, self.axis))

    def torch(self, t: TorchContext) -> Form:
        axis = axis_slot(t, "concat", self.axis)
        return Form(function=call("torch.cat", sequence([In(i) for i in range(len(t.ins))]), axis))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        axis = joined_axis("concat", ins, self.axis)
        return str(g.op("Concat", same_type(g, x, ins, outs[0].dtype), axis=axis))


def joined_sizes(c: InferContext, op: str, ins: Types, free: int | None) -> TensorType:
    """The first tensor's type, with the sizes that all share checked; along `free` they may differ."""
    result = ins[0]
    channel = next((x.channel for x in ins if x.channel is not None), None)
    for x in ins[1:]:
        if x.rank != result.rank:
            raise Reject(RankMismatch(op, str(result), str(x), (result.rank, x.rank)))
        result = replace(result, dtype=promoted(op, result, x))
        for axis in range(x.rank):
            a, b = result.dims[axis], x.dims[axis]
            if axis == free:
                continue
            if isinstance(a, int) and isinstance(b, int):
                if a != b:
                    raise Reject(ShapeMismatch(op, str(result), str(x), axis, (str(a), str(b)), axis == channel))
                size: Size = a
            else:
                size = c.equal(a, b)
            result = result.with_dim(axis, size, result.word(axis) or x.word(axis))
    split = next((x.split for x in ins if x.split), ()) if channel is None else ()
    return result.with_dims(result.dims, channel, result.words, split)


def same_type(g: Graph, x: tuple[str, ...], ins: Types, dtype: DType) -> list[str]:
    """Tensors cast to one element type."""
    return [converted(g, name, i.dtype, dtype) for name, i in zip(x, ins, strict=True)]


@op("stack")
class Stack(NoParams, NoMacs, Moves, Fresh, SavesNothing, Op):
    """Tensors of one shape joined along a new axis.

    ```dl
    net f on x[N, 64, 8, 8]:
        y = conv(64, 3) -> relu
        stack(it, y, axis=1) -> mean(1)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = MANY
    axis: int = attr(0, keyword=True)

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType:
        result = joined_sizes(c, "stack", ins, None)
        return pick(result, self.source(result), [(len(ins), None)])

    def recover(self, ins: Known) -> Types:
        return tuple(replace(x, dims=(UNKNOWN, *x.dims), channel=None, split=()) for x in joined(ins))

    def source(self, x: TensorType) -> list[int | None]:
        """Per axis of the result, the axis of an input; none for the new one."""
        axis = axis_of("stack", self.axis, x, more=1)
        return [*range(axis), None, *range(axis, x.rank)]

    def reach(self, ins: Types, outs: Types) -> Reach:
        return Axes(tuple(self.source(ins[0])))

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Joins(self.axis % outs[0].rank)

    def torch(self, t: TorchContext) -> Form:
        tensors = sequence([In(i) for i in range(len(t.ins))])
        return Form(function=call("torch.stack", tensors, t.attr("axis")))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        axis = self.axis % outs[0].rank
        at = g.ints([axis])
        parts = [str(g.op("Unsqueeze", [name, at])) for name in same_type(g, x, ins, outs[0].dtype)]
        return str(g.op("Concat", parts, axis=axis))

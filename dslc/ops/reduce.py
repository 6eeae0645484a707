"""Reductions: the mean, sum, largest or smallest element along axes that are always written."""

from __future__ import annotations

from typing import ClassVar

from dslc.ops.base import (
    Axes,
    Global,
    Graph,
    InferContext,
    NoMacs,
    NoParams,
    Op,
    Pointwise,
    Port,
    Reach,
    Types,
    Work,
    attr,
    op,
)
from dslc.ops.counting import Fresh, Saved, SavesNothing
from dslc.ops.layout import axes_of, pick, spatial_axes
from dslc.ops.recovery import Known, reduced
from dslc.ops.signals import Pools, Signal
from dslc.ops.torchtext import Form, In, TorchContext, call, keyword
from dslc.types.dim import product
from dslc.types.tensor import TensorType


class Reduction(NoParams, NoMacs, Fresh, Op):
    """What reductions share; torch has each as a tensor method of the op's name."""

    onnx_kind: ClassVar[str]
    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(1, None)),)
    axis: int | tuple[int, ...] = attr()
    keep: bool = attr(False)

    def axes(self, x: TensorType) -> tuple[int, ...]:
        """The axes that are reduced, counted from 0."""
        return axes_of(self.name, self.axis, x)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        axes = self.axes(x)
        if not self.keep:
            return pick(x, [axis for axis in range(x.rank) if axis not in axes])
        for axis in axes:
            x = x.with_dim(axis, 1)
        return x

    def recover(self, ins: Known) -> Types:
        return reduced(ins, self.axis, self.keep)

    def reach(self, ins: Types, outs: Types) -> Reach:
        x, axes = ins[0], self.axes(ins[0])
        if any(axis in axes and x.dims[axis] != 1 for axis in spatial_axes(x)):
            return Global(self.name)
        if self.keep:
            return Pointwise()
        return Axes(tuple(axis for axis in range(x.rank) if axis not in axes))

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        n = product(ins[0].dims[axis] for axis in self.axes(ins[0]))
        return (Work(1, (n - 1, *outs[0].dims)),)

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Pools("max", axes=self.axes(ins[0]))

    def torch(self, t: TorchContext) -> Form:
        return Form(function=call(self.name, t.attr("axis"), keyword("keepdim", t.attr("keep"), False), receiver=In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        axes = g.ints(sorted(self.axes(ins[0])))
        return str(g.op(self.onnx_kind, [x[0], axes], keepdims=int(self.keep)))


@op("mean")
class Mean(SavesNothing, Reduction):
    """The mean along axes: `mean((2, 3))` of a map is global average pooling.

    ```dl
    net f on x[N, 64, 8, 8]:
        mean((2, 3)) -> linear(10)
    ```
    """

    onnx_kind: ClassVar[str] = "ReduceMean"

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        # n - 1 additions and a division for each mean of n: one for each element that is read.
        return (Work(1, ins[0].dims),)

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        # onnxruntime's CPU layout for convolutions survives GlobalAveragePool, not ReduceMean.
        if ins[0].rank == 4 and ins[0].channel == 1 and sorted(self.axes(ins[0])) == [2, 3]:
            pooled = str(g.op("GlobalAveragePool", x))
            return pooled if self.keep else str(g.op("Flatten", [pooled], axis=1))
        return super().onnx(g, x, p, ins, outs)

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Pools("mean", axes=self.axes(ins[0]))


@op("sum")
class Sum(SavesNothing, Reduction):
    """The sum along axes. As `sum` also adds up lists, the tensor is written: `sum(it, 1)`.

    ```dl
    net f on x[N, 64, 8, 8]:
        sum(it, (2, 3)) -> linear(10)
    ```
    """

    onnx_kind: ClassVar[str] = "ReduceSum"

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Pools("sum", axes=self.axes(ins[0]))


class Extreme(Reduction):
    """Rule of reductions whose gradient goes to the elements that equal the result."""

    def saved(self, ins: Types, outs: Types) -> Saved:
        return Saved((0,), (0,))


@op("amax")
class Largest(Extreme):
    """The largest element along axes.

    ```dl
    net f on points[N, 1024, 64]:
        linear(128) -> relu -> amax(1) -> linear(10)
    ```
    """

    onnx_kind: ClassVar[str] = "ReduceMax"


@op("amin")
class Smallest(Extreme):
    """The smallest element along axes.

    ```dl
    net f on x[N, 64, 8, 8]:
        amin((2, 3)) -> linear(10)
    ```
    """

    onnx_kind: ClassVar[str] = "ReduceMin"

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Pools("max", axes=self.axes(ins[0]), sign=-1)

"""Pools whose bins cover the whole map, whatever its size: adaptive and global ones."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from dslc.diagnostics.model import Reject
from dslc.ops.axes import check_map, place_axes
from dslc.ops.base import (
    Bins,
    Global,
    Graph,
    InferContext,
    Names,
    NoMacs,
    NoParams,
    Op,
    Port,
    Reach,
    Sides,
    Types,
    Window,
    Work,
    attr,
    op,
)
from dslc.ops.counting import INPUT, NOTHING, Fresh, Saved, SavesNothing
from dslc.ops.errors_map import NoOpenForm, TooManyPlaces
from dslc.ops.layout import axes_of, spatial_axes
from dslc.ops.pool import MAP, read, winners
from dslc.ops.recovery import Known, Recovers, RecoversMap
from dslc.ops.signals import Pools, Signal
from dslc.ops.torchtext import Arg, Form, In, TorchContext, call, keyword
from dslc.ops.window import per_axis
from dslc.types.dim import Size, product
from dslc.types.tensor import DType, TensorType

Bin: TypeAlias = tuple[int, int]

MOST_NUMBERS = 1 << 24
"""Numbers of a table by which an axis is pooled or resampled: 64 MB of float32."""


def bins(n: int, m: int) -> list[Bin]:
    """(start, end) of each of m bins over n places: floor(u*n/m), ceil((u+1)*n/m) (ATen)."""
    return [(u * n // m, -(-(u + 1) * n // m)) for u in range(m)]


class AdaptivePool(RecoversMap, NoParams, NoMacs, Fresh, Op):
    """Rules of pools that state the size of their result."""

    inputs: ClassVar[tuple[Port, ...]] = (MAP,)
    pooled: ClassVar[str]  # ONNX's pool of windows; that of the whole map is called Global and the same
    out: Sides = attr(min=1)

    if TYPE_CHECKING:  # each has its own
        # One axis of a tensor of shape `dims` in the bins `places`.
        def uneven(self, g: Graph, x: str, dims: list[Size], axis: int, places: list[Bin], dtype: DType) -> str: ...

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        check_map(self.name, x)
        sizes = per_axis(self.out, x.rank - 2, "out")
        for axis, size in enumerate(sizes, 2):
            x = x.with_dim(axis, size, c.word("out") if isinstance(self.out, int) else None)
        return x.with_channel(1)

    def reach(self, ins: Types, outs: Types) -> Reach:
        source, target = ins[0].spatial, per_axis(self.out, ins[0].rank - 2, "out")
        if all(side == 1 for side in target):
            return Global("pooling of the whole map")
        kernel = even_bins(source, target)
        if kernel is None:
            return Bins(source, target)
        return Window(kernel, kernel, (0,) * len(kernel), (1,) * len(kernel))

    def read_places(self, x: TensorType) -> Work:
        """The elements that all bins read; one that two bins share counts twice."""
        return Work(1, (*x.dims[:2], *reads(x.spatial, per_axis(self.out, x.rank - 2, "out"))))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        target = per_axis(self.out, ins[0].rank - 2, "out")
        if all(side == 1 for side in target):
            return str(g.op(f"Global{self.pooled}", x))
        source = self.static_spatial(g, ins[0])
        kernel = even_bins(source, target)
        if kernel is not None:
            return str(g.op(self.pooled, x, kernel_shape=kernel, strides=kernel))
        y, dims = x[0], list(ins[0].dims)
        for axis, (n, m) in enumerate(zip(source, target, strict=True), 2):
            if n != m:
                held_in_table(self.name, n, m)
                y = self.uneven(g, y, dims, axis, bins(n, m), ins[0].dtype)
                dims[axis] = m
        return y

    def static_spatial(self, g: Graph, x: TensorType) -> tuple[int, ...]:
        """The spatial sizes as numbers. A Reject where this export keeps one open."""
        sizes = []
        for size in x.spatial:
            known = g.static(size)
            if known is None:
                raise Reject(NoOpenForm(self.name, size))
            sizes.append(known)
        return tuple(sizes)

    def signal(self, ins: Types, outs: Types) -> Signal:
        target = per_axis(self.out, ins[0].rank - 2, "out")
        how = "mean" if self.pooled == "AveragePool" else "max"
        if all(side == 1 for side in target):
            return Pools(how, axes=tuple(range(2, ins[0].rank)))
        return Pools(how, bins=target)


def reads(source: tuple[Size, ...], target: tuple[int, ...]) -> tuple[Size, ...]:
    """Per axis the places that m bins over n read, together: n, and one more for each border between two bins that
    is not whole, `ceil(u*n/m) - floor(u*n/m)` for u = 1 .. m - 1.
    """
    found: list[Size] = []
    for n, m in zip(source, target, strict=True):
        if isinstance(n, int):
            found.append(n + m - math.gcd(n, m))
            continue
        for u in range(1, m):
            n = n + -(-(u * n) // m) - u * n // m
        found.append(n)
    return tuple(found)


def even_bins(source: tuple[Size, ...], target: tuple[int, ...]) -> tuple[int, ...] | None:
    """The kernel and stride of the pool that the bins are, where each size is a multiple of its bins."""
    kernel = []
    for n, m in zip(source, target, strict=True):
        if not isinstance(n, int) or n % m:
            return None
        kernel.append(n // m)
    return tuple(kernel)


@op("adaptive_avgpool")
class AdaptiveAvgPool(AdaptivePool):
    """The mean of each of `out` bins per axis, whatever the size of the map (torch.nn.AdaptiveAvgPool2d).

    `[N, C, *S] -> [N, C, *out]`; bin u of m over n places is `floor(u*n/m) .. ceil((u+1)*n/m) - 1`.

    ```dl
    net f on image[N, 3, H=224, W=224]:
        conv(16, 3, s=2) -> relu -> adaptive_avgpool(7) -> flatten -> linear(10)
    ```
    """

    pooled: ClassVar[str] = "AveragePool"

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (self.read_places(ins[0]),)  # sums, and the quotient

    def saved(self, ins: Types, outs: Types) -> Saved:
        # Of the whole map torch takes `mean` (aten/src/ATen/native/AdaptiveAveragePooling.cpp).
        return NOTHING if all(side == 1 for side in outs[0].spatial) else INPUT

    def torch(self, t: TorchContext) -> Form:
        axes = t.ins[0].rank - 2
        function = call(f"F.adaptive_avg_pool{axes}d", In(0), t.attr("out"))
        return Form(module=call(f"nn.AdaptiveAvgPool{axes}d", t.attr("out")), function=function)

    def uneven(self, g: Graph, x: str, dims: list[Size], axis: int, places: list[Bin], dtype: DType) -> str:
        rows = [[(a <= i < b) / (b - a) for i in range(places[-1][1])] for a, b in places]
        return averaged(g, x, dims, axis, rows, dtype)


def held_in_table(op: str, before: int, after: int) -> None:
    """A Reject where a table of so many places by so many would be larger than a graph may hold."""
    if before * after > MOST_NUMBERS:
        raise Reject(TooManyPlaces(op, before, max(MOST_NUMBERS // after, 1)))


def averaged(g: Graph, x: str, dims: list[Size], axis: int, rows: list[list[float]], dtype: DType) -> str:
    """The product of a constant matrix `rows` with one axis of a tensor of shape `dims`."""
    m, n = len(rows), len(rows[0])
    if axis == len(dims) - 1:
        columns = [list(column) for column in zip(*rows, strict=True)]
        return str(g.op("MatMul", [x, g.floats(columns, (n, m), dtype)]))
    matrix = g.floats(rows, (m, n), dtype)
    if axis == len(dims) - 2:
        return str(g.op("MatMul", [matrix, x]))
    rest = product(dims[axis + 1 :])
    y = g.op("MatMul", [matrix, g.reshape(x, dims, [*dims[: axis + 1], rest])])
    return g.reshape(y, [*dims[:axis], m, rest], [*dims[:axis], m, *dims[axis + 1 :]])


@op("adaptive_maxpool")
class AdaptiveMaxPool(AdaptivePool):
    """The largest value of each of `out` bins per axis (torch.nn.AdaptiveMaxPool2d).

    `[N, C, *S] -> [N, C, *out]`, bins as those of `adaptive_avgpool`.

    ```dl
    net f on image[N, 3, H=224, W=224]:
        conv(16, 3, s=2) -> relu -> adaptive_maxpool(7) -> flatten -> linear(10)
    ```
    """

    pooled: ClassVar[str] = "MaxPool"

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return self.read_places(ins[0]), Work(-1, outs[0].dims)  # one comparison less than places, per bin

    def saved(self, ins: Types, outs: Types) -> Saved:
        return read(ins[0], None, winners(outs[0]))

    def torch(self, t: TorchContext) -> Form:
        axes = t.ins[0].rank - 2
        function = call(f"F.adaptive_max_pool{axes}d", In(0), t.attr("out"))
        return Form(module=call(f"nn.AdaptiveMaxPool{axes}d", t.attr("out")), function=function)

    def uneven(self, g: Graph, x: str, dims: list[Size], axis: int, places: list[Bin], dtype: DType) -> str:
        longest = max(b - a for a, b in places)
        rows = [[min(a + i, b - 1) for i in range(longest)] for a, b in places]
        index = g.floats(rows, (len(places), longest), DType.INT64)
        return str(g.op("ReduceMax", [g.op("Gather", [x, index], axis=axis), g.ints([axis + 1])], keepdims=0))


class GlobalPool(RecoversMap, NoParams, NoMacs, Fresh, Op):
    """Rules of pools of a whole map to one place, or of the axes given: `gap(axis=1)` pools a row of tokens."""

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(3, 5)),)
    reduction: ClassVar[str]  # torch's method over axes
    onnx_reduction: ClassVar[str]
    torch_pool: ClassVar[str]  # `avg` or `max`
    onnx_pool: ClassVar[str]
    axis: int | tuple[int, ...] | None = attr(None, keyword=True)

    def recover(self, ins: Known) -> tuple[TensorType, ...]:
        return super().recover(ins) if self.axis is None else Recovers.recover(self, ins)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        if self.axis is None:
            check_map(self.name, x, axis=True)
            return x.with_spatial((1,) * (x.rank - 2)).with_channel(1)
        for axis in place_axes(self.name, x, self.axis):
            x = x.with_dim(axis, 1)
        return x

    def axes(self, x: TensorType) -> tuple[int, ...]:
        """The axes that are pooled, in their order."""
        return tuple(range(2, x.rank)) if self.axis is None else tuple(sorted(axes_of(self.name, self.axis, x)))

    def reach(self, ins: Types, outs: Types) -> Reach:
        axes = self.axes(ins[0])
        if len(axes) == 1:
            return Global("pooling of the whole axis", axes)
        if all(axis in axes for axis in spatial_axes(ins[0])):
            return Global("pooling of the whole map")
        return Global("pooling of whole axes", axes)

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Pools({"avg": "mean"}.get(self.torch_pool, "max"), axes=self.axes(ins[0]))

    def torch(self, t: TorchContext) -> Form:
        if self.axis is not None:
            return Form(function=call(self.reduction, t.attr("axis"), keyword("keepdim", "True"), receiver=In(0)))
        axes, one = t.ins[0].rank - 2, Arg(t.const(1))
        function = call(f"F.adaptive_{self.torch_pool}_pool{axes}d", In(0), one)
        return Form(module=call(f"nn.Adaptive{self.torch_pool.capitalize()}Pool{axes}d", one), function=function)

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        axes = self.axes(ins[0])
        # onnxruntime's CPU layout for convolutions survives a global pool, not a reduction.
        if ins[0].channel in (None, 1) and axes == tuple(range(2, ins[0].rank)):
            return str(g.op(self.onnx_pool, x))
        return str(g.op(self.onnx_reduction, [x[0], g.ints(axes)], keepdims=1))


@op("gap")
class GlobalAvgPool(SavesNothing, GlobalPool):
    """Global average pool: the mean of each channel's map (Lin et al. 2013, Network in Network).

    `[N, C, *S] -> [N, C, 1, 1]`; spatial axes of size 1 stay, `gap -> flatten` gives features `[N, C]`. With `axis=`
    (one or several) it is the mean along those axes, which stay with size 1: `gap(axis=1)` of `[N, T, D]` is
    `[N, 1, D]`.

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(16, 3) -> relu -> gap -> flatten -> linear(10)
    ```
    """

    reduction: ClassVar[str] = "mean"
    torch_pool: ClassVar[str] = "avg"
    onnx_reduction: ClassVar[str] = "ReduceMean"
    onnx_pool: ClassVar[str] = "GlobalAveragePool"

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (Work(1, ins[0].dims),)  # sums, and the quotient


@op("gmp")
class GlobalMaxPool(GlobalPool):
    """Global max pool: the largest value of each channel's map.

    `[N, C, *S] -> [N, C, 1, 1]`; spatial axes of size 1 stay. With `axis=` (one or several) it is the largest value
    along those axes, as of `gap`.

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(16, 3) -> relu -> gmp -> flatten -> linear(10)
    ```
    """

    reduction: ClassVar[str] = "amax"
    torch_pool: ClassVar[str] = "max"
    onnx_reduction: ClassVar[str] = "ReduceMax"
    onnx_pool: ClassVar[str] = "GlobalMaxPool"

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return Work(1, ins[0].dims), Work(-1, outs[0].dims)

    def saved(self, ins: Types, outs: Types) -> Saved:
        if self.axis is not None:  # torch's `amax` finds the largest again
            return Saved((0,), (0,))
        return read(ins[0], None, winners(outs[0]))

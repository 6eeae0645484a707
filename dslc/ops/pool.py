"""Pools: one number from the places of a window, per channel."""

from __future__ import annotations

import math
from operator import add, ge
from typing import Any, ClassVar

from dslc.diagnostics.model import Mistake, Reject
from dslc.ops.axes import check_map
from dslc.ops.base import (
    Graph,
    InferContext,
    Names,
    NoMacs,
    NoParams,
    Op,
    Padding,
    Port,
    Reach,
    Sides,
    Types,
    Work,
    attr,
    op,
)
from dslc.ops.counting import Fresh, Held, Saved
from dslc.ops.errors_map import EmptyWindow, PoolPadding, SmallVolume, UnevenCeil
from dslc.ops.padding import added
from dslc.ops.recovery import RecoversMap
from dslc.ops.signals import NoSignal, Pools, Signal
from dslc.ops.torchtext import Arg, Form, In, PyExpr, PyInfix, TorchContext, call, keyword
from dslc.ops.window import Windows, resized
from dslc.types.const import Const
from dslc.types.dim import Size
from dslc.types.tensor import DType, TensorType

MAP = Port("x", rank=(3, 5), channel=1)


def pooled(c: InferContext, x: TensorType, windows: Windows, mean: bool = False) -> TensorType:
    """The type of a pooled map.

    A Reject for a padding above half of the kernel, uneven ones with `ceil`, a window in the padding alone, and means
    of volumes (`mean`) that are smaller than the kernel.
    """
    check_map(windows.op, x)
    if windows.padding != "same_tf":
        pads = windows.pads(x.spatial)
        for (before, after), k in zip(pads, windows.kernel, strict=True):
            if max(before, after) > k // 2:
                raise Reject(PoolPadding(windows.op, max(before, after), k), at="p")
        if windows.ceil and any(before != after for before, after in pads):
            raise Reject(UnevenCeil(windows.op), at="p")
    y = resized(x, windows.sizes(c, x)).with_channel(1)
    for axis, (size, k, d) in enumerate(zip(x.spatial, windows.kernel, windows.dilation, strict=True)):
        if windows.may_miss(axis):
            least(c, size, d, EmptyWindow(windows.op, size, k, d))
        if mean and x.rank == 5 and not windows.pads_before:
            least(c, size, k, SmallVolume(windows.op, size, k))
    return y


def least(c: InferContext, size: Size, bound: int, mistake: Mistake) -> None:
    """A Reject with the mistake for a size below the bound; a guard where that depends on the input."""
    if not isinstance(size, int):
        c.at_least(size, bound)
    elif size < bound:
        raise Reject(mistake)


def read(x: TensorType, padded: tuple[Size, ...] | None, *extra: Held) -> Saved:
    """What a pool keeps: the map it slides over, which is the input or a padded copy of it, and `extra`."""
    if padded is None:
        return Saved(inputs=(0,), extra=extra)
    return Saved(extra=(Held(1, padded, x.dtype), *extra))


def winners(y: TensorType) -> Held:
    """Where the largest values were: torch keeps an int64 for each."""
    return Held(1, y.dims, DType.INT64)


def onnx_rounding(g: Graph, windows: Windows, x: TensorType, y: TensorType) -> tuple[int, ...] | None:
    """Places after the padded map that the last window covers, per axis, so that no `ceil_mode` is needed.

    ONNX at opset 21 counts a window that starts in the padding after the map, which torch leaves out. None
    where `ceil` meets a size that this export keeps open: there onnxruntime's `ceil_mode` counts as torch
    does.
    """
    if not windows.ceil or windows.padding == "same_tf":
        return (0,) * len(windows.kernel)
    places = []
    axes = zip(x.spatial, y.spatial, windows.pads(x.spatial), strict=True)
    for axis, (size, count, (before, after)) in enumerate(axes):
        n, windows_there = g.static(size), g.static(count)
        if n is None or windows_there is None:
            return None
        window = windows.dilation[axis] * (windows.kernel[axis] - 1) + 1
        places.append(max(0, (windows_there - 1) * windows.stride[axis] + window - before - n - after))
    return tuple(places)


def rounded_up(
    g: Graph, windows: Windows, name: str, padding: dict[str, Any], x: TensorType, y: TensorType
) -> tuple[str, dict[str, Any]]:
    """The map and the padding of a pool with `ceil_mode` and an open size.

    onnx's shape inference counts on an axis of a known size a window that starts in the padding after the map. There
    the padding, or the map, ends where torch's last window does.
    """
    unread: dict[int, int] = {}
    axes, pads = len(windows.kernel), list(padding.get("pads", (0, 0) * len(windows.kernel)))
    for axis, (size, count) in enumerate(zip(x.spatial, y.spatial, strict=True)):
        n, there = g.static(size), g.static(count)
        if n is not None and there is not None:
            window = windows.dilation[axis] * (windows.kernel[axis] - 1) + 1
            end = (there - 1) * windows.stride[axis] + window - pads[axis] - n
            if end < 0 < pads[axes + axis]:
                unread[axis + 2] = n + end
            pads[axes + axis] = min(pads[axes + axis], max(end, 0))
    if unread:
        ends = [g.ints([0] * len(unread)), g.ints(list(unread.values())), g.ints(list(unread))]
        name = str(g.op("Slice", [name, *ends]))
    return name, {**padding, "pads": tuple(pads), "ceil_mode": 1} if any(pads) else {"ceil_mode": 1}


def onnx_mean(
    g: Graph,
    windows: Windows,
    x: str,
    padding: dict[str, Any],
    source: TensorType,
    target: TensorType,
    include: bool,
) -> str:
    """The AveragePool over `x` whose divisors are torch's; `include`: padded zeros count."""
    shape: dict[str, Any] = {"kernel_shape": windows.kernel, "strides": windows.stride}
    rounding = onnx_rounding(g, windows, source, target)
    if rounding is None:
        x, padding = rounded_up(g, windows, x, padding, source, target)
        return str(g.op("AveragePool", [x], count_include_pad=int(include), **shape, **padding))
    if not any(rounding):
        return str(g.op("AveragePool", [x], count_include_pad=int(include), **shape, **padding))
    # Places beyond the padding never count.
    axes = len(rounding)
    before, after = padding["pads"][:axes], padding["pads"][axes:]
    if include and any(before + after):
        x = added(g, x, [(0, 0), (0, 0), *zip(before, after, strict=True)], g.scalar(0.0, source.dtype))
        before = after = (0,) * axes
    pads = (*before, *map(add, after, rounding))
    return str(g.op("AveragePool", [x], count_include_pad=0, pads=pads, **shape))


@op("maxpool")
class MaxPool(RecoversMap, NoParams, NoMacs, Fresh, Op):
    """The largest value of each window (torch.nn.MaxPool2d).

    `[N, C, *S] -> [N, C, *((S + 2p - d*(k-1) - 1) // s + 1)]`; the stride is the kernel unless given, and
    padding never wins. `ceil` rounds up instead, with a last window that starts inside the map.

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(16, 3) -> relu -> maxpool(2)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (MAP,)
    k: Sides = attr(min=1)
    s: Sides | None = attr(None, min=1)
    p: Padding = attr(0, min=0, choices=("half", "valid", "same_tf"))
    d: Sides = attr(1, min=1)
    ceil: bool = attr(False)

    def windows(self, x: TensorType) -> Windows:
        """The windows over the map."""
        stride = self.k if self.s is None else self.s
        return Windows.over("maxpool", x, self.k, stride, self.d, self.p, self.ceil)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (Work(math.prod(self.windows(ins[0]).kernel) - 1, outs[0].dims),)

    def saved(self, ins: Types, outs: Types) -> Saved:
        return read(ins[0], self.windows(ins[0]).padded_dims(ins[0]), winners(outs[0]))

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        return pooled(c, x, self.windows(x))

    def reach(self, ins: Types, outs: Types) -> Reach:
        return self.windows(ins[0]).reach(ins[0])

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Pools("max", self.windows(ins[0]).geometry(ins[0]))

    def torch(self, t: TorchContext) -> Form:
        windows = self.windows(t.ins[0])
        axes = t.ins[0].rank - 2
        stride = t.attr("k") if self.s is None else t.attr("s")
        padded = windows.padded_input(t, In(0), stride, t.attr("d"), 'float("-inf")')
        arguments: list[Const | Arg] = [
            t.attr("k"),
            keyword("stride", t.attr("s"), None),
            keyword("padding", windows.padding_slot(t, t.attr("d")), 0),
            keyword("dilation", t.attr("d"), 1),
            keyword("ceil_mode", t.attr("ceil"), False),
        ]
        if padded is not None:
            function = call(f"F.max_pool{axes}d", padded, *arguments)
            return Form(function=function, helpers=windows.helpers())
        module = call(f"nn.MaxPool{axes}d", *arguments)
        return Form(module=module, function=call(f"F.max_pool{axes}d", In(0), *arguments))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        windows = self.windows(ins[0])
        y, padding = windows.onnx_padding(g, x[0], ins[0], -math.inf)
        rounding = onnx_rounding(g, windows, ins[0], outs[0])
        if rounding is None:
            y, padding = rounded_up(g, windows, y, padding, ins[0], outs[0])
        elif "pads" in padding:
            axes = len(rounding)
            before, after = padding["pads"][:axes], padding["pads"][axes:]
            after = tuple(map(add, after, rounding))
            padding = {"pads": (*before, *after)}
            if any(map(ge, (*before, *after), windows.kernel * 2)):  # onnxruntime refuses them in the pool
                value = g.scalar(-math.inf, ins[0].dtype)
                y = added(g, y, [(0, 0), (0, 0), *zip(before, after, strict=True)], value)
                padding = {}
        shape: dict[str, Any] = {"kernel_shape": windows.kernel, "strides": windows.stride}
        return str(g.op("MaxPool", [y], dilations=windows.dilation, **shape, **padding))


@op("avgpool")
class AvgPool(RecoversMap, NoParams, NoMacs, Fresh, Op):
    """The mean of each window (torch.nn.AvgPool2d).

    `[N, C, *S] -> [N, C, *((S + 2p - k) // s + 1)]`; the stride is the kernel unless given. Padded zeros
    count unless `count_include_pad=false`.

    ```dl
    net lenet on image[N, 1, 28, 28]:
        conv(6, 5) -> tanh -> avgpool(2)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (MAP,)
    k: Sides = attr(min=1)
    s: Sides | None = attr(None, min=1)
    p: Padding = attr(0, min=0, choices=("half", "valid", "same_tf"))
    ceil: bool = attr(False)
    count_include_pad: bool = attr(True)

    def windows(self, x: TensorType) -> Windows:
        """The windows over the map."""
        stride = self.k if self.s is None else self.s
        return Windows.over("avgpool", x, self.k, stride, 1, self.p, self.ceil)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (Work(math.prod(self.windows(ins[0]).kernel), outs[0].dims),)  # sums, and the quotient

    def saved(self, ins: Types, outs: Types) -> Saved:
        padded = self.windows(ins[0]).padded_dims(ins[0])
        if padded is None or self.count_include_pad:
            return read(ins[0], padded)
        return read(ins[0], padded, Held(1, outs[0].dims, ins[0].dtype))  # and the share of each window inside

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        return pooled(c, x, self.windows(x), mean=True)

    def reach(self, ins: Types, outs: Types) -> Reach:
        return self.windows(ins[0]).reach(ins[0])

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Pools("mean", self.windows(ins[0]).geometry(ins[0]), counted=self.count_include_pad)

    def torch(self, t: TorchContext) -> Form:
        windows = self.windows(t.ins[0])
        axes = t.ins[0].rank - 2
        one = t.const(1)
        stride = t.attr("k") if self.s is None else t.attr("s")
        shape: list[Const | Arg] = [t.attr("k"), keyword("stride", t.attr("s"), None)]
        ceil = keyword("ceil_mode", t.attr("ceil"), False)
        padded = windows.padded_input(t, In(0), stride, one)
        if padded is None:
            padding = keyword("padding", windows.padding_slot(t, one), 0)
            arguments = [
                *shape,
                padding,
                ceil,
                keyword("count_include_pad", t.attr("count_include_pad"), True),
            ]
            module = call(f"nn.AvgPool{axes}d", *arguments)
            return Form(module=module, function=call(f"F.avg_pool{axes}d", In(0), *arguments))
        function: PyExpr = call(f"F.avg_pool{axes}d", padded, *shape, ceil)
        if not self.count_include_pad:
            inside = windows.padded_input(t, call("torch.ones_like", In(0)), stride, one)
            assert inside is not None
            function = PyInfix("/", function, call(f"F.avg_pool{axes}d", inside, *shape, ceil))
        return Form(function=function, helpers=windows.helpers())

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        windows = self.windows(ins[0])
        y, padding = windows.onnx_padding(g, x[0], ins[0])
        mean = onnx_mean(g, windows, y, padding, ins[0], outs[0], self.count_include_pad)
        if self.count_include_pad or not windows.pads_open(g, ins[0]):
            return mean
        # A Pad put the zeros there, so they count: divided by the share of each window that is no padding.
        ones = g.op("Expand", [g.floats(1.0, (1,) * ins[0].rank, ins[0].dtype), g.extents(ins[0].spatial, x[0])])
        inside, padding = windows.onnx_padding(g, ones, ins[0])
        return str(g.op("Div", [mean, onnx_mean(g, windows, inside, padding, ins[0], outs[0], include=True)]))


@op("lppool")
class LpPool(RecoversMap, NoParams, NoMacs, Fresh, Op):
    """The p-norm of each window: `(sum of x**norm)**(1/norm)` (Sermanet et al. 2012; torch.nn.LPPool2d).

    `[N, C, *S] -> [N, C, *((S - k) // s + 1)]`; the stride is the kernel unless given. For an odd `norm` the
    input should not be negative: no absolute value is taken.

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(16, 3) -> relu -> lppool(2, 2)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (MAP,)
    norm: float = attr(min=1)
    k: Sides = attr(min=1)
    s: Sides | None = attr(None, min=1)
    ceil: bool = attr(False)

    def windows(self, x: TensorType) -> Windows:
        """The windows over the map."""
        return Windows.over("lppool", x, self.k, self.k if self.s is None else self.s, 1, 0, self.ceil)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        # a power of each place; per window its sums and the root
        return Work(1, ins[0].dims), Work(math.prod(self.windows(ins[0]).kernel), outs[0].dims)

    def saved(self, ins: Types, outs: Types) -> Saved:
        # The powers; of their means: themselves, their sign, the rectified ones, those times the kernel.
        dtype = ins[0].dtype
        return Saved(inputs=(0,), extra=(Held(1, ins[0].dims, dtype), Held(4, outs[0].dims, dtype)))

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        return pooled(c, x, self.windows(x), mean=True)

    def reach(self, ins: Types, outs: Types) -> Reach:
        return self.windows(ins[0]).reach(ins[0])

    def signal(self, ins: Types, outs: Types) -> Signal:
        return NoSignal("the root of a sum of powers has no mean without the distribution of the sum")

    def torch(self, t: TorchContext) -> Form:
        axes = t.ins[0].rank - 2
        stride, ceil = keyword("stride", t.attr("s"), None), keyword("ceil_mode", t.attr("ceil"), False)
        arguments: list[Const | Arg] = [t.attr("norm"), t.attr("k"), stride, ceil]
        module = call(f"nn.LPPool{axes}d", *arguments)
        return Form(module=module, function=call(f"F.lp_pool{axes}d", In(0), *arguments))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        # LpPool takes absolute values, which torch does not, and knows integer norms only.
        windows, dtype = self.windows(ins[0]), ins[0].dtype
        powers = g.op("Pow", [x[0], g.scalar(self.norm, dtype)])
        y, padding = windows.onnx_padding(g, powers, ins[0])
        mean = onnx_mean(g, windows, y, padding, ins[0], outs[0], include=False)
        total = g.op("Mul", [mean, g.scalar(float(math.prod(windows.kernel)), dtype)])
        return str(g.op("Pow", [total, g.scalar(1 / self.norm, dtype)]))

"""Convolutions."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops.base import (
    Graph,
    InferContext,
    Init,
    Names,
    Op,
    OutputActs,
    Padding,
    ParamSpec,
    Port,
    Reach,
    Sides,
    TransposedWindow,
    Types,
    Work,
    attr,
    chosen,
    op,
)
from dslc.ops.counting import INPUT, Fresh, Held, Saved, SavesInput
from dslc.ops.errors import BadGroups
from dslc.ops.errors_map import CroppedAway, LargeOutputPadding
from dslc.ops.recovery import RecoversChannels
from dslc.ops.signals import Signal, Weighs
from dslc.ops.torchtext import Arg, Form, In, TorchContext, call, keyword
from dslc.ops.window import PADDING_MODES, Windows, half_const, paddings, per_axis, resized
from dslc.types.dim import Size
from dslc.types.tensor import TensorType

TORCH_WEIGHT = Init(
    "kaiming_uniform", (("a", math.sqrt(5)), ("mode", "fan_in"), ("nonlinearity", "leaky_relu")), default=True
)
"""PyTorch's default for convolution and linear weights (torch/nn/modules/conv.py, reset_parameters)."""


def uniform_bias(fan_in: int) -> Init:
    """PyTorch's default for their biases: U(-1/sqrt(fan_in), 1/sqrt(fan_in))."""
    bound = 1 / math.sqrt(fan_in)
    return Init("uniform", (("a", -bound), ("b", bound)), default=True)


def check_groups(name: str, channels: int, out: int, groups: int, at: str = "g") -> None:
    """A Reject unless `groups` divides both channel counts; `at` is the attribute that gave the number."""
    if channels % groups:
        raise Reject(BadGroups(name, channels, groups, "input", out), at=at)
    if out % groups:
        raise Reject(BadGroups(name, out, groups, "output", channels), at=at)


def with_channels(c: InferContext, x: TensorType, out: int) -> TensorType:
    """A map with `out` channels, in the words of the attribute `out`."""
    return x.with_dim(1, out, c.word("out")).with_channel(1)


def biases(biased: bool, outs: Types) -> tuple[Work, ...]:
    """Operations of a linear map beside its products: a bias adds one for each element of the result."""
    return (Work(1, outs[0].dims),) if biased else ()


@op("conv")
class Conv(RecoversChannels, OutputActs, Fresh, Op):
    """Convolution in 1, 2 or 3 dimensions, by the rank of the map.

    `[N, C, *S] -> [N, out, *((S + p - d*(k-1) - 1) // s + 1)]`, weights `[out, C/g, *k]`, multiply-adds `out
    * prod(S_out) * C/g * prod(k)` (Goodfellow et al., Deep Learning, ch. 9; torch.nn.Conv2d). The default
    padding `half` keeps the size at stride 1; `same_tf` gives `ceil(S / s)` places, the odd place of padding
    after, as TensorFlow does. `padding_mode` is what stands at the places added: zeros, the map mirrored at its
    edge (`reflect`), its edge again (`replicate`), or its other end (`circular`). `bias` is off where a batch
    or instance norm follows.

    ```dl
    net edges on image[N, 3, H=32, W=32]:
        conv(16, 3, s=2) -> bn -> relu
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(3, 5), channel=1),)
    out: int = attr(min=1)
    k: Sides = attr(min=1)
    s: Sides = attr(1, min=1)
    p: Padding = attr("half", min=0, choices=("half", "valid", "same_tf"))
    d: Sides = attr(1, min=1)
    g: int = attr(1, min=1)
    bias: bool | str = attr("auto", choices=("auto",), keyword=True)
    padding_mode: str = attr("zeros", choices=tuple(PADDING_MODES), keyword=True)
    init: Init | None = attr(None, keyword=True)
    bias_init: Init | None = attr(None, keyword=True)

    def check(self) -> None:
        check_groups("conv", self.out * self.g, self.out, self.g)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        windows = self.windows(x)
        channels = c.pin(x.dims[1])
        check_groups("conv", channels, self.out, self.g)
        return with_channels(c, resized(x.with_dim(1, channels, x.word(1)), windows.sizes(c, x)), self.out)

    def windows(self, x: TensorType) -> Windows:
        """The windows over the map."""
        return Windows.over("conv", x, self.k, self.s, self.d, self.p, mode=self.padding_mode)

    def params(self, x: TensorType) -> tuple[ParamSpec, ...]:
        channels = x.dims[1]
        assert isinstance(channels, int)
        shape = (self.out, channels // self.g, *per_axis(self.k, x.rank - 2, "k"))
        weight = ParamSpec("weight", shape, chosen(self.init, TORCH_WEIGHT))
        if not self.bias:
            return (weight,)
        bias = chosen(self.bias_init, uniform_bias(math.prod(shape[1:])))
        return weight, ParamSpec("bias", (self.out,), bias)

    def macs(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        weight = self.params(ins[0])[0]
        return (Work(weight.count, (outs[0].dims[0], *outs[0].spatial)),)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return biases(bool(self.bias), outs)

    def saved(self, ins: Types, outs: Types) -> Saved:
        padded = self.windows(ins[0]).padded_dims(ins[0])
        if padded is None:
            return INPUT
        kept = (0,) if self.padding_mode in ("reflect", "replicate") else ()  # for their own gradient, as in `pad`
        return Saved(kept, extra=(Held(1, padded, ins[0].dtype),))

    def reach(self, ins: Types, outs: Types) -> Reach:
        return self.windows(ins[0]).reach(ins[0])

    def signal(self, ins: Types, outs: Types) -> Signal:
        fan = self.params(ins[0])[0].shape[1]
        return Weighs(fan, self.out, self.windows(ins[0]).geometry(ins[0]), zeros=self.padding_mode == "zeros")

    def torch(self, t: TorchContext) -> Form:
        x = t.ins[0]
        windows = self.windows(x)
        padded = windows.padded_input(t, In(0), t.attr("s"), t.attr("d"))
        module = call(
            f"nn.Conv{x.rank - 2}d",
            t.size(0, 1),
            t.attr("out"),
            t.attr("k"),
            keyword("stride", t.attr("s"), 1),
            keyword("padding", windows.padding_slot(t, t.attr("d")), 0),
            keyword("dilation", t.attr("d"), 1),
            keyword("groups", t.attr("g"), 1),
            keyword("bias", t.attr("bias"), True),
            keyword("padding_mode", t.attr("padding_mode") if padded is None else t.const("zeros"), "zeros"),
        )
        arguments = None if padded is None else (padded,)
        return Form(module=module, helpers=windows.helpers(), arguments=arguments)

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        windows = self.windows(ins[0])
        y, padding = windows.onnx_padding(g, x[0], ins[0])
        inputs = [y, p["weight"], *([p["bias"]] if "bias" in p else [])]
        shape: dict[str, Any] = {
            "kernel_shape": windows.kernel,
            "strides": windows.stride,
            "dilations": windows.dilation,
            "group": self.g,
        }
        return str(g.op("Conv", inputs, **shape, **padding))


@op("deconv")
class Deconv(RecoversChannels, OutputActs, Fresh, SavesInput, Op):
    """Transposed convolution: the gradient of `conv` with respect to its input, as a layer of its own.

    `[N, C, *S] -> [N, out, *((S - 1)*s - 2p + d*(k-1) + op + 1)]`, weights `[C, out/g, *k]`, multiply-adds `C
    * prod(S) * out/g * prod(k)` (Dumoulin and Visin, A guide to convolution arithmetic;
    torch.nn.ConvTranspose2d). `p` takes places away on both sides; `op` adds some after, because several
    input sizes of `conv` give one output size. `deconv(out, 2, s=2)` and `deconv(out, 4, s=2, p=1)` double a
    map exactly.

    ```dl
    net up on x[N, 64, H=16, W=16] -> [N, 32, 2 * H, 2 * W]:
        deconv(32, 4, s=2, p=1) -> bn -> relu
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(3, 5), channel=1),)
    out: int = attr(min=1)
    k: Sides = attr(min=1)
    s: Sides = attr(1, min=1)
    p: int | str | tuple[int, ...] = attr(0, min=0, choices=("half", "valid"))
    op: Sides = attr(0, min=0)
    d: Sides = attr(1, min=1)
    g: int = attr(1, min=1)
    bias: bool | str = attr("auto", choices=("auto",), keyword=True)
    init: Init | None = attr(None, keyword=True)
    bias_init: Init | None = attr(None, keyword=True)

    def check(self) -> None:
        check_groups("deconv", self.out * self.g, self.out, self.g)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        channels = c.pin(x.dims[1])
        check_groups("deconv", channels, self.out, self.g)
        sizes: list[Size] = []
        for size, k, s, p, extra, d in zip(x.spatial, *self.sides(x), strict=True):
            if extra >= s:
                raise Reject(LargeOutputPadding(extra, s), at="op")
            result = (size - 1) * s - 2 * p + d * (k - 1) + extra + 1
            if not isinstance(result, int):
                c.at_least(result, 1)
            elif result < 1:
                raise Reject(CroppedAway(size, k, p, result), at="p")
            sizes.append(result)
        return with_channels(c, resized(x.with_dim(1, channels, x.word(1)), sizes), self.out)

    def sides(self, x: TensorType) -> tuple[tuple[int, ...], ...]:
        """Kernel, stride, padding, output padding and dilation, each per spatial axis."""
        axes = x.rank - 2
        k, s, d = (per_axis(v, axes, n) for v, n in ((self.k, "k"), (self.s, "s"), (self.d, "d")))
        p = tuple(before for before, _ in paddings("deconv", self.p, k, s, d))
        return k, s, p, per_axis(self.op, axes, "op"), d

    def params(self, x: TensorType) -> tuple[ParamSpec, ...]:
        channels = x.dims[1]
        assert isinstance(channels, int)
        shape = (channels, self.out // self.g, *per_axis(self.k, x.rank - 2, "k"))
        weight = ParamSpec("weight", shape, chosen(self.init, TORCH_WEIGHT))
        if not self.bias:
            return (weight,)
        bias = chosen(self.bias_init, uniform_bias(math.prod(shape[1:])))
        return weight, ParamSpec("bias", (self.out,), bias)

    def macs(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        weight = self.params(ins[0])[0]
        return (Work(weight.count, (ins[0].dims[0], *ins[0].spatial)),)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return biases(bool(self.bias), outs)

    def reach(self, ins: Types, outs: Types) -> Reach:
        k, s, p, _, d = self.sides(ins[0])
        return TransposedWindow(k, s, p, d)

    def signal(self, ins: Types, outs: Types) -> Signal:
        windows = tuple((k, s, p, p - extra, d) for k, s, p, extra, d in zip(*self.sides(ins[0]), strict=True))
        channels = ins[0].dims[1]
        assert isinstance(channels, int)
        return Weighs(channels // self.g, self.out, windows, turned=True)

    def torch(self, t: TorchContext) -> Form:
        x = t.ins[0]
        padding = t.attr("p")
        if self.p == "half":
            padding = half_const(t.attr("k"), t.attr("d"), tuple((p, p) for p in self.sides(x)[2]))
        elif self.p == "valid":
            padding = t.const(0)
        module = call(
            f"nn.ConvTranspose{x.rank - 2}d",
            t.size(0, 1),
            t.attr("out"),
            t.attr("k"),
            keyword("stride", t.attr("s"), 1),
            keyword("padding", padding, 0),
            keyword("output_padding", t.attr("op"), 0),
            keyword("groups", t.attr("g"), 1),
            keyword("bias", t.attr("bias"), True),
            Arg(t.attr("d"), "dilation", 1),
        )
        return Form(module=module)

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        k, s, pads, extra, d = self.sides(ins[0])
        inputs = [x[0], p["weight"], *([p["bias"]] if "bias" in p else [])]
        shape: dict[str, Any] = {"kernel_shape": k, "strides": s, "dilations": d, "group": self.g}
        return str(g.op("ConvTranspose", inputs, pads=pads * 2, output_padding=extra, **shape))

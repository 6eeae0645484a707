"""Normalisations without weights: by the channels beside each, and to length 1."""

from __future__ import annotations

from typing import ClassVar

from dslc.ops.axes import along, axis_slot, channel_axis, check_map
from dslc.ops.base import (
    Global,
    Graph,
    InferContext,
    Local,
    Names,
    NoMacs,
    NoParams,
    Op,
    Port,
    Reach,
    Types,
    Work,
    attr,
    op,
)
from dslc.ops.broadcasting import converted
from dslc.ops.counting import Fresh, Held, Saved
from dslc.ops.recovery import RecoversSame
from dslc.ops.signals import Damps, Normalises, NoSignal, Signal
from dslc.ops.torchtext import Arg, Form, In, TorchContext, call, keyword
from dslc.types.dim import product
from dslc.types.tensor import DType, TensorType


@op("lrn")
class LocalResponseNorm(NoParams, NoMacs, Fresh, Local, Op):
    """Local response normalisation: `x / (k + alpha/size * sum of x**2 over size channels)**beta`.

    `[N, C, *S] -> [N, C, *S]` (Krizhevsky et al. 2012); defaults as torch.nn.LocalResponseNorm. AlexNet's own
    are `lrn(5, alpha=5e-4, beta=0.75, k=2)` in this form, where `alpha` is divided by `size`.

    ```dl
    net f on image[N, 3, H=64, W=64]:
        conv(16, 5) -> relu -> lrn(5) -> maxpool(3, s=2)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(3, 5), channel=1),)
    size: int = attr(min=1)
    alpha: float = attr(1e-4)
    beta: float = attr(0.75)
    k: float = attr(1.0)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        check_map("lrn", x)
        return x

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        # square, size - 1 sums, times alpha, plus k, power, quotient
        return (Work(self.size + 4, ins[0].dims),)

    def saved(self, ins: Types, outs: Types) -> Saved:
        # The squares padded by size - 1 channels, the base of the power, the power (torch/nn/functional.py).
        x = ins[0]
        padded = (x.dims[0], x.dims[1] + self.size - 1, *x.spatial)
        return Saved(inputs=(0,), extra=(Held(1, padded, x.dtype), Held(2, x.dims, x.dtype)))

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Damps(self.alpha, self.beta, self.k)

    def torch(self, t: TorchContext) -> Form:
        attributes = [
            keyword(name, t.attr(name), default) for name, default in (("alpha", 1e-4), ("beta", 0.75), ("k", 1.0))
        ]
        module = call("nn.LocalResponseNorm", t.attr("size"), *attributes)
        return Form(module=module, function=call("F.local_response_norm", In(0), t.attr("size"), *attributes))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        type_, value = ins[0], converted(g, x[0], ins[0].dtype, DType.FLOAT32)
        if type_.rank == 4 and self.size % 2 and self.alpha > 0 and self.beta > 0:
            alpha, beta, bias = float(self.alpha), float(self.beta), float(self.k)
            y = g.op("LRN", [value], size=self.size, alpha=alpha, beta=beta, bias=bias)
            return converted(g, str(y), DType.FLOAT32, type_.dtype)
        # onnxruntime's LRN takes images, odd sizes and numbers above 0. torch puts more before, of an even size.
        flat = (type_.dims[0], 1, type_.dims[1], product(type_.dims[2:]))
        square = g.reshape(g.op("Mul", [value, value]), type_.dims, flat)
        pads = (self.size // 2, 0, (self.size - 1) // 2, 0)
        mean = g.op("AveragePool", [square], kernel_shape=(self.size, 1), pads=pads, count_include_pad=1)
        mean = g.reshape(mean, flat, type_.dims)
        scaled = g.op("Mul", [mean, g.scalar(self.alpha, DType.FLOAT32)])
        base = g.op("Add", [scaled, g.scalar(self.k, DType.FLOAT32)])
        y = str(g.op("Div", [value, g.op("Pow", [base, g.scalar(self.beta, DType.FLOAT32)])]))
        return converted(g, y, DType.FLOAT32, type_.dtype)


@op("l2norm")
class L2Norm(RecoversSame, NoParams, NoMacs, Fresh, Op):
    """Scale to length 1: `x / max(||x||, eps)` along an axis, by default that of the channels.

    Any shape, unchanged (torch.nn.functional.normalize with p=2).

    ```dl
    net embed on x[N, 512]:
        linear(128) -> l2norm
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x"),)
    axis: int | None = attr(None)
    eps: float = attr(1e-12, min=0)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        channel_axis("l2norm", x, self.axis)
        return x

    def reach(self, ins: Types, outs: Types) -> Reach:
        axis = channel_axis("l2norm", ins[0], self.axis)
        return along(axis, ins[0], Global("length along an axis of places"))

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (Work(3, ins[0].dims),)  # square, sum, quotient

    def saved(self, ins: Types, outs: Types) -> Saved:
        axis = channel_axis("l2norm", ins[0], self.axis)
        lengths = (*ins[0].dims[:axis], *ins[0].dims[axis + 1 :])
        return Saved(inputs=(0,), extra=(Held(2, lengths, ins[0].dtype),))  # before and after the least, eps

    def signal(self, ins: Types, outs: Types) -> Signal:
        axis = channel_axis("l2norm", ins[0], self.axis)
        if not ins[0].holds_channels(axis):
            return NoSignal("length along an axis of places has no rule")
        return Normalises("channels", 0.0, centred=False, length=True)

    def torch(self, t: TorchContext) -> Form:
        axis, eps = axis_slot(t, "l2norm", self.axis), keyword("eps", t.attr("eps"), 1e-12)
        return Form(function=call("F.normalize", In(0), Arg(axis, "dim", 1), eps))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        axis = channel_axis("l2norm", ins[0], self.axis)
        value = converted(g, x[0], ins[0].dtype, DType.FLOAT32)
        length = g.op("Max", [g.op("ReduceL2", [value, g.ints([axis])], keepdims=1), g.scalar(self.eps, DType.FLOAT32)])
        return converted(g, str(g.op("Div", [value, length])), DType.FLOAT32, ins[0].dtype)

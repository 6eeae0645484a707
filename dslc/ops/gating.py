"""Activations that look along an axis (gates, maxima, softmax) or learn a slope per channel."""

from __future__ import annotations

from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops import curves
from dslc.ops.axes import along, axis_slot, channel_axis, check_map
from dslc.ops.base import (
    Global,
    Graph,
    InferContext,
    Init,
    Local,
    Names,
    NoMacs,
    NoParams,
    Op,
    ParamSpec,
    Port,
    Reach,
    Types,
    Unknown,
    Work,
    attr,
    op,
)
from dslc.ops.counting import FlopPerElement, Fresh, Held, InPlace, Saved, SavesInput, SavesOutput
from dslc.ops.errors import WrongChannelAxis
from dslc.ops.errors_tensor import CannotSplit
from dslc.ops.recovery import RecoversSame
from dslc.ops.signals import Gates, NoSignal, Peaks, Signal, Softens
from dslc.ops.torchtext import Arg, Form, In, TorchContext, call
from dslc.ops.words import quotient
from dslc.types.tensor import TensorType


@op("prelu")
class ParametricRelu(NoMacs, FlopPerElement, InPlace, SavesInput, Local, Op):
    """Leaky rectifier whose slope is learned: `x` if positive, else `weight * x` (He et al. 2015).

    `weight` is one number, or with `per_channel` one for each channel of a map or of features
    (torch.nn.PReLU).

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(16, 3) -> prelu(per_channel=true)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x"),)
    per_channel: bool = attr(False)
    slope: float = attr(0.25)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        if not self.per_channel:
            return x
        if x.rank < 2:
            raise Reject(WrongChannelAxis("prelu", "x", x, 1))
        check_map("prelu", x)
        return x.with_dim(1, c.pin(x.dims[1]), x.word(1)).with_channel(1)

    def params(self, x: TensorType) -> tuple[ParamSpec, ...]:
        count = x.dims[1] if self.per_channel else 1
        assert isinstance(count, int)
        return (ParamSpec("weight", (count,), Init("constant", (("value", self.slope),), default=True)),)

    def signal(self, ins: Types, outs: Types) -> Signal:
        return curves.rectifier("prelu", self.slope)

    def torch(self, t: TorchContext) -> Form:
        count = t.size(0, 1) if self.per_channel else t.const(1)
        return Form(module=call("nn.PReLU", Arg(count, default=1), Arg(t.attr("slope"), "init", 0.25)))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        weight = p["weight"]
        if self.per_channel:
            channels = ins[0].dims[1]
            assert isinstance(channels, int)
            weight = g.weight_reshaped(weight, (channels, *(1,) * (ins[0].rank - 2)))
        return str(g.op("PRelu", [x[0], weight]))


def split_axis(c: InferContext, op: str, x: TensorType, axis: int, parts: int, at: str | None) -> TensorType:
    """The type with an axis divided by `parts`. A Reject, at the attribute `at`, where it does not divide."""
    size = x.dims[axis]
    if isinstance(size, int) and size % parts:
        raise Reject(CannotSplit(op, size, parts, f"axis {axis}"), at=at)
    word = quotient((size, x.word(axis)), [(parts, None)])
    return x.with_dim(axis, c.divide(size, parts), word)


class Gated(NoParams, NoMacs, Fresh, Op):
    """Rules of gated units: the first half of an axis times a function of the second, each place alone.

    Two operations for each element of the result: the function and the product.
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x"),)
    axis: int | None = attr(None)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        return split_axis(c, self.name, x, channel_axis(self.name, x, self.axis), 2, None)

    def reach(self, ins: Types, outs: Types) -> Reach:
        axis = channel_axis(self.name, ins[0], self.axis)
        return along(axis, ins[0], Unknown(f"`{self.name}` splits an axis of places"))

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (Work(2, outs[0].dims),)

    def halves(self, g: Graph, x: Names, ins: Types) -> tuple[str, str]:
        """The tensors of the value and of the gate."""
        axis = channel_axis(self.name, ins[0], self.axis)
        value, gate = g.op("Split", x, outputs=2, axis=axis, num_outputs=2)
        return value, gate


@op("glu")
class Glu(SavesInput, Gated):
    """Gated linear unit: the first half of the channels times the sigmoid of the second (Dauphin 2017).

    The axis is halved; by default it is that of the channels (torch.nn.functional.glu, whose default is the
    last).

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(32, 3) -> glu -> conv(16, 3)
    ```
    """

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Gates(curves.SIGMOID, channel_axis(self.name, ins[0], self.axis))

    def torch(self, t: TorchContext) -> Form:
        slot = axis_slot(t, self.name, self.axis, last=True)
        return Form(module=call("nn.GLU", Arg(slot, default=-1)), function=call("F.glu", In(0), Arg(slot, "dim", -1)))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        value, gate = self.halves(g, x, ins)
        return str(g.op("Mul", [value, g.op("Sigmoid", [gate])]))


GATED = '''\
def {name}(x: Tensor, dim: int = -1) -> Tensor:
    """The first half of an axis times {words} of the second."""
    value, gate = x.chunk(2, dim)
    return value * {function}(gate)
'''

GATED_MODULE = '''\
class {title}(nn.Module):
    """The first half of an axis times {words} of the second."""

    def __init__(self, dim: int = -1) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        value, gate = x.chunk(2, self.dim)
        return value * {function}(gate)
'''


class GatedBy(Gated):
    """Rules of gated units that PyTorch has no layer for; `function` is torch's text of the gate's."""

    function: ClassVar[str]
    words: ClassVar[str]

    def saved(self, ins: Types, outs: Types) -> Saved:
        return Saved(inputs=(0,), extra=(Held(1, outs[0].dims, outs[0].dtype),))  # both halves, the gate's function

    def torch(self, t: TorchContext) -> Form:
        title = type(self).__name__
        words = {"name": self.name, "title": title, "words": self.words, "function": self.function}
        names = t.helper(self.name, GATED.format(**words)), t.helper(title, GATED_MODULE.format(**words))
        dim = Arg(axis_slot(t, self.name, self.axis, last=True), default=-1)
        return Form(module=call(title, dim), function=call(self.name, In(0), dim), helpers=names)


@op("geglu")
class GEGLU(GatedBy):
    """Gated unit with `gelu`: the first half of the channels times `gelu` of the second.

    The axis is halved; by default it is that of the channels (Shazeer, GLU Variants Improve Transformer,
    arXiv:2002.05202, eq. 5). The second half is the gate, as in `glu`.

    ```dl
    net f on x[N, T=16, 64]:
        linear(2 * 256) -> geglu -> linear(64)
    ```
    """

    function: ClassVar[str] = "F.gelu"
    words: ClassVar[str] = "the Gaussian error linear unit"

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        value, gate = self.halves(g, x, ins)
        return str(g.op("Mul", [value, g.op("Gelu", [gate], approximate="none")]))

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Gates(curves.gelu(False), channel_axis(self.name, ins[0], self.axis))


@op("swiglu")
class SwiGLU(GatedBy):
    """Gated unit with `silu`: the first half of the channels times `silu` of the second.

    The axis is halved; by default it is that of the channels (Shazeer, arXiv:2002.05202, eq. 5, with beta 1). The
    second half is the gate, as in `glu`: Llama's `silu(gate_proj(x)) * up_proj(x)` has the weights of `up_proj` first.

    ```dl
    net f on x[N, T=16, 64]:
        linear(2 * 168, bias=false) -> swiglu -> linear(64, bias=false)
    ```
    """

    function: ClassVar[str] = "F.silu"
    words: ClassVar[str] = "the sigmoid linear unit"

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        value, gate = self.halves(g, x, ins)
        return str(g.op("Mul", [value, g.op("Mul", [gate, g.op("Sigmoid", [gate])])]))

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Gates(curves.swish("silu", 1.0), channel_axis(self.name, ins[0], self.axis))


@op("reglu")
class ReGLU(GatedBy):
    """Gated unit with `relu`: the first half of the channels times `relu` of the second.

    The axis is halved; by default it is that of the channels (Shazeer, arXiv:2002.05202, eq. 5). The second half is
    the gate, as in `glu`.

    ```dl
    net f on x[N, T=16, 64]:
        linear(2 * 256) -> reglu -> linear(64)
    ```
    """

    function: ClassVar[str] = "F.relu"
    words: ClassVar[str] = "the rectifier"

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        value, gate = self.halves(g, x, ins)
        return str(g.op("Mul", [value, g.op("Relu", [gate])]))

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Gates(curves.rectifier("relu", 0.0), channel_axis(self.name, ins[0], self.axis))


@op("maxout")
class Maxout(NoParams, NoMacs, Fresh, Op):
    """The largest of each `pieces` neighbouring channels (Goodfellow et al. 2013).

    The axis is divided by `pieces`; by default it is that of the channels.

    ```dl
    net f on x[N, 64]:
        linear(128) -> maxout(4) -> linear(10)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x"),)
    pieces: int = attr(min=1)
    axis: int | None = attr(None)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        return split_axis(c, "maxout", x, channel_axis("maxout", x, self.axis), self.pieces, "pieces")

    def reach(self, ins: Types, outs: Types) -> Reach:
        return along(channel_axis("maxout", ins[0], self.axis), ins[0], Unknown("`maxout` splits an axis of places"))

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (Work(self.pieces - 1, outs[0].dims),)

    def saved(self, ins: Types, outs: Types) -> Saved:
        return Saved(inputs=(0,), outputs=(0,))

    def signal(self, ins: Types, outs: Types) -> Signal:
        if not ins[0].holds_channels(channel_axis("maxout", ins[0], self.axis)):
            return NoSignal("the largest of several places, split off by `maxout`, has no rule")
        return Peaks(self.pieces)

    def torch(self, t: TorchContext) -> Form:
        x = t.ins[0]
        axis = channel_axis("maxout", x, self.axis)
        pieces = call("unflatten", t.const(axis), t.const((-1, self.pieces)), receiver=In(0))
        return Form(function=call("amax", t.const(axis + 1), receiver=pieces))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        axis = channel_axis("maxout", ins[0], self.axis)
        before, after = ins[0].dims, outs[0].dims
        y = g.reshape(x[0], before, (*before[:axis], after[axis], self.pieces, *before[axis + 1 :]))
        return str(g.op("ReduceMax", [y, g.ints([axis + 1])], keepdims=0))


class AlongAxis(RecoversSame, NoParams, NoMacs, Fresh, SavesOutput, Op):
    """Rules of functions that relate the values along an axis, by default that of the channels.

    Five operations for each element: comparison for the maximum, difference, exponential, sum, and the quotient or,
    of a logarithm, the difference.
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x"),)
    axis: int | None = attr(None)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        channel_axis(self.name, x, self.axis)
        return x

    def reach(self, ins: Types, outs: Types) -> Reach:
        axis = channel_axis(self.name, ins[0], self.axis)
        return along(axis, ins[0], Global(f"{self.name} along an axis of places"))

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (Work(5, ins[0].dims),)


@op("softmax")
class Softmax(AlongAxis):
    """`exp(x) / sum(exp(x))` along an axis, by default that of the channels (torch.nn.Softmax).

    ```dl
    net f on x[N, 64]:
        linear(10) -> softmax
    ```
    """

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Softens(channel_axis(self.name, ins[0], self.axis))

    def torch(self, t: TorchContext) -> Form:
        dim = Arg(axis_slot(t, self.name, self.axis, last=True), "dim")
        return Form(module=call("nn.Softmax", dim), function=call("F.softmax", In(0), dim))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("Softmax", x, axis=channel_axis("softmax", ins[0], self.axis)))


@op("logsoftmax")
class LogSoftmax(AlongAxis):
    """`x - log(sum(exp(x)))` along an axis, by default that of the channels (torch.nn.LogSoftmax).

    ```dl
    net f on x[N, 64]:
        linear(10) -> logsoftmax
    ```
    """

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Softens(channel_axis(self.name, ins[0], self.axis), log=True)

    def torch(self, t: TorchContext) -> Form:
        dim = Arg(axis_slot(t, self.name, self.axis, last=True), "dim")
        return Form(module=call("nn.LogSoftmax", dim), function=call("F.log_softmax", In(0), dim))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("LogSoftmax", x, axis=channel_axis("logsoftmax", ins[0], self.axis)))

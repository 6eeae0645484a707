"""Normalisations: by statistics of the batch, of each sample, or of a neighbourhood."""

from __future__ import annotations

from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops.base import (
    Global,
    Graph,
    InferContext,
    Init,
    Local,
    Names,
    NoMacs,
    Op,
    ParamSpec,
    Port,
    Reach,
    Types,
    Work,
    attr,
    chosen,
    op,
)
from dslc.ops.broadcasting import converted
from dslc.ops.convolution import check_groups
from dslc.ops.counting import Fresh, Held, InPlace, Saved
from dslc.ops.errors import WrongChannelAxis
from dslc.ops.errors_map import OneValue
from dslc.ops.recovery import RecoversSame
from dslc.ops.signals import Normalises, Signal
from dslc.ops.torchtext import Form, In, Own, TorchContext, call, keyword, sequence
from dslc.types.dim import Dim, product
from dslc.types.solve import bounds
from dslc.types.tensor import DType, TensorType

ONES = Init("ones", default=True)
ZEROS = Init("zeros", default=True)

LAYER_NORM = '''\
class LayerNorm{axes}d(nn.LayerNorm):
    """Layer norm over the channels of maps, at each place."""

    def forward(self, x: Tensor) -> Tensor:
        x = x.movedim(1, -1)
        x = F.layer_norm(x, self.normalized_shape, self.weight, self.bias, self.eps)
        return x.movedim(-1, 1)
'''

EPSILON = 2.0**-23
"""Distance from 1 to the next number of float32: the default of torch.nn.RMSNorm in every type of 16 bits too, since it
computes in float32 (measured with torch 2.13; its documentation names the epsilon of the input's type).
"""


def scale_and_shift(
    x: TensorType, init: Init | None, bias_init: Init | None, axis: int = 1, bias: bool = True
) -> tuple[ParamSpec, ...]:
    """A weight per channel, of ones unless `init` says another, and with `bias` a bias, of zeros likewise."""
    channels = x.dims[axis]
    assert isinstance(channels, int)
    weight = ParamSpec("weight", (channels,), chosen(init, ONES))
    return (weight, ParamSpec("bias", (channels,), chosen(bias_init, ZEROS))) if bias else (weight,)


def pinned(c: InferContext, x: TensorType, axis: int = 1) -> TensorType:
    """The type with its channels counted by weights: a number, on a settled axis."""
    axis %= x.rank
    return x.with_dim(axis, c.pin(x.dims[axis]), x.word(axis)).with_channel(axis)


def several(c: InferContext, op: str, x: TensorType, each: int, part: str) -> None:
    """A Reject, or a guard, for statistics of one value, which torch refuses: `each` channels of all places of `x`.

    Of places along several open axes one axis is asked to have two: no guard joins symbols.
    """
    count = c.sizes.reduce(product((each, *x.spatial)))
    if isinstance(count, int):
        if count < 2:
            raise Reject(OneValue(op, str(x), part))
        return
    open_axes = [size for size in x.spatial if isinstance(size, Dim) and len(size.symbols) == 1]
    if len(count.symbols) > 1 and open_axes and bounds(count, c.sizes.domain)[0] < 2:
        count = max(open_axes, key=c.sizes.value)
    c.at_least(count, 2)


def scaled(norm: Op, each: int, x: TensorType) -> tuple[Work, ...]:
    """`each` operations for each element, one more for a weight and one for a bias."""
    affine = sum(spec.kind == "param" for spec in norm.params(x))
    return (Work(each + affine, x.dims),)


def by_statistics(norm: Op, x: TensorType) -> tuple[Work, ...]:
    """Norms by mean and variance of the input: per element the mean's sum, the difference from it, its square, the
    variance's sum and the quotient; one more for a weight and one for a bias.
    """
    return scaled(norm, 5, x)


@op("bn")
class BatchNorm(RecoversSame, NoMacs, InPlace, Local, Op):
    """Batch normalisation per channel: `(x - mean) / sqrt(var + eps) * weight + bias`.

    `[N, C, *S] -> [N, C, *S]` (Ioffe and Szegedy 2015); weights `weight` and `bias`, buffers `running_mean`,
    `running_var` and `num_batches_tracked`, as torch.nn.BatchNorm2d. Training uses the batch's statistics and
    moves the running ones by `momentum`; inference uses the running ones. A bias before it would be idle. PyTorch
    refuses to train it on one value per channel, as of features at batch 1.

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(16, 3) -> bn -> relu
    ```
    """

    absorbs_bias: ClassVar[bool] = True
    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(2, 5), channel=1),)
    eps: float = attr(1e-5, min=1e-12)
    momentum: float | None = attr(0.1, min=0, max=1)
    affine: bool = attr(True)
    init: Init | None = attr(None, keyword=True)
    bias_init: Init | None = attr(None, keyword=True)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        return pinned(c, x)

    def params(self, x: TensorType) -> tuple[ParamSpec, ...]:
        channels = x.dims[1]
        assert isinstance(channels, int)
        return (
            *(scale_and_shift(x, self.init, self.bias_init) if self.affine else ()),
            ParamSpec("running_mean", (channels,), ZEROS, "buffer"),
            ParamSpec("running_var", (channels,), ONES, "buffer", least=0.0),
            ParamSpec("num_batches_tracked", (), ZEROS, "buffer", DType.INT64),
        )

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (Work(2, ins[0].dims),)  # at inference one product and one sum per element, with or without weights

    def saved(self, ins: Types, outs: Types) -> Saved:
        return Saved(inputs=(0,), extra=(Held(2, ins[0].dims[1:2]),))  # mean, 1 / deviation

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Normalises("batch", self.eps)

    def torch(self, t: TorchContext) -> Form:
        module = call(
            f"nn.BatchNorm{max(t.ins[0].rank - 2, 1)}d",
            t.size(0, 1),
            keyword("eps", t.attr("eps"), 1e-5),
            keyword("momentum", t.attr("momentum"), 0.1),
            keyword("affine", t.attr("affine"), True),
        )
        return Form(module=module, stateful=True)

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        channels = ins[0].dims[1]
        assert isinstance(channels, int)
        weight = p["weight"] if self.affine else g.floats([1.0] * channels, (channels,), ins[0].dtype)
        bias = p["bias"] if self.affine else g.floats([0.0] * channels, (channels,), ins[0].dtype)
        statistics = [p["running_mean"], p["running_var"]]
        return str(g.op("BatchNormalization", [x[0], weight, bias, *statistics], epsilon=float(self.eps)))


@op("inorm")
class InstanceNorm(RecoversSame, NoMacs, Fresh, Op):
    """Instance normalisation: each channel of each sample by its own mean and variance (Ulyanov et al. 2016).

    `[N, C, *S] -> [N, C, *S]`; `weight` and `bias` per channel only with `affine` (torch.nn.InstanceNorm2d). A map has
    at least two places: of one value there is no variance.

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(16, 3) -> inorm -> relu
    ```
    """

    absorbs_bias: ClassVar[bool] = True
    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(3, 5), channel=1),)
    affine: bool = attr(False)
    eps: float = attr(1e-5, min=0)
    init: Init | None = attr(None, keyword=True)
    bias_init: Init | None = attr(None, keyword=True)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        several(c, "inorm", x, 1, "map")
        return pinned(c, x)

    def params(self, x: TensorType) -> tuple[ParamSpec, ...]:
        return scale_and_shift(x, self.init, self.bias_init) if self.affine else ()

    def reach(self, ins: Types, outs: Types) -> Reach:
        return Global("statistics of each map")

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return by_statistics(self, ins[0])

    def saved(self, ins: Types, outs: Types) -> Saved:
        # mean, 1 / deviation, and the weight repeated for each sample
        return Saved(inputs=(0,), extra=(Held(3 if self.affine else 2, ins[0].dims[:2]),))

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Normalises("sample", self.eps)

    def torch(self, t: TorchContext) -> Form:
        eps, affine = keyword("eps", t.attr("eps"), 1e-5), keyword("affine", t.attr("affine"), False)
        module = call(f"nn.InstanceNorm{t.ins[0].rank - 2}d", t.size(0, 1), eps, affine)
        return Form(module=module, function=None if self.affine else call("F.instance_norm", In(0), eps))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        channels = ins[0].dims[1]
        assert isinstance(channels, int)
        weight = p["weight"] if self.affine else g.floats([1.0] * channels, (channels,), ins[0].dtype)
        bias = p["bias"] if self.affine else g.floats([0.0] * channels, (channels,), ins[0].dtype)
        # The kernels of 16 bits keep statistics in them (CPU), or convert these alone (CUDA): so all of it in float32.
        inputs = [converted(g, name, ins[0].dtype, DType.FLOAT32) for name in (x[0], weight, bias)]
        y = str(g.op("InstanceNormalization", inputs, epsilon=float(self.eps)))
        return converted(g, y, DType.FLOAT32, ins[0].dtype)


@op("ln")
class LayerNorm(RecoversSame, NoMacs, Fresh, Local, Op):
    """Layer normalisation: each place by the mean and variance of its channels (Ba et al. 2016).

    `[..., D] -> [..., D]` with `weight` and `bias` of D (torch.nn.LayerNorm). `ln(axis=1)` norms the channels
    of a map `[N, C, *S]`, as ConvNeXt does.

    ```dl
    net f on x[N, T=16, 64]:
        ln -> linear(64) -> gelu
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(2, None)),)
    axis: int = attr(-1, choices=(-1, 1))
    eps: float = attr(1e-5, min=0)
    affine: bool = attr(True)
    bias: bool = attr(True)
    init: Init | None = attr(None, keyword=True)
    bias_init: Init | None = attr(None, keyword=True)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        # The axis is an attribute, so the port cannot state it.
        if x.channel is not None and x.channel % x.rank != self.axis % x.rank:
            raise Reject(WrongChannelAxis("ln", "x", x, self.axis))
        return pinned(c, x, self.axis)

    def params(self, x: TensorType) -> tuple[ParamSpec, ...]:
        return scale_and_shift(x, self.init, self.bias_init, self.axis, self.bias) if self.affine else ()

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return by_statistics(self, ins[0])

    def saved(self, ins: Types, outs: Types) -> Saved:
        axis = self.axis % ins[0].rank
        places = (*ins[0].dims[:axis], *ins[0].dims[axis + 1 :])
        return Saved(inputs=(0,), extra=(Held(2, places),))  # mean, 1 / deviation

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Normalises("channels", self.eps)

    def torch(self, t: TorchContext) -> Form:
        x = t.ins[0]
        name = "nn.LayerNorm"
        helpers: tuple[str, ...] = ()
        if self.axis == 1 and x.rank > 2:
            name = t.helper(f"LayerNorm{x.rank - 2}d", LAYER_NORM.format(axes=x.rank - 2))
            helpers = (name,)
        module = call(
            name,
            t.size(0, self.axis % x.rank),
            keyword("eps", t.attr("eps"), 1e-5),
            keyword("elementwise_affine", t.attr("affine"), True),
            keyword("bias", t.attr("bias"), True),
        )
        weights = [Own("weight") if self.affine else "None"] + ([Own("bias")] if self.affine and self.bias else [])
        shape = sequence([t.size(0, x.rank - 1)], "(")
        exact = call("F.layer_norm", In(0), shape, *weights, keyword("eps", t.attr("eps"), 1e-5))
        return Form(module=module, helpers=helpers, exact=None if helpers else exact)

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        rank, channels = ins[0].rank, ins[0].dims[self.axis]
        assert isinstance(channels, int)
        weight = p["weight"] if self.affine else g.floats([1.0] * channels, (channels,), ins[0].dtype)
        inputs = [weight, *([p["bias"]] if "bias" in p else [])]
        if self.axis % rank == rank - 1:
            return str(g.op("LayerNormalization", [x[0], *inputs], axis=-1, epsilon=float(self.eps)))
        y = g.op("Transpose", x, perm=(0, *range(2, rank), 1))
        y = g.op("LayerNormalization", [y, *inputs], axis=-1, epsilon=float(self.eps))
        return str(g.op("Transpose", [y], perm=(0, rank - 1, *range(1, rank - 1))))


@op("gn")
class GroupNorm(RecoversSame, NoMacs, Fresh, Op):
    """Group normalisation: each group of channels of a sample by its own mean and variance (Wu and He 2018).

    `[N, C, *S] -> [N, C, *S]`, `groups` divides C; `weight` and `bias` per channel (torch.nn.GroupNorm). A group has at
    least two values.

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(32, 3) -> gn(8) -> relu
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(2, 5), channel=1),)
    groups: int = attr(min=1)
    eps: float = attr(1e-5, min=0)
    affine: bool = attr(True)
    init: Init | None = attr(None, keyword=True)
    bias_init: Init | None = attr(None, keyword=True)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        y = pinned(c, x)
        channels = y.dims[1]
        assert isinstance(channels, int)
        check_groups("gn", channels, channels, self.groups, "groups")
        several(c, "gn", x, channels // self.groups, "group")
        return y

    def params(self, x: TensorType) -> tuple[ParamSpec, ...]:
        return scale_and_shift(x, self.init, self.bias_init) if self.affine else ()

    def reach(self, ins: Types, outs: Types) -> Reach:
        return Global("statistics of each group of maps")

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return by_statistics(self, ins[0])

    def saved(self, ins: Types, outs: Types) -> Saved:
        return Saved(inputs=(0,), extra=(Held(2, (ins[0].dims[0], self.groups)),))  # mean, 1 / deviation

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Normalises("groups", self.eps, parts=self.groups)

    def torch(self, t: TorchContext) -> Form:
        eps, affine = keyword("eps", t.attr("eps"), 1e-5), keyword("affine", t.attr("affine"), True)
        weights = [Own("weight"), Own("bias")] if self.affine else []
        exact = call("F.group_norm", In(0), t.attr("groups"), *weights, eps)
        return Form(module=call("nn.GroupNorm", t.attr("groups"), t.size(0, 1), eps, affine), exact=exact)

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        # GroupNormalization has no kernel in onnxruntime; InstanceNormalization has one on CPU and CUDA.
        dims = ins[0].dims
        channels = dims[1]
        assert isinstance(channels, int)
        each, places = channels // self.groups, product(dims[2:])
        # An axis of all places could not be taken apart again where they are open.
        inner = (places * each,) if g.static(places) is not None else (each, *dims[2:])
        groups = (dims[0], self.groups, *inner)
        ones, zeros = (g.floats([value] * self.groups, (self.groups,)) for value in (1.0, 0.0))
        y = g.reshape(converted(g, x[0], ins[0].dtype, DType.FLOAT32), dims, groups)
        y = g.op("InstanceNormalization", [y, ones, zeros], epsilon=float(self.eps))
        y = converted(g, g.reshape(y, groups, dims), DType.FLOAT32, ins[0].dtype)
        if self.affine:
            shape = (channels, *(1,) * (len(dims) - 2))
            y = str(g.op("Mul", [y, g.weight_reshaped(p["weight"], shape)]))
            y = str(g.op("Add", [y, g.weight_reshaped(p["bias"], shape)]))
        return y


@op("rmsnorm")
class RmsNorm(RecoversSame, NoMacs, Fresh, Local, Op):
    """Root mean square normalisation: `x / sqrt(mean(x**2) + eps) * weight` over the last axis.

    `[..., D] -> [..., D]` (Zhang and Sennrich 2019), `weight` of D (torch.nn.RMSNorm); without `eps` it is
    the float type's epsilon.

    ```dl
    net f on x[N, T=16, 64]:
        rmsnorm(1e-6) -> linear(64) -> silu
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(2, None), channel=-1),)
    eps: float | None = attr(None, min=0)
    affine: bool = attr(True)
    init: Init | None = attr(None, keyword=True)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        return pinned(c, x, -1)

    def params(self, x: TensorType) -> tuple[ParamSpec, ...]:
        return scale_and_shift(x, self.init, None, -1, bias=False) if self.affine else ()

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return scaled(self, 3, ins[0])  # square, sum, quotient

    def saved(self, ins: Types, outs: Types) -> Saved:
        # The kernel of CUDA, derivatives.yaml `_fused_rms_norm`. The composite one of CPUs keeps x / root as well.
        return Saved(inputs=(0,), extra=(Held(1, ins[0].dims[:-1]),))

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Normalises("channels", EPSILON if self.eps is None else self.eps, centred=False)

    def torch(self, t: TorchContext) -> Form:
        eps = keyword("eps", t.attr("eps"), None)
        affine = keyword("elementwise_affine", t.attr("affine"), True)
        size = t.size(0, t.ins[0].rank - 1)
        exact = call("F.rms_norm", In(0), sequence([size], "("), *([Own("weight")] if self.affine else []), eps)
        return Form(module=call("nn.RMSNorm", size, eps, affine), exact=exact)

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        # RMSNormalization begins at opset 23, where other ops lose their CUDA kernels.
        eps = EPSILON if self.eps is None else self.eps
        value = converted(g, x[0], ins[0].dtype, DType.FLOAT32)
        mean = g.op("ReduceMean", [g.op("Mul", [value, value]), g.ints([-1])], keepdims=1)
        root = g.op("Sqrt", [g.op("Add", [mean, g.scalar(eps, DType.FLOAT32)])])
        y = converted(g, str(g.op("Div", [value, root])), DType.FLOAT32, ins[0].dtype)
        return str(g.op("Mul", [y, p["weight"]]) if self.affine else y)

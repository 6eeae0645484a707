"""Maps at another resolution, channels in another order, and images in another range."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops.base import (
    Graph,
    InferContext,
    Local,
    Names,
    NoMacs,
    NoParams,
    Op,
    Port,
    Reach,
    SameType,
    Types,
    Unknown,
    Upsample,
    Work,
    attr,
    op,
)
from dslc.ops.convolution import check_groups
from dslc.ops.counting import Fresh, InPlace, Moves, SavesNothing
from dslc.ops.errors import WrongSides
from dslc.ops.errors_map import UpsampleTarget, WrongLength, WrongMode
from dslc.ops.errors_tensor import CannotSplit
from dslc.ops.torchtext import Arg, Form, In, PyIndex, TorchContext, call, keyword
from dslc.ops.window import resized
from dslc.ops.words import quotient
from dslc.record import replace
from dslc.types.dim import Size, product
from dslc.types.tensor import TensorType

MODE_AXES = {"linear": 1, "bilinear": 2, "bicubic": 2, "trilinear": 3}
"""Spatial axes each interpolating mode is for; the others are for any."""

TAPS = {"linear": 2, "bilinear": 4, "trilinear": 8, "bicubic": 16}
"""Places each mode mixes into one; the others copy one."""

NORMALIZE = '''\
class Normalize(nn.Module):
    """Subtracts a mean and divides by a deviation, per channel; neither is in the state dict."""

    mean: Tensor
    std: Tensor

    def __init__(
        self,
        mean: tuple[float, ...],
        std: tuple[float, ...],
        axes: int = 2,
    ) -> None:
        super().__init__()
        shape = (-1,) + (1,) * axes
        self.register_buffer("mean", torch.tensor(mean).view(shape), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(shape), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.std
'''


@op("upsample")
class UpsampleMap(NoParams, NoMacs, Fresh, SavesNothing, Op):
    """A map at another resolution: by a factor `scale`, to a `size`, or to that of another map (`like=y`).

    `[N, C, *S] -> [N, C, *floor(S * scale)]` (torch.nn.functional.interpolate). `mode` is `nearest` (the
    place at `floor(u / scale)`), `nearest-exact`, `linear`, `bilinear`, `trilinear` or `bicubic`;
    `align_corners` matches the centres of the corner places instead of their outer edges.

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 8, H, W]:
        conv(8, 3, s=2) -> relu -> upsample(2, mode="bilinear")
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", rank=(3, 5), channel=1),
        Port("like", rank=(3, 5), dtype="any", optional=True, joins=False),
    )
    scale: float | tuple[float, ...] | None = attr(None)
    size: Size | tuple[Size, ...] | None = attr(None, symbolic=True, keyword=True)
    mode: str = attr(
        "nearest",
        choices=("nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic"),
        keyword=True,
    )
    align_corners: bool = attr(False, keyword=True)

    def infer(self, c: InferContext, x: TensorType, like: TensorType | None = None) -> TensorType:
        axes = x.rank - 2
        targets = {"scale": self.scale, "size": self.size, "like": like}
        given = tuple(name for name, value in targets.items() if value is not None)
        if len(given) != 1:
            raise Reject(UpsampleTarget(given))
        if MODE_AXES.get(self.mode, axes) != axes:
            raise Reject(WrongMode(self.mode, axes, corners=False), at="mode")
        if self.align_corners and self.mode not in MODE_AXES:
            raise Reject(WrongMode(self.mode, axes, corners=True), at="align_corners")
        if like is not None and like.rank != x.rank:
            raise Reject(WrongSides("like", tuple(n for n in like.spatial if isinstance(n, int)), axes), at="like")
        sizes = self.sizes(x, like)
        for size in sizes:
            c.at_least(size, 1)
        y = resized(x, sizes)
        if like is not None:
            for axis in range(2, x.rank):
                y = y.with_dim(axis, y.dims[axis], like.word(axis))
        return replace(y, channel=1)

    def sizes(self, x: TensorType, like: TensorType | None) -> tuple[Size, ...]:
        """The spatial sizes of the result."""
        if like is not None:
            return like.spatial
        axes = x.rank - 2
        if self.size is not None:
            sizes = self.size if isinstance(self.size, tuple) else (self.size,) * axes
            if len(sizes) != axes:
                raise Reject(WrongSides("size", tuple(n for n in sizes if isinstance(n, int)), axes), at="size")
            return sizes
        return tuple(
            size * factor.numerator // factor.denominator
            for size, factor in zip(x.spatial, self.factors(axes), strict=True)
        )

    def factors(self, axes: int) -> tuple[Fraction, ...]:
        """`scale` per axis, as the fraction it was written for: 0.333333 is 1/3."""
        assert self.scale is not None
        scales = self.scale if isinstance(self.scale, tuple) else (self.scale,) * axes
        if len(scales) != axes:
            raise Reject(WrongSides("scale", tuple(int(side) for side in scales), axes), at="scale")
        return tuple(Fraction(side).limit_denominator(1000) for side in scales)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        taps = TAPS.get(self.mode)
        return () if taps is None else (Work(taps, outs[0].dims),)

    def reach(self, ins: Types, outs: Types) -> Reach:
        factors: list[float | None]
        if self.scale is not None:
            factors = [float(factor) for factor in self.factors(len(ins[0].spatial))]
        else:
            factors = [ratio(before, after) for before, after in zip(ins[0].spatial, outs[0].spatial, strict=True)]
        known = tuple(factor for factor in factors if factor is not None)
        if len(known) < len(factors):
            return Unknown("the factor depends on the input's size")
        kinds = {"exact": self.mode == "nearest-exact", "cubic": self.mode == "bicubic", "corners": self.align_corners}
        kind = " ".join(word for word, holds in kinds.items() if holds)
        return Upsample(known, self.mode.startswith("nearest"), kind)

    def torch(self, t: TorchContext) -> Form:
        mode = keyword("mode", t.attr("mode"), "nearest")
        corners = keyword("align_corners", t.attr("align_corners"), False)
        if self.scale is not None:
            arguments = [Arg(t.attr("scale"), "scale_factor"), mode, corners]
        elif self.size is not None:
            arguments = [Arg(t.attr("size"), "size"), mode, corners]
        else:
            spatial = PyIndex(call("size", receiver=In(1)), (("2", None, None),))
            return Form(function=call("F.interpolate", In(0), keyword("size", spatial), mode, corners))
        # A size that depends on the input is known in `forward` only.
        known = self.size is None or all(isinstance(n, int) for n in self.sizes(t.ins[0], None))
        module = call("nn.Upsample", *arguments) if known else None
        return Form(module=module, function=call("F.interpolate", In(0), *arguments))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        # Scales and sizes of every axis, not the attribute `axes`: where onnxruntime 1.30 moves a Transpose over a
        # Resize it permutes them as if there were one for each axis.
        attributes: dict[str, Any] = {"mode": "linear"}
        attributes["coordinate_transformation_mode"] = "align_corners" if self.align_corners else "half_pixel"
        if self.mode == "nearest":
            attributes |= {
                "mode": "nearest",
                "coordinate_transformation_mode": "asymmetric",
                "nearest_mode": "floor",
            }
        elif self.mode == "nearest-exact":
            attributes |= {"mode": "nearest", "nearest_mode": "round_prefer_ceil"}
        elif self.mode == "bicubic":
            attributes |= {"mode": "cubic", "cubic_coeff_a": -0.75}
        factors = self.onnx_factors(ins[0], outs[0])
        if factors is not None:
            scales = g.floats([1.0, 1.0, *factors], (ins[0].rank,))
            return str(g.op("Resize", [x[0], None, scales], **attributes))
        dims = outs[0].dims
        if len(x) > 1 and any(g.static(size) is None for size in outs[0].spatial):
            parts = [g.extents(dims[:2], x[0]), g.op("Shape", [x[1]], start=2)]
            sizes = g.op("Concat", parts, axis=0)
        else:
            sizes = g.extents(dims, x[0])
        return str(g.op("Resize", [x[0], None, None, sizes], **attributes))

    def onnx_factors(self, x: TensorType, y: TensorType) -> list[float] | None:
        """What each spatial axis grows by: as written, or whole numbers that the sizes tell; else none."""
        if self.scale is not None:
            return [float(factor) for factor in self.factors(x.rank - 2)]
        found = [ratio(before, after) for before, after in zip(x.spatial, y.spatial, strict=True)]
        whole = [factor for factor in found if factor is not None and factor.is_integer()]
        return whole if len(whole) == len(found) else None


def ratio(before: Size, after: Size) -> float | None:
    """`after / before` where it is one number for every input."""
    if isinstance(before, int) and isinstance(after, int):
        return after / before
    for factor in range(1, 65):
        if before * factor == after:
            return float(factor)
        if after * factor == before:
            return 1 / factor
    return None


@op("pixel_shuffle")
class PixelShuffle(NoParams, NoMacs, Moves, Fresh, SavesNothing, Op):
    """Channels become places: each group of `r*r` channels is an `r` by `r` patch (Shi et al. 2016).

    `[N, C, H, W] -> [N, C / r**2, r*H, r*W]` (torch.nn.PixelShuffle).

    ```dl
    net up on x[N, 3, H=32, W=32] -> [N, 3, 2 * H, 2 * W]:
        conv(12, 3) -> pixel_shuffle(2)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(4, 4), channel=1),)
    r: int = attr(min=1)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        channels, patch = x.dims[1], self.r * self.r
        if isinstance(channels, int) and channels % patch:
            raise Reject(CannotSplit("pixel_shuffle", channels, patch, "axis 1"), at="r")
        word = quotient((channels, x.word(1)), [(patch, None)])
        y = replace(x.with_dim(1, c.divide(channels, patch), word), channel=1)
        return resized(y, [size * self.r for size in x.spatial])

    def reach(self, ins: Types, outs: Types) -> Reach:
        return Upsample((float(self.r),) * 2, nearest=True)

    def torch(self, t: TorchContext) -> Form:
        r = t.attr("r")
        return Form(module=call("nn.PixelShuffle", r), function=call("F.pixel_shuffle", In(0), r))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("DepthToSpace", x, blocksize=self.r, mode="CRD"))


@op("shuffle")
class ChannelShuffle(SameType, NoParams, NoMacs, Moves, Fresh, SavesNothing, Local, Op):
    """Channel shuffle: channel i of group j becomes channel j of group i (Zhang et al. 2017, ShuffleNet).

    `[N, C, *S] -> [N, C, *S]`; `groups` divides C (torch.nn.ChannelShuffle).

    ```dl
    net f on image[N, 3, H=32, W=32]:
        conv(24, 3) -> relu -> shuffle(3) -> conv(24, 1, g=3)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(3, 5), channel=1),)
    groups: int = attr(min=1)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        channels = c.pin(x.dims[1])
        check_groups("shuffle", channels, channels, self.groups, "groups")
        return replace(x.with_dim(1, channels, x.word(1)), channel=1)

    def torch(self, t: TorchContext) -> Form:
        groups = t.attr("groups")
        return Form(module=call("nn.ChannelShuffle", groups), function=call("F.channel_shuffle", In(0), groups))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        dims = ins[0].dims
        places = product(dims[2:])
        channels = dims[1]
        assert isinstance(channels, int)
        each = channels // self.groups
        if g.static(places) is None:  # an axis of all places could not be taken apart again
            order = [i * each + j for j in range(each) for i in range(self.groups)]
            return str(g.op("Gather", [x[0], g.ints(order)], axis=1))
        y = g.reshape(x[0], dims, (dims[0], self.groups, each, places))
        y = g.op("Transpose", [y], perm=(0, 2, 1, 3))
        return g.reshape(y, (dims[0], each, self.groups, places), dims)


@op("normalize")
class Normalize(NoParams, NoMacs, InPlace, SavesNothing, Local, Op):
    """Preprocessing as a layer: `(x - mean) / std` per channel.

    `[N, C, *S] -> [N, C, *S]`; one number per channel in each. They are part of the graph and of no state
    dict, so that published weights load as they are.

    ```dl
    net f on image[N, 3, H=224, W=224]:
        normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)) -> conv(16, 3)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(2, 5), channel=1),)
    mean: tuple[float, ...] = attr()
    std: tuple[float, ...] = attr(min=1e-12)

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        channels = c.pin(x.dims[1])
        for name, numbers in (("mean", self.mean), ("std", self.std)):
            if len(numbers) != channels:
                raise Reject(WrongLength("normalize", name, len(numbers), channels), at=name)
        return replace(x.with_dim(1, channels, x.word(1)), channel=1)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (Work(2, outs[0].dims),)

    def torch(self, t: TorchContext) -> Form:
        name = t.helper("Normalize", NORMALIZE)
        axes = keyword("axes", t.const(t.ins[0].rank - 2), 2)
        module = call(name, t.attr("mean"), t.attr("std"), axes)
        # Always a module: it holds the two tensors.
        return Form(module=module, helpers=(name,), stateful=True)

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        shape = (len(self.mean), *(1,) * (ins[0].rank - 2))
        mean, std = g.floats(self.mean, shape, ins[0].dtype), g.floats(self.std, shape, ins[0].dtype)
        return str(g.op("Div", [g.op("Sub", [x[0], mean]), std]))

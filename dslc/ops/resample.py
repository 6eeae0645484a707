"""Maps at another resolution, channels in another order, and images in another range."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops.axes import check_map
from dslc.ops.base import (
    Bins,
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
    Unknown,
    Upsample,
    Window,
    Work,
    attr,
    op,
)
from dslc.ops.convolution import check_groups
from dslc.ops.counting import INPUT, NOTHING, Fresh, InPlace, Moves, Saved, SavesNothing
from dslc.ops.errors import WrongSides
from dslc.ops.errors_map import NoOpenForm, UpsampleTarget, WrongLength, WrongMode
from dslc.ops.errors_tensor import CannotSplit
from dslc.ops.pool_adaptive import AdaptiveAvgPool, reads
from dslc.ops.recovery import RecoversMap
from dslc.ops.resize import Resizing, antialias
from dslc.ops.scaling import ratio, scaled, written
from dslc.ops.signals import Keeps, Pools, Resizes, Scales, Signal, figures
from dslc.ops.torchtext import Arg, Form, In, PyIndex, TorchContext, call, keyword
from dslc.ops.window import resized
from dslc.ops.words import quotient
from dslc.types.dim import Dim, Size, product
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
class UpsampleMap(RecoversMap, NoParams, NoMacs, Fresh, Op):
    """A map at another resolution: by a factor `scale`, to a `size`, or to that of another map (`like=y`).

    `[N, C, *S] -> [N, C, *floor(S * scale)]`, the product as torch.nn.functional.interpolate takes it: rounded to a
    double, so that 100 by 0.29 is 28. `mode` is `nearest` (the place at `floor(u / scale)`), `nearest-exact`,
    `linear`, `bilinear`, `trilinear`, `bicubic` or `area` (the mean of each of `size` bins, as `adaptive_avgpool`);
    `align_corners` matches the centres of the corner places instead of their outer edges. `antialias` (of `bilinear`
    and `bicubic`) widens the kernel where a map shrinks, so that all of it is read.

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
        choices=("nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic", "area"),
        keyword=True,
    )
    align_corners: bool = attr(False, keyword=True)
    antialias: bool = attr(False, keyword=True)

    def infer(self, c: InferContext, x: TensorType, like: TensorType | None = None) -> TensorType:
        check_map("upsample", x)
        axes = x.rank - 2
        targets = {"scale": self.scale, "size": self.size, "like": like}
        given = tuple(name for name, value in targets.items() if value is not None)
        if len(given) != 1:
            raise Reject(UpsampleTarget(given))
        if MODE_AXES.get(self.mode, axes) != axes:
            raise Reject(WrongMode(self.mode, axes), at="mode")
        if self.align_corners and self.mode not in MODE_AXES:
            raise Reject(WrongMode(self.mode, axes, "align_corners"), at="align_corners")
        if self.antialias and self.mode not in ("bilinear", "bicubic"):
            raise Reject(WrongMode(self.mode, axes, "antialias"), at="antialias")
        if like is not None and like.rank != x.rank:
            raise Reject(WrongSides("like", tuple(n for n in like.spatial if isinstance(n, int)), axes), at="like")
        sizes = self.sizes(c, x, like)
        for before, after, factor in zip(x.spatial, sizes, self.factors(axes), strict=True):
            c.at_least(before, 1)
            c.at_least(after, 1)
            self.settle(c, before, after, factor)
        if self.antialias and x.dims[2] != sizes[0]:
            c.at_least(sizes[1], 2)  # torch's CPU kernel takes the rows of a result one place wide for columns
        y = resized(x, sizes)
        if like is not None:
            for axis in range(2, x.rank):
                y = y.with_dim(axis, y.dims[axis], like.word(axis))
        return y.with_channel(1)

    def sizes(self, c: InferContext, x: TensorType, like: TensorType | None) -> tuple[Size, ...]:
        """The spatial sizes of the result."""
        if like is not None:
            return like.spatial
        axes = x.rank - 2
        if self.size is not None:
            sizes = self.size if isinstance(self.size, tuple) else (self.size,) * axes
            if len(sizes) != axes:
                raise Reject(WrongSides("size", tuple(n for n in sizes if isinstance(n, int)), axes), at="size")
            return sizes
        factors = zip(x.spatial, self.factors(axes), strict=True)
        return tuple(size if factor is None else scaled(c, size, factor) for size, factor in factors)

    def factors(self, axes: int) -> tuple[float | None, ...]:
        """`scale` per axis; none where the result's size is given."""
        if self.scale is None:
            return (None,) * axes
        scales = self.scale if isinstance(self.scale, tuple) else (self.scale,) * axes
        if len(scales) != axes:
            raise Reject(WrongSides("scale", tuple(int(side) for side in scales), axes), at="scale")
        return tuple(float(side) for side in scales)

    def settle(self, c: InferContext, before: Size, after: Size, factor: float | None) -> None:
        """Sizes that must be numbers, or multiples: those on which what is read depends, where all of the map is."""
        known = ratio(before, after) is not None
        if self.antialias and not known and (factor is None or self.align_corners):
            c.pin(before)
            c.pin(after)
        if self.mode != "area" or known or isinstance(after, int):
            return
        whole = 0 if factor is None else written(factor).denominator
        if whole and written(factor or 1).numerator == 1 and c.sizes.value(before) % whole == 0:
            c.divide(before, whole)  # bins of one length
            return
        c.pin(before)
        c.pin(after)

    def growth(self, ins: Types, outs: Types) -> list[Fraction | None]:
        """What each axis grows by, at every size; of bins in open sizes, which `settle` made multiples, the factor."""
        found = []
        for axis, factor in enumerate(self.factors(ins[0].rank - 2), 2):
            known = ratio(ins[0].dims[axis], outs[0].dims[axis])
            found.append(written(factor) if known is None and factor is not None else known)
        return found

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        x, y = ins[0], outs[0]
        if self.mode == "area":
            return (Work(1, (*x.dims[:2], *map(binned, x.spatial, y.spatial, self.growth(ins, outs)))),)
        if not self.antialias:
            mixed = TAPS.get(self.mode)
            return () if mixed is None else (Work(mixed, y.dims),)
        works, dims = [], list(x.dims)
        for axis in reversed(range(2, x.rank)):
            if dims[axis] != y.dims[axis]:
                step = self.step(dims[axis], y.dims[axis], self.factors(x.rank - 2)[axis - 2])
                dims[axis] = y.dims[axis]
                taps = 2 * max(step, Fraction(1)) * (2 if self.mode == "bicubic" else 1)
                works.append(Work(math.ceil(taps), tuple(dims)))
        return tuple(works)

    def step(self, before: Size, after: Size, factor: float | None) -> Fraction:
        """How far apart the places lie that neighbours of an antialiased map read."""
        if self.align_corners:
            assert isinstance(before, int) and isinstance(after, int)
            return Fraction(before - 1, after - 1) if after > 1 else Fraction(0)
        found = ratio(before, after) if factor is None else written(factor)
        assert found is not None
        return 1 / found

    def saved(self, ins: Types, outs: Types) -> Saved:
        pooled = self.mode == "area" and any(side != 1 for side in outs[0].spatial)
        return INPUT if pooled else NOTHING

    def reach(self, ins: Types, outs: Types) -> Reach:
        pairs = list(zip(ins[0].spatial, outs[0].spatial, strict=True))
        if self.mode == "area":
            return area(pairs, self.growth(ins, outs))
        if self.antialias and self.align_corners and any(a != b for a, b in pairs):
            return Unknown("with corners and antialias the places drift with the size")
        factors: list[float] = []
        for (before, after), factor in zip(pairs, self.factors(len(pairs)), strict=True):
            found = ratio(before, after)
            if factor is None and found is None:
                return Unknown("the factor depends on the input's size")
            copied = found == 1 and "linear" in self.mode
            factors.append(float(found) if found is not None and (factor is None or copied) else float(factor or 1))
        kinds = {
            "exact": self.mode == "nearest-exact",
            "cubic": self.mode == "bicubic",
            "corners": self.align_corners,
            "wide": self.antialias,
        }
        kind = " ".join(word for word, holds in kinds.items() if holds)
        return Upsample(tuple(factors), self.mode.startswith("nearest"), kind)

    def signal(self, ins: Types, outs: Types) -> Signal:
        if self.mode == "area":
            return Pools("mean", bins=figures(outs[0].spatial))
        before, after = figures(ins[0].spatial), figures(outs[0].spatial)
        return Resizes(tuple(b / a for a, b in zip(before, after, strict=True)), self.mode.startswith("nearest"))

    def torch(self, t: TorchContext) -> Form:
        mode = keyword("mode", t.attr("mode"), "nearest")
        options = [
            keyword("align_corners", t.attr("align_corners"), False),
            keyword("antialias", t.attr("antialias"), False),
        ]
        if self.scale is not None:
            target = Arg(t.attr("scale"), "scale_factor")
        elif self.size is not None:
            target = Arg(t.attr("size"), "size")
        else:
            target = Arg(PyIndex(call("size", receiver=In(1)), (("2", None, None),)), "size")
        if self.antialias:  # torch's CPU kernel takes no 16 bits
            made = call("F.interpolate", call("float", receiver=In(0)), target, mode, *options)
            return Form(function=call("type_as", In(0), receiver=made))
        # A size that depends on the input is known in `forward` only.
        sizes = self.size if isinstance(self.size, tuple) else (self.size,)
        known = len(t.ins) == 1 and not any(isinstance(n, Dim) for n in sizes)
        module = call("nn.Upsample", target, mode, options[0]) if known else None
        return Form(module=module, function=call("F.interpolate", In(0), target, mode, *options))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        factors = self.factors(ins[0].rank - 2)
        if self.mode == "area":
            growth = self.growth(ins, outs)
            if all(size == 1 for size in outs[0].spatial):
                return str(g.op("GlobalAveragePool", x[:1]))
            if all(found and found.denominator == 1 for found in growth):
                return Resizing(g, x, ins, outs, "nearest", False, (None,) * len(growth)).form()
            if all(found and found.numerator == 1 for found in growth):
                kernel = tuple(found.denominator for found in growth if found)
                return str(g.op("AveragePool", x[:1], kernel_shape=kernel, strides=kernel))
        if self.antialias or self.mode == "area":
            for size in (*ins[0].spatial, *outs[0].spatial):
                if g.static(size) is None:
                    raise Reject(NoOpenForm(self.name, size))
        if self.antialias:
            return antialias(g, x[0], ins, outs, self.mode, self.align_corners, factors)
        if self.mode == "area":
            sides = tuple(g.static(size) or 1 for size in outs[0].spatial)
            return AdaptiveAvgPool(out=sides).onnx(g, x[:1], p, ins, outs)
        return Resizing(g, x, ins, outs, self.mode, self.align_corners, factors).form()


def binned(before: Size, after: Size, found: Fraction | None) -> Size:
    """The places that `after` bins over `before` places read, together; `found` is what the axis grows by."""
    if found is not None and 1 in (found.numerator, found.denominator):
        return after if found.denominator == 1 else before
    assert isinstance(after, int)
    return reads((before,), (after,))[0]


def area(pairs: Sequence[tuple[Size, Size]], growth: Sequence[Fraction | None]) -> Reach:
    """What places of `area` read: windows, copies or uneven bins."""
    if all(after == 1 for _, after in pairs):
        return Global("pooling of the whole map")
    if all(found is not None and found.numerator == 1 for found in growth):
        kernel = tuple(found.denominator for found in growth if found is not None)
        return Window(kernel, kernel, (0,) * len(kernel), (1,) * len(kernel))
    if all(found is not None and found.denominator == 1 for found in growth):
        return Upsample(tuple(float(found) for found in growth if found is not None), nearest=True)
    target = tuple(after for _, after in pairs if isinstance(after, int))
    if len(target) < len(pairs):
        return Unknown("some axes grow and others shrink, by the input's size")
    return Bins(tuple(before for before, _ in pairs), target)


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
            raise Reject(CannotSplit("pixel_shuffle", channels, patch, "axis 1"))
        word = quotient((channels, x.word(1)), [(patch, None)])
        y = x.with_dim(1, c.divide(channels, patch), word).with_channel(1)
        return resized(y, [size * self.r for size in x.spatial])

    def reach(self, ins: Types, outs: Types) -> Reach:
        return Upsample((float(self.r),) * 2, nearest=True)

    def torch(self, t: TorchContext) -> Form:
        r = t.attr("r")
        return Form(module=call("nn.PixelShuffle", r), function=call("F.pixel_shuffle", In(0), r))

    def onnx(self, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
        return str(g.op("DepthToSpace", x, blocksize=self.r, mode="CRD"))


@op("shuffle")
class ChannelShuffle(NoParams, NoMacs, Moves, Fresh, SavesNothing, Local, Op):
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
        check_map("shuffle", x)
        channels = c.pin(x.dims[1])
        check_groups("shuffle", channels, channels, self.groups, "groups")
        return x.with_dim(1, channels, x.word(1)).with_channel(1)

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Keeps(mixed=True)

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
        return x.with_dim(1, channels, x.word(1)).with_channel(1)

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (Work(2, outs[0].dims),)

    def signal(self, ins: Types, outs: Types) -> Signal:
        by = sum(1 / s for s in self.std) / len(self.std)
        return Scales(by, -sum(m / s for m, s in zip(self.mean, self.std, strict=True)) / len(self.std))

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

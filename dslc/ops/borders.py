"""Places added around a map, taken away from it, or moved round: `pad`, `crop`, `roll`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from dslc.diagnostics.model import Reject
from dslc.ops import words
from dslc.ops.axes import place_axes
from dslc.ops.base import (
    Axes,
    Graph,
    InferContext,
    NoMacs,
    NoParams,
    Op,
    Padding,
    Port,
    Reach,
    Shift,
    Types,
    Unknown,
    attr,
    op,
)
from dslc.ops.counting import INPUT, NOTHING, Fresh, Moves, Saved, SavesNothing
from dslc.ops.errors import WrongChannelAxis, WrongDtype, WrongSides
from dslc.ops.errors_axis import PaddedAxes, PairsForAxes
from dslc.ops.errors_tensor import BadPadding, CropForm, RankMismatch
from dslc.ops.index import from_end
from dslc.ops.layout import axes_of
from dslc.ops.padding import added
from dslc.ops.signals import Keeps, Pads, Signal
from dslc.ops.torchtext import Form, In, PyExpr, PyIndex, TorchContext, call, keyword, sequence
from dslc.ops.views import PartView
from dslc.ops.window import check_border
from dslc.syntax import tree
from dslc.types.const import Const, Ref, derived
from dslc.types.dim import Size
from dslc.types.tensor import DType, TensorType

Pair = tuple[Size, Size]
MODES = {"constant": "Constant", "reflect": "Reflection", "replicate": "Replication", "circular": "Circular"}
ONNX_MODES = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def sides(value: Any, axes: Sequence[int], attribute: str) -> dict[int, Pair]:
    """(before, after) for each of the axes. A Reject where the value is for another number of them."""
    if not isinstance(value, tuple):
        return dict.fromkeys(axes, (value, value))
    if len(value) != len(axes):
        if any(isinstance(v, tuple) for v in value):
            raise Reject(PairsForAxes(attribute, len(value), tuple(axes)), at=attribute)
        numbers = tuple(v if isinstance(v, int) else 0 for v in value)
        raise Reject(WrongSides(attribute, numbers, len(axes)), at=attribute)
    pairs = [side if isinstance(side, tuple) else (side, side) for side in value]
    return dict(zip(axes, pairs, strict=True))


def side_slots(slot: Const, axes: int) -> list[tuple[Const, Const]]:
    """The slots of (before, after) for each axis, from the slot of the whole attribute."""
    if not isinstance(slot.value, list | tuple):
        return [(slot, slot)] * axes
    pairs = []
    for side in words.items(slot):
        before, after = words.items(side) if isinstance(side.value, list | tuple) else (side, side)
        pairs.append((before, after))
    return pairs


def shifted(x: TensorType, pairs: dict[int, Pair], sign: int, wraps: bool = False) -> Reach:
    """The reach of places added (sign -1) or taken away (1) before each axis; `wraps` as of `Shift`."""
    offsets = {axis: sign * before for axis, (before, _) in pairs.items() if isinstance(before, int)}
    if len(offsets) < len(pairs):
        return Unknown("the border depends on the input's size")
    if x.channel not in (None, 1) or min(pairs, default=2) < 2:
        return Axes(tuple(range(x.rank)), wraps, tuple(offsets.get(axis, 0) for axis in range(x.rank)))
    return Shift(tuple(offsets.get(axis, 0) for axis in range(2, x.rank)), wraps)


@op("pad")
class Pad(NoParams, NoMacs, Moves, Fresh, Op):
    """Places added around a map or a row of tokens: `pad(1)`, `pad(((top, bottom), (left, right)))`.

    `mode`: `constant` (`value`), `reflect` (the edge is the mirror), `replicate` (the edge again),
    `circular`. `axis=` says which axes instead, one or several, with a pair for each: `pad(((1, 0),), axis=1)`.

    ```dl
    net f on x[N, 8, 16, 16]:
        pad(((0, 1), (0, 1)), mode="reflect") -> conv(8, 2, p=0)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(3, 5), dtype="any"),)
    p: Padding = attr(symbolic=True)
    value: float = attr(0.0)
    mode: str = attr("constant", choices=tuple(MODES))
    axis: int | tuple[int, ...] | None = attr(None, keyword=True)

    def pairs(self, x: TensorType) -> dict[int, Pair]:
        """(before, after) for each axis that is padded."""
        return sides(self.p, place_axes("pad", x, self.axis), "p")

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        pairs = self.pairs(x)
        if self.mode != "constant" and (0 in pairs or len(pairs) > x.rank - 2):
            if self.axis is None:
                raise Reject(WrongChannelAxis("pad", "x", x, 1))
            raise Reject(PaddedAxes(self.mode, tuple(pairs), str(x), x.rank), at="axis")
        if x.dtype is DType.BOOL and self.mode in ("reflect", "replicate"):
            raise Reject(WrongDtype("pad", "x", x, "number"))
        for axis, pair in pairs.items():
            size = x.dims[axis]
            check_border(c, "pad", self.mode, size, pair)
            if pair != (0, 0):
                x = x.with_dim(axis, size + pair[0] + pair[1])
        return x

    def saved(self, ins: Types, outs: Types) -> Saved:
        # PyTorch's kernels for these two take the input's shape from the input itself.
        return INPUT if self.mode in ("reflect", "replicate") and ins[0].dtype.is_float else NOTHING

    def reach(self, ins: Types, outs: Types) -> Reach:
        pairs = self.pairs(ins[0])
        return shifted(ins[0], pairs, -1, self.mode == "circular" and any(map(any, pairs.values())))

    def signal(self, ins: Types, outs: Types) -> Signal:
        if self.mode != "constant":
            return Keeps()
        return Pads(self.value)

    def torch(self, t: TorchContext) -> Form:
        x = t.ins[0]
        # torch pads the last axes; others among them get nothing. A mode that reads the map pads all but two axes: one
        # that is not padded (the channels) is moved there.
        axes = tuple(self.pairs(x))
        pairs = dict(zip(axes, side_slots(t.attr("p"), len(axes)), strict=True))
        moved = 1 in axes and self.mode != "constant"
        channel = 1
        if moved:
            rest = [axis for axis in range(1, x.rank) if axis not in axes]
            channel = rest[-1] if x.channel is None or x.channel not in rest else x.channel
        none = (t.const(0), t.const(0))
        if self.mode == "constant":
            order = list(range(x.rank - 1, min(axes) - 1, -1))
        else:
            order = [axis for axis in range(x.rank - 1, 0, -1) if axis != channel]
        amounts: list[Const] = [side for axis in order for side in pairs.get(axis, none)]
        at = t.const(channel - x.rank if channel == x.rank - 1 else channel)
        padded = call(
            "F.pad",
            call("movedim", at, t.const(1), receiver=In(0)) if moved else In(0),
            sequence(amounts, "("),
            keyword("mode", t.attr("mode"), "constant"),
            keyword("value", t.attr("value"), 0.0 if self.mode == "constant" else self.value),
        )
        if axes != tuple(range(2, x.rank)):
            return Form(function=call("movedim", t.const(1), at, receiver=padded) if moved else padded)
        kind = "Zero" if self.mode == "constant" and self.value == 0 else MODES[self.mode]
        value = [t.attr("value")] if kind == "Constant" else []
        module = call(f"nn.{kind}Pad{x.rank - 2}d", sequence(amounts, "("), *value)
        return Form(module=module, function=padded)

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        padded = self.pairs(ins[0])
        if all(pair == (0, 0) for pair in padded.values()):
            return x[0]
        pairs = [padded.get(axis, (0, 0)) for axis in range(ins[0].rank)]
        value = g.scalar(self.value, ins[0].dtype) if self.mode == "constant" else None
        return added(g, x[0], pairs, value, ONNX_MODES[self.mode])


CENTER_CROP_ALONG = '''def center_crop_along(x: Tensor, like: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The middle of a tensor along some axes, as large as another there."""
    for axis in axes:
        x = x.narrow(axis, (x.shape[axis] - like.shape[axis]) // 2, like.shape[axis])
    return x
'''

CENTER_CROP = '''def center_crop(x: Tensor, like: Tensor) -> Tensor:
    """The middle of a map, as large as another."""
    for axis in range(2, x.dim()):
        x = x.narrow(axis, (x.shape[axis] - like.shape[axis]) // 2, like.shape[axis])
    return x
'''


@op("crop")
class Crop(NoParams, NoMacs, Moves, PartView, SavesNothing, Op):
    """Places taken away at the borders: `crop(2)`, `crop(((top, bottom), (left, right)))`, or `crop(like=y)`.

    `like` keeps the middle of a map, as large as another (the skips of U-Net, arXiv:1505.04597); of an odd
    difference one more is taken at the end. `axis=` says which axes, one or several, with margins for each.

    ```dl
    net f on x[N, 8, 16, 16]:
        y = conv(8, 5, p=0)
        y + crop(x, like=y)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (
        Port("x", rank=(3, 5), dtype="any"),
        Port("like", rank=(3, 5), dtype="any", optional=True, joins=False),
    )
    margins: Padding | None = attr(None, symbolic=True)
    axis: int | tuple[int, ...] | None = attr(None, keyword=True)

    def pairs(self, ins: Types) -> dict[int, Pair]:
        """(before, after) of what is taken away, for each axis that is cropped."""
        x = ins[0]
        axes = place_axes("crop", x, self.axis)
        if len(ins) == 1:
            return sides(self.margins, axes, "margins")
        pairs: dict[int, Pair] = {}
        for axis in axes:
            more = x.dims[axis] - ins[1].dims[axis]
            pairs[axis] = (more // 2, more - more // 2)
        return pairs

    def infer(self, c: InferContext, *ins: TensorType) -> TensorType:
        x = ins[0]
        if (self.margins is None) == (len(ins) == 1):
            raise Reject(CropForm(both=len(ins) == 2))
        if len(ins) == 2 and ins[1].rank != x.rank:
            raise Reject(RankMismatch("crop", str(x), str(ins[1]), (x.rank, ins[1].rank)), at="like")
        for axis, pair in self.pairs(ins).items():
            size = x.dims[axis]
            left = size - pair[0] - pair[1]
            for side in pair:
                if isinstance(side, int) and side < 0:
                    raise Reject(BadPadding("crop", "", side, str(size), ""))
                if not isinstance(side, int):
                    c.at_least(side, 0)
            if isinstance(left, int) and left < 1:
                amount = size - left
                assert isinstance(amount, int)
                raise Reject(BadPadding("crop", "", amount, str(size), str(amount + left - 1)), at="margins")
            if not isinstance(left, int):
                c.at_least(left, 1)
            if pair != (0, 0):
                x = x.with_dim(axis, left, ins[1].word(axis) if len(ins) == 2 else None)
        return x

    def reach(self, ins: Types, outs: Types) -> Reach:
        return shifted(ins[0], self.pairs(ins), 1)

    def torch(self, t: TorchContext) -> Form:
        x = t.ins[0]
        if len(t.ins) == 2:
            axes = tuple(self.pairs(t.ins))
            if axes != tuple(range(2, x.rank)):
                name = t.helper("center_crop_along", CENTER_CROP_ALONG)
                return Form(function=call(name, In(0), In(1), t.const(axes)), helpers=(name,))
            name = t.helper("center_crop", CENTER_CROP)
            return Form(function=call(name, In(0), In(1)), helpers=(name,))
        items: list[Const | str | PyExpr | tuple[Const | str | None, ...]] = [(None, None, None)] * x.rank
        cut = self.pairs(t.ins)
        for axis, (before, after) in zip(cut, side_slots(t.attr("margins"), len(cut)), strict=True):
            start = None if before.value == 0 else before
            items[axis] = (start, end_slot(t, axis, after), None)
        del items[max(cut) + 1 :]
        return Form(function=PyIndex(In(0), tuple(items)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        cut = {axis: pair for axis, pair in self.pairs(ins).items() if pair != (0, 0)}
        if not cut:
            return x[0]
        dims = ins[0].dims
        starts = g.extents([before for before, _ in cut.values()], x[0])
        ends = g.extents([from_end(g, dims[axis] - after, dims[axis]) for axis, (_, after) in cut.items()], x[0])
        return str(g.op("Slice", [x[0], starts, ends, g.ints(list(cut))]))


def end_slot(t: TorchContext, axis: int, after: Const) -> Const | None:
    """Where a slice ends that leaves out `after` places; none at the end of the axis."""
    if not isinstance(after.value, int):
        size = t.size(0, axis)
        return derived("-", size, after, words.size_of(size) - words.size_of(after))
    if after.value == 0:
        return None
    origin = None if after.origin is None else tree.Unary(after.span, "-", Ref(after.span, after))
    return Const(-after.value, origin, None, after.span)


@op("roll")
class Roll(NoParams, NoMacs, Moves, Fresh, SavesNothing, Op):
    """Places moved along axes; what leaves at the end comes in at the start: `roll(3, axis=1)`.

    A positive shift moves to higher places, as torch.roll does.

    ```dl
    net f on x[N, 8, 16, 16]:
        roll((-3, -3), axis=(2, 3)) -> conv(8, 3)
    ```
    """

    inputs: ClassVar[tuple[Port, ...]] = (Port("x", rank=(1, None), dtype="any"),)
    shift: int | tuple[int, ...] = attr()
    axis: int | tuple[int, ...] = attr()

    def shifts(self, x: TensorType) -> dict[int, int]:
        """The shift of each axis that moves."""
        axes = axes_of("roll", self.axis, x)
        shifts = (self.shift,) if isinstance(self.shift, int) else self.shift
        if len(shifts) != len(axes):
            raise Reject(WrongSides("shift", shifts, len(axes)), at="shift")
        return dict(zip(axes, shifts, strict=True))

    def infer(self, c: InferContext, x: TensorType) -> TensorType:
        for axis, shift in self.shifts(x).items():
            if not isinstance(x.dims[axis], int):
                c.at_least(x.dims[axis], abs(shift))
        return x

    def reach(self, ins: Types, outs: Types) -> Reach:
        shifts = self.shifts(ins[0])
        axes = range(ins[0].rank)
        return Axes(tuple(axes), partitioned=True, offset=tuple(-shifts.get(axis, 0) for axis in axes))

    def torch(self, t: TorchContext) -> Form:
        return Form(function=call("roll", t.attr("shift"), t.attr("axis"), receiver=In(0)))

    def onnx(self, g: Graph, x: tuple[str, ...], p: dict[str, str], ins: Types, outs: Types) -> str:
        name = x[0]
        for axis, shift in self.shifts(ins[0]).items():
            size = ins[0].dims[axis]
            at = -shift % size if isinstance(size, int) else -shift
            if at == 0:
                continue
            assert isinstance(at, int)
            where = g.ints([axis])
            head = g.op("Slice", [name, g.ints([0]), g.ints([at]), where])
            tail = g.op("Slice", [name, g.ints([at]), g.ints([2**63 - 1]), where])
            name = str(g.op("Concat", [tail, head], axis=axis))
        return name

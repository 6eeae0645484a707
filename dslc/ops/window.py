"""Sizes, strides and paddings of sliding windows: the arithmetic that convolutions and pools share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dslc.diagnostics.model import Reject
from dslc.ops.base import Graph, InferContext, Padding, Sides, Window
from dslc.ops.errors import NoHalfPadding, TooSmall, WrongSides
from dslc.ops.errors_map import PaddingMode
from dslc.ops.errors_tensor import BadPadding
from dslc.ops.padding import added, pad_node
from dslc.ops.torchtext import Arg, PyExpr, TorchContext, call, keyword, sequence
from dslc.record import frozen
from dslc.syntax import tree
from dslc.types.const import Const, derived, literal
from dslc.types.dim import Size
from dslc.types.tensor import TensorType

Pair = tuple[int, int]
PADDING_MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
"""What stands at the places added, by torch's name, and ONNX's name of it (Pad, attribute `mode`)."""

PAD_SAME = '''\
def pad_same(
    x: Tensor,
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    dilation: tuple[int, ...] = (1, 1, 1),
    value: float = 0.0,
) -> Tensor:
    """Pads for ceil(size / stride) windows, as TensorFlow does: the odd place after."""
    pads: list[int] = []
    for size, k, s, d in zip(x.shape[2:], kernel, stride, dilation):
        total = max(0, (-(-size // s) - 1) * s + d * (k - 1) + 1 - size)
        pads = [total // 2, total - total // 2, *pads]
    return F.pad(x, pads, value=value)
'''


def per_axis(value: Sides, axes: int, attribute: str) -> tuple[int, ...]:
    """One number per spatial axis. A Reject where a size such as `3x3` has another number of sides."""
    if isinstance(value, int):
        return (value,) * axes
    if len(value) != axes:
        raise Reject(WrongSides(attribute, value, axes), at=attribute)
    return value


def paddings(op: str, p: Padding, k: tuple[int, ...], s: tuple[int, ...], d: tuple[int, ...]) -> tuple[Pair, ...]:
    """(before, after) per spatial axis for every padding but `same_tf`.

    `half` is d*(k-1)/2 on each side: it exists where the dilated kernel is odd and, for k above 1, the stride
    is below k; elsewhere two paddings give the same size and other values, so it must be written.
    """
    if p == "valid":
        return ((0, 0),) * len(k)
    if p == "half":
        sides = []
        for kernel, stride, dilation in zip(k, s, d, strict=True):
            if dilation * (kernel - 1) % 2 or not (kernel == 1 or stride < kernel):
                raise Reject(NoHalfPadding(op, kernel, stride, dilation), at="k")
            sides.append(dilation * (kernel - 1) // 2)
        return tuple((side, side) for side in sides)
    if isinstance(p, str):
        raise ValueError(f"padding `{p}` has no numbers of its own")
    if isinstance(p, int):
        return ((p, p),) * len(k)
    if len(p) != len(k):
        raise Reject(WrongSides("p", tuple(q if isinstance(q, int) else q[0] for q in p), len(k)), at="p")
    return tuple((q, q) if isinstance(q, int) else (q[0], q[1]) for q in p)


def check_border(c: InferContext, op: str, mode: str, size: Size, pair: tuple[Size, Size]) -> None:
    """A Reject, or a guard, for places added that `mode` cannot fill from an axis of `size`.

    A reflection leaves the edge out, so it has size - 1 places; once round is `size` of them.
    """
    most = {"reflect": size - 1, "circular": size}.get(mode)
    for side in pair:
        if isinstance(side, int) and (side < 0 or (isinstance(most, int) and side > most)):
            raise Reject(BadPadding(op, mode, side, str(size), str(most)), at="p")
        if not isinstance(side, int):
            c.at_least(side, 0)
        if most is not None and not (isinstance(side, int) and isinstance(most, int)):
            c.at_least(most, side)


def output_size(c: InferContext, op: str, size: Size, k: int, s: int, p: Pair, d: int = 1, ceil: bool = False) -> Size:
    """Places of a window along an axis: floor((L + p - d*(k-1) - 1) / s) + 1.

    `ceil`: torch's ceil mode, whose last window must start inside the input or the padding before it:
    (L + p - 1 + min(p_after + s - k, 0)) // s + 1 with k dilated.
    """
    reach = d * (k - 1) + 1
    padded = size + p[0] + p[1]
    if isinstance(padded, int):
        if padded < reach:
            raise Reject(TooSmall(op, size, k, d, p))
    else:
        c.at_least(padded, reach)
    if ceil:
        return (size + p[0] - 1 + min(p[1] + s - reach, 0)) // s + 1
    return (padded - reach) // s + 1


def same_tf_size(size: Size, s: int) -> Size:
    """Places of a window padded the TensorFlow way: ceil(L / s)."""
    return -(-size // s)


def same_tf_total(size: Size, k: int, s: int, d: int) -> Size:
    """Places that TensorFlow's SAME adds: max(0, (ceil(L / s) - 1) * s + d*(k-1) + 1 - L).

    With r = -L mod s that is max(0, r - over). Of a symbolic size: the sum over j = over + 1 .. s - 1 of whether
    r >= j, which is floor((r + s - j) / s).
    """
    over = s - (d * (k - 1) + 1)
    if isinstance(size, int) or over <= 0:
        return max(0, -size % s - over) if isinstance(size, int) else -size % s - over
    total: Size = 0
    for j in range(over + 1, s):
        total = total + (-size - j) // s + 1 - -size // s
    return total


def same_tf_padding(size: int, k: int, s: int, d: int) -> Pair:
    """(before, after) of TensorFlow's SAME for a known size; the odd one goes after."""
    total = same_tf_total(size, k, s, d)
    assert isinstance(total, int)
    return total // 2, total - total // 2


def half_const(k: Const, d: Const, pads: tuple[Pair, ...]) -> Const:
    """The padding `half` as a slot, in words of kernel and dilation: `k // 2`, `d`, `d * (k - 1) // 2`."""
    value: object = pads[0][0] if len({a for a, _ in pads}) == 1 else tuple(a for a, _ in pads)
    if not isinstance(k.value, int) or not isinstance(d.value, int) or not isinstance(value, int):
        return literal(value, k.span)
    k_known, d_known = (isinstance(side.origin, tree.Number | None) for side in (k, d))
    if k_known and d_known:
        return literal(value, k.span)
    if d_known and d.value == 1:
        return derived("//", k, 2, value)  # the kernel is odd
    if k_known and k.value % 2:
        return d if k.value == 3 else derived("*", k.value // 2, d, value)
    steps = k.value - 1 if k_known else derived("-", k, 1, k.value - 1)
    return derived("//", derived("*", d, steps, d.value * (k.value - 1)), 2, value)


def each(side: Const, axes: int) -> Const | PyExpr:
    """A number or a size as a tuple with one entry per axis, which is what helpers take."""
    return side if isinstance(side.value, tuple) else sequence([side] * axes, "(")


def resized(x: TensorType, sizes: Sequence[Size]) -> TensorType:
    """A map with other spatial sizes; an axis that keeps its size keeps its words."""
    for axis, size in enumerate(sizes, 2):
        if size != x.dims[axis]:
            x = x.with_dim(axis, size)
    return x


@frozen
class Windows:
    """Sliding windows over the spatial axes of a map: numbers per axis, and the padding as written.

    `mode` is torch's `padding_mode`; where it is not `zeros`, torch pads a copy, be it by nothing.
    """

    op: str
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: Padding
    ceil: bool = False
    mode: str = "zeros"

    @classmethod
    def over(
        cls,
        op: str,
        x: TensorType,
        k: Sides,
        s: Sides,
        d: Sides,
        p: Padding,
        ceil: bool = False,
        mode: str = "zeros",
    ) -> Windows:
        """The windows of an op over the map `x`."""
        axes = x.rank - 2
        return cls(op, per_axis(k, axes, "k"), per_axis(s, axes, "s"), per_axis(d, axes, "d"), p, ceil, mode)

    def sizes(self, c: InferContext, x: TensorType) -> tuple[Size, ...]:
        """The spatial sizes of the result."""
        if self.padding == "same_tf":
            if self.mode != "zeros":
                raise Reject(PaddingMode(self.op, self.mode), at="padding_mode")
            return tuple(same_tf_size(size, s) for size, s in zip(x.spatial, self.stride, strict=True))
        if self.mode != "zeros":
            for size, pair in zip(x.spatial, self.pads(()), strict=True):
                check_border(c, self.op, self.mode, size, pair)
        axes = zip(x.spatial, self.kernel, self.stride, self.pads(x.spatial), self.dilation, strict=True)
        return tuple(output_size(c, self.op, *axis, self.ceil) for axis in axes)

    def pads(self, spatial: Sequence[Size]) -> tuple[Pair, ...]:
        """(before, after) per axis; `same_tf` over a symbolic size: those where the stride divides it."""
        if self.padding != "same_tf":
            return paddings(self.op, self.padding, self.kernel, self.stride, self.dilation)
        axes = zip(spatial, self.kernel, self.stride, self.dilation, strict=True)
        return tuple(same_tf_padding(size if isinstance(size, int) else s, k, s, d) for size, k, s, d in axes)

    def reach(self, x: TensorType) -> Window:
        """The receptive field."""
        pads = self.pads(x.spatial)
        wraps = self.mode == "circular" and any(map(any, pads))
        return Window(self.kernel, self.stride, tuple(before for before, _ in pads), self.dilation, wraps)

    def geometry(self, x: TensorType) -> tuple[tuple[int, int, int, int, int], ...]:
        """Kernel, stride, padding before and after, and dilation of each axis; the sizes of `x` are numbers."""
        axes = zip(self.kernel, self.stride, self.pads(x.spatial), self.dilation, strict=True)
        return tuple((k, s, *pair, d) for k, s, pair, d in axes)

    @property
    def moves(self) -> bool:
        """Whether a window is more than one place, so that `same_tf` may have to pad."""
        return any(k > 1 for k in self.kernel)

    def may_miss(self, axis: int) -> bool:
        """Whether a window can lie in the padding alone where the axis has fewer places than the dilation.

        Its places are `dilation` apart, and no padding is longer than a window. Where the padding before and the stride
        are multiples of the dilation, a window that starts before the map has place 0.
        """
        s, d = self.stride[axis], self.dilation[axis]
        if d == 1 or self.kernel[axis] == 1:
            return False
        if self.padding == "same_tf":
            return True
        before, after = self.pads(())[axis]
        return bool(before or after) and (before % d != 0 or s % d != 0)

    @property
    def pads_before(self) -> bool:
        """Whether torch pads a copy of the map first, because its own `padding` cannot say it."""
        if self.padding == "same_tf":
            return self.moves
        return any(before != after for before, after in self.pads(()))

    def padding_slot(self, t: TorchContext, d: Const) -> Const:
        """What stands as torch's `padding`: equal on both sides, 0 where the input is padded before."""
        if isinstance(self.padding, int):
            return t.attr("p")
        if self.padding == "half":
            return half_const(t.attr("k"), d, self.pads(()))
        if isinstance(self.padding, str):
            return t.const(0)
        if all(isinstance(side, int) for side in self.padding):
            return t.attr("p")
        pads = self.pads(())
        symmetric = all(before == after for before, after in pads)
        return t.const(tuple(before for before, _ in pads) if symmetric else 0)

    def padded_input(self, t: TorchContext, x: PyExpr, s: Const, d: Const, value: str = "") -> PyExpr | None:
        """`x` padded with `value` (Python text; empty: zeros), where torch's own `padding` cannot say it."""
        fill = (Arg(value, "value"),) if value else ()
        if not self.pads_before:
            return None
        if self.padding == "same_tf":
            name = t.helper("pad_same", PAD_SAME)
            axes = len(self.kernel)
            plain = d.origin is None and all(side == 1 for side in self.dilation)
            dilation = () if plain else (keyword("dilation", each(d, axes)),)
            return call(name, x, each(t.attr("k"), axes), each(s, axes), *dilation, *fill)
        if self.mode != "zeros":
            fill = (keyword("mode", t.attr("padding_mode")),)
        return call("F.pad", x, t.const(tuple(side for pair in reversed(self.pads(())) for side in pair)), *fill)

    def padded_dims(self, x: TensorType) -> tuple[Size, ...] | None:
        """The sizes of the copy that `padded_input` makes; none where it makes none."""
        if self.padding == "same_tf":
            if not self.moves:
                return None
            axes = zip(x.spatial, self.kernel, self.stride, self.dilation, strict=True)
            return (*x.dims[:2], *(size + same_tf_total(size, k, s, d) for size, k, s, d in axes))
        pads = self.pads(())
        if self.mode == "zeros" and all(before == after for before, after in pads):
            return None
        return (*x.dims[:2], *(size + before + after for size, (before, after) in zip(x.spatial, pads, strict=True)))

    def helpers(self) -> tuple[str, ...]:
        """The helpers `padded_input` uses."""
        return ("pad_same",) if self.padding == "same_tf" and self.moves else ()

    def onnx_padding(self, g: Graph, x: str, type_: TensorType, value: float = 0.0) -> tuple[str, dict[str, Any]]:
        """The input to slide over, padded with `value` where that is needed, and the padding attribute.

        The attribute has numbers; `auto_pad` for `same_tf` over a size that this export keeps open.
        """
        if self.pads_open(g, type_):
            return self._pad_open(g, x, type_, value), {"pads": (0, 0) * len(self.kernel)}
        if self._open(g, type_):
            return x, {"auto_pad": "SAME_UPPER"}
        known = [g.static(size) for size in type_.spatial]
        pads = self.pads([size if n is None else n for size, n in zip(type_.spatial, known, strict=True)])
        if self.mode != "zeros" and any(map(any, pads)):
            padded = added(g, x, [(0, 0), (0, 0), *pads], mode=PADDING_MODES[self.mode])
            return padded, {"pads": (0, 0) * len(self.kernel)}
        return x, {"pads": (*(before for before, _ in pads), *(after for _, after in pads))}

    def _open(self, g: Graph, type_: TensorType) -> bool:
        """Whether the padding depends on a size that this export keeps open."""
        axes = zip(type_.spatial, self.kernel, self.stride, strict=True)
        return self.padding == "same_tf" and any(s > 1 and k > 1 and g.static(size) is None for size, k, s in axes)

    def pads_open(self, g: Graph, type_: TensorType) -> bool:
        """Whether it does, and a Pad must add it: onnxruntime's `auto_pad` takes no dilation, and is wrong where a
        stride is above the kernel, so that SAME may leave out places.
        """
        direct = all(d == 1 and k >= s for k, s, d in zip(self.kernel, self.stride, self.dilation, strict=True))
        return not direct and self._open(g, type_)

    def _pad_open(self, g: Graph, x: str, type_: TensorType, value: float) -> str:
        sides: list[Size] = []
        negative = False
        for size, k, s, d in zip(type_.spatial, self.kernel, self.stride, self.dilation, strict=True):
            reach = d * (k - 1) + 1
            total = -size % s + reach - s if k > 1 else 0
            sides += [total // 2, total - total // 2]
            negative |= 1 < reach < s
        pads = g.extents([0, 0, *sides[::2], 0, 0, *sides[1::2]], x)
        if negative:
            pads = g.op("Max", [pads, g.ints([0])])
        return pad_node(g, x, pads, type_.rank, g.scalar(value, type_.dtype))

"""ONNX forms of `upsample`: Resize where onnxruntime reads what PyTorch reads, else Gather or MatMul.

Resize alone is the fastest and stands wherever it is proved to read the same places: of numbers by comparing tables
(`interpolation`), of open sizes by the arithmetic of the factor (`always_alike`). Else an axis of numbers is read
through constant places (and weights), and an open one through places computed while the graph runs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from dslc.diagnostics.model import Reject
from dslc.ops.base import Graph, Names, Types
from dslc.ops.errors_map import TooManyPlaces
from dslc.ops.interpolation import SMALL, Line, neighbour, resize_scale, single
from dslc.ops.layout import places
from dslc.ops.pool_adaptive import averaged, held_in_table
from dslc.ops.scaling import ratio
from dslc.record import frozen
from dslc.types.dim import Size
from dslc.types.tensor import DType

DOUBLE = 11
"""ONNX's number of float64, which the language lacks."""

MOST_PLACES = 1 << 22
"""Places of an axis of known sizes that are compared one by one."""

SHORT = 1 << 8
"""Numbers below it times a size up to 2**16 are exact in float32."""


@frozen
class Resizing:
    """One use of `upsample`: its inputs, types, and per spatial axis the factor, if one is given."""

    g: Graph
    x: Names
    ins: Types
    outs: Types
    mode: str
    corners: bool
    factors: tuple[float | None, ...]

    @property
    def attributes(self) -> dict[str, Any]:
        """Those of Resize."""
        if self.mode == "nearest":
            return {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        way = {"coordinate_transformation_mode": "align_corners" if self.corners else "half_pixel"}
        if self.mode == "nearest-exact":
            return {**way, "mode": "nearest", "nearest_mode": "round_prefer_ceil"}
        return {**way, "mode": "cubic", "cubic_coeff_a": -0.75} if self.mode == "bicubic" else {**way, "mode": "linear"}

    def form(self) -> str:
        """The result's tensor."""
        copying = self.mode.startswith("nearest")
        y, scales, mixed = self.x[0], [1.0, 1.0], []
        for axis in range(2, self.ins[0].rank):
            scale: float | None = 1.0
            lines = self.lines(axis)
            if len(lines) > 1 and lines[0].nearest() != lines[1].nearest():
                y = self.by_places(y, axis)
            elif lines:
                scale = resize_scale(lines[0])
                y = self.by_table(y, axis, lines[0]) if scale is None else y
            elif self.changes(axis) and copying:
                found = self.ratio(axis)
                scale = float(found) if found is not None and always_alike(self.mode, found) else None
                y = self.by_places(y, axis) if scale is None else y
            elif self.changes(axis):
                mixed.append(axis)
            scales.append(1.0 if scale is None else scale)
        if mixed:
            return self.mix_open(y, scales, mixed)
        if all(scale == 1 for scale in scales):
            return y if y != self.x[0] else str(self.g.op("Identity", [y]))
        return self.resize(y, self.g.floats(scales, (len(scales),)))

    def resize(self, x: str, scales: str | None, sizes: str | None = None) -> str:
        """Resize by scales or to sizes, of every axis.

        With the attribute `axes` onnxruntime 1.30, where it moves a Transpose over a Resize, permutes them as if there
        were one for each axis.
        """
        return str(self.g.op("Resize", [x, None, scales, sizes], **self.attributes))

    # ---- sizes

    def sizes(self, axis: int) -> tuple[Size, Size]:
        """The sizes of an axis before and after: numbers where this export has them."""
        before, after = self.ins[0].dims[axis], self.outs[0].dims[axis]
        fixed = self.g.static(before), self.g.static(after)
        return before if fixed[0] is None else fixed[0], after if fixed[1] is None else fixed[1]

    def changes(self, axis: int) -> bool:
        """Whether an open axis is anything but copied."""
        before, after = self.sizes(axis)
        return before is not after or self.factors[axis - 2] not in (None, 1.0)

    def ratio(self, axis: int) -> Fraction | None:
        """What an axis grows by at every size: the factor that is given, or one that the sizes tell."""
        factor = self.factors[axis - 2]
        return ratio(*self.sizes(axis)) if factor is None else Fraction(factor)

    def lines(self, axis: int) -> list[Line]:
        """An axis of known sizes; twice where torch may take either kernel, by the size of the other. None if open."""
        before, after = self.sizes(axis)
        if not isinstance(before, int) or not isinstance(after, int):
            return []
        if max(before, after) > MOST_PLACES and self.changes(axis):
            raise Reject(TooManyPlaces("upsample", max(before, after), MOST_PLACES))
        small = [False]
        if self.ins[0].rank == 4 and self.mode.startswith("nearest"):
            known = [size for size in (self.sizes(2)[1], self.sizes(3)[1]) if isinstance(size, int)]
            small = [sum(known) <= SMALL] if len(known) == 2 else [False, True]
        return [Line(self.mode, before, after, self.factors[axis - 2], self.corners, each) for each in small]

    def extents(self, sizes: Sequence[Size]) -> str:
        """Sizes of the result as int64, read from `like` where it has them."""
        return self.g.extents(sizes, self.x[-1])

    # ---- axes of known sizes

    def by_table(self, x: str, axis: int, line: Line) -> str:
        """An axis read at constant places."""
        if self.mode.startswith("nearest"):
            return str(self.g.op("Gather", [x, self.g.ints(line.nearest())], axis=axis))
        total = ""
        shape = (line.after, *(1,) * (self.ins[0].rank - 1 - axis))
        for row, weights in line.taps():
            read = self.g.op("Gather", [x, self.g.ints(row)], axis=axis)
            part = str(self.g.op("Mul", [read, self.g.floats(weights, shape, self.ins[0].dtype)]))
            total = str(self.g.op("Add", [total, part])) if total else part
        return total

    # ---- open axes

    def by_places(self, x: str, axis: int) -> str:
        """An axis copied from places that are computed as torch computes them, in float32.

        The last place needs no bound: it stays below the size for results of up to 2**22 places.
        """
        g, factor = self.g, self.factors[axis - 2]
        before, after = self.sizes(axis)
        sizes = g.extents([before], self.x[0]), self.extents([after])
        small = ""
        whole = 0 if factor is None or factor.is_integer() or factor % 1 >= 0.5 else int(factor)
        whole = whole if self.mode == "nearest" and whole in (1, 2) else 0
        if self.ins[0].rank == 4 and (whole or self.mode == "nearest-exact"):
            sides = self.extents(self.outs[0].dims[2:])
            small = str(g.op("LessOrEqual", [g.op("ReduceSum", [sides]), g.ints([SMALL])]))
        if factor is None:
            step = str(g.op("Div", [g.op("Cast", [size], to=DType.FLOAT32) for size in sizes]))
        else:
            step = g.scalar(1.0 / factor, DType.FLOAT32)
        if small and whole:
            # By 1.1 a few sizes do not grow, by 2.1 a few are doubled: of a small image torch copies, or doubles, them.
            times = g.op("Mul", [sizes[0], g.ints([whole])]) if whole > 1 else sizes[0]
            exact = g.op("And", [small, g.op("Equal", [times, sizes[1]])])
            step = str(g.op("Where", [exact, g.scalar(1.0 / whole, DType.FLOAT32), step]))
        u = places(g, after, self.x[-1])
        if self.mode == "nearest":
            at = g.op("Mul", [g.op("Cast", [u], to=DType.FLOAT32), step])
        else:
            at = self.half_places(u, step, small)
        index = g.op("Cast", [g.op("Floor", [at])], to=DType.INT64)
        return str(g.op("Gather", [x, index], axis=axis))

    def half_places(self, u: str, step: str, small: str) -> str:
        """`step * (u + 0.5)`, rounded once in a small image; else half of it less first, in one rounding."""
        g = self.g
        half = g.scalar(0.5, DType.FLOAT32)
        wide = [g.op("Cast", [name], to=DOUBLE) for name in (half, step, u)]
        product = g.op("Mul", [g.op("Add", [wide[2], wide[0]]), wide[1]])
        less = g.op("Cast", [g.op("Sub", [product, wide[0]])], to=DType.FLOAT32)
        at = g.op("Add", [less, half])
        return str(g.op("Where", [small, g.op("Cast", [product], to=DType.FLOAT32), at]) if small else at)

    def mix_open(self, x: str, scales: list[float], axes: Sequence[int]) -> str:
        """Resize for an interpolation with open axes; `scales` are those of the others."""
        g = self.g
        found = [self.ratio(axis) for axis in axes]
        if self.corners or None in found:
            # Corners are matched by the sizes, whatever the factor.
            dims = self.outs[0].dims
            if len(self.x) > 1:
                parts = [g.extents(dims[:2], self.x[0]), self.extents(dims[2:])]
                return self.resize(x, None, str(g.op("Concat", parts, axis=0)))
            return self.resize(x, None, g.extents(dims, self.x[0]))
        longer = []
        for axis, factor in zip(axes, found, strict=True):
            assert factor is not None
            scales[axis] = at_least(factor)
            if self.factors[axis - 2] is not None and not short(factor):
                longer.append(axis)
        slow = {axis: scales[axis] for axis in axes if 1 < scales[axis] < 1.5}
        spec = g.floats(scales, (len(scales),))
        # By a factor close to 1 a few sizes do not grow. torch copies such an axis where it is linear; Resize copies a
        # map of which no axis grows: cubic it is read by the factor, so an axis gets more of its last place, and grows.
        if slow and self.mode != "bicubic":
            same = g.op("Equal", [g.extents(types[0].dims, self.x[0]) for types in (self.ins, self.outs)])
            spec = str(g.op("Where", [same, g.scalar(1.0, DType.FLOAT32), spec]))
        elif slow and all(scale == 1 or axis in slow for axis, scale in enumerate(scales)):
            axis = max(slow, key=slow.__getitem__)
            amounts = [0] * (2 * len(scales))
            amounts[len(scales) + axis] = math.ceil(1 / (slow[axis] - 1))
            x = str(g.op("Pad", [x, g.ints(amounts)], mode="edge"))
            longer = sorted({*longer, axis})
        y = self.resize(x, spec)
        if not longer:
            return y
        ends = g.extents([self.outs[0].dims[axis] for axis in longer], self.x[0])
        return str(g.op("Slice", [y, g.ints([0] * len(longer)), ends, g.ints(longer)]))


def always_alike(mode: str, factor: Fraction) -> bool:
    """Whether Resize by this factor copies the places that torch copies, of every axis up to 2**16 long.

    Resize divides a place by the float32 of the factor, which is right where that is exact. torch multiplies by the
    float32 of 1/factor: where that falls short, by e of itself, it misses a whole number k unless k * (1 - e) is
    rounded up to k, which e up to 2**-25 ensures. Half places of `nearest-exact` never lie on an edge for a whole
    factor, and are exact for a power of two.
    """
    if not short(factor) or 1 < factor < 1.5 or 2 < factor < 2.5:  # torch copies, or doubles, what is small
        return False
    if mode == "nearest-exact":
        return 1 in (factor.numerator, factor.denominator)
    inverse = Fraction(single(1.0 / float(factor)))
    return 1 - inverse * factor <= Fraction(1, 1 << 25)


def short(factor: Fraction) -> bool:
    """Whether float32 holds a factor, and its products with sizes up to 2**16, exactly."""
    return factor.numerator < SHORT and Fraction(single(float(factor))) == factor


def at_least(factor: Fraction) -> float:
    """A float32 with which Resize makes no fewer places than torch: the factor, or the next above it.

    torch rounds a product up by at most half of the double's last place, so the scale exceeds the next double.
    """
    if short(factor):
        return float(factor)
    least = math.nextafter(float(factor), math.inf)
    scale = single(least)
    return scale if scale >= least else neighbour(scale, 1)


def antialias(
    g: Graph, x: str, ins: Types, outs: Types, mode: str, corners: bool, factors: Sequence[float | None]
) -> str:
    """The products of constant matrices with each axis. Resize with `antialias` differs from torch by up to 0.1."""
    y, dims = x, list(ins[0].dims)
    for axis in reversed(range(2, ins[0].rank)):
        before, after = g.static(dims[axis]), g.static(outs[0].dims[axis])
        assert before is not None and after is not None
        if before != after:
            line = Line(mode, before, after, factors[axis - 2], corners)
            held_in_table("upsample", before, after)
            y = averaged(g, y, dims, axis, line.antialiased(), ins[0].dtype)
            dims[axis] = after
    return y if y != x else str(g.op("Identity", [y]))

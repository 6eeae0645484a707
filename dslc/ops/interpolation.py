"""The places that a resized axis reads, and their weights: PyTorch's, and those of onnxruntime's Resize.

Both compute in float32, in another order: where they round to two sides of a whole number, `nearest` reads two places.
Formulas of torch: aten/src/ATen/native/UpSample.h and cpu/UpSampleKernel.cpp, of contiguous maps; those of onnxruntime:
core/providers/cpu/tensor/upsamplebase.h. One operation in double, rounded to float32, is that operation in float32.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from dslc.record import frozen

if TYPE_CHECKING:
    from array import array

SMALL: Final = 128
"""Images with no more rows and columns together than this torch copies by another kernel."""

APART: Final = 4e-5
"""How far two float32 coordinates may lie apart where values are interpolated, and keep from a rounding's edge."""

CUBIC: Final = -0.75
"""The coefficient of torch's and ONNX's cubic kernel; with antialias torch has -0.5, as Pillow."""


def singles(values: Iterable[float]) -> array[float]:
    """Numbers rounded to float32."""
    from array import array  # for maps that are resized alone

    return array("f", values)


def single(value: float) -> float:
    """A number rounded to float32."""
    return singles((value,))[0]


def neighbour(value: float, step: int) -> float:
    """The float32 so many steps above a positive one."""
    import struct  # for maps that are resized alone

    (bits,) = struct.unpack("<i", struct.pack("<f", value))
    found: float = struct.unpack("<f", struct.pack("<i", bits + step))[0]
    return found


@frozen
class Line:
    """One axis of `before` places that becomes one of `after`; `factor` if one is given. `small`: as SMALL says."""

    mode: str
    before: int
    after: int
    factor: float | None = None
    corners: bool = False
    small: bool = False

    @property
    def copied(self) -> bool:
        """Whether torch copies the axis as it is, whatever the factor: 10 places by 1.05 linear, but not cubic."""
        return self.before == self.after and ("linear" in self.mode or (self.small and self.mode == "nearest"))

    def step(self) -> float:
        """How far apart the places lie that neighbours read: of a factor that is given its own, not the sizes'.

        The kernel for small images doubles where the size is doubled, by 2.1 too.
        """
        if self.corners:
            return single((self.before - 1) / (self.after - 1)) if self.after > 1 else 0.0
        doubled = self.small and self.mode == "nearest" and self.after == 2 * self.before
        return single(self.before / self.after if self.factor is None or doubled else 1.0 / self.factor)

    def coordinates(self) -> array[float]:
        """Where torch reads each place of the result.

        Half places are taken in one rounding, as a fused multiply-add; by the kernel for small images without it.
        """
        places, step = range(self.after), self.step()
        if self.copied:
            return singles(places)
        if self.corners or self.mode == "nearest":
            return singles(u * step for u in places)
        if self.small and self.mode == "nearest-exact":
            return singles(x - 0.5 for x in singles((u + 0.5) * step for u in places))
        least = -math.inf if self.mode == "bicubic" else 0.0
        return singles(max(step * (u + 0.5) - 0.5, least) for u in places)

    def nearest(self) -> list[int]:
        """The place that each place of the result copies."""
        if self.copied:
            return list(range(self.after))
        at: Iterable[float] = self.coordinates()
        if self.mode == "nearest-exact":
            step = self.step()
            at = singles((u + 0.5) * step for u in range(self.after)) if self.small else singles(x + 0.5 for x in at)
        return [min(int(x), self.before - 1) for x in at]

    def taps(self) -> Iterator[tuple[list[int], list[float]]]:
        """The places that the places of the result mix, and their weights: two for each, of `bicubic` four."""
        at = self.coordinates()
        first = [math.floor(x) for x in at]
        parts = [x - i for x, i in zip(at, first, strict=True)]
        last = self.before - 1
        kernel, more = (keys(CUBIC), 1) if self.mode == "bicubic" else (tent, 0)
        for i in range(-more, 2 + more):
            yield [min(max(place + i, 0), last) for place in first], [kernel(t - i) for t in parts]

    def antialiased(self) -> list[list[float]]:
        """The matrix of torch's antialiased resampling, of `after` rows.

        The kernel is widened by the step where that is above 1, cut to the map, and scaled to a sum of 1 (ATen,
        UpSampleKernel.cpp, HelperInterpBase::_compute_indices_min_size_weights_aa).
        """
        step = self.step() if self.before != self.after else 1.0
        wide = max(step, 1.0)
        kernel, reach = (keys(-0.5), 2 * wide) if self.mode == "bicubic" else (tent, wide)
        rows = []
        for u in range(self.after):
            centre = step * (u + 0.5)
            low, high = max(int(centre - reach + 0.5), 0), min(int(centre + reach + 0.5), self.before)
            weights = [kernel((j - centre + 0.5) / wide) for j in range(low, high)]
            total = sum(weights)
            rows.append([0.0] * low + [w / total for w in weights] + [0.0] * (self.before - high))
        return rows


def tent(x: float) -> float:
    """The linear kernel as a function of the distance."""
    return max(0.0, 1 - abs(x))


def keys(a: float) -> Callable[[float], float]:
    """Keys' kernel as a function of the distance (Cubic convolution interpolation, 1981)."""

    def weight(x: float) -> float:
        x = abs(x)
        if x < 1:
            return ((a + 2) * x - (a + 3)) * x * x + 1
        return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a if x < 2 else 0.0

    return weight


# ---- onnxruntime


@lru_cache(1024)
def resize_scale(line: Line) -> float | None:
    """The float32 scale with which Resize makes `after` places and reads what torch reads; none if there is none.

    Resize makes floor(before * scale) places, the product in float32 (in shape inference exact), and reads by the
    scale. A neighbour of the float32 next to the factor may give the right number where that itself does not. Where no
    size changes, Resize copies, whatever the scales.
    """
    if line.before == line.after:
        return 1.0 if reads_alike(line, 1.0) else None
    ratio = single(line.after / line.before)
    wanted = ratio if line.factor is None else single(line.factor)
    for scale in dict.fromkeys((wanted, neighbour(wanted, 1), neighbour(wanted, -1), ratio)):
        made = int(single(scale * line.before)), int(scale * line.before)
        if made == (line.after, line.after) and reads_alike(line, scale):
            return scale
    return None


def reads_alike(line: Line, scale: float) -> bool:
    """Whether Resize with this scale reads the places that torch reads."""
    places = range(line.after)
    halves = line.mode == "nearest-exact" and scale != 1
    if scale == 1:  # Resize copies
        theirs = singles(places)
    elif line.corners:
        ends = max(line.after - 1, 1)
        theirs = singles(x / ends for x in singles(u * (line.before - 1) for u in places))
    elif line.mode == "nearest":
        theirs = singles(u / scale for u in places)
    else:
        theirs = singles(x - 0.5 for x in singles((u + 0.5) / scale for u in places))
    last = line.before - 1
    if not line.mode.startswith("nearest"):
        ours = line.coordinates()
        if line.mode == "bicubic":
            return all(abs(a - b) <= APART for a, b in zip(ours, theirs, strict=True))
        return all(abs(min(a, last) - min(max(b, 0), last)) <= APART for a, b in zip(ours, theirs, strict=True))
    edges = singles(x + 0.5 for x in theirs) if halves else theirs
    # Versions and providers of onnxruntime differ next to an edge (issue 28291), not on it.
    if any(0 < abs(x - round(x)) < APART for x in edges):
        return False
    return [min(max(math.floor(x), 0), last) for x in edges] == line.nearest()

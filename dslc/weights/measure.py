"""What can be said of a tensor's numbers, and how far those of two tensors are apart."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf, sqrt

import numpy as np

from dslc.record import frozen
from dslc.weights.memory import Array

CHUNK = 1 << 18
"""Numbers that are looked at together, as float64."""


@frozen
class Measure:
    """Count, mean, spread and ends of numbers, of which those that are not finite are only counted.

    `squares` is the sum of squared deviations from the mean (Chan, Golub and LeVeque 1979, which adds two of them).
    """

    count: int = 0  # finite ones
    nan: int = 0
    infinite: int = 0
    mean: float = 0.0
    squares: float = 0.0
    least: float = inf
    most: float = -inf

    @property
    def std(self) -> float:
        """Of all the numbers: divided by their count."""
        return sqrt(self.squares / self.count) if self.count else 0.0

    @property
    def norm(self) -> float:
        """The Euclidean one."""
        return sqrt(self.squares + self.count * self.mean**2)

    def __add__(self, other: Measure) -> Measure:
        count = self.count + other.count
        if not count:
            return Measure(0, self.nan + other.nan, self.infinite + other.infinite)
        apart = other.mean - self.mean
        return Measure(
            count,
            self.nan + other.nan,
            self.infinite + other.infinite,
            self.mean + apart * other.count / count,
            self.squares + other.squares + apart**2 * self.count * other.count / count,
            min(self.least, other.least),
            max(self.most, other.most),
        )


def measured(array: Array) -> Measure:
    """The measure of a tensor of any type; of complex numbers, that of their lengths."""
    found = Measure()
    for (chunk,) in _chunks(array):
        finite = chunk[np.isfinite(chunk)]
        nan = int(np.isnan(chunk).sum())
        odd = Measure(0, nan, chunk.size - finite.size - nan)
        with np.errstate(over="ignore", invalid="ignore"):
            if finite.size:
                mean = float(finite.mean())
                squares = float(np.square(finite - mean).sum())
                odd = Measure(
                    finite.size, odd.nan, odd.infinite, mean, squares, float(finite.min()), float(finite.max())
                )
        found = found + odd
    return found


@frozen
class Distance:
    """How far two tensors of one shape are apart: the largest difference, beside the largest number of the first."""

    differ: int  # numbers that are not equal; NaN equals NaN
    count: int
    largest: float  # NaN where one side alone is NaN or infinite
    scale: float

    @property
    def relative(self) -> float:
        """The largest difference as a share of the first tensor's largest number."""
        return self.largest / self.scale if self.scale else (inf if self.largest else 0.0)


def distance(one: Array, other: Array) -> Distance:
    """The distance of two tensors of one shape and of any types."""
    differ, largest, scale = 0, 0.0, 0.0
    for a, b in _chunks(one, other):
        with np.errstate(invalid="ignore", over="ignore"):
            unequal = (a != b) & ~(np.isnan(a) & np.isnan(b))
            if unequal.any():
                differ += int(unequal.sum())
                largest = float(np.maximum(largest, np.abs(a - b)[unequal].max()))
            finite = np.abs(a)[np.isfinite(a)]
            scale = max(scale, float(finite.max())) if finite.size else scale
    return Distance(differ, one.size, largest, scale)


def _chunks(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """The numbers of tensors of one shape, some at a time, as float64."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, CHUNK):
        yield tuple(_real(array[start : start + CHUNK]) for array in flat)


def _real(array: Array) -> Array:
    return np.abs(array).astype(np.float64) if array.dtype.kind == "c" else array.astype(np.float64)

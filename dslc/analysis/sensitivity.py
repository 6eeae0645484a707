"""How a network's numbers follow its parameters and sizes: points of a sweep, exponents along an axis, the front.

Along an axis a quantity q grows like `axis ** e` with e = d log q / d log axis; between two neighbours that is
log(q2/q1) / log(a2/a1). It is 2 where doubling the axis makes q four times as large, and 0 where q does not change.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import log
from typing import TypeAlias

from dslc.analysis.metrics import QUANTITIES
from dslc.record import frozen

Exact: TypeAlias = int | Fraction


@frozen
class Axis:
    """Parameters or sizes of a net that take the same value, and the values they take."""

    names: tuple[str, ...]
    values: tuple[object, ...]

    @property
    def title(self) -> str:
        """As it is written: `H=W`."""
        return "=".join(self.names)


@frozen
class Point:
    """A network of the sweep: one value per axis, and its quantities by name.

    `gaps` says what a number leaves out: it is then a lower bound. `refused` is the first line of what the compiler
    says where the network does not exist; it then has no numbers.
    """

    at: tuple[object, ...]
    numbers: dict[str, Exact | None]
    gaps: dict[str, str]
    refused: str = ""


@frozen
class Sweep:
    """All combinations of the axes' values, and each axis alone.

    `base`: the network at its default values (or the first that exists), which all others are compared with.
    `alone`: per axis, the networks that differ from the base in that axis only, by rising value, the base among them;
    empty for an axis that has no positive numbers.
    """

    net: str
    path: str
    axes: tuple[Axis, ...]
    base: Point
    points: tuple[Point, ...]
    alone: tuple[tuple[Point, ...], ...]

    @property
    def existing(self) -> list[Point]:
        """The points that have numbers."""
        return [point for point in self.points if not point.refused]

    def varies(self, name: str) -> bool:
        """Whether a quantity takes more than one value."""
        return len({point.numbers[name] for point in (self.base, *self.existing)}) > 1

    def ratio(self, point: Point, name: str) -> float | None:
        """A point's number over the base's; none where either is not known or the base's is zero."""
        value, base = point.numbers.get(name), self.base.numbers.get(name)
        return float(Fraction(value) / Fraction(base)) if value is not None and base else None


def magnitude(value: object) -> float | None:
    """A value as a number that has a logarithm; none for words, lists, true and false, zero and less."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        return None
    return float(value)


# ---- exponents


@frozen
class Slope:
    """The exponent of a quantity between two values of an axis."""

    start: float
    end: float
    exponent: float


def slopes(sweep: Sweep, axis: int, name: str) -> list[Slope]:
    """The exponents of a quantity between neighbours along an axis, the others being at the base."""
    known = logs(sweep, axis, name)
    return [Slope(a, b, log(q / p) / log(b / a)) for (a, p), (b, q) in pairwise(known)]


def exponent(sweep: Sweep, axis: int, name: str) -> float | None:
    """The exponent of a quantity at the base: from the neighbour below to the one above, at an end from the base.

    None where there are not two values. Where the base has no place on the axis, over the whole axis.
    """
    known = logs(sweep, axis, name)
    if len(known) < 2:
        return None
    here = magnitude(sweep.base.at[axis])
    places = [a for a, _ in known]
    if here is None or here not in places:
        low, high = 0, len(known) - 1
    else:
        at = bisect_left(places, here)
        low, high = max(at - 1, 0), min(at + 1, len(known) - 1)
    (a, p), (b, q) = known[low], known[high]
    return log(q / p) / log(b / a)


def logs(sweep: Sweep, axis: int, name: str) -> list[tuple[float, float]]:
    """(value of the axis, quantity) by rising value, where both have a logarithm."""
    pairs = [(magnitude(point.at[axis]), point.numbers.get(name)) for point in sweep.alone[axis]]
    return [(a, float(q)) for a, q in pairs if a is not None and q is not None and q > 0]


# ---- the front


def goal(sweep: Sweep) -> str:
    """What to compare costs with where nothing is asked for: the first of these that the sweep changes.

    Parameters stand for capacity and the field for context, of which more is wanted; peak memory is a second cost.
    """
    wanted = ("params", "receptive_field", "peak_memory")
    return next((name for name in wanted if sweep.varies(name)), "params")


def front(points: Sequence[Point], x: str, y: str) -> list[Point]:
    """The Pareto front by rising x: points that no other beats in one quantity without losing in the other.

    x and y are names of `QUANTITIES`, which says of each whether less or more is better. Points that lack one of the
    numbers are left out; of points that are equal in both, all are on the front or none.
    """
    signs = [1 if QUANTITIES[name].better == "less" else -1 for name in (x, y)]
    known = []
    for point in points:
        first, second = point.numbers.get(x), point.numbers.get(y)
        if first is not None and second is not None:
            known.append(((signs[0] * first, signs[1] * second), point))
    known.sort(key=lambda pair: pair[0])
    found: list[tuple[tuple[Exact, Exact], Point]] = []
    for costs, point in known:
        if not found or costs[1] < found[-1][0][1] or costs == found[-1][0]:
            found.append((costs, point))
    kept = [point for _, point in found]
    return kept if signs[0] == 1 else kept[::-1]

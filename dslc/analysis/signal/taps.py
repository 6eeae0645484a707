"""How windows lie over a map: which taps are inside, what they read, and the profiles of maps."""

from __future__ import annotations

import math
from typing import TypeAlias

from dslc.analysis.signal.roles import Shape
from dslc.analysis.signal.stats import Profile
from dslc.record import record

Window: TypeAlias = tuple[tuple[int, int, int, int, int], ...]


@record
class Taps:
    """How a window lies over a map: the number of taps; over them the sums of n and of n (n - 1), n the results that a
    tap serves; and the mean taps of two neighbouring results together.
    """

    count: int
    first: float
    second: float
    near: float
    strided: bool


def taps(
    window: tuple[tuple[int, int, int, int, int], ...],
    read: tuple[int, ...],
    made: tuple[int, ...],
    profile: Profile | None = None,
    shares: Profile | None = None,
) -> Taps:
    """`read`: places along each axis of the map that the window slides over, `made`: of the places where it stops.

    `profile`: how the mean square of what is read goes along each axis, its mean 1: after convolutions with borders
    less is left at the edges, which fewer taps read. `shares`: the same of the mean product of a place with all others,
    which two places then have in proportion to both.
    """
    first = second = near = 1.0
    count = 1
    means: list[float] = []
    nears: list[float] = []
    for axis, ((k, s, before, _, d), size, stops) in enumerate(zip(window, read, made, strict=True)):
        along = profile[axis] if profile is not None else None
        common = along and shared(along, shares[axis] if shares is not None else None)
        sums, roots, numbers = [], [], []
        for t in range(k):
            low, n = served(t * d - before, s, size, stops)
            numbers.append(n)
            if along is None or common is None:
                sums.append(float(n))
                roots.append(float(n))
            else:
                at = low * s + t * d - before
                sums.append(math.fsum(along[at::s][:n] if n else ()))
                roots.append(math.fsum(common[at::s][:n] if n else ()))
        count *= k
        first *= sum(sums)
        second *= sum(x * x for x in roots)
        means.append(sum(sums) / stops)
        nears.append(
            sum(max(n - 1, 0) for n in numbers) / (stops - 1) * sum(sums) / max(sum(numbers), 1)
            if stops > 1
            else sum(sums) / stops
        )
    near = sum(nears[i] * math.prod(m for j, m in enumerate(means) if j != i) for i in range(len(means))) / max(
        len(means), 1
    )
    return Taps(count, first, second - first, near, any(s > 1 for _, s, *_ in window))


def shared(along: tuple[float, ...], given: tuple[float, ...] | None) -> tuple[float, ...]:
    """How much a place has in common with all, of mean 1: as given, or by the root of its mean square."""
    return even(list(given) if given is not None else [math.sqrt(x) for x in along])


def served(offset: int, stride: int, size: int, stops: int) -> tuple[int, int]:
    """The first u of 0 .. stops - 1 with a place u * stride + offset inside 0 .. size - 1, and how many there are."""
    low = max(0, -(offset // stride))
    high = min(stops - 1, (size - 1 - offset) // stride)
    return low, max(high - low + 1, 0)


def reshaped(
    window: tuple[tuple[int, int, int, int, int], ...],
    read: tuple[int, ...],
    made: tuple[int, ...],
    profile: Profile | None,
    mean: bool = False,
) -> Profile:
    """The profile of a result: the sum, or the mean, over the taps inside of what they read."""
    found = []
    for axis, ((k, s, before, _, d), size, stops) in enumerate(zip(window, read, made, strict=True)):
        along = profile[axis] if profile is not None else (1.0,) * size
        values, taken = [0.0] * stops, [0] * stops
        for t in range(k):
            low, n = served(t * d - before, s, size, stops)
            at = low * s + t * d - before
            for u in range(low, low + n):
                values[u] += along[at]
                taken[u] += 1
                at += s
        found.append(even([v / n if n else 0.0 for v, n in zip(values, taken, strict=True)] if mean else values))
    return tuple(found)


def in_common(
    window: tuple[tuple[int, int, int, int, int], ...],
    read: tuple[int, ...],
    made: tuple[int, ...],
    profile: Profile | None,
    shares: Profile | None = None,
) -> Profile:
    """How much a place of the result has in common with all places, along each axis: over the taps inside of it, the
    share of what they read times the sum of what the same tap reads elsewhere, as in `taps`.
    """
    found = []
    for axis, ((k, s, before, _, d), size, stops) in enumerate(zip(window, read, made, strict=True)):
        roots = [1.0] * size
        if profile is not None:
            roots = list(shared(profile[axis], shares[axis] if shares is not None else None))
        values = [0.0] * stops
        for t in range(k):
            low, n = served(t * d - before, s, size, stops)
            own = roots[low * s + t * d - before :: s][:n] if n else []
            total = math.fsum(own)
            for u, x in enumerate(own):
                values[low + u] += x * total
        found.append(even(values))
    return tuple(found)


def spread_back(
    window: tuple[tuple[int, int, int, int, int], ...],
    read: tuple[int, ...],
    made: tuple[int, ...],
    profile: Profile | None,
) -> Profile:
    """The profile of the gradient of what was read, from that of the result's."""
    found = []
    for axis, ((k, s, before, _, d), size, stops) in enumerate(zip(window, read, made, strict=True)):
        along = profile[axis] if profile is not None else (1.0,) * stops
        values = [0.0] * size
        for t in range(k):
            low, n = served(t * d - before, s, size, stops)
            at = low * s + t * d - before
            for u in range(low, low + n):
                values[at] += along[u]
                at += s
        found.append(even(values))
    return tuple(found)


def even(values: list[float]) -> tuple[float, ...]:
    """The same with mean 1."""
    mean = math.fsum(values) / len(values)
    return tuple(value / mean for value in values) if mean > 0 else (1.0,) * len(values)


def fitting(profile: Profile | None, shape: Shape) -> Profile | None:
    """A profile that is of this map; none of another, which something between has changed."""
    if profile is None or tuple(map(len, profile)) != shape.dims[2:]:
        return None
    return profile

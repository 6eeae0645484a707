"""What windows of a pool read, what they have in common, and the largest of normal numbers."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from functools import lru_cache

from dslc.analysis.signal.roles import Missing, Use
from dslc.analysis.signal.stats import NEAR, PLACES, Part
from dslc.analysis.signal.taps import Window, taps
from dslc.ops.curves import below, phi
from dslc.ops.signals import Pools
from dslc.record import record


@record
class Windows:
    """`read`: places that a window reads; `own`: sum of squared weights of a mean; `whole`: the sum of weights;
    `local`: whether it reads neighbours, not all places; `shared`: the share of places that neighbouring windows read
    in common, of all that they read. `channels`: it reads the channels of one place. `square`: the mean
    square of the sum of weights. `again`: how many other windows have the same largest as one.
    """

    read: float
    own: float
    whole: float
    local: bool
    shared: float = 0.0
    stops: int = 1
    channels: bool = False
    again: float = 0.0
    square: float = 1.0
    alike: float = 0.0
    together: float = 0.0
    pairs: tuple[tuple[tuple[int, ...], float], ...] = ()
    counts: tuple[tuple[int, float], ...] = ()


def windows(rule: Pools, use: Use) -> Windows:
    x, y = use.shapes[0], use.results[0]
    if rule.axes and any(axis in x.channels for axis in rule.axes):
        if any(axis not in x.channels for axis in rule.axes):
            raise Missing("pooling over places and channels together has no rule")
        return Windows(x.width, 1 / x.width, 1.0, False, 0.0, y.places, True)
    if rule.axes:
        read = float(math.prod(x.dims[a] for a in rule.axes))
        return Windows(read, 1 / read, 1.0, y.places > 1, 0.0, y.places)
    if rule.bins:
        own = read = 1.0
        for n, m in zip(x.dims[2:], rule.bins, strict=True):
            sizes = [-(-(u + 1) * n // m) - u * n // m for u in range(m)]
            own *= sum(1 / k for k in sizes) / m
            read *= sum(sizes) / m
        return Windows(read, own, 1.0, True, 0.0, y.places)
    return sliding(rule.how, rule.counted, rule.window, x.dims[2:], y.dims[2:])


MANY = 1000
"""With more overlapping windows than these their correlation is taken by the share of inputs alone."""


@lru_cache(maxsize=256)
def sliding(how: str, counted: bool, window: Window, read_of: tuple[int, ...], made: tuple[int, ...]) -> Windows:
    """Windows that slide over a map of sizes `read_of` and stop at `made` places."""
    stops = math.prod(made)
    read = taps(window, read_of, made).first / stops  # at a border less than the kernel
    full = math.prod(k for k, *_ in window)
    over = math.prod(max(k - s, 0) for k, s, *_ in window[:1]) * math.prod(k for k, *_ in window[1:])
    shared = over / (2 * full - over)
    distances = within(tuple((k, d) for k, _, _, _, d in window))
    if how == "max":
        again = alike = together = 0.0
        reaches = [range(-((k - 1) // s), (k - 1) // s + 1) for k, s, *_ in window]
        many = math.prod(map(len, reaches)) > MANY
        for offset in itertools.product(*reaches):
            if not any(offset):
                continue
            common = math.prod(k - abs(o) * s for o, (k, s, *_) in zip(offset, window, strict=True))
            chosen = common / (2 * full - common)
            again += chosen
            likeness = chosen if many else overlapping(round(read, 2), round(common * read / full, 2))
            count = math.prod(max(n - abs(o), 0) for o, n in zip(offset, made, strict=True))
            together += likeness * count / max(stops * (stops - 1), 1)
            if sum(map(abs, offset)) == 1:
                alike += likeness / (2 * len(window))
        counts = inside(window, read_of, made)
        return Windows(read, 1 / read, 1.0, True, shared, stops, False, again, 1.0, alike, together, distances, counts)
    if counted:
        square = math.prod(
            math.fsum(share * (n / k) ** 2 for n, share in along)
            for along, (k, *_) in zip(numbers(window, read_of, made), window, strict=True)
        )
        return Windows(read, read / full**2, read / full, True, shared, stops, square=square, pairs=distances)
    return Windows(read, 1 / read, 1.0, True, shared, stops, pairs=distances)


def numbers(window: Window, read: tuple[int, ...], made: tuple[int, ...]) -> list[list[tuple[int, float]]]:
    """For each axis how many taps lie inside the map, with their shares of the places."""
    found = []
    for (k, s, before, _, d), size, stops in zip(window, read, made, strict=True):
        counts = Counter(sum(0 <= u * s + t * d - before < size for t in range(k)) for u in range(stops))
        found.append([(n, count / stops) for n, count in counts.items()])
    return found


def inside(window: Window, read: tuple[int, ...], made: tuple[int, ...]) -> tuple[tuple[int, float], ...]:
    """How many inputs windows read, with their shares: at a border fewer."""
    found: dict[int, float] = {}
    for way in itertools.product(*numbers(window, read, made)):
        n = math.prod(n for n, _ in way)
        if n:
            found[n] = found.get(n, 0.0) + math.prod(share for _, share in way)
    return tuple(found.items())


@lru_cache(maxsize=64)
def within(window: tuple[tuple[int, int], ...]) -> tuple[tuple[tuple[int, ...], float], ...]:
    """The distances of two places of a window along each axis, with their shares; of kernels and dilations."""
    found: dict[tuple[int, ...], float] = {}
    for offset in itertools.product(*(range(k) for k, _ in window)):
        if any(offset):
            count = math.prod((k - o) * (2 if o else 1) for o, (k, _) in zip(offset, window, strict=True))
            key = tuple(o * d for o, (_, d) in zip(offset, window, strict=True))
            found[key] = found.get(key, 0.0) + count
    total = math.fsum(found.values())
    return tuple((key, count / total) for key, count in found.items())


def lacking(part: Part, found: Windows) -> float:
    """q less the mean product of two places of a window, the mean over its pairs.

    Places that a convolution made have taps in common, the fewer the further they are apart: what two places have in
    common beyond any two falls along each axis in proportion to the distance, until nothing is left.
    """
    near, far = part.d[NEAR], part.d[PLACES]
    if not found.pairs or near >= far:
        return near if found.local else far
    slope = near / far
    return far * sum(share * (1 - math.prod(max(1 - o * slope, 0.0) for o in key)) for key, share in found.pairs)


@lru_cache(maxsize=64)
def greatest(count: float) -> tuple[tuple[float, float], ...]:
    """The largest of `count` normal numbers, of density n phi Phi^(n - 1), by the trapezoidal rule."""
    found = [(-8 + i * 0.3, 0.0) for i in range(54)]
    found = [(t, count * phi(t) * below(t) ** (count - 1)) for t, _ in found]
    total = math.fsum(w for _, w in found)
    kept = [(t, w / total) for t, w in found if w > 1e-7 * total]
    whole = math.fsum(w for _, w in kept)
    return tuple((t, w / whole) for t, w in kept)


@lru_cache(maxsize=256)
def overlapping(count: float, common: float) -> float:
    """The correlation of the largest of two sets of `count` normal numbers that have `common` of them in common.

    Hoeffding's formula: the covariance is the integral of P(A <= x, B <= y) - P(A <= x) P(B <= y), where for x < y the
    first is Phi(x)^n Phi(y)^(n - c).
    """
    if common <= 0:
        return 0.0
    if common >= count:
        return 1.0
    top = greatest(count)
    mean = math.fsum(w * t for t, w in top)
    var = math.fsum(w * (t - mean) ** 2 for t, w in top)
    step = 0.1
    total = low = 0.0
    for i in range(int(14 / step)):
        y = -7 + (i + 0.5) * step
        one = below(y)
        here = one**count
        excess = one ** (count - common) - here
        total += 2 * step * step * excess * (low + here / 2)
        low += here
    return min(total / var, 1.0)

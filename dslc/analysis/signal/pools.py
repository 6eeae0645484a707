"""Pools: means, sums and the largest, over windows or over all places."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from functools import lru_cache

from dslc.analysis.signal.linear import Window, fitting, reshaped, smoothed, spread_back, taps, widened
from dslc.analysis.signal.quadrature import nodes
from dslc.analysis.signal.roles import Back, Missing, Use
from dslc.analysis.signal.stats import (
    ANY,
    NEAR,
    PLACES,
    SAMPLES,
    Four,
    Part,
    Slope,
    Slopes,
    Stats,
    Taken,
    plain,
    times,
)
from dslc.ops.curves import below, phi
from dslc.ops.signals import Curve, Pools
from dslc.record import record, replace

IDENTITY = Curve("id", lambda x: x, lambda x: 1.0, (), (1.0, 1.0))


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
        return Windows(
            read, 1 / read, 1.0, True, shared, stops, False, again, 1.0, alike, together, distances, counts
        )
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


def forward(rule: Pools, use: Use) -> tuple[Stats, ...]:
    x, shape = use.ins[0], use.results[0]
    found = windows(rule, use)
    if found.channels:
        return (Stats((of_channels(rule, x.whole, found.read),), shape.places, shape.width, shape.samples),)
    parts = (x.whole,) if x.by_place else x.parts
    pooled = tuple(largest(rule, use, p, found) if rule.how == "max" else averaged(rule, x, p, found) for p in parts)
    profile = None
    if rule.window and x.profile is not None and fitting(x.profile, use.shapes[0]) is not None:
        mean = rule.how == "max" or not rule.counted
        profile = reshaped(rule.window, use.shapes[0].dims[2:], shape.dims[2:], x.profile, mean)
    return (Stats(pooled, shape.places, shape.width, shape.samples, False, x.growth, profile),)


def averaged(rule: Pools, x: Stats, part: Part, found: Windows) -> Part:
    """Weights w of a mean: sum w^2 of the mean square, the rest of the mean products of the places read."""
    scale = found.read if rule.how == "sum" else 1.0
    if found.read <= 1 and found.whole == 1.0:
        return Part(part.size, part.m, part.q, part.d, part.shape, part.before)
    inside = lacking(part, found)
    w, own = found.whole, found.own
    rest = (found.square if w < 1 else 1.0) - own
    q = own * part.q + rest * (part.q - inside)
    far = w * w
    here = q - far * (part.q - part.d[PLACES])
    share = own / (w * w) if w else 1.0
    samples = share * part.d[SAMPLES] + (1 - share) * part.d[ANY]
    pair_s = q - far * (part.q - samples)
    pair_a = q - far * (part.q - part.d[ANY])
    near = (1 - found.shared) * here
    if found.stops == 1:
        near = here = 0.0
        pair_a = pair_s
    d = times((max(near, 0.0), max(here, 0.0), max(pair_s, 0.0), max(pair_a, 0.0)), scale * scale)
    common = part.common * (smoothed(rule.window, part.blur) if rule.window else 0.0)
    blur = widened(rule.window, part.blur, 1.0)
    return Part(part.size, scale * w * part.m, scale * scale * q, d, common=common, blur=blur)


def of_channels(rule: Pools, part: Part, count: float) -> Part:
    """Over independent channels: a mean has a share of the variance, the largest is that of independent numbers."""
    if rule.how == "max":
        one = source(rule, part, None)
        found = [(w, one.curve.f(one.part.m + one.std * t)) for t, w in greatest(count)]
        m, q = (math.fsum(w * y**k for w, y in found) for k in (1, 2))
        var = q - m * m
        return Part(1.0, rule.sign * m, q, times(part.d, var / part.var if part.var > 0 else 0.0))
    by = count * count if rule.how == "sum" else 1.0
    own = by / count
    square = part.m * part.m
    return Part(1.0, by**0.5 * part.m, by * square + own * part.var, times(part.d, own))


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


@record
class Source:
    """What the largest is taken of: a rising function of a normal number."""

    curve: Curve
    part: Part
    std: float
    near: float  # deviation of the part that neighbours share
    own: float


def source(rule: Pools, part: Part, found: Windows | None) -> Source:
    curve, before = part.before if part.before is not None else (IDENTITY, part)
    if curve.power is not None and (min(curve.power) < 0 or rule.sign < 0):
        curve, before = IDENTITY, part
    var = before.var
    lack = min(lacking(before, found) if found is not None else before.d[PLACES], var)
    return Source(curve, before, math.sqrt(var), math.sqrt(max(var - lack, 0.0)), math.sqrt(max(lack, 0.0)))


def onward(rule: Pools, use: Use, part: Part, found: Windows) -> tuple[Part, Windows, Taken | None]:
    """The largest of what is the largest of windows already is that of larger windows over what these lay on."""
    if not rule.window:
        return replace(part, before=None, taken=None) if part.taken else part, found, None
    read, made, first = use.shapes[0].dims[2:], use.results[0].dims[2:], part.taken
    if first is None:
        return part, found, Taken(rule.window, read, made)
    if first.made != read or any(d > 1 for *_, d in (*rule.window, *first.window)):
        return replace(part, before=None, taken=None), found, Taken(rule.window, read, made)
    window = tuple(
        (k1 + (k2 - 1) * s1, s1 * s2, a1 + a2 * s1, b1 + b2 * s1, 1)
        for (k1, s1, a1, b1, _), (k2, s2, a2, b2, _) in zip(first.window, rule.window, strict=True)
    )
    return part, sliding("max", False, window, first.read, made), Taken(window, first.read, made)


def largest(rule: Pools, use: Use, part: Part, found: Windows) -> Part:
    """Neighbours share a part; of what each has for itself the largest is taken, and then the activation: the largest
    of f(z) is f of the largest z, where f rises. Windows at a border read fewer, so that their means differ.
    """
    if found.read <= 1:
        return part
    part, found, taken = onward(rule, use, part, found)
    one = source(rule, part, found)
    top = greatest(round(found.read, 2))
    lacks = one.part.d
    q = m = steep = uneven = 0.0
    for count, share in found.counts or ((round(found.read, 2), 1.0),):
        own = 0.0
        for s, w in nodes(0.75):
            for t, v in greatest(count):
                z = one.part.m + one.near * s + one.own * t
                y = one.curve.f(z)
                own += w * v * y
                q += share * w * v * y * y
                steep += share * w * v * one.curve.slope(z) ** 2
        m += share * own
        uneven += share * own * own
    uneven -= m * m
    near = _pair(one, top, one.part.var - min(lacks[PLACES], one.part.var)) if found.stops > 1 else 0.0
    samples = _pair(one, top, one.part.var - min(lacks[SAMPLES], one.part.var))
    samples = min(samples, steep * _alike(one, top, lacks[SAMPLES]))
    other = _pair(one, top, one.part.var - min(lacks[ANY], one.part.var))
    far = (1 - found.together) * near + (uneven if found.stops > 1 else 0.0)
    d = ((1 - found.alike) * near, far, samples, other + uneven)
    common, blur = (part.common, widened(rule.window, part.blur, 1.0)) if rule.window else (0.0, ())
    kept = (one.curve, one.part) if taken is not None else None
    return Part(part.size, rule.sign * m, q, d, before=kept, taken=taken, common=common, blur=blur)


def _alike(one: Source, top: tuple[tuple[float, float], ...], lack: float) -> float:
    """What the mean product of the largest lacks, of two samples that are alike place by place: a little noise moves
    the largest as it moves each, much of it chooses another one.
    """
    share = min(lack / one.part.var, 1.0) if one.part.var > 0 else 0.0
    mean = math.fsum(w * t for t, w in top)
    var = math.fsum(w * (t - mean) ** 2 for t, w in top)
    chosen = -var * math.expm1(math.log1p(-share) / var) if share < 1 else var
    return one.near**2 * share + one.own**2 * chosen


def _pair(one: Source, top: tuple[tuple[float, float], ...], common: float) -> float:
    """The mean variance of the largest, given a part of variance `common` that a pair shares."""
    common = min(max(common, 0.0), one.near**2)
    a, b = math.sqrt(common), math.sqrt(max(one.near**2 - common, 0.0))
    total = 0.0
    expected = math.fsum(w * t for t, w in top)
    inner = nodes(1.0) if b > 1e-6 * one.std else ((0.0, 1.0),)
    for s, w in nodes(1.0) if a > 1e-6 * one.std else ((0.0, 1.0),):
        first = second = 0.0
        centre = one.part.m + a * s
        middle = one.curve.f(centre + one.own * expected)
        for r, u in inner:
            for t, v in top:
                y = one.curve.f(centre + b * r + one.own * t) - middle
                first += u * v * y
                second += u * v * y * y
        total += w * (second - first * first)
    return max(total, 0.0)


def backward(rule: Pools, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    slopes, x, found = grads[0], use.ins[0], windows(rule, use)
    assert slopes is not None
    if found.channels:
        one = found.read if rule.how != "sum" else 1.0
        by = 1 / found.read if rule.how == "max" else 1 / one**2
        return Back((tuple(plain(by * slopes[0].g, times(slopes[0].k, by), p) for p in x.parts),))
    own = slopes * len(x.parts) if len(slopes) < len(x.parts) else slopes
    rate = use.results[0].places / max(x.places, 1)
    profile = fitting(slopes[0].profile, use.results[0])
    if profile is not None and rule.window:
        profile = spread_back(rule.window, use.shapes[0].dims[2:], use.results[0].dims[2:], profile)
    if rule.how == "max":
        best = (winners(rule, use, p, s, found, rate) for p, s in zip(x.parts, own, strict=True))
        return Back((tuple(replace(s, profile=profile) for s in best),))
    scale = found.read**2 if rule.how == "sum" else 1.0
    spread = (evenly(p, s, found, rate, scale, x.places) for p, s in zip(x.parts, own, strict=True))
    return Back((tuple(replace(s, profile=profile) for s in spread),))


def evenly(part: Part, slope: Slope, found: Windows, rate: float, scale: float, places: int) -> Slope:
    """Each place gets the sum of the gradients of the windows that read it, by their weights; sums over pairs stay."""
    if found.read <= 1 and found.whole == 1.0 and rate == 1:
        return slope
    windows_of = rate * found.read  # windows that read a place
    weight = found.whole / found.read
    g = weight * weight * (windows_of * slope.g + max(windows_of * windows_of - windows_of, 0.0) * slope.k[NEAR])
    both = rate * rate * found.whole**2
    stops = max(found.stops, 1)
    pairs_sum = (
        slope.g / stops + (1 - 1 / stops) * slope.k[PLACES]
    ) * both  # the mean over all pairs, a place's own too
    far = (places * pairs_sum - g) / (places - 1) if places > 1 else pairs_sum
    samples = (slope.k[SAMPLES] / stops + (1 - 1 / stops) * slope.k[ANY]) * both
    near = g if found.stops == 1 else min(g, max(far, g * (1 - 1 / max(found.read, 1))))
    return plain(scale * g, times((near, far, samples, samples), scale), part)


def winners(rule: Pools, use: Use, part: Part, slope: Slope, found: Windows, rate: float) -> Slope:
    """Only the largest gets a gradient, the sum of those of the windows that chose it."""
    if found.read <= 1:
        return slope
    part, wide, _ = onward(rule, use, part, found)
    one = source(rule, part, wide)
    top = greatest(round(wide.read, 2))
    square = square_z = mean = mean_z = value = 0.0
    for s, w in nodes(0.75):
        for t, v in top:
            z = one.near * s + one.own * t
            f = one.curve.slope(one.part.m + z)
            square += w * v * f * f
            square_z += w * v * (f * z) ** 2
            mean += w * v * f
            mean_z += w * v * f * z
            value += w * v * z
    together = found.again * max(slope.k[NEAR], slope.k[PLACES], 0.0)
    g = rate * (slope.g + together)
    k = times(slope.k, rate * rate)
    k = (k[PLACES], k[PLACES], k[SAMPLES] / max(found.read, 1) + k[ANY] * (1 - 1 / max(found.read, 1)), k[ANY])
    chosen: Four = slope.chosen if slope.chosen is not None else (square, square_z, mean, mean_z)
    if part.before is None or one.part is part:
        v = one.std**2
        return Slope(g, k, g * max(square_z, v), times(k, mean_z**2))
    return Slope(g, k, g * part.var, times(k, 0.0), chosen=chosen)

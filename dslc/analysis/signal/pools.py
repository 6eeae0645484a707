"""Pools: means, sums and the largest, over windows or over all places."""

from __future__ import annotations

import math

from dslc.analysis.signal.likeness import smoothed, widened
from dslc.analysis.signal.quadrature import nodes
from dslc.analysis.signal.roles import Back, Use
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
from dslc.analysis.signal.taps import fitting, reshaped, spread_back
from dslc.analysis.signal.windows import Windows, greatest, lacking, sliding, windows
from dslc.ops.signals import Curve, Pools
from dslc.record import record, replace

IDENTITY = Curve("id", lambda x: x, lambda x: 1.0, (), (1.0, 1.0))


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

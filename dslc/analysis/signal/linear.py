"""Linear maps with independent weights: convolutions, their transposes, products with a matrix, and tables.

Exact in expectation over the weights: the mean square of a result is the variance of a weight times the sum of the mean
squares read (He et al. 2015, arXiv:1502.01852, without pairs and borders); of a pair of results the same with mean
products, where both places read through the same tap. At the border some taps read zeros.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import TypeAlias

from dslc.analysis.signal.laws import Law
from dslc.analysis.signal.roles import Back, Missing, Shape, Use
from dslc.analysis.signal.stats import (
    ANY,
    NEAR,
    PLACES,
    SAMPLES,
    Four,
    Part,
    Profile,
    Slope,
    Slopes,
    Stats,
    four,
    pairs,
    plain,
    product,
    square_of_sum,
    tailed,
    times,
)
from dslc.ops.signals import Looks, Weighs
from dslc.record import record, replace

Window: TypeAlias = tuple[tuple[int, int, int, int, int], ...]
ZERO = Law(0.0, 0.0)
FEW = 100
"""With fewer weights to a result channels differ in their mean squares, so that norms treat them unlike."""


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
) -> Taps:
    """`read`: places along each axis of the map that the window slides over, `made`: of the places where it stops.

    `profile`: how the mean square of what is read goes along each axis, its mean 1: after convolutions with borders
    less is left at the edges, which fewer taps read.
    """
    first = second = near = 1.0
    count = 1
    means: list[float] = []
    nears: list[float] = []
    for axis, ((k, s, before, _, d), size, stops) in enumerate(zip(window, read, made, strict=True)):
        along = profile[axis] if profile is not None else None
        sums, roots, numbers = [], [], []
        for t in range(k):
            low, n = served(t * d - before, s, size, stops)
            numbers.append(n)
            if along is None:
                sums.append(float(n))
                roots.append(float(n))
            else:
                values = along[low * s + t * d - before :: s][:n] if n else ()
                sums.append(math.fsum(values))
                roots.append(math.fsum(map(math.sqrt, values)))
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
) -> Profile:
    """How much a place of the result has in common with all places, along each axis: over the taps inside of it, the
    root of what they read times the sum of what the same tap reads elsewhere, as in `taps`.
    """
    found = []
    for axis, ((k, s, before, _, d), size, stops) in enumerate(zip(window, read, made, strict=True)):
        roots = [math.sqrt(x) for x in profile[axis]] if profile is not None else [1.0] * size
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


def layout(rule: Weighs, use: Use, profile: Profile | None = None) -> Taps:
    """The window of a use; of one without a window each place is read by itself."""
    x, y = use.shapes[0], use.results[0]
    if not rule.window:
        n = y.places
        return Taps(1, n, n * (n - 1), 1.0, False)
    read, made = x.dims[2:], y.dims[2:]
    if rule.turned:
        return taps(rule.window, made, read)
    if not rule.zeros:
        full = math.prod(k for k, *_ in rule.window)
        n = math.prod(made)
        return Taps(full, full * n, full * n * (n - 1), full, any(s > 1 for _, s, *_ in rule.window))
    return taps(rule.window, read, made, profile)


def forward(rule: Weighs, use: Use) -> tuple[Stats, ...]:
    x, weight, bias = use.ins[0], use.laws["weight"], use.laws.get("bias", ZERO)
    if weight.mean**2 > 1e-6 * weight.square:
        raise Missing("weights whose mean is not 0 have no rule")
    profile = fitting(x.profile, use.shapes[0])
    found, made = layout(rule, use, profile), use.results[0].places
    by = weight.var * rule.fan
    if x.by_place and not rule.window:
        parts = tuple(_through(part, (by, by, by, by), by, bias) for part in x.parts)
        return (Stats(parts, made, rule.out, x.samples, True, x.growth),)
    own = by * found.first / made
    apart = by * found.second / (made * (made - 1)) if made > 1 else own
    part = x.whole
    if (
        found.strided
    ):  # neighbours of the result look at places that are further apart, a transposed one's at other taps
        part = replace(part, d=(part.d[PLACES], *part.d[1:]))
    near = 0.0 if found.strided and rule.turned else by * found.near
    result = _through(part, (near, apart, own, apart), own, bias)
    alike = likeness(rule, use, part, x)
    spread = weight.kurt * alike.own / rule.fan if rule.fan * found.count < FEW else 0.0
    inherited = part.common * smoothed(rule.window, part.blur)
    common = inherited + alike.all / x.width
    wander = inherited * (1 - 1 / rule.fan) + (alike.all - alike.own) / rule.fan
    blur = widened(rule.window, part.blur, inherited / common)
    shape = None
    if part.shape is not None and rule.fan * found.count < FEW:
        # A sum of few keeps a part of the excess: sum w^4 / (sum w^2)^2, in the mean over the draws of w.
        kept = (1 + weight.kurt) / (rule.fan / alike.own + weight.kurt)
        shape = tailed(result.m, result.var, kept * part.shape.excess)
    result = replace(result, size=rule.out, spread=spread, alone=1 / rule.fan, shape=shape)
    result = replace(result, wander=wander, common=common, blur=blur)
    after = shares = None
    if rule.window and rule.zeros and not rule.turned:
        after = reshaped(rule.window, use.shapes[0].dims[2:], use.results[0].dims[2:], profile)
        flat = bias.square / result.q if result.q > 0 else 0.0  # the bias is at every place
        after = tuple(tuple((1 - flat) * x + flat for x in along) for along in after)
        shares = in_common(rule.window, use.shapes[0].dims[2:], use.results[0].dims[2:], profile)
        flat = bias.square / result.pair(PLACES) if result.pair(PLACES) > bias.square else 0.0
        shares = tuple(tuple((1 - flat) * x + flat for x in along) for along in shares)
    return (Stats((result,), made, rule.out, x.samples, False, x.growth, after, shares),)


@record
class Likeness:
    """Of the taps of a window, what they read being of a covariance S over samples and places: `own`, the sum of the
    squared variances, `all`, of all squared covariances, both over the squared trace.
    """

    own: float
    all: float


MOST = 130
"""With more taps than these they are taken for uncorrelated, as those far apart are."""


def likeness(rule: Weighs, use: Use, part: Part, x: Stats) -> Likeness:
    """How alike the taps of a window are. A variance w' S w of a result has, over draws of the weights w, the relative
    variance `kurt * own + 2 * (all - own)` in one channel.

    At a border taps read zeros instead of values with a mean, so that those of one side are correlated: with f the
    share of places at which a tap is inside, S = f_tu (c + r_tu v) - f_t f_u c, c the squared mean, v the variance. Of a
    batch of few values S^2 is larger than that by the variance of a covariance, f_tu v^2 over their number.
    """
    count = math.prod(k for k, *_ in rule.window)
    n, p = x.samples, x.places
    base = ((p - 1) * part.d[PLACES] + (n - 1) * (part.d[SAMPLES] + (p - 1) * part.d[ANY])) / (n * p)
    if count == 1 or count > MOST or base <= 0:
        return Likeness(1 / count, 1 / count)
    far = min(max(1 - part.d[PLACES] / base, 0.0), 1.0)
    slope = min(part.d[NEAR] / part.d[PLACES], 1.0) if part.d[PLACES] > 0 else 1.0
    size = (use.shapes[0].dims, use.results[0].dims) if rule.zeros and not rule.turned else ((), ())
    ratio = max(part.q - base, 0.0) / base
    values = n * use.results[0].places
    key = (round(far, 3), round(slope, 3), float(f"{ratio:.2g}"), values)
    return _likeness(rule.window, size[0][2:], size[1][2:], *key)


@lru_cache(maxsize=512)
def _likeness(
    window: Window, read: tuple[int, ...], made: tuple[int, ...], far: float, slope: float, common: float, values: int
) -> Likeness:
    inside: list[list[set[int]]] = []  # along each axis, where each tap is inside
    for axis, (k, s, before, _, d) in enumerate(window):
        spans = [served(t * d - before, s, read[axis], made[axis]) if read else (0, 1) for t in range(k)]
        inside.append([set(range(low, low + n)) for low, n in spans])
    stops = made or (1,) * len(window)
    taps_of = list(itertools.product(*(range(k) for k, *_ in window)))
    alone = [math.prod(len(inside[a][t]) / stops[a] for a, t in enumerate(tap)) for tap in taps_of]
    both = [[[len(one & two) / stops[a] for two in along] for one in along] for a, along in enumerate(inside)]
    near = [[max(1 - o * d * slope, 0.0) for o in range(k)] for k, _, _, _, d in window]
    trace = own = every = 0.0
    for i, one in enumerate(taps_of):
        for j in range(i, len(taps_of)):
            two = taps_of[j]
            shared = kept = 1.0
            for a, (t, u) in enumerate(zip(one, two, strict=True)):
                shared *= both[a][t][u]
                kept *= near[a][abs(t - u)]
            value = shared * (common + far + (1 - far) * kept) - alone[i] * alone[j] * common
            if i == j:
                trace += value
                own += value * value
                every += value * value
            else:
                every += 2 * (value * value + shared / values)
    return Likeness(own / trace**2, every / trace**2) if trace > 0 else Likeness(1 / len(taps_of), 1 / len(taps_of))


def smoothed(window: Window, blur: tuple[float, ...]) -> float:
    """What a mean over the taps of a window leaves of the variance of correlations that are means over a window of
    variance `blur` already: taken for normal ones, those at a distance o have correlation exp(-o^2 / (4 blur)).
    """
    total = 1.0
    for (k, _, _, _, d), wide in zip(window, blur or (0.0,) * len(window), strict=False):
        kept = sum(2 * (k - o) * math.exp(-((o * d) ** 2) / (4 * wide)) for o in range(1, k)) if wide > 0 else 0.0
        total *= (k + kept) / k**2
    return total


def widened(window: Window, blur: tuple[float, ...], share: float) -> tuple[float, ...]:
    """The blur behind a window, where that share of the variance had the one before it, and the rest none."""
    before = blur if len(blur) == len(window) else (0.0,) * len(window)
    return tuple(
        (share * wide + (k * k - 1) * d * d / 12) / s**2 for (k, s, _, _, d), wide in zip(window, before, strict=True)
    )


def fitting(profile: Profile | None, shape: Shape) -> Profile | None:
    """A profile that is of this map; none of another, which something between has changed."""
    if profile is None or tuple(map(len, profile)) != shape.dims[2:]:
        return None
    return profile


def _through(part: Part, by: Four, own: float, bias: Law) -> Part:
    """Mean squares times `own`, mean products times `by`; q' - c' is then `by` (q - c) + (own - by) q."""
    a, b, c, e = (k * d + (own - k) * part.q for k, d in zip(by, part.d, strict=True))
    return Part(part.size, bias.mean, own * part.q + bias.square, (a, b, c, e))


def backward(rule: Weighs, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    """Sums over pairs are conserved: of all places times the mean square of the gradient, the transposed map makes the
    same multiple (Schoenholz et al. 2017, arXiv:1611.01232).
    """
    slopes = grads[0]
    assert slopes is not None
    x, y = use.ins[0], outs[0]
    profile = fitting(slopes[0].profile, use.results[0])
    # Gradients go along the map turned round: the profile is of the result's.
    found = layout(rule, use) if profile is None or rule.turned else turned(rule, use, profile)
    weight, samples = use.laws["weight"], use.results[0].samples
    by = weight.var * rule.out * rule.fan / max(use.shapes[0].width, 1)
    if x.by_place and not rule.window:
        ins = tuple(plain(by * s.g, times(s.k, by), part) for s, part in zip(slopes, x.parts, strict=True))
        own = {
            "weight": sum(
                square_of_product(s, part, part.size, part.size * (part.size - 1), samples)
                for s, part in zip(slopes, x.parts, strict=True)
            ),
            "bias": sum(square_of_sum(s.g, s.k, part.size, samples) for s, part in zip(slopes, x.parts, strict=True)),
        }
        return Back((ins,), own)
    slope, part, read = slopes[0], x.whole, use.shapes[0].places
    own_by = by * found.first / read
    apart = by * found.second / (read * (read - 1)) if read > 1 else own_by
    near = 0.0 if found.strided and not rule.turned else by * found.near * y.places / read
    k = product(slope.k, (near, apart, own_by, apart))
    g = own_by * slope.g
    if slope.boost != 1.0:
        g, k = g / slope.boost, times(k, 1 / slope.boost)
    square = square_of_product(slope, part, found.first, found.second, samples) / found.count
    bias = square_of_sum(slope.g, slope.k, y.places, samples)
    before = None
    if rule.window and rule.zeros and not rule.turned:
        before = spread_back(rule.window, use.shapes[0].dims[2:], use.results[0].dims[2:], profile)
    leans = None
    if slope.bent is not None and slope.bent[0].power is None and rule.fan * found.count < FEW:
        # Taps with large weights bring most of the gradient, and most of the result.
        own = (1 + weight.kurt) / (rule.fan * found.count + weight.kurt)
        leans = (*slope.bent, own) if own < 1 else None
    ins = tuple(replace(plain(g, k, p), profile=before, leans=leans) for p in x.parts)
    return Back((ins,), {"weight": square, "bias": bias})


def turned(rule: Weighs, use: Use, profile: Profile) -> Taps:
    """How the window lies where the gradient of the result, not what is read, has a profile."""
    first = second = 1.0
    plain_taps = layout(rule, use)
    for (k, s, before, _, d), size, along in zip(rule.window, use.shapes[0].dims[2:], profile, strict=True):
        sums, roots = [], []
        for t in range(k):
            low, n = served(t * d - before, s, size, len(along))
            sums.append(math.fsum(along[low : low + n]))
            roots.append(math.fsum(map(math.sqrt, along[low : low + n])))
        first *= sum(sums)
        second *= sum(x * x for x in roots)
    near = plain_taps.near * first / max(plain_taps.first, 1e-300)
    return Taps(plain_taps.count, first, second - first, near, plain_taps.strided)


def square_of_product(slope: Slope, part: Part, first: float, second: float, samples: int) -> float:
    """The mean square of the sum of gradient times value over samples and places: `first` of them, `second` pairs."""
    c, k = pairs(part), slope.k
    same = first * slope.g * part.q + second * k[PLACES] * c[PLACES]
    other = first * k[SAMPLES] * c[SAMPLES] + second * k[ANY] * c[ANY]
    return samples * (same + (samples - 1) * other)


def look(rule: Looks, use: Use) -> tuple[Stats, ...]:
    """Rows of a table, as if all indices were as frequent."""
    table, shape = use.laws["weight"], use.results[0]
    same = shape.width / use.counts["weight"]  # two indices are one and the same as often
    part = Part(shape.width, table.mean, table.square, four(table.var * (1 - same)))
    return (Stats((part,), shape.places, shape.width, shape.samples),)


def look_back(rule: Looks, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    slopes = grads[0]
    assert slopes is not None
    read = use.results[0].samples * use.results[0].places
    g = sum(s.g * p.size for s, p in zip(slopes, outs[0].parts, strict=True)) / outs[0].total
    return Back((None,), {"weight": read * g * use.results[0].width / use.counts["weight"]})

"""Linear maps with independent weights: convolutions, their transposes, products with a matrix, and tables.

Exact in expectation over the weights: the mean square of a result is the variance of a weight times the sum of the mean
squares read (He et al. 2015, arXiv:1502.01852, without pairs and borders); of a pair of results the same with mean
products, where both places read through the same tap. At the border some taps read zeros.
"""

from __future__ import annotations

import math

from dslc.analysis.signal.laws import Law
from dslc.analysis.signal.likeness import likeness, smoothed, widened
from dslc.analysis.signal.roles import Back, Use
from dslc.analysis.signal.stats import (
    ANY,
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
from dslc.analysis.signal.taps import Taps, fitting, in_common, reshaped, served, shared, spread_back, taps
from dslc.ops.signals import Looks, Weighs
from dslc.record import replace

ZERO = Law(0.0, 0.0)
FEW = 100
"""With fewer weights to a result channels differ in their mean squares, so that norms treat them unlike."""


def layout(rule: Weighs, use: Use, profile: Profile | None = None, shares: Profile | None = None) -> Taps:
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
    return taps(rule.window, read, made, profile, shares)


def forward(rule: Weighs, use: Use) -> tuple[Stats, ...]:
    x, weight, bias = use.ins[0], use.laws["weight"], use.laws.get("bias", ZERO)
    profile = fitting(x.profile, use.shapes[0])
    given = x.shares if profile is not None else None
    found, made = layout(rule, use, profile, given), use.results[0].places
    by = weight.square * rule.fan
    shift = weight.mean * rule.fan  # a mean of trained weights adds the same to all channels, times what they read
    if x.by_place and not rule.window:
        parts = tuple(_through(part, (by, by, by, by), by, bias, shift) for part in x.parts)
        return (Stats(parts, made, rule.out, x.samples, True, x.growth),)
    own = by * found.first / made
    apart = by * found.second / (made * (made - 1)) if made > 1 else own
    part = x.whole
    if (
        found.strided
    ):  # neighbours of the result look at places that are further apart, a transposed one's at other taps
        part = replace(part, d=(part.d[PLACES], *part.d[1:]))
    near = 0.0 if found.strided and rule.turned else by * found.near
    result = _through(part, (near, apart, own, apart), own, bias, shift * found.first / made)
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
        shares = in_common(rule.window, use.shapes[0].dims[2:], use.results[0].dims[2:], profile, given)
        flat = bias.square / result.pair(PLACES) if result.pair(PLACES) > bias.square else 0.0
        shares = tuple(tuple((1 - flat) * x + flat for x in along) for along in shares)
    return (Stats((result,), made, rule.out, x.samples, False, x.growth, after, shares),)


def _through(part: Part, by: Four, own: float, bias: Law, shift: float) -> Part:
    """Mean squares times `own`, mean products times `by`; q' - c' is then `by` (q - c) + (own - by) q.

    `shift`: what the mean of a value is multiplied by; it is 0 of drawn weights.
    """
    m = shift * part.m
    a, b, c, e = (k * d + (own - k) * part.q for k, d in zip(by, part.d, strict=True))
    more = m * m + 2 * m * bias.mean
    return Part(part.size, bias.mean + m, own * part.q + bias.square + more, (a, b, c, e))


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
    by = weight.square * rule.out * rule.fan / max(use.shapes[0].width, 1)
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
        of_taps = (1 + weight.kurt) / (rule.fan * found.count + weight.kurt)
        leans = (*slope.bent, of_taps) if of_taps < 1 else None
    ins = tuple(replace(plain(g, k, p), profile=before, leans=leans) for p in x.parts)
    if "original" in use.laws and weight.square > 0:  # through the division by its largest singular value
        square *= weight.square / use.laws["original"].square
    return Back((ins,), {"weight": square, "bias": bias})


def turned(rule: Weighs, use: Use, profile: Profile) -> Taps:
    """How the window lies where the gradient of the result, not what is read, has a profile."""
    first = second = 1.0
    plain_taps = layout(rule, use)
    for (k, s, before, _, d), size, along in zip(rule.window, use.shapes[0].dims[2:], profile, strict=True):
        sums, roots, common = [], [], shared(along, None)
        for t in range(k):
            low, n = served(t * d - before, s, size, len(along))
            sums.append(math.fsum(along[low : low + n]))
            roots.append(math.fsum(common[low : low + n]))
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

"""Norms: of a batch, of a sample, of a group of channels, of a place.

A norm subtracts a mean, so of its gradient it subtracts the mean M, and divides by a length, so it takes out the part R
along its input: g' = (weight^2 / var) (g - M - R). M and R are mean squares of sums over all that is normed together,
hence made of pairs. With many batch norms gradients grow with depth (Yang et al. 2019, arXiv:1902.08129).
"""

from __future__ import annotations

from dslc.analysis.signal.laws import Law
from dslc.analysis.signal.roles import Back, Missing, Use
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
    pairs,
    plain,
    regressed,
    square_of_sum,
    times,
)
from dslc.analysis.signal.taps import even
from dslc.ops.signals import Damps, Normalises
from dslc.record import record, replace

ONE, ZERO = Law(1.0, 1.0), Law(0.0, 0.0)


@record
class Set:
    """What is normed together of a part: its variance, and the mean products of two means: of one sample's set, and of
    two samples' sets.
    """

    var: float
    mean: float
    across: float


def together(rule: Normalises, use: Use, x: Stats, part: Part) -> Set:
    p, n, c = x.places, x.samples, pairs(part)
    between = part.m * part.m
    if rule.over == "batch":
        inside = (p - 1) * part.d[PLACES] + (n - 1) * (part.d[SAMPLES] + (p - 1) * part.d[ANY])
        var = inside / (n * p)
        return Set(var, part.q - var, part.q - var)
    width = use.shapes[0].width
    if rule.over == "channels":
        if not rule.centred:
            return Set(part.q, 0.0, 0.0)
        var = (part.q - between) * (1 - 1 / width)
        return Set(var, part.q - var, between)
    each = width // rule.parts if rule.over == "groups" else 1
    total = each * p
    mean = (part.q + (p - 1) * c[PLACES] + (each - 1) * p * between) / total
    across = (c[SAMPLES] + (p - 1) * c[ANY] + (each - 1) * p * between) / total
    return Set(max(part.q - mean, 0.0), mean, across)


def scale_of(rule: Normalises, use: Use, found: Set) -> float:
    """One over the mean square length."""
    length = use.shapes[0].width if rule.length else 1
    return 1 / ((found.var + rule.eps) * length) if found.var + rule.eps > 0 else 0.0


def sets(rule: Normalises, use: Use) -> tuple[Part, ...]:
    """The parts that are normed by themselves: all channels of a place are normed together."""
    x = use.ins[0]
    return x.parts if x.by_place or rule.over in ("batch", "sample") else (x.whole,)


def forward(rule: Normalises, use: Use) -> tuple[Stats, ...]:
    x = use.ins[0]
    if rule.over == "batch" and x.places * x.samples == 1:
        raise Missing("of one value of a channel no variance is taken: it needs a batch of 2 or more")
    weight, bias = use.laws.get("weight", ONE), use.laws.get("bias", ZERO)
    own = [together(rule, use, x, part) for part in sets(rule, use)]
    own = own * len(x.parts) if len(own) < len(x.parts) else own
    parts = tuple(normed(rule, use, part, found, weight, bias) for part, found in zip(x.parts, own, strict=True))
    profile = None if rule.over == "channels" else centred(x, own[0])
    return (replace(x, parts=parts, growth=1.0, profile=profile, shares=None),)


def centred(x: Stats, found: Set) -> Profile | None:
    """The profile of what a norm leaves where it takes a mean away that many places have in common.

    With p the profile of mean squares q and w that of a place's mean product c with all places (`Stats.shares`), the
    mean square about the mean is p q - 2 w c + c. So the edges, small before the norm since fewer taps read them, may
    be the largest after it: they miss most of what is common.
    """
    if x.profile is None or found.var <= 0:
        return x.profile
    shares = x.shares if x.shares is not None else tuple(even([v**0.5 for v in along]) for along in x.profile)
    q, c = x.whole.q / found.var, found.mean / found.var
    return tuple(
        even([max(q * p - 2 * c * w + c, 0.0) for p, w in zip(one, two, strict=True)])
        for one, two in zip(x.profile, shares, strict=True)
    )


def normed(rule: Normalises, use: Use, part: Part, found: Set, weight: Law, bias: Law) -> Part:
    by = scale_of(rule, use, found)
    # A pair of one set loses the same mean: its difference stays. Of two sets the means differ.
    apart = 0.0 if rule.over == "batch" else found.mean - found.across
    if rule.over == "channels":
        apart = 0.0
    a, b, c, e = part.d
    own = (part.q - found.mean) if rule.centred else part.q
    if rule.over == "channels" and rule.centred:
        own = part.q - part.m * part.m
    lost = (a, b, c - apart, e - apart)
    q = max(by * own, 0.0)
    d = times((lost[0], lost[1], lost[2], lost[3]), by * weight.square)
    mean = 0.0 if rule.centred else part.m * by**0.5
    shape = None
    if part.shape is not None and rule.centred and part.var > 0:
        root = (by * weight.square) ** 0.5
        shape = part.shape.moved(root, -root * part.m)
        wanted, has = weight.square * q, part.var * root * root
        if has > 0 and wanted > 0:
            shape = shape.moved((wanted / has) ** 0.5, bias.mean)
        shape = replace(shape, blur=shape.blur + bias.var)
    m = mean * weight.mean + bias.mean
    return Part(
        part.size,
        m,
        weight.square * q + bias.square + 2 * mean * weight.mean * bias.mean,
        d,
        shape,
        spread=weight.kurt,
        common=part.common,
        blur=part.blur,
    )


def backward(rule: Normalises, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    slopes = grads[0]
    assert slopes is not None
    x, y = use.ins[0], outs[0]
    weight, bias = use.laws.get("weight", ONE), use.laws.get("bias", ZERO)
    n, p = x.samples, x.places
    own = [together(rule, use, x, part) for part in sets(rule, use)]
    own = own * len(x.parts) if len(own) < len(x.parts) else own
    found: list[Slope] = []
    to_weight = to_bias = total = 0.0
    for part, after, slope, one in zip(x.parts, y.parts, slopes, own, strict=True):
        if bias.var > 0:  # `r` of the result, of which the normed value is a part
            slope = regressed(slope, normed(rule, use, part, one, weight, ZERO), after)
            after = normed(rule, use, part, one, weight, ZERO)
        if weight.square == 0:  # the result says nothing of the normed value, which the gradient is independent of
            after = normed(rule, use, part, one, ONE, ZERO)
            slope = plain(slope.g, slope.k, after)
        value = after.var if after.var > 0 else 1.0  # r is of gradient times result, of this mean square
        spots = part.size if x.by_place else p
        size = 1.0 if x.by_place else part.size
        to_bias += size * square_of_sum(slope.g, slope.k, spots, n)
        to_weight += size * square_of_sum(slope.r, slope.rk, spots, n) / value
        total += size
        found.append(back(rule, use, x, part, slope, one, weight, value))
    total = 1.0 if x.by_place else total
    return Back((tuple(found),), {"weight": to_weight / total, "bias": to_bias / total})


def back(rule: Normalises, use: Use, x: Stats, part: Part, slope: Slope, one: Set, weight: Law, value: float) -> Slope:
    """The gradient at the input. `value`: the mean square of the result, by which `r` is divided."""
    n, p, by = x.samples, x.places, scale_of(rule, use, one)
    g, k = slope.g, slope.k
    r, rk = slope.r / value, times(slope.rk, 1 / value)
    if rule.over == "channels":
        width = use.shapes[0].width
        lost = (2.0 if rule.centred else 1.0) / width
        g_in = weight.square * by * g * (1 - lost)
        return plain(g_in, times(k, weight.square * by * (1 - lost)), part)
    if rule.over == "batch":
        mean = (g + (p - 1) * k[PLACES] + (n - 1) * (k[SAMPLES] + (p - 1) * k[ANY])) / (n * p)
        along = (r + (p - 1) * rk[PLACES] + (n - 1) * (rk[SAMPLES] + (p - 1) * rk[ANY])) / (n * p)
        along = 0.0 if use.freed else along  # the loss does not depend on the scale
        factor = by * weight.square
        if weight.kurt > 0.01:  # a channel that a norm behind divided by a small variance had a small weight here
            factor /= slope.boost
        # 1 / var is larger than one over its mean. The relative variance of a variance over n p values is twice the sum
        # of squared correlations of a value with all of them, over n p.
        rho = correlations(part, n, p)
        beside = min(2.0 * spatial(use), p - 1)
        others = beside * rho[NEAR] ** 2 + (p - 1 - beside) * rho[PLACES] ** 2
        others += (n - 1) * (rho[SAMPLES] ** 2 + (p - 1) * rho[ANY] ** 2)
        # What is not mixed of channels has the variance that the norm before gave it.
        wanders = 2 * (1 - part.alone) * (1 + others) / (n * p) + 2 * part.wander * (1 - 1 / (n * p)) ** 2
        boost = 1 / (1 - part.spread) if part.spread < 0.9 else 10.0
        factor /= max(1 - boost * wanders, 0.25)
        kept = max(g - mean - along, 0.0)
        c, q = pairs(part), max(part.q - (part.q - sum_var(part, n, p)), 1e-300)
        shift = part.q - q  # the mean products are about the mean of the batch
        a, b, e, f = ((kk - mean - along * (cc - shift) / q) for kk, cc in zip(k, c, strict=True))
        return (
            plain(factor * boost * kept, times((a, b, e, f), factor * boost), part)
            .boosted(boost)
            .lit(slope.on, slope.profile)
            .through(slope.bent)
        )
    each = use.shapes[0].width // rule.parts if rule.over == "groups" else 1
    mean = (g + (p - 1) * k[PLACES]) / (each * p)
    along = (r + (p - 1) * rk[PLACES]) / (each * p)
    factor = by * weight.square
    kept = max(g - mean - along, 0.0)
    var = max(one.var, 1e-300)
    a, b = (k[i] - mean - along * (part.pair(i) - one.mean) / var for i in (NEAR, PLACES))
    across = (k[SAMPLES] + (p - 1) * k[ANY]) / (each * p)
    return plain(factor * kept, times((a, b, k[SAMPLES] - across, k[ANY] - across), factor), part)


def spatial(use: Use) -> int:
    """The number of axes of places."""
    return sum(1 for axis in use.shapes[0].spots if use.shapes[0].dims[axis] > 1)


def correlations(part: Part, n: int, p: int) -> Four:
    """The correlations of pairs of a batch, about its mean."""
    var = max(sum_var(part, n, p), 1e-300)
    a, b, c, d = part.d
    return 1 - a / var, 1 - b / var, 1 - c / var, 1 - d / var


def sum_var(part: Part, n: int, p: int) -> float:
    """The variance of a part over a batch."""
    return ((p - 1) * part.d[PLACES] + (n - 1) * (part.d[SAMPLES] + (p - 1) * part.d[ANY])) / (n * p)


def damp(rule: Damps, use: Use) -> tuple[Stats, ...]:
    """A factor that hardly varies, where it averages over channels or is near to its constant."""
    x = use.ins[0]
    return (x.with_parts(*(part.scaled(_damped(rule, x)) for part in x.parts)),)


def _damped(rule: Damps, x: Stats) -> float:
    return float((rule.k + rule.alpha * x.whole.q) ** -rule.beta)


def damp_back(rule: Damps, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    slopes, by = grads[0], _damped(rule, use.ins[0]) ** 2
    assert slopes is not None
    return Back((tuple(Slope(by * s.g, times(s.k, by), s.r, s.rk) for s in slopes),))

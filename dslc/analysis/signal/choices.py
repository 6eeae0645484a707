"""What chooses among values: by index, the largest few, the largest of some channels; what replaces some of them; and
quotients.
"""

from __future__ import annotations

import math
from functools import lru_cache

from dslc.analysis.signal.arithmetic import multiply, multiply_back
from dslc.analysis.signal.curves import bent, positive, steep
from dslc.analysis.signal.roles import Back, Use
from dslc.analysis.signal.stats import (
    PLACES,
    Four,
    Part,
    Slopes,
    Stats,
    pairs,
    plain,
    times,
)
from dslc.analysis.signal.windows import greatest
from dslc.ops.curves import below, phi
from dslc.ops.signals import Divides, Peaks, Picks, Ranks, Replaces
from dslc.record import replace

# ---- by index


def pick(rule: Picks, use: Use) -> tuple[Stats, ...]:
    """Two results are one and the same value as often as two indices agree."""
    part, shape = use.ins[0].whole, use.results[0]
    other = 1 - 1 / rule.of
    result = Part(shape.width, part.m, part.q, times(part.d, other))
    return (Stats((result,), shape.places, shape.width, max(shape.samples, use.ins[0].samples)),)


def pick_back(rule: Picks, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    """A value gets the sum of the gradients of those that read it: of independent indices their number has the mean
    and the variance `rate`.
    """
    slopes, x = grads[0], use.ins[0]
    assert slopes is not None
    g, k, rate = slopes[0].g, slopes[0].k, rule.rate
    back = tuple(plain(rate * g + rate * rate * k[PLACES], times(k, rate * rate), part) for part in x.parts)
    return Back((back, *(None,) * (len(use.ins) - 1)))


# ---- the largest


@lru_cache(maxsize=64)
def ranked(of: int, count: int) -> tuple[float, float]:
    """Mean and mean square of the `count` largest of `of` normal numbers: the r-th largest has the density
    n C(n - 1, r - 1) phi (1 - Phi)^(r - 1) Phi^(n - r), whose binomial weights are summed over r.
    """
    m = q = total = 0.0
    for i in range(160):
        t = -8 + (i + 0.5) * 0.1
        above = below(-t)
        density = phi(t) * _at_most(of - 1, count - 1, above)
        total += density
        m += density * t
        q += density * t * t
    return (m / total, q / total) if total > 0 else (0.0, 1.0)


def _at_most(n: int, k: int, p: float) -> float:
    """The probability of at most k of n, each with probability p."""
    if k >= n or p <= 0:
        return 1.0
    if p >= 1:
        return 0.0
    log_p, log_q = math.log(p), math.log1p(-p)
    total = 0.0
    for j in range(k + 1):
        choose = math.lgamma(n + 1) - math.lgamma(j + 1) - math.lgamma(n - j + 1)
        total += math.exp(choose + j * log_p + (n - j) * log_q)
    return min(total, 1.0)


def rank(rule: Ranks, use: Use) -> tuple[Stats, ...]:
    """Of channels that are independent; then their indices, which no gradient reaches."""
    part, shape = use.ins[0].whole, use.results[0]
    m, q = ranked(rule.of, rule.count)
    std = math.sqrt(part.var)
    mean = part.m + rule.sign * m * std
    square = part.m * part.m + 2 * rule.sign * part.m * m * std + part.var * q
    by = (square - mean * mean) / part.var if part.var > 0 else 0.0
    values = Stats((Part(rule.count, mean, square, times(part.d, by)),), shape.places, shape.width, shape.samples)
    index = use.results[1]
    numbers = Stats((Part(rule.count, 1.0, 1.0, (0.0,) * 4),), index.places, index.width, index.samples)
    return values, numbers


def rank_back(rule: Ranks, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    return Back((chosen(use, grads[0], rule.count / rule.of),))


def peak(rule: Peaks, use: Use) -> tuple[Stats, ...]:
    """The largest of independent channels. Of two values that are nearly alike the same channel is the largest."""
    part, shape = use.ins[0].whole, use.results[0]
    top = greatest(float(rule.pieces))
    m = math.fsum(w * t for t, w in top)
    var = math.fsum(w * (t - m) ** 2 for t, w in top)
    mean = part.m + m * math.sqrt(part.var)
    a, b, c, d = (part.var * lack(min(x / part.var, 1.0), var) if part.var > 0 else 0.0 for x in part.d)
    result = Part(part.size / rule.pieces, mean, mean * mean + var * part.var, (a, b, c, d))
    return (Stats((result,), shape.places, shape.width, shape.samples, False, use.ins[0].growth),)


def lack(share: float, var: float) -> float:
    """What the product of two largest numbers lacks, where those they are chosen of lack `share` of their variance."""
    return -var * math.expm1(math.log1p(-share) / var) if share < 1 else var


def peak_back(rule: Peaks, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    return Back((chosen(use, grads[0], 1 / rule.pieces),))


def chosen(use: Use, slopes: Slopes | None, share: float) -> Slopes:
    """The gradient where a share of the channels has one; two samples choose the same as often as they are alike."""
    x = use.ins[0]
    assert slopes is not None
    g, k = slopes[0].g, slopes[0].k

    def of(part: Part) -> Four:
        alike = [max(1 - d / part.var, 0.0) if part.var > 0 else 1.0 for d in part.d]
        a, b, c, d = (y * share * (r + (1 - r) * share) for y, r in zip(k, alike, strict=True))
        return a, b, c, d

    return tuple(plain(share * g, of(part), part) for part in x.parts)


# ---- dropout that keeps means


def substitute(rule: Replaces, use: Use) -> tuple[Stats, ...]:
    x, p = use.ins[0], rule.p
    if not use.dropping or p == 0:
        return (x,)
    a, b, kept, value = rule.scale, rule.shift, 1 - rule.p, rule.value
    parts = []
    for part in x.parts:
        m = kept * part.m + p * value
        q = kept * part.q + p * value * value
        c = [kept * kept * y + 2 * kept * p * part.m * value + (p * value) ** 2 for y in pairs(part)]
        d1, d2, d3, d4 = (a * a * (q - y) for y in c)
        parts.append(Part(part.size, a * m + b, a * a * q + 2 * a * b * m + b * b, (d1, d2, d3, d4)))
    return (x.with_parts(*parts),)


def substitute_back(rule: Replaces, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    slopes = grads[0]
    assert slopes is not None
    if not use.dropping or rule.p == 0:
        return Back((slopes,))
    by, kept = rule.scale * rule.scale, 1 - rule.p
    ins = (
        plain(by * kept * s.g, times(s.k, by * kept * kept), p) for s, p in zip(slopes, use.ins[0].parts, strict=True)
    )
    return Back((tuple(ins),))


# ---- quotients


def divide(rule: Divides, use: Use) -> tuple[Stats, ...]:
    """The first times one over the second, where that stays away from 0."""
    return multiply(rule, inverted(rule, use))


def inverted(rule: Divides, use: Use) -> Use:
    below_line = use.ins[1]
    for part in below_line.parts:
        positive(rule.inverse, part)
    return replace(use, ins=(use.ins[0], below_line.with_parts(*(bent(rule.inverse, p) for p in below_line.parts))))


def divide_back(rule: Divides, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    back = multiply_back(rule, inverted(rule, use), outs, grads)
    to_second = back.ins[1]
    assert to_second is not None
    return Back(
        (back.ins[0], tuple(steep(rule.inverse, p, s) for p, s in zip(use.ins[1].parts, to_second, strict=True)))
    )

"""Softmax of independent normal numbers, whatever their variance."""

from __future__ import annotations

import math
from functools import lru_cache

from dslc.analysis.signal.quadrature import nodes
from dslc.record import frozen

STEP = 0.4
"""Of the logarithm of the variable that is integrated over: the integrands are smooth there."""

HARD = 900.0
"""A variance beyond which a softmax is as good as a maximum."""


@frozen
class Softmax:
    """Of `count` normal numbers x of variance `var` and mean 0: `squares`, the mean of the sum of squared shares;
    `log`, the mean of log sum exp(x); `spread`, its variance.
    """

    squares: float
    log: float
    spread: float


def softmax(count: int, var: float) -> Softmax:
    """To about four digits: of `var` so many are read. Of very many numbers the sums are near to their means, which
    then are enough, to the first order of what they vary.
    """
    var = max(var, 0.0)
    if var < 5 and 200 * math.exp(4 * var) < count:
        wide = math.expm1(var) / count
        return Softmax(math.exp(var) / count, math.log(count) + var / 2 - wide / 2, wide)
    return _softmax(count, float(f"{var:.4g}"))


@lru_cache(maxsize=4096)
def _softmax(count: int, var: float) -> Softmax:
    """With S = sum exp(x) and L(t) = E exp(-t exp(x)) all are integrals over t, since the x are independent.

    E sum p^2 = n E exp(2 x) / S^2 = n int t L2(t) L(t)^(n-1) dt with L2 = E exp(2 x - t exp(x)), by 1 / S^2 =
    int t exp(-t S) dt. And exp(-t S) is P(log S < -log t - G) for a Gumbel G of mean 0.5772 and variance pi^2 / 6, so
    that L(t)^n, in u = -log t, is the distribution of log S + G.
    """
    if count == 1 or var == 0:
        return Softmax(1 / count, math.log(count), 0.0)
    if var > HARD:  # the largest number takes nearly all, and what it lacks goes with one over the deviation
        known, by = _softmax(count, HARD), math.sqrt(var / HARD)
        return Softmax(1 - (1 - known.squares) / by, known.log * by, known.spread * by * by)
    std = math.sqrt(var)
    points = [(math.exp(std * x), w) for x, w in nodes(min(0.5, 1 / std))]
    centre = math.log(count)
    low, high = centre - 6 - 6 * std, centre + 20 + var / 2 + 6 * std  # u; at -log t below `low` nothing is left
    squares = before = 0.0
    mean = square = 0.0
    steps = int((high - low) / STEP)
    for i in range(steps):
        u = low + (i + 0.5) * STEP
        t = math.exp(-u)
        one = two = 0.0
        for e, w in points:
            left = t * e
            if left < 60:
                kept = w * math.exp(-left)
                one += kept
                two += kept * left * left
        every = one ** (count - 1) if one > 0 else 0.0
        squares += STEP * count * two * every
        after = every * one
        mean += (after - before) * (u - STEP / 2)
        square += (after - before) * (u - STEP / 2) ** 2
        before = after
    first = mean + (1 - before) * high
    second = square + (1 - before) * high * high
    log = first - 0.5772156649
    return Softmax(
        min(max(squares, 1 / count), 1.0), log, max(second - first * first - math.pi**2 / 6 - STEP**2 / 12, 0.0)
    )

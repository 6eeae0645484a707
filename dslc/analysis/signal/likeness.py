"""How alike the values that a window reads are, and so how unlike the variances of channels.

Over the draws of weights the correlation of two places of a batch varies: by 1 over the number of channels that it is a
mean over, and by what it varied before, less what a mean over taps takes away. A norm divides each channel by its own
variance, and one over that is the larger in the mean the more these differ.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache

from dslc.analysis.signal.roles import Use
from dslc.analysis.signal.stats import ANY, NEAR, PLACES, SAMPLES, Part, Stats
from dslc.analysis.signal.taps import Window, served
from dslc.ops.signals import Weighs
from dslc.record import record


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
    share of places at which a tap is inside, S = f_tu (c + r_tu v) - f_t f_u c, c the squared mean, v the variance. Of
    a batch of few values S^2 is larger than that by the variance of a covariance, f_tu v^2 over their number.
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

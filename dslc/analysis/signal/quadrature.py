"""Expectations of activations: of a normal number, of a mixture, and of two that are correlated.

Two numbers z and z' of mean m, mean square q and mean product q - d are m + sqrt(q - m^2 - d) s + sqrt(d) t with one s
for both: the mean of a product is the mean over s of the square of a mean over t, and what it lacks to the mean square
is a mean over s of variances over t, which loses no digits however near the two are (Poole et al. 2016,
arXiv:1606.05340, have the recursion; Cho and Saul 2009 the closed form of rectifiers).
"""

from __future__ import annotations

import math
from functools import lru_cache

from dslc.analysis.signal.stats import Four, Marginal, Part
from dslc.ops.curves import below, phi
from dslc.ops.signals import Curve
from dslc.record import frozen

REACH = 6.0
"""Nodes lie within so many deviations."""
COARSE = 0.05
"""The finest step: through a normal that is twenty times as wide, a bend is a kink to a per cent."""
ATOMS = 24
"""Atoms of a distribution that is not normal."""


@lru_cache(maxsize=64)
def nodes(step: float) -> tuple[tuple[float, float], ...]:
    """Places and weights of the trapezoidal rule for the normal density: for smooth functions its error is
    exp(-2 pi^2 / step^2) (Trefethen and Weideman 2014).
    """
    count = int(REACH / step)
    places = [(i + 0.5) * step for i in range(-count, count)]  # none at 0, where many slopes jump
    found = [(x, step * phi(x)) for x in places]
    total = math.fsum(w for _, w in found)
    return tuple((x, w / total) for x, w in found)


def step_of(curve: Curve, std: float) -> float:
    """Fine enough for bends of width 1, seen through a normal of deviation `std`; finer where the slope jumps."""
    step = 0.25 if curve.kinks else 0.5
    return step if std <= 2 else max(step * 2 / std, COARSE)


@lru_cache(maxsize=256)
def jumps(curve: Curve, power: int) -> tuple[tuple[float, float], ...]:
    """Where a power of the slope jumps, and by how much."""
    found = ((x, curve.slope(x + 1e-9) ** power - curve.slope(x - 1e-9) ** power) for x in curve.kinks)
    return tuple((x, jump) for x, jump in found if abs(jump) > 1e-6)


@frozen
class Single:
    """Of f(z): mean, mean square; of f'(z) and of f'(z) (z - m): mean squares; shares of units whose slope is
    below a tenth of the largest, and 0.
    """

    m: float
    q: float
    slope: float
    slope_z: float
    saturated: float
    dead: float


def single(curve: Curve, part: Part) -> Single:
    """Expectations over one element of a part."""
    if part.shape is not None:
        m, blur = part.m, part.shape.blur
        found = [(w, of_normal(curve, x, blur, m)) for x, w in part.shape.atoms]
        return Single(*(math.fsum(w * one[i] for w, one in found) for i in range(6)))
    return Single(*of_normal(curve, part.m, part.var))


Six = tuple[float, float, float, float, float, float]


@lru_cache(maxsize=4096)
def of_normal(curve: Curve, m: float, var: float, about: float | None = None) -> Six:
    about = m if about is None else about
    if var < 1e-24 * (m * m + 1e-200):
        f, slope = curve.f(m), curve.slope(m)
        return f, f * f, slope * slope, slope * slope * (m - about) ** 2, float(abs(slope) < 0.1), float(slope == 0)
    std = math.sqrt(var)
    if curve.power is not None:
        low, high = curve.power
        u = m / std
        above, density = below(u), phi(u)
        positive = m * above + std * density  # of z where it is above 0: mean, then mean square
        square = (m * m + var) * above + m * std * density
        rest = m * m + var - square
        q = high * high * square + low * low * rest
        slope = high * high * above + low * low * (1 - above)
        most = max(abs(low), abs(high))
        flat = sum(share for side, share in ((low, 1 - above), (high, above)) if abs(side) < 0.1 * most)
        dead = sum(share for side, share in ((low, 1 - above), (high, above)) if side == 0)
        mean = high * positive + low * (m - positive)
        kept = high * high * positive + low * low * (m - positive)  # of f'^2 z
        slope_z = q - 2 * about * kept + about * about * slope
        return mean, q, slope, slope_z, flat, dead
    m1 = q1 = s2 = s2z = saturated = dead = 0.0
    squares = jumps(curve, 2)
    for kink, jump in squares:  # of the square of the slope, in closed form: a sum over nodes would be coarse
        u, off = (m - kink) / std, m - about
        s2 += jump * below(u)
        s2z += jump * (var * (below(u) - u * phi(u)) + 2 * std * off * phi(u) + off * off * below(u))
    points = nodes(step_of(curve, std))
    slopes = [curve.slope(m + std * t) for t, _ in points]
    top = 0.1 * max(map(abs, slopes))
    for (t, w), value in zip(points, slopes, strict=True):
        z = m + std * t
        y = curve.f(z)
        m1 += w * y
        q1 += w * y * y
        smooth = value * value - sum(jump for kink, jump in squares if z > kink)
        s2 += w * smooth
        s2z += w * smooth * (z - about) ** 2
        saturated += w * (abs(value) < top)
        dead += w * (value == 0)
    return m1, q1, s2, s2z, saturated, dead


@frozen
class Pair:
    """Of two correlated numbers: what the mean product of f lacks to its mean square, the mean product of the slopes,
    and that of slope times number less its mean.
    """

    d: float
    slope: float
    slope_z: float


def paired(curve: Curve, part: Part) -> tuple[Pair, Pair, Pair, Pair]:
    """Expectations over the four kinds of pairs of a part. Where its distribution is not normal, correlations are those
    of a normal of the same mean square, which is an approximation.
    """
    found = [of_pair(curve, part.m, part.q, d) for d in part.d]
    if part.shape is None:
        return found[0], found[1], found[2], found[3]
    normal, own = Single(*of_normal(curve, part.m, part.var)), single(curve, part)
    before, after = normal.q - normal.m**2, own.q - own.m**2
    by = after / before if before > 0 else 1.0
    steep = own.slope / normal.slope if normal.slope else 1.0
    steep_z = own.slope_z / normal.slope_z if normal.slope_z else 1.0
    a, b, c, d = (Pair(by * p.d, steep * p.slope, steep_z * p.slope_z) for p in found)
    return a, b, c, d


@lru_cache(maxsize=8192)
def of_pair(curve: Curve, m: float, q: float, d: float) -> Pair:
    var = max(q - m * m, 0.0)
    d = min(max(d, 0.0), 2 * var)
    if d <= 1e-13 * var or var == 0:
        one = of_normal(curve, m, var)
        return Pair(d * one[2], one[2], one[3])
    if curve.power is not None and abs(m) < 1e-9 * math.sqrt(var):
        return _arc(*curve.power, var, d)
    if d > var * (1 + 1e-12):  # negatively correlated: the mirror of as much to the other side, which holds near 0
        none, other = of_pair(curve, m, q, var), of_pair(curve, m, q, 2 * var - d)
        return Pair(2 * none.d - other.d, 2 * none.slope - other.slope, 2 * none.slope_z - other.slope_z)
    d = min(d, var)
    common, own = math.sqrt(max(var - d, 0.0)), math.sqrt(d)
    points = nodes(step_of(curve, common)) if common > 0 else ((0.0, 1.0),)
    if curve.power is not None:
        return _rectified(*curve.power, m, common, own, points)
    inner = nodes(step_of(curve, own))
    f, slope = curve.f, curve.slope
    kinks = jumps(curve, 1)
    total = steep = steep_z = 0.0
    for s, w in points:
        centre = m + common * s
        middle = f(centre)
        first = second = b = bz = 0.0
        for kink, jump in kinks:
            u = (centre - kink) / own
            b += jump * below(u)
            bz += jump * ((centre - m) * below(u) + own * phi(u))
        for t, v in inner:
            z = centre + own * t
            y = f(z) - middle  # about the middle, so that no digits are lost
            first += v * y
            second += v * y * y
            k = v * (slope(z) - sum(jump for kink, jump in kinks if z > kink))
            b += k
            bz += k * (z - m)
        total += w * (second - first * first)
        steep += w * b * b
        steep_z += w * bz * bz
    return Pair(max(total, 0.0), steep, steep_z)


def _arc(low: float, high: float, q: float, d: float) -> Pair:
    """The arc-cosine kernels of degree 1 and 0, for slopes `low` and `high`."""
    rho = 1 - d / q
    theta = 2 * math.asin(min(math.sqrt(d / (2 * q)), 1.0))
    bend = theta**3 / 3 if theta < 1e-2 else math.sin(theta) - theta * math.cos(theta)
    lack = d / 2 - q * bend / (2 * math.pi)  # of relu
    gap = high - low
    # f = low z + gap relu(z), and E z relu(z') = rho q / 2
    lost = low * low * d + low * gap * d + gap * gap * max(lack, 0.0)
    both = low * low + low * gap + gap * gap * (math.pi - theta) / (2 * math.pi)
    value = (low * low + low * gap) * rho * q + gap * gap * (q / 2 - lack)
    return Pair(lost, both, value)


def _rectified(
    low: float, high: float, m: float, common: float, own: float, points: tuple[tuple[float, float], ...]
) -> Pair:
    total = steep = steep_z = 0.0
    for s, w in points:
        centre = m + common * s
        u = centre / own
        above, density = below(u), phi(u)
        positive = centre * above + own * density
        square = (centre * centre + own * own) * above + centre * own * density
        mean = high * positive + low * (centre - positive)
        if abs(u) > 6:
            total += w * own * own * (high * high if u > 0 else low * low)
        else:
            q = high * high * square + low * low * (centre * centre + own * own - square)
            total += w * max(q - mean * mean, 0.0)
        slope = low + (high - low) * above
        steep += w * slope * slope
        steep_z += w * (mean - m * slope) ** 2
    return Pair(total, steep, steep_z)


def image(curve: Curve, part: Part, mean: float, square: float) -> Marginal:
    """The distribution of f(z) as atoms, with exactly this mean and mean square."""
    if part.shape is None:
        std = math.sqrt(part.var)
        source = [(part.m + std * t, w) for t, w in nodes(0.25)]
    else:
        wide = math.sqrt(part.shape.blur)
        inner = nodes(0.75) if wide else ((0.0, 1.0),)
        source = [(x + wide * t, w * v) for x, w in part.shape.atoms for t, v in inner]
    values = sorted((curve.f(z), w) for z, w in source)
    atoms: list[tuple[float, float]] = []
    total = weighted = 0.0
    for i, (x, w) in enumerate(values):
        total += w
        weighted += w * x
        last = i + 1 == len(values)
        if last or (total >= 1 / ATOMS and values[i + 1][0] != x):
            atoms.append((weighted / total, total))
            total = weighted = 0.0
    m = math.fsum(x * w for x, w in atoms)
    var = math.fsum((x - m) ** 2 * w for x, w in atoms)
    by = math.sqrt(max(square - mean * mean, 0.0) / var) if var > 0 else 0.0
    least = 1e-6 * math.sqrt(square)  # what a rectifier stopped is 0, not nearly so
    moved = (((x - m) * by + mean, w) for x, w in atoms)
    return Marginal(tuple((x if abs(x) > least else 0.0, w) for x, w in moved))


def points(part: Part, curve: Curve) -> list[tuple[float, float]]:
    """Values of a part with their weights, fine enough for an activation of it."""
    centres = part.shape.atoms if part.shape is not None else ((part.m, 1.0),)
    std = math.sqrt(part.shape.blur if part.shape is not None else part.var)
    around = nodes(step_of(curve, std)) if std > 0 else ((0.0, 1.0),)
    return [(x + std * t, w * v) for x, w in centres for t, v in around]


def fours(found: tuple[Pair, Pair, Pair, Pair], name: str) -> Four:
    a, b, c, d = (float(getattr(p, name)) for p in found)
    return a, b, c, d

"""What is known of a value and of its gradient at initialisation.

Pairs of elements of one channel come in four kinds, which tuples hold in this order: two neighbouring places of a
sample, any two places of a sample, the same place of two samples, different places of two samples.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from dslc.ops.signals import Curve
from dslc.record import frozen, record, replace

Four: TypeAlias = tuple[float, float, float, float]
NEAR, PLACES, SAMPLES, ANY = range(4)
Profile: TypeAlias = tuple[tuple[float, ...], ...]
"""Relative mean squares along each axis of a map, of mean 1."""
NONE: Four = (0.0, 0.0, 0.0, 0.0)


@frozen
class Marginal:
    """A distribution as atoms (value, weight), each blurred by a normal of variance `blur`."""

    atoms: tuple[tuple[float, float], ...]
    blur: float = 0.0

    def moved(self, scale: float, shift: float) -> Marginal:
        return Marginal(tuple((scale * x + shift, w) for x, w in self.atoms), scale * scale * self.blur)

    @property
    def excess(self) -> float:
        """The fourth cumulant over the squared variance: 0 of a normal distribution."""
        m = sum(w * x for x, w in self.atoms)
        std = math.sqrt(sum(w * (x - m) ** 2 for x, w in self.atoms))
        if std == 0:
            return 0.0
        fourth = sum(w * ((x - m) / std) ** 4 for x, w in self.atoms)
        return (fourth - 3) / (1 + self.blur / (std * std)) ** 2


def tailed(m: float, var: float, excess: float) -> Marginal | None:
    """A symmetric distribution of this mean, variance and (positive) excess, up to 3: most at the mean, a twelfth at b
    to each side, all blurred. Such atoms have the variance b^2 / 6 and the fourth cumulant b^4 / 12.
    """
    if excess < 0.02 or var <= 0:
        return None
    b = math.sqrt(math.sqrt(12 * min(excess, 2.9)) * var)
    return Marginal(((m - b, 1 / 12), (m, 5 / 6), (m + b, 1 / 12)), var - b * b / 6)


@frozen
class Taken:
    """The windows that a part is the largest of, over `before`: kernel, stride, padding and dilation for each axis, the
    sizes of the map that they lie on and of the one that they make.
    """

    window: tuple[tuple[int, int, int, int, int], ...]
    read: tuple[int, ...]
    made: tuple[int, ...]


@record
class Part:
    """Some channels or places of a value: `size` of them.

    `m`, `q`: mean and mean square of an element; `d`: q less the mean product of a pair, by kind. `shape`: the
    distribution where it is not normal. `before`: the activation that made it, and what it was made of; `taken`: it is
    the largest of windows of that; `inner`: that activation and part, with what it was multiplied by and what was added
    since. `spread`: the relative variance of mean squares over channels (of few taps the law
    of large numbers does not hold). `row`: q less the mean product along the last axis, of attention's scores. `sums`:
    softmax made it, and the sum of its squares along that axis is this. `alone`: one over the channels that each was
    mixed of. `wander`: by how much correlations of two places of a batch vary over the draws of weights, as one channel
    sees them (less what the lengths of its own weights do); `common`: of their mean over all channels; `blur`: the
    variance along each axis of the window over which that is a mean. `masks`: it is a mask of places that are too far
    apart.
    """

    size: float
    m: float
    q: float
    d: Four
    shape: Marginal | None = None
    before: tuple[Curve, Part] | None = None
    spread: float = 0.0
    row: float | None = None
    sums: float | None = None
    masks: bool = False
    alone: float = 0.0
    taken: Taken | None = None
    wander: float = 0.0
    common: float = 0.0
    inner: tuple[Curve, Part, float, float] | None = None
    blur: tuple[float, ...] = ()

    @property
    def var(self) -> float:
        return max(self.q - self.m * self.m, 0.0)

    def pair(self, kind: int) -> float:
        """The mean product of a pair."""
        return self.q - self.d[kind]

    def scaled(self, by: float, shift: float = 0.0) -> Part:
        m = by * self.m + shift
        q = by * by * self.q + 2 * by * shift * self.m + shift * shift
        d = tuple(by * by * x for x in self.d)
        shape = None if self.shape is None else self.shape.moved(by, shift)
        d4 = (d[0], d[1], d[2], d[3])
        inner = None
        if self.inner is not None:
            curve, part, scale, offset = self.inner
            inner = (curve, part, by * scale, by * offset + shift)
        return replace(self, m=m, q=q, d=d4, shape=shape, before=None, taken=None, row=None, sums=None, inner=inner)


@record
class Stats:
    """A value: `parts` along its channels, or along its places (`by_place`).

    `places` of each sample, `width` channels, `samples`: 1 of a value that is the same for all.
    `growth`: by how much a small relative change of the mean square has grown on the way to it. `profile`: how the mean
    square goes along each axis of a map, where it is known not to be even; `shares`: how the mean product of a place
    with all places does, of what a convolution made (of all else it goes by the root of the profile).
    """

    parts: tuple[Part, ...]
    places: int
    width: int
    samples: int
    by_place: bool = False
    growth: float = 1.0
    profile: Profile | None = None
    shares: Profile | None = None

    @property
    def whole(self) -> Part:
        """All parts as one."""
        if len(self.parts) == 1:
            return self.parts[0]
        return gathered(self.parts) if self.by_place else merged(self.parts)

    @property
    def total(self) -> float:
        return sum(part.size for part in self.parts)

    def with_parts(self, *parts: Part) -> Stats:
        return replace(self, parts=parts)


def merged(parts: tuple[Part, ...]) -> Part:
    """The mean of parts along channels."""
    total = sum(part.size for part in parts)
    shares = [(part, part.size / total) for part in parts]

    def mean(values: list[float]) -> float:
        return sum(value * share for value, (_, share) in zip(values, shares, strict=True))

    d = [mean([part.d[kind] for part in parts]) for kind in range(4)]
    m, q = mean([p.m for p in parts]), mean([p.q for p in parts])
    power = sum(part.d[ANY] * share for part, share in shares) ** 2
    common = sum(part.common * (part.d[ANY] * share) ** 2 for part, share in shares)
    return Part(total, m, q, (d[0], d[1], d[2], d[3]), common=common / power if power > 0 else 0.0, blur=parts[0].blur)


def gathered(parts: tuple[Part, ...]) -> Part:
    """The mean of parts along places. Places of two parts have only their means in common."""
    own = merged(parts)
    total = own.size
    count = total * (total - 1)
    if count <= 0:
        return own
    inside = [part.size * (part.size - 1) for part in parts]
    apart = count - sum(inside)
    mean = (own.m * total) ** 2 - sum((part.m * part.size) ** 2 for part in parts)
    cross = mean / apart if apart > 0 else 0.0

    def lack(kind: int) -> float:
        pairs_of = sum(n * part.pair(kind) for n, part in zip(inside, parts, strict=True))
        return own.q - (pairs_of + apart * cross) / count

    return replace(own, d=(lack(NEAR), lack(PLACES), own.d[SAMPLES], lack(ANY)))


@record
class Slope:
    """The gradient at a part of a value.

    `g`: mean square; `k`: mean products of pairs by kind; `r` and `rk`: the same of gradient times value less its mean.
    `chosen`: where the gradient is at units that a pool took, of the slope f' of the activation there and the value z
    less its mean: the means of f'^2, f'^2 z^2, f' and f' z. `boost`: the factor that unlike channels (`spread`) put in,
    which the map before takes out again. `gate`: a rectifier stands behind, which lets it through by the sign of the
    value alone. `on`: where the value is live, its mean square over that of all (a rectifier behind a sum passes more
    where a rectifier before it passed). `ways`: the independent gradients of several readers that it is the sum of,
    where they depend on the value in unlike ways (a pool's, at the live units alone, beside a skip's). `bent`: it came
    through this activation of this part. `leans`: that activation's argument has such a share of its variance from the
    value that this is the gradient at. `joint`: of two activations on each other, the mean square of both slopes'
    product over the product of the means.
    """

    g: float
    k: Four = NONE
    r: float = 0.0
    rk: Four = NONE
    boost: float = 1.0
    chosen: Four | None = None
    on: float = 1.0
    gate: Curve | None = None
    profile: Profile | None = None
    ways: tuple[Slope, ...] = ()
    bent: tuple[Curve, Part] | None = None
    leans: tuple[Curve, Part, float] | None = None
    joint: float = 1.0

    def scaled(self, by: float) -> Slope:
        """The gradient times a number whose square is `by`."""
        return Slope(by * self.g, times(self.k, by), by * self.r, times(self.rk, by))

    def boosted(self, by: float) -> Slope:
        return replace(self, boost=by)

    def through(self, bent: tuple[Curve, Part] | None) -> Slope:
        return replace(self, bent=bent)

    def lit(self, by: float, profile: Profile | None = None) -> Slope:
        return replace(self, on=by, profile=self.profile if profile is None else profile)


Slopes: TypeAlias = tuple[Slope, ...]
"""One for each part of the value."""


def times(four: Four, by: float) -> Four:
    a, b, c, d = four
    return by * a, by * b, by * c, by * d


def plus(one: Four, other: Four) -> Four:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] + other[3]


def product(one: Four, other: Four) -> Four:
    return one[0] * other[0], one[1] * other[1], one[2] * other[2], one[3] * other[3]


def four(value: float) -> Four:
    return value, value, value, value


def pairs(part: Part) -> Four:
    """The mean products of pairs of a part."""
    q, d = part.q, part.d
    return q - d[0], q - d[1], q - d[2], q - d[3]


def plain(g: float, k: Four, part: Part) -> Slope:
    """A gradient that does not depend on the value it is at."""
    square = part.m * part.m
    a, b, c, d = pairs(part)
    return Slope(g, k, g * part.var, product(k, (a - square, b - square, c - square, d - square)))


def regressed(slope: Slope, part: Part, result: Part) -> Slope:
    """The gradient at a sum as one at an independent summand: how it depends on that follows by regression."""
    by = part.var / result.var if result.var > 0 else 0.0
    rest = part.var - by * by * result.var
    one, two = part.m * part.m, result.m * result.m
    own = [(c - one) - by * by * (e - two) for c, e in zip(pairs(part), pairs(result), strict=True)]
    rk = plus(times(slope.rk, by * by), product(slope.k, (own[0], own[1], own[2], own[3])))
    return Slope(
        slope.g, slope.k, by * by * slope.r + rest * slope.g, rk, slope.boost, gate=slope.gate, profile=slope.profile
    )


def added(one: Slopes | None, other: Slopes) -> Slopes:
    """The sum of two independent gradients at one value."""
    if one is None:
        return other
    return tuple(both(a, b) for a, b in zip(one, other, strict=True))


def mixed(one: Profile | None, other: Profile | None, a: float, b: float) -> Profile | None:
    """The profile of a sum, of parts with these mean squares; one that is not known is even."""
    if one is None and other is None:
        return None
    if a + b <= 0:
        return one
    known = one if one is not None else other
    assert known is not None
    one, other = (one or tuple((1.0,) * len(x) for x in known)), (other or tuple((1.0,) * len(x) for x in known))
    if [len(x) for x in one] != [len(x) for x in other]:
        return None
    share = a / (a + b)
    return tuple(
        tuple(share * v + (1 - share) * w for v, w in zip(x, y, strict=True)) for x, y in zip(one, other, strict=True)
    )


def both(a: Slope, b: Slope) -> Slope:
    """The sum of two independent gradients."""
    g = a.g + b.g
    on = (a.g * a.on + b.g * b.on) / g if g > 0 else 1.0
    profile = mixed(a.profile, b.profile, a.g, b.g)
    even = a.g / a.boost + b.g / b.boost
    boost = g / even if even > 0 else 1.0
    ways = (*(a.ways or (a,)), *(b.ways or (b,))) if any(x.chosen or x.ways for x in (a, b)) else ()
    return Slope(g, plus(a.k, b.k), a.r + b.r, plus(a.rk, b.rk), boost=boost, on=on, profile=profile, ways=ways)


def square_of_sum(own: float, by: Four, places: float, samples: float) -> float:
    """The mean square of a sum over all places of all samples of what has these mean products."""
    same = places * own + places * (places - 1) * by[PLACES]
    return samples * same + samples * (samples - 1) * (places * by[SAMPLES] + places * (places - 1) * by[ANY])

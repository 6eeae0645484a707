"""Sums, products, gates, dropout and softmax."""

from __future__ import annotations

import math

from dslc.analysis.signal.curves import bent, steep
from dslc.analysis.signal.quadrature import ATOMS, of_normal
from dslc.analysis.signal.roles import Back, Missing, Shape, Use
from dslc.analysis.signal.softmax import softmax
from dslc.analysis.signal.stats import (
    ANY,
    NEAR,
    PLACES,
    SAMPLES,
    Four,
    Marginal,
    Part,
    Slope,
    Slopes,
    Stats,
    mixed,
    pairs,
    plain,
    plus,
    product,
    regressed,
    times,
)
from dslc.ops.signals import Adds, Constant, Divides, Drops, Gates, Masks, Multiplies, Scales, Softens
from dslc.record import replace


def spread_over(x: Stats, shape: Shape) -> Stats:
    """A value repeated over the places and samples of a result that it lacks."""
    if x.places == shape.places and x.samples == shape.samples:
        return x
    parts = x.parts
    if x.places != shape.places:
        parts = (x.whole,) if x.by_place else parts
        if x.places == 1:  # the same at all places
            parts = tuple(replace(p, d=(0.0, 0.0, p.d[SAMPLES], p.d[SAMPLES]), before=None) for p in parts)
    if x.samples != shape.samples and x.samples == 1:
        parts = tuple(replace(p, d=(p.d[NEAR], p.d[PLACES], 0.0, p.d[PLACES]), before=None) for p in parts)
    return replace(x, parts=parts, places=shape.places, samples=shape.samples)


def placed(x: Stats, own: Shape, shape: Shape) -> Stats:
    """A tensor without samples (a parameter) by the roles that the result gives its axes, aligned at the right."""
    if x.samples > 1 or x.by_place:
        return x
    shift = len(shape.dims) - len(own.dims)
    places = math.prod(own.dims[axis - shift] for axis in shape.spots if axis >= shift)
    places = max(places, 1)
    if places == x.places:
        return x
    part = x.whole
    size = math.prod(own.dims) / places
    return replace(x, parts=(replace(part, size=size),), places=places, width=max(int(size), 1))


def sides(use: Use) -> tuple[Stats, Stats]:
    """Both inputs by the roles of the result's axes."""
    shape = use.results[0]
    return placed(use.ins[0], use.shapes[0], shape), placed(use.ins[1], use.shapes[1], shape)


def aligned(a: Stats, b: Stats, shape: Shape) -> tuple[Stats, Stats]:
    """Both sides over the result, cut into the same parts."""
    a, b = spread_over(a, shape), spread_over(b, shape)
    if [p.size for p in a.parts] == [p.size for p in b.parts] and a.by_place == b.by_place:
        return a, b
    if a.by_place or b.by_place:
        places = a if a.by_place else b
        return _cut(a, places), _cut(b, places)
    return replace(a, parts=(a.whole,)), replace(b, parts=(b.whole,))


def _cut(x: Stats, like: Stats) -> Stats:
    """A value of one part as parts of places."""
    if x.by_place:
        return x
    whole = x.whole
    return replace(x, parts=tuple(replace(whole, size=p.size) for p in like.parts), by_place=True)


def restored(x: Stats, places: int, samples: int, slopes: Slopes, cut: Stats) -> Slopes:
    """The gradient of a side from that of the side over the result: summed over what it was repeated over."""
    if len(slopes) != len(x.parts):
        total = sum(p.size for p in cut.parts)
        shares = [(s, p.size / total) for s, p in zip(slopes, cut.parts, strict=True)]
        mean = Slope(
            sum(s.g * w for s, w in shares),
            _mean([(s.k, w) for s, w in shares]),
            sum(s.r * w for s, w in shares),
            _mean([(s.rk, w) for s, w in shares]),
        )
        slopes = (mean,) * len(x.parts)
    found = []
    for slope, part in zip(slopes, x.parts, strict=True):
        p, g, k = places, slope.g, slope.k
        if x.places == 1 and p > 1:
            g = p * slope.g + p * (p - 1) * slope.k[PLACES]
            across = p * slope.k[SAMPLES] + p * (p - 1) * slope.k[ANY]
            k = (0.0, 0.0, across, across)
        if x.samples == 1 and samples > 1:
            n = samples
            g = n * g + n * (n - 1) * k[SAMPLES]
            apart = n * k[PLACES] + n * (n - 1) * k[ANY]
            k = (n * k[NEAR] + n * (n - 1) * k[ANY], apart, 0.0, 0.0)
        found.append(slope if (x.places == p or p == 1) and x.samples == samples else plain(g, k, part))
    return tuple(found)


def _mean(shares: list[tuple[Four, float]]) -> Four:
    a, b, c, d = (sum(k[i] * w for k, w in shares) for i in range(4))
    return a, b, c, d


def add(rule: Adds, use: Use) -> tuple[Stats, ...]:
    """A sum of independent values: mean squares and products add, with the products of the means. Where one is not
    normal (what left a rectifier) the sum keeps its distribution.
    """
    shape = use.results[0]
    a, b = aligned(*sides(use), shape)
    parts = tuple(_sum(p, q if rule.sign > 0 else q.scaled(-1.0)) for p, q in zip(a.parts, b.parts, strict=True))
    profile = mixed(a.profile, b.profile, a.whole.q, b.whole.q)
    return (replace(a, parts=parts, width=shape.width, growth=max(a.growth, b.growth), profile=profile, shares=None),)


def _sum(a: Part, b: Part) -> Part:
    m, q = a.m + b.m, a.q + b.q + 2 * a.m * b.m
    one, two = max(a.d[ANY], 0.0), max(b.d[ANY], 0.0)
    total = one + two or 1.0  # shares of it are squared, not it: squares of very small sums are 0
    spread = (one / total) ** 2 * a.spread + (two / total) ** 2 * b.spread
    shape = _joined(a, b) if a.shape is not None or b.shape is not None else None
    common = (one / total) ** 2 * a.common + (two / total) ** 2 * b.common
    size, d = max(a.size, b.size), plus(a.d, b.d)
    return Part(size, m, q, d, shape, spread=spread, masks=a.masks or b.masks, common=common, blur=a.blur or b.blur)


def _joined(a: Part, b: Part) -> Marginal | None:
    one, other = a.shape, b.shape
    if one is None or other is None:
        own, rest = (one, b) if one is not None else (other, a)
        assert own is not None
        return Marginal(tuple((x + rest.m, w) for x, w in own.atoms), own.blur + rest.var)
    found = sorted((x + y, v * w) for x, v in one.atoms for y, w in other.atoms)
    atoms, total, weighted, square = [], 0.0, 0.0, 0.0
    lost = 0.0
    for i, (x, w) in enumerate(found):
        total, weighted, square = total + w, weighted + w * x, square + w * x * x
        if total >= 1 / ATOMS or i + 1 == len(found):
            mean = weighted / total
            lost += max(square - total * mean * mean, 0.0)
            atoms.append((mean, total))
            total = weighted = square = 0.0
    return Marginal(tuple(atoms), one.blur + other.blur + lost)


def add_back(rule: Adds, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    """Both sides get the gradient. How it depends on a side follows by regression on the sum."""
    slopes, shape = grads[0], use.results[0]
    assert slopes is not None
    a, b = aligned(*sides(use), shape)
    found: list[Slopes] = []
    for x, side in zip(sides(use), (a, b), strict=True):
        rest = b if side is a else a
        own = tuple(
            regressed(s, p, y).lit(passed_on(s, p, o))
            for s, p, o, y in zip(slopes, side.parts, rest.parts, outs[0].parts, strict=True)
        )
        found.append(restored(x, shape.places, shape.samples, own, side))
    return Back((found[0], found[1]))


def passed_on(slope: Slope, part: Part, rest: Part) -> float:
    """How much more of the gradient a rectifier behind `part + rest` passes where `part`, which left a rectifier, is
    live. The lowest atom of its distribution is what that one stopped.
    """
    if slope.gate is None or part.shape is None:
        return 1.0
    atoms, wide = sorted(part.shape.atoms), rest.var + part.shape.blur
    shares = [(w, of_normal(slope.gate, x + rest.m, wide)[2]) for x, w in atoms]
    if atoms[0][1] < 0.1:
        return 1.0
    every = sum(w * p for w, p in shares)
    live = sum(w * p for w, p in shares[1:]) / max(1 - atoms[0][1], 1e-9)
    return live / every if every > 0 else 1.0


def scale(rule: Scales, use: Use) -> tuple[Stats, ...]:
    x = use.ins[0]
    return (x.with_parts(*(part.scaled(rule.by, rule.shift) for part in x.parts)),)


def scale_back(rule: Scales, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    slopes, by = grads[0], rule.by * rule.by
    assert slopes is not None
    return Back((tuple(Slope(by * s.g, times(s.k, by), s.r, s.rk, joint=s.joint) for s in slopes),))


def multiply(rule: Multiplies | Divides, use: Use) -> tuple[Stats, ...]:
    """A product of independent values: mean squares, and mean products, multiply."""
    shape = use.results[0]
    a, b = aligned(*sides(use), shape)
    parts = tuple(_product(p, q) for p, q in zip(a.parts, b.parts, strict=True))
    profile = a.profile if a.profile is not None else b.profile
    return (replace(a, parts=parts, width=shape.width, growth=a.growth * b.growth, profile=profile, shares=None),)


def _product(a: Part, b: Part) -> Part:
    d = plus(times(b.d, a.q), product(a.d, pairs(b)))  # q q' - c c' = q d' + d c'
    return Part(max(a.size, b.size), a.m * b.m, a.q * b.q, d)


def multiply_back(
    rule: Multiplies | Divides, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]
) -> Back:
    slopes, shape = grads[0], use.results[0]
    assert slopes is not None
    a, b = aligned(*sides(use), shape)
    found: list[Slopes] = []
    for x, side, other in zip(sides(use), (a, b), (b, a), strict=True):
        own = tuple(
            replace(plain(s.g * o.q, product(s.k, pairs(o)), p), profile=s.profile)
            for s, p, o in zip(slopes, side.parts, other.parts, strict=True)
        )
        found.append(restored(x, shape.places, shape.samples, own, side))
    return Back((found[0], found[1]))


def gate(rule: Gates, use: Use) -> tuple[Stats, ...]:
    part = use.ins[0].whole
    other = bent(rule.curve, part)
    result = replace(_product(part, other), size=use.results[0].width)
    return (replace(use.ins[0], parts=(result,), by_place=False, width=use.results[0].width),)


def gate_back(rule: Gates, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    slopes, part = grads[0], use.ins[0].whole
    assert slopes is not None
    slope, other = slopes[0], bent(rule.curve, part)
    straight = plain(slope.g * other.q, product(slope.k, pairs(other)), part)
    through = steep(rule.curve, part, plain(slope.g * part.q, product(slope.k, pairs(part)), other))
    k = times(plus(straight.k, through.k), 0.5)
    both = plain((straight.g + through.g) / 2, k, part)
    return Back(((both,) * len(use.ins[0].parts),))


def drop(rule: Drops, use: Use) -> tuple[Stats, ...]:
    """Independent masks raise the mean square, not the mean products; one mask for a sample those of its places too."""
    x = use.ins[0]
    if not use.dropping or rule.p == 0:
        return (x,)
    if rule.p >= 1:
        raise Missing("all is dropped")
    up = 1 / (1 - rule.p)
    parts = []
    for p in x.parts:
        more = (up - 1) * p.q
        inside = (p.d[NEAR] + more, p.d[PLACES] + more)
        if rule.each != "element":
            inside = (up * p.d[NEAR], up * p.d[PLACES])
        d = (*inside, p.d[SAMPLES] + more, p.d[ANY] + more)
        parts.append(replace(p, q=up * p.q, d=d, shape=None, before=None, inner=None))
    return (x.with_parts(*parts),)


def drop_back(rule: Drops, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    slopes = grads[0]
    assert slopes is not None
    if not use.dropping or rule.p == 0:
        return Back((slopes,))
    up = 1 / (1 - rule.p)
    k = [s.k if rule.each == "element" else (up * s.k[0], up * s.k[1], s.k[2], s.k[3]) for s in slopes]
    ins = tuple(Slope(up * s.g, own, s.r, s.rk, profile=s.profile) for s, own in zip(slopes, k, strict=True))
    return Back((ins,))


def constant(rule: Constant, use: Use) -> tuple[Stats, ...]:
    var = rule.square - rule.mean**2
    shape = use.results[0]
    part = Part(shape.width, rule.mean, rule.square, (0.0, var, 0.0, var))
    return (Stats((part,), shape.places, shape.width, shape.samples),)


def mask(rule: Masks, use: Use) -> tuple[Stats, ...]:
    shape = use.results[0]
    part = Part(shape.width, 0.0, 0.0, (0.0, 0.0, 0.0, 0.0), masks=True)
    return (Stats((part,), shape.places, shape.width, shape.samples),)


def no_back(rule: object, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    return Back((None,) * len(use.ins))


def soften(rule: Softens, use: Use) -> tuple[Stats, ...]:
    """Shares of normal numbers, or the log of them: x - log sum exp(x), of which x is in both."""
    x, count = use.ins[0], use.shapes[0].dims[rule.axis]
    part = x.whole
    v = part.row if part.row is not None else part.var
    found = softmax(count, v)
    if not rule.log:
        q = found.squares / count
        rest = q - 1 / count**2
        near = tuple(rest * min(d / part.var, 1.0) if part.var else 0.0 for d in part.d)
        result = Part(part.size, 1 / count, q, (near[0], near[1], near[2], near[3]), sums=found.squares)
        return (x.with_parts(result),)
    var = v + found.spread - 2 * v / count
    by = var / part.var if part.var > 0 else 0.0
    return (x.with_parts(Part(part.size, -found.log, found.log**2 + var, times(part.d, by))),)


def soften_back(rule: Softens, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    """g - p sum g of the log; p (g - sum p g) of the shares."""
    x, count, slopes = use.ins[0], use.shapes[0].dims[rule.axis], grads[0]
    assert slopes is not None
    part, slope = x.whole, slopes[0]
    v = part.row if part.row is not None else part.var
    by = 1 - 2 / count + softmax(count, v).squares if rule.log else outs[0].whole.q * (1 - 1 / count)
    return Back(((plain(by * slope.g, times(slope.k, by), part),) * len(x.parts),))

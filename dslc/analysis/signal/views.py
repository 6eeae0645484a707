"""Values in other places: views, parts, joins, and maps at another size."""

from __future__ import annotations

import math

from dslc.analysis.signal.arithmetic import restored, spread_over
from dslc.analysis.signal.roles import Back, Missing, Shape, Use
from dslc.analysis.signal.stats import (
    ANY,
    NEAR,
    PLACES,
    SAMPLES,
    Part,
    Profile,
    Slope,
    Slopes,
    Stats,
    plain,
    times,
)
from dslc.ops.signals import Joins, Keeps, Pads, Resizes
from dslc.record import replace


def keep(rule: Keeps, use: Use) -> tuple[Stats, ...]:
    x, shape = use.ins[0], use.shapes[0]
    if rule.mixed and not x.by_place:
        x = x.with_parts(x.whole)
    if rule.axis is None:
        return tuple(_reshaped(x, shape, made) for made in use.results)
    found = []
    for (start, stop), made in zip(rule.ranges, use.results, strict=True):
        parts = tuple(part for part, _ in chosen(x, shape, rule.axis, start, stop))
        found.append(_reshaped(replace(x, parts=parts), shape, made, cut=True))
    return tuple(found)


def chosen(x: Stats, shape: Shape, axis: int, start: int, stop: int) -> list[tuple[Part, int]]:
    """The parts that a range of an axis takes, with their numbers; all of them where parts lie along other axes."""
    along = shape.spots[:1] if x.by_place else shape.channels
    if axis not in along or len(along) > 1 or len(x.parts) == 1:
        share = (stop - start) / shape.dims[axis] if axis in shape.channels and not x.by_place else 1.0
        return [(replace(p, size=p.size * share), i) for i, p in enumerate(x.parts)]
    scale = sum(p.size for p in x.parts) / shape.dims[axis]
    found, at = [], 0.0
    for i, part in enumerate(x.parts):
        low, high = max(at, start * scale), min(at + part.size, stop * scale)
        if high > low:
            found.append((replace(part, size=high - low), i))
        at += part.size
    return found


def _reshaped(x: Stats, shape: Shape, made: Shape, cut: bool = False) -> Stats:
    """The value as the result's type has it: places may have become channels, or be repeated."""
    parts, by_place = x.parts, x.by_place
    if x.places == 1 and made.places > 1 and x.width == made.width and not cut:
        x = spread_over(x, made)
        parts = x.parts
    if x.samples == 1 and made.samples > 1:
        x = spread_over(x, replace(made, places=x.places))
        parts = x.parts
    if by_place and (made.places == 1 or len(parts) == 1):
        parts, by_place = (replace(x, parts=parts).whole,), False
        parts = (replace(parts[0], size=made.width),)
    profile = x.profile if made.dims == shape.dims else None
    return Stats(parts, made.places, made.width, max(made.samples, 1), by_place, x.growth, profile)


def keep_back(rule: Keeps, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    x, shape = use.ins[0], use.shapes[0]
    if rule.axis is None:
        slopes = grads[0]
        assert slopes is not None
        made = use.results[0]
        if len(slopes) == len(x.parts):
            wider = x.places == 1 and made.places > 1 and x.width == made.width
            if wider or (x.samples == 1 and made.samples > 1):
                return Back((restored(x, made.places, made.samples, slopes, outs[0]),))
            return Back((_unread(slopes, x, made),))
        return Back(((slopes[0],) * len(x.parts),))
    total: list[Slope] = [Slope(0.0)] * len(x.parts)
    for (start, stop), slopes in zip(rule.ranges, grads, strict=True):
        if slopes is None:
            continue
        taken = chosen(x, shape, rule.axis, start, stop)
        for j, (part, i) in enumerate(taken):
            slope = slopes[min(j, len(slopes) - 1)]
            share = part.size / x.parts[i].size
            if rule.axis in shape.channels or (x.by_place and rule.axis in shape.spots):
                share = (stop - start) / shape.dims[rule.axis] if x.by_place and rule.axis in shape.channels else share
                moved = _share(slope, share)
            else:  # some places of all: of their gradients a share is not 0
                share = (stop - start) / shape.dims[rule.axis]
                moved = _share(slope, share, pairs_too=True)
            total[i] = Slope(
                total[i].g + moved.g,
                tuple4(total[i].k, moved.k),
                total[i].r + moved.r,
                tuple4(total[i].rk, moved.rk),
            )
    return Back((tuple(total),))


def tuple4(a: tuple[float, ...], b: tuple[float, ...]) -> tuple[float, float, float, float]:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]


def _share(slope: Slope, share: float, pairs_too: bool = False) -> Slope:
    """The gradient where a share of the elements has one and the others none."""
    if not pairs_too:
        return slope.scaled(share)
    k = (share * slope.k[0], share**2 * slope.k[1], share * slope.k[2], share**2 * slope.k[3])
    rk = (share * slope.rk[0], share**2 * slope.rk[1], share * slope.rk[2], share**2 * slope.rk[3])
    return Slope(share * slope.g, k, share * slope.r, rk)


def _unread(slopes: Slopes, x: Stats, made: Shape) -> Slopes:
    """Where places became channels, two of them in one new place are two channels, whose gradients are independent."""
    share = made.places * made.width / (x.places * x.width)
    if share < 1:  # some of the places alone have a gradient
        return tuple(_share(s, share, pairs_too=True) for s in slopes)
    if made.places < x.places and made.width > x.width:
        apart = made.places / x.places if made.places > 1 else 0.0
        found = []
        for s in slopes:
            k = (apart * s.k[NEAR], apart * s.k[PLACES], s.k[SAMPLES], apart * s.k[ANY])
            rk = (apart * s.rk[NEAR], apart * s.rk[PLACES], s.rk[SAMPLES], apart * s.rk[ANY])
            found.append(Slope(s.g, k, s.r, rk))
        return tuple(found)
    return slopes


def pad(rule: Pads, use: Use) -> tuple[Stats, ...]:
    """A share of the places is the input's; of pairs of places both are with the square of it."""
    x, shape = use.ins[0], use.results[0]
    share = min(x.places / shape.places, 1.0)
    if share == 1:
        return (x,)
    parts = []
    for part in x.parts if not x.by_place else (x.whole,):
        rest, value = 1 - share, rule.value
        q = share * part.q + rest * value * value
        far = share * share
        cross = 2 * share * rest * part.m * value + rest * rest * value * value
        near, any_ = (q - (share * part.pair(i) + rest * value * value) for i in (NEAR, SAMPLES))
        places, both = (q - (far * part.pair(i) + cross) for i in (PLACES, ANY))
        parts.append(Part(part.size, share * part.m + rest * value, q, (near, places, any_, both)))
    return (Stats(tuple(parts), shape.places, shape.width, x.samples, False, x.growth),)


def pad_back(rule: Pads, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    slopes = grads[0]
    assert slopes is not None
    own = slopes if len(slopes) == len(use.ins[0].parts) else slopes[:1] * len(use.ins[0].parts)
    return Back((tuple(plain(s.g, s.k, p) for s, p in zip(own, use.ins[0].parts, strict=True)),))


def join(rule: Joins, use: Use) -> tuple[Stats, ...]:
    shape = use.results[0]
    axis = rule.axis
    samples = max(x.samples for x in use.ins)
    parts: list[Part] = []
    by_place = axis in shape.spots
    ins = use.ins
    if by_place and all(x.parts == ins[0].parts for x in ins[1:]) and not any(x.by_place for x in ins):
        return (Stats(ins[0].parts, shape.places, shape.width, samples),)
    for x, own in zip(ins, use.shapes, strict=True):
        if x.samples == 1 and samples > 1:
            x = spread_over(x, replace(own, samples=samples))
        if by_place:
            size = shape.places * own.dims[axis if len(own.dims) == len(shape.dims) else 0] / shape.dims[axis]
            if len(own.dims) != len(shape.dims):
                size = shape.places / shape.dims[axis]
            pieces = x.parts if x.by_place else (x.whole,)
            scale = size / sum(p.size for p in pieces)
            parts += [replace(p, size=p.size * scale, before=p.before) for p in pieces]
        else:
            pieces = (x.whole,) if x.by_place else x.parts
            total = sum(p.size for p in pieces)
            width = own.width if axis in shape.channels else 1.0
            parts += [replace(p, size=p.size * width / total) for p in pieces]
    growth = max(x.growth for x in ins)
    profile = None if by_place else together([x.profile for x in ins], [own.width for own in use.shapes])
    return (Stats(tuple(parts), shape.places, shape.width, samples, by_place, growth, profile),)


def together(profiles: list[Profile | None], widths: list[int]) -> Profile | None:
    """The mean profile of maps side by side; none where one has none."""
    known = [p for p in profiles if p is not None]
    if len(known) < len(profiles):
        return None
    total = sum(widths)
    found: list[tuple[float, ...]] = []
    for axis in range(len(known[0])):
        columns = zip(*(p[axis] for p in known), strict=True)
        found.append(tuple(sum(v * w for v, w in zip(c, widths, strict=True)) / total for c in columns))
    return tuple(found)


def join_back(rule: Joins, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    slopes = grads[0]
    assert slopes is not None
    if len(slopes) == len(use.ins[0].parts) and len(outs[0].parts) == len(use.ins[0].parts):
        return Back((slopes,) * len(use.ins))
    found: list[Slopes] = []
    at = 0
    for x in use.ins:
        count = 1 if x.by_place != outs[0].by_place else len(x.parts)
        own = slopes[at : at + count]
        at += count
        own = own * len(x.parts) if len(own) < len(x.parts) else own
        if x.samples == 1 and outs[0].samples > 1:
            n = outs[0].samples
            own = tuple(
                plain(
                    n * s.g + n * (n - 1) * s.k[SAMPLES], (0.0, n * s.k[PLACES] + n * (n - 1) * s.k[ANY], 0.0, 0.0), p
                )
                for s, p in zip(own, x.parts, strict=True)
            )
        found.append(own)
    return Back(tuple(found))


def kept(factor: float) -> float:
    """The mean of w^2 + (1 - w)^2 along an axis of a linear interpolation: of a weight that is uniform 2/3, at the
    middles of `factor` steps, as torch takes them, 1 - 2 (1/6 + 1 / (12 factor^2)).
    """
    return 2 / 3 - 1 / (6 * factor * factor) if factor > 1 else 1.0


def resize(rule: Resizes, use: Use) -> tuple[Stats, ...]:
    """Repeated places keep all; means of two neighbours a part of what these have for themselves."""
    x, shape = use.ins[0], use.results[0]
    if any(by < 1 for by in rule.factor):
        raise Missing("a map made smaller by interpolation has no rule")
    part = x.whole if x.by_place else None
    parts = []
    for p in x.parts if part is None else (part,):
        own = 1.0 if rule.nearest else math.prod(map(kept, rule.factor))
        lost = (1 - own) * p.d[0]
        d = tuple(max(v - lost, 0.0) for v in p.d)
        parts.append(Part(p.size, p.m, p.q - lost, (0.5 * d[0], d[1], d[2], d[3]), p.shape if rule.nearest else None))
    return (Stats(tuple(parts), shape.places, shape.width, x.samples, False, x.growth),)


def resize_back(rule: Resizes, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    """A place's gradient is the sum of those of the places made of it."""
    slopes = grads[0]
    assert slopes is not None
    by = math.prod(rule.factor)
    found = []
    for s, p in zip(slopes, use.ins[0].parts, strict=False):
        axes = [kept(f) for f in rule.factor]
        own = 1.0 if rule.nearest else math.prod(axes)
        g = by * s.g * own + (by * by - by * own) * s.k[0] if rule.nearest else by * (own * s.g + (by - own) * s.k[0])
        near, far, one, two = times(s.k, by * by)
        if not rule.nearest:  # a result between two places gives to both
            near += by * s.g * sum(own / x * (1 - x) / 2 for x in axes) / len(axes)
            far += by * s.g * (1 - own) / max(use.ins[0].places - 1, 1)
        found.append(plain(g, (near, far, one, two), p))
    return Back((tuple(found),))

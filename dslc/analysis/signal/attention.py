"""Attention, whole or as the products and the softmax that it is made of, and products with a matrix of weights.

Scores of one query vary over the keys with variance v = scale^2 d E q^2 (E k^2 - E k k'), so that a softmax over T keys
has sum a^2 = exp(v) / T (for small v). Rank collapse (Noci et al. 2022, arXiv:2206.03126) is values that are all alike:
then queries and keys have no gradient.
"""

from __future__ import annotations

import math
from functools import lru_cache

from dslc.analysis.signal.roles import Back, Missing, Use
from dslc.analysis.signal.softmax import softmax
from dslc.analysis.signal.stats import (
    ANY,
    NEAR,
    NONE,
    PLACES,
    SAMPLES,
    Part,
    Slope,
    Slopes,
    Stats,
    pairs,
    plain,
    times,
)
from dslc.ops.signals import Attends, Contracts
from dslc.record import record


@record
class Sight:
    """Of the weights of a query: the sum of their squares, `own`; of their products with those of another query of the
    same keys, `shared`. `keys`, `queries`: how many; `within`: the share of pairs of places that see the same keys.
    """

    own: float
    shared: float
    keys: int
    queries: int
    within: float


def sight(rule: Attends, use: Use, query: Part) -> Sight:
    q, k = use.shapes[0], use.shapes[1]
    queries, keys = q.dims[-2], k.dims[-2]
    key = use.ins[1].whole
    windowed = use.ins[1].places > keys
    lack = key.d[NEAR] if windowed else key.d[PLACES]
    features = q.dims[-1]
    v = rule.scale**2 * features * query.q * lack
    same = rule.scale**2 * features * (query.q - query.d[NEAR if windowed else PLACES]) * lack
    own = softmax(keys, v).squares
    shared = math.exp(min(max(same, 0.0), math.log(max(own * keys, 1.0)))) / keys
    if rule.causal:
        harmonic = math.fsum(1 / t for t in range(1, keys + 1)) if keys < 10_000 else math.log(keys) + 0.5772
        own = math.fsum(share * softmax(t, v).squares for t, share in upto(keys))
        shared = 2 * (keys - harmonic) / (keys * (keys - 1)) if keys > 1 else 1.0
    if len(use.ins) > 3 and use.ins[3].whole.masks:  # of shifted windows those at an edge see a half or a quarter
        side = math.sqrt(max(use.ins[1].places / keys, 1.0))
        own, shared = own * ((side + 1) / side) ** 2, shared * ((side + 1) / side) ** 2
    places = use.ins[0].places
    within = (queries - 1) / (places - 1) if places > 1 else 1.0
    return Sight(min(own, 1.0), min(shared, own), keys, queries, within)


@lru_cache(maxsize=16)
def upto(keys: int) -> tuple[tuple[int, float], ...]:
    """Numbers of keys that stand for all from 1 to `keys`, in steps that grow, with their shares."""
    found: list[tuple[int, float]] = []
    start = 1
    while start <= keys:
        end = min(start + start // 3, keys)
        found.append(((start + end) // 2, (end - start + 1) / keys))
        start = end + 1
    return tuple(found)


def forward(rule: Attends, use: Use) -> tuple[Stats, ...]:
    q, value = use.ins[0], use.ins[2].whole
    shape = use.results[0]
    seen = use.ins[2].places > use.shapes[1].dims[-2]
    parts = []
    for part in q.parts if q.by_place else (q.whole,):
        one = sight(rule, use, part)
        lack = value.d[NEAR] if seen else value.d[PLACES]
        square = value.q - (1 - one.own) * lack
        same = value.q - lack + one.shared * lack  # the mean product of two queries of the same keys
        apart = value.q - value.d[PLACES]
        inside = square - (one.within * same + (1 - one.within) * apart)
        across = (value.d[SAMPLES] + (one.keys - 1) * value.d[ANY]) / one.keys
        other = max(across - (1 - one.own) * lack, 0.0)
        size = part.size if q.by_place else shape.width
        parts.append(Part(size, value.m, square, (max(square - same, 0.0), max(inside, 0.0), other, other)))
    return (Stats(tuple(parts), shape.places, shape.width, shape.samples, q.by_place),)


def backward(rule: Attends, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    slopes = grads[0]
    assert slopes is not None
    q, k, v = use.ins[:3]
    key, value = k.whole, v.whole
    seen = v.places > use.shapes[1].dims[-2]
    near = NEAR if seen else PLACES
    scale = rule.scale**2 * use.shapes[2].dims[-1] * value.d[near]
    to_v = to_k = along = samples = 0.0
    to_q: list[Slope] = []
    repeats = max(q.width / max(k.width, 1), 1.0)
    keys = use.shapes[1].dims[-2]
    for part, slope in zip(q.parts if q.by_place else (q.whole,), slopes, strict=True):
        one = sight(rule, use, part)
        queries = part.size if q.by_place else float(one.queries)
        k_near, c_near = slope.k[near], part.q - part.d[near]
        to_v += queries / keys * (one.own * slope.g + (queries - 1) * one.shared * k_near)
        along += queries * slope.g + queries * (queries - 1) * k_near
        samples += queries * slope.k[SAMPLES] + queries * (queries - 1) * slope.k[ANY]
        to_k += queries / keys * scale * (part.q * slope.g * one.own + (queries - 1) * c_near * k_near * one.shared)
        lack = scale * key.d[near]
        to_q.append(
            plain(lack * one.own * slope.g, times((k_near, slope.k[PLACES], 0.0, 0.0), lack * one.shared), part)
        )
    to_v, along, to_k = to_v * repeats, along * repeats, to_k * repeats
    pair = (along / keys - to_v) / (keys - 1) if keys > 1 else to_v
    far = pair if not seen else slopes[0].k[PLACES]
    across = samples * repeats / keys**2
    from_v = tuple(plain(to_v, (pair, far, across, across), p) for p in v.parts)
    less = -to_k / (keys - 1) if keys > 1 else 0.0
    from_k = tuple(plain(to_k, (less, less, 0.0, 0.0), p) for p in k.parts)
    back_q: Slopes = tuple(to_q)
    if len(back_q) < len(q.parts):
        back_q = back_q * len(q.parts)
    return Back((back_q, from_k, from_v, *(None,) * (len(use.ins) - 3)))


# ---- products of two tensors


def contract(rule: Contracts, use: Use) -> tuple[Stats, ...]:
    """With weights, a linear map along the axes that are summed over; of two values, scores, or a softmax's means."""
    shape = use.results[0]
    side = weights_of(use)
    count = summed(rule, use)
    if side is not None:
        x, w = use.ins[1 - side].whole, use.ins[side].whole
        q = w.q * count * x.q
        if over_channels(rule, use, 1 - side):
            return (
                Stats((Part(shape.width, 0.0, q, times(x.d, w.q * count)),), shape.places, shape.width, shape.samples),
            )
        d = (q, q, w.q * count * x.d[SAMPLES], q)
        return (Stats((Part(shape.width, 0.0, q, d),), shape.places, shape.width, shape.samples),)
    a, b = use.ins[0].whole, use.ins[1].whole
    if a.sums is not None:
        lack = b.d[PLACES]
        square = b.q - (1 - a.sums) * lack
        same = b.q - lack + lack / count
        other = max((b.d[SAMPLES] + (count - 1) * b.d[ANY]) / count - (1 - a.sums) * lack, 0.0)
        part = Part(shape.width, b.m, square, (max(square - same, 0.0), max(square - same, 0.0), other, other))
        return (Stats((part,), shape.places, shape.width, shape.samples),)
    if over_channels(rule, use, 0) and over_channels(rule, use, 1):
        q = count * a.q * b.q
        row = count * a.q * b.d[PLACES]
        part = Part(shape.width, 0.0, q, (row, q, q, q), row=row)
        return (Stats((part,), shape.places, shape.width, shape.samples),)
    raise Missing("a product of two values along their places has no rule")


def weights_of(use: Use) -> int | None:
    """The input that is a tensor of independent weights."""
    for i, x in enumerate(use.ins):
        part = x.whole
        if x.samples == 1 and part.m**2 < 0.1 * part.q and part.d[ANY] == part.var and part.q > 0:
            return i
    return None


def summed(rule: Contracts, use: Use) -> int:
    """How many products a result is the sum of."""
    sizes = {
        a: n for letters, x in zip(rule.sides, use.shapes, strict=True) for a, n in zip(letters, x.dims, strict=True)
    }
    return math.prod(n for a, n in sizes.items() if a not in rule.result)


def over_channels(rule: Contracts, use: Use, side: int) -> bool:
    """Whether the axes summed over hold channels of an input."""
    letters, shape = rule.sides[side], use.shapes[side]
    return all(letters.index(a) in shape.channels for a in letters if a not in rule.result)


def contract_back(rule: Contracts, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    slopes = grads[0]
    assert slopes is not None
    slope, side, shape = slopes[0], weights_of(use), use.results[0]
    if side is not None:
        x, w = use.ins[1 - side], use.ins[side].whole
        part = x.whole
        free = [a for a in rule.sides[side] if a in rule.result and a not in rule.sides[1 - side]]
        made = math.prod(use.shapes[side].dims[rule.sides[side].index(a)] for a in free)
        g = w.q * made * slope.g
        n = shape.samples
        if over_channels(rule, use, 1 - side):
            into = tuple(plain(g, times(slope.k, w.q * made), p) for p in x.parts)
            c, p = pairs(part), x.places
            own = p * slope.g * part.q + p * (p - 1) * slope.k[PLACES] * c[PLACES]
            own += (n - 1) * (p * slope.k[SAMPLES] * c[SAMPLES] + p * (p - 1) * slope.k[ANY] * c[ANY])
        else:
            into = tuple(plain(g, (0.0, 0.0, w.q * made * slope.k[SAMPLES], 0.0), p) for p in x.parts)
            c = pairs(part)
            own = x.width * (slope.g * part.q + (n - 1) * slope.k[SAMPLES] * c[SAMPLES])
        weight = (Slope(n * own),) * len(use.ins[side].parts)
        return Back((weight, into) if side == 0 else (into, weight))
    a, b = use.ins[0].whole, use.ins[1].whole
    count = summed(rule, use)
    if a.sums is not None:
        width = shape.width
        queries = shape.places
        g_v = queries / count * (a.sums * slope.g + (queries - 1) / count * slope.k[PLACES])
        total = queries * slope.g + queries * (queries - 1) * slope.k[PLACES]
        pair = (total / count - g_v) / (count - 1) if count > 1 else g_v
        across = (queries * slope.k[SAMPLES] + queries * (queries - 1) * slope.k[ANY]) / count**2
        back_b = plain(g_v, (pair, pair, across, across), b)
        g_a = width * slope.g * b.d[PLACES]  # a softmax takes away what is common to a row
        return Back(((Slope(g_a, NONE),) * len(use.ins[0].parts), (back_b,) * len(use.ins[1].parts)))
    queries, keys = use.ins[0].places, use.ins[1].places
    return Back(
        (
            (plain(keys * slope.g * b.d[PLACES], NONE, a),) * len(use.ins[0].parts),
            (plain(queries * slope.g * a.q, NONE, b),) * len(use.ins[1].parts),
        )
    )

"""Activations: each element by itself."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import lru_cache, reduce

from dslc.analysis.signal.quadrature import fours, image, nodes, paired, points, single, step_of
from dslc.analysis.signal.roles import Back, Missing, Use
from dslc.analysis.signal.stats import ANY, Four, Part, Slope, Slopes, Stats, both, product, times
from dslc.ops.signals import Curve
from dslc.record import replace

FAR = 4.0
"""Deviations within which a value is taken to lie."""


def forward(rule: Curve, use: Use) -> tuple[Stats, ...]:
    x = use.ins[0]
    growth, parts = 1.0, []
    for part in x.parts:
        positive(rule, part)
        after = bent(rule, part)
        parts.append(after)
        growth = max(growth, sensitivity(rule, part, after))
    return (replace(x, parts=tuple(parts), growth=x.growth * growth, shares=None),)


def positive(rule: Curve, part: Part) -> None:
    """Raises `Missing` where values come near to the end of what a function is defined on."""
    if rule.least is None:
        return
    low, spread = part.m, math.sqrt(part.var)
    if part.shape is not None:
        low, spread = min(x for x, _ in part.shape.atoms), math.sqrt(part.shape.blur)
    if low - FAR * spread <= rule.least + 1e-6 * (abs(part.m) + spread):
        raise Missing(f"its values come near to {rule.least:g}, where neither it nor its slope has a mean square")


def bent(rule: Curve, part: Part) -> Part:
    """The activation of a part."""
    one = single(rule, part)
    two = paired(rule, part)
    d = fours(two, "d")
    # A small change of a correlation goes through by the mean of f'(z) f'(z') (Poole et al. 2016).
    by = (two[ANY].slope * part.d[ANY] / d[ANY]) ** 2 if d[ANY] > 0 else 0.0
    shape, common = image(rule, part, one.m, one.q), min(by, 1.0) * part.common
    found = Part(part.size, one.m, one.q, d, shape, (rule, part), part.spread, common=common, blur=part.blur)
    return replace(found, inner=(rule, part, 1.0, 0.0))


def sensitivity(rule: Curve, part: Part, after: Part) -> float:
    """d log q' / d log q, by a step of a hundredth."""
    if rule.power is not None or not part.q or not after.q:
        return 1.0
    wider = replace(part.scaled(1.01), shape=None)
    there, here = single(rule, wider).q, single(rule, replace(part, shape=None)).q
    return (there / here - 1) / (1.01**2 - 1) if here else 1.0


def backward(rule: Curve, use: Use, outs: tuple[Stats, ...], grads: tuple[Slopes | None, ...]) -> Back:
    slopes = grads[0]
    assert slopes is not None
    return Back((tuple(steep(rule, part, s) for part, s in zip(use.ins[0].parts, slopes, strict=True)),), {})


def steep(rule: Curve, part: Part, slope: Slope) -> Slope:
    """The gradient times the derivative; it then depends on the value, which `r` says."""
    if slope.ways:
        return replace(reduce(both, (steep(rule, part, way) for way in slope.ways)), profile=slope.profile)
    if slope.joint != 1.0:
        slope = replace(slope, g=slope.g * slope.joint, r=slope.r * slope.joint, joint=1.0)
    two = paired(rule, part)
    if slope.chosen is not None:
        square, square_z, mean, mean_z = slope.chosen
        k, rk = times(slope.k, mean * mean), times(slope.k, mean_z * mean_z)
        return Slope(slope.g * square, k, slope.g * square_z, rk, profile=slope.profile)
    one = single(rule, part)
    if slope.leans is not None and part.shape is None:
        by = leaning(rule, part, *slope.leans)
        slope = replace(slope, g=slope.g * by, r=slope.r * by, leans=None)
    gate = rule if rule.power is not None and rule.power[0] == 0 else None
    on = slope.on if gate is not None else 1.0  # other curves pass the rest too
    # Of a pair both pass at most as often as one does.
    passed, passed_z = fours(two, "slope"), fours(two, "slope_z")
    k = product(slope.k, tuple4(min(on * on * x, on * one.slope) for x in passed))
    rk = product(slope.k, tuple4(min(on * on * x, on * one.slope_z) for x in passed_z))
    return Slope(
        on * slope.g * one.slope,
        k,
        on * slope.g * one.slope_z,
        rk,
        slope.boost,
        gate=gate,
        profile=slope.profile,
        bent=(rule, part),
        joint=jointly(rule, *part.inner) if part.inner is not None else 1.0,
    )


def jointly(rule: Curve, before: Curve, part: Part, scale: float, shift: float) -> float:
    """Of an activation of another one's result the slopes depend on one and the same number z: the mean of f'^2 g'^2
    over the product of their means.
    """
    both = outer = within = 0.0
    for z, w in points(part, before):
        f, g = rule.slope(scale * before.f(z) + shift) ** 2, before.slope(z) ** 2
        both += w * f * g
        outer += w * f
        within += w * g
    return both / (outer * within) if outer * within > 0 else 1.0


def tuple4(values: Iterable[float]) -> Four:
    a, b, c, d = values
    return a, b, c, d


def leaning(rule: Curve, part: Part, behind: Curve, argument: Part, share: float) -> float:
    """Where a map of few taps stands between two activations, the slope f'(y) of the one behind depends on the value x
    of the one before: y = sqrt(share) t + sqrt(1 - share) n, t the value about its mean in its deviations, n normal, of
    either sign. So a large x meets other slopes than a small one: E f'(z)^2 h(f(z)) over the product of the means.
    """
    given = (part.m, math.sqrt(part.var), argument.m, math.sqrt(argument.var), share)
    return _leaning(rule, behind, *(float(f"{x:.4g}") for x in given))


@lru_cache(maxsize=1024)
def _leaning(rule: Curve, behind: Curve, m: float, wide: float, mean: float, std: float, share: float) -> float:
    points = [(rule.f(m + wide * s), rule.slope(m + wide * s) ** 2, w) for s, w in nodes(step_of(rule, wide))]
    centre = math.fsum(w * x for x, _, w in points)
    spread = math.sqrt(max(math.fsum(w * (x - centre) ** 2 for x, _, w in points), 1e-300))
    near, rest = math.sqrt(share) * std / spread, math.sqrt(1 - share) * std
    inner = nodes(step_of(behind, rest))
    both = straight = every = 0.0
    for x, steepness, w in points:
        off = near * (x - centre)
        h = math.fsum(
            v * (behind.slope(mean + off + rest * n) ** 2 + behind.slope(mean - off + rest * n) ** 2) for n, v in inner
        )
        both += w * steepness * h
        straight += w * steepness
        every += w * h
    return both / (straight * every) if straight * every > 0 else 1.0

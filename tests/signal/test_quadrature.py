"""Expectations of activations against sums over a fine grid, and the digits that near pairs keep."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dslc.analysis.signal.quadrature import Pair, image, of_normal, of_pair, paired, single
from dslc.analysis.signal.stats import Marginal, Part
from dslc.ops import curves
from dslc.ops.signals import Curve

GRID = np.linspace(-6, 6, 240)  # no point at 0, where slopes jump
WEIGHTS = np.exp(-(GRID**2) / 2) / np.exp(-(GRID**2) / 2).sum()
FINE = np.linspace(-7, 7, 14000)
CURVES = (
    curves.rectifier("relu", 0.0),
    curves.rectifier("leaky", 0.2),
    curves.clipped("relu6", 0.0, 6.0),
    curves.exponential_unit("elu", 1.0),
    curves.gelu(False),
    curves.swish("silu", 1.0),
    curves.TANH,
    curves.SIGMOID,
    curves.HARD_SWISH,
)


def by_grid(curve: Curve, m: float, q: float, d: float) -> Pair:
    """The same three numbers by a sum over a square grid."""
    std = math.sqrt(q - m * m)
    rho = 1 - d / std**2
    a, b = np.meshgrid(GRID, GRID, indexing="ij")
    z, y = m + std * a, m + std * (rho * a + math.sqrt(1 - rho * rho) * b)
    w = np.outer(WEIGHTS, WEIGHTS)
    f, slope = np.vectorize(curve.f), np.vectorize(curve.slope)
    steep = slope(z), slope(y)
    return Pair(
        float((w * (f(z) - f(y)) ** 2).sum() / 2),
        float((w * steep[0] * steep[1]).sum()),
        float((w * steep[0] * (z - m) * steep[1] * (y - m)).sum()),
    )


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
@pytest.mark.parametrize("m", [0.0, 0.7])
def test_pairs_are_those_of_a_fine_grid(curve: Curve, m: float) -> None:
    q = 1.5
    for share in (0.1, 0.6, 1.0, 1.1):  # the last is negatively correlated, where the rule is of first order
        d = share * (q - m * m)
        there, here = by_grid(curve, m, q, d), of_pair(curve, m, q, d)
        for name in ("d", "slope", "slope_z"):
            assert getattr(here, name) == pytest.approx(
                getattr(there, name), rel=0.01, abs=3e-3 if share <= 1 else 8e-3
            ), (share, name)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_single_numbers_are_those_of_a_fine_grid(curve: Curve) -> None:
    z, weights = 0.4 + 1.2 * FINE, np.exp(-(FINE**2) / 2) / np.exp(-(FINE**2) / 2).sum()
    f, slope = np.vectorize(curve.f)(z), np.vectorize(curve.slope)(z)
    there = [(weights * x).sum() for x in (f, f * f, slope**2, slope**2 * (z - 0.4) ** 2)]
    assert of_normal(curve, 0.4, 1.44)[:4] == pytest.approx(there, rel=5e-3, abs=1e-4)


@pytest.mark.parametrize("curve", CURVES, ids=lambda curve: curve.name)
def test_near_pairs_keep_their_digits(curve: Curve) -> None:
    """A pair that lacks 1e-12 of its mean square: to first order the slope's mean square passes it on."""
    one = of_normal(curve, 0.0, 1.0)
    assert of_pair(curve, 0.0, 1.0, 1e-12).d == pytest.approx(1e-12 * one[2], rel=1e-3)


def test_fifty_rectifiers_follow_the_arc_cosine_map() -> None:
    """Cho and Saul 2009: c' = (sin t + (pi - t) cos t) / pi of c = cos t, in numbers of 50 digits for comparison."""
    from decimal import Decimal, getcontext

    getcontext().prec = 60
    relu, d, c = curves.rectifier("relu", 0.0), 1.0, 0.0
    for _ in range(12):
        pair = of_pair(relu, 0.0, 1.0, d)
        d = 2 * pair.d  # the next layer has weights of variance 2
        theta = math.acos(min(c, 1.0))
        c = (math.sin(theta) + (math.pi - theta) * c) / math.pi
    assert d == pytest.approx(1 - c, rel=1e-6)
    assert Decimal(d) > 0


def test_a_distribution_that_is_not_normal_is_kept() -> None:
    """relu(x + n) of a rectified x: the mean square by a sum over both."""
    relu = curves.rectifier("relu", 0.0)
    first = Part(1, 0.0, 1.0, (1.0, 1.0, 1.0, 1.0))
    shape = image(relu, first, *of_normal(relu, 0.0, 1.0)[:2])
    x = np.maximum(GRID, 0)
    total = x[:, None] + GRID[None]
    there = float((np.outer(WEIGHTS, WEIGHTS) * np.maximum(total, 0) ** 2).sum())
    mixed = Part(1, 0.3989, 1.5, (1.3, 1.3, 1.3, 1.3), Marginal(shape.atoms, 1.0))
    assert single(relu, mixed).q == pytest.approx(there, rel=0.01)
    assert all(pair.d > 0 for pair in paired(relu, mixed))

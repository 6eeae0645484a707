"""Functions of one number with their slopes, for the rule `signal` of activations and functions.

Each is made once for its numbers, so that expectations over it are computed once too.
"""

from __future__ import annotations

import math
from functools import cache

from dslc.ops.signals import Curve

ROOT = math.sqrt(0.5)
DENSITY = 1 / math.sqrt(2 * math.pi)
TANH_GELU = math.sqrt(2 / math.pi)


def phi(x: float) -> float:
    """The normal density."""
    return DENSITY * math.exp(-0.5 * x * x)


def below(x: float) -> float:
    """The share of the normal distribution below x."""
    return 0.5 * math.erfc(-x * ROOT)


def logistic(x: float) -> float:
    if x < 0:
        e = math.exp(x) if x > -700 else 0.0
        return e / (1 + e)
    return 1 / (1 + math.exp(-x)) if x < 700 else 1.0


def exponential(x: float) -> float:
    """exp, at most 1e300: what is beyond is said to explode anyway."""
    return math.exp(x) if x < 690 else 1e300


def softened(x: float) -> float:
    """log(1 + exp(x))."""
    return x if x > 30 else math.log1p(math.exp(x)) if x > -700 else 0.0


@cache
def rectifier(name: str, low: float, high: float = 1.0) -> Curve:
    """`high * x` above 0, `low * x` below."""
    return Curve(
        name,
        lambda x: (high if x > 0 else low) * x,
        lambda x: high if x > 0 else low,
        (0.0,),
        (low, high),
    )


@cache
def clipped(name: str, least: float, most: float) -> Curve:
    kinks = tuple(x for x in (least, most) if math.isfinite(x))
    return Curve(
        name,
        lambda x: min(max(x, least), most),
        lambda x: 1.0 if least < x < most else 0.0,
        kinks,
    )


@cache
def exponential_unit(name: str, alpha: float, scale: float = 1.0, width: float = 1.0) -> Curve:
    """`scale * x` above 0, `scale * alpha * (exp(x / width) - 1)` below."""
    return Curve(
        name,
        lambda x: scale * (x if x > 0 else alpha * math.expm1(x / width)),
        lambda x: scale * (1.0 if x > 0 else alpha / width * math.exp(x / width)),
        (0.0,),
    )


@cache
def gelu(approximate: bool) -> Curve:
    if not approximate:
        return Curve("gelu", lambda x: x * below(x), lambda x: below(x) + x * phi(x))

    def f(x: float) -> float:
        return 0.5 * x * (1 + math.tanh(TANH_GELU * (x + 0.044715 * x**3)))

    def slope(x: float) -> float:
        t = math.tanh(TANH_GELU * (x + 0.044715 * x**3))
        return 0.5 * (1 + t) + 0.5 * x * (1 - t * t) * TANH_GELU * (1 + 3 * 0.044715 * x * x)

    return Curve("gelu", f, slope)


@cache
def swish(name: str, beta: float) -> Curve:
    def slope(x: float) -> float:
        s = logistic(beta * x)
        return s + beta * x * s * (1 - s)

    return Curve(name, lambda x: x * logistic(beta * x), slope)


def mish(x: float) -> float:
    return x * math.tanh(softened(x))


def mish_slope(x: float) -> float:
    t = math.tanh(softened(x))
    return t + x * (1 - t * t) * logistic(x)


def hard_swish_slope(x: float) -> float:
    return 0.0 if x < -3 else 1.0 if x > 3 else (2 * x + 3) / 6


def logistic_slope(x: float) -> float:
    s = logistic(x)
    return s * (1 - s)


SIGMOID = Curve("sigmoid", logistic, logistic_slope)
TANH = Curve("tanh", math.tanh, lambda x: 1 - math.tanh(x) ** 2)
MISH = Curve("mish", mish, mish_slope)
HARD_SWISH = Curve("hswish", lambda x: x * min(max(x + 3, 0.0), 6.0) / 6, hard_swish_slope, (-3.0, 3.0))
HARD_SIGMOID = Curve(
    "hsigmoid",
    lambda x: min(max(x + 3, 0.0), 6.0) / 6,
    lambda x: 1 / 6 if -3 < x < 3 else 0.0,
    (-3.0, 3.0),
)
SOFTSIGN = Curve("softsign", lambda x: x / (1 + abs(x)), lambda x: (1 + abs(x)) ** -2)
EXP = Curve("exp", exponential, exponential)
SQUARE = Curve("square", lambda x: x * x, lambda x: 2 * x)
SIN = Curve("sin", math.sin, math.cos)
COS = Curve("cos", math.cos, lambda x: -math.sin(x))


@cache
def softplus(beta: float) -> Curve:
    return Curve("softplus", lambda x: softened(beta * x) / beta, lambda x: logistic(beta * x))


@cache
def threshold(at: float, value: float) -> Curve:
    return Curve("threshold", lambda x: x if x > at else value, lambda x: 1.0 if x > at else 0.0, (at,))


@cache
def random_rectifier(lower: float, upper: float) -> Curve:
    """By the slope's root mean square: mean squares are then right, and means nearly."""
    return rectifier("rrelu", math.sqrt((lower * lower + lower * upper + upper * upper) / 3))


SMALL = 1e-12
"""Arguments of what is defined above 0 alone are held above this."""


def power(exponent: float) -> Curve:
    """`x ** exponent`: of whole positive ones everywhere, of others above 0."""
    if exponent == int(exponent) and exponent > 0:
        n = int(exponent)
        return Curve(f"power {n}", lambda x: x**n, lambda x: float(n * x ** (n - 1)))

    def f(x: float) -> float:
        return float(max(x, SMALL) ** exponent)

    def slope(x: float) -> float:
        return float(exponent * x ** (exponent - 1)) if x > SMALL else 0.0

    return Curve(f"power {exponent}", f, slope, least=0.0)


def exponents(base: float) -> Curve:
    """`base ** x`, of a base above 0."""
    rate = math.log(base)
    return Curve(f"{base} to the", lambda x: exponential(rate * x), lambda x: rate * exponential(rate * x))


def inverse(number: float) -> Curve:
    """`number / x`, of x above 0."""
    return Curve(
        f"{number} over",
        lambda x: number / max(x, SMALL),
        lambda x: -number / x**2 if x > SMALL else 0.0,
        least=0.0,
    )


LOG = Curve("log", lambda x: math.log(max(x, SMALL)), lambda x: 1 / x if x > SMALL else 0.0, least=0.0)
SQRT = power(0.5)
INVERSE = inverse(1.0)

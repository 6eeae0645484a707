"""The mean and the mean square of what an initialiser draws, as `torch.nn.init` does."""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist

from dslc.ir.model import Param
from dslc.ops.base import Init, ParamSpec
from dslc.ops.initialisers import fans, gain_of
from dslc.record import frozen

NORMAL = NormalDist()


@frozen
class Law:
    """`kurt`: the variance of the square over its mean squared: 2 of a normal, 0.8 of a uniform, 0 of a constant."""

    mean: float
    square: float
    kurt: float = 0.0

    @property
    def var(self) -> float:
        return max(self.square - self.mean * self.mean, 0.0)


def over_largest(original: Law, rows: int, columns: int) -> Law:
    """Of a matrix of independent elements over its largest singular value."""
    square = largest_singular(original, rows, columns)
    if square <= 0:
        return original
    return Law(original.mean / math.sqrt(square), original.square / square, original.kurt)


def largest_singular(law: Law, rows: int, columns: int) -> float:
    """The square of it: the edge (sqrt r + sqrt c)^2 of Bai and Yin, less the mean of the Tracy-Widom law in its scale
    (Johnstone 2001).
    """
    a, b = math.sqrt(rows), math.sqrt(columns)
    edge = (a + b) ** 2 - 1.2065 * (a + b) * (1 / a + 1 / b) ** (1 / 3)
    found = law.square * max(edge, float(max(rows, columns)))
    return float(found)


def law(param: Param) -> Law | None:
    """The law of a tensor's elements; none where elements differ by their place (`dirac`, `eye`)."""
    if param.values is not None:
        values = list(_flat(param.values))
        return Law(math.fsum(values) / len(values), math.fsum(x * x for x in values) / len(values))
    return law_of(param.spec)


def law_of(spec: ParamSpec) -> Law | None:
    init, shape = spec.init, spec.shape
    args = dict(init.args)
    number = {key: float(value) for key, value in args.items() if not isinstance(value, str)}
    kind = init.kind
    if kind in ("zeros", "ones", "constant"):
        value = {"zeros": 0.0, "ones": 1.0}.get(kind, number.get("value", 0.0))
        return Law(value, value * value)
    if kind == "uniform":
        return _uniform(number.get("a", 0.0), number.get("b", 1.0))
    if kind == "normal":
        return _normal(number.get("mean", 0.0), number.get("std", 1.0))
    if kind == "trunc_normal":
        return _truncated(number.get("mean", 0.0), number.get("std", 1.0), number.get("a", -2.0), number.get("b", 2.0))
    std = _fan_std(init, shape)
    if std is None:
        return None
    return _uniform(-math.sqrt(3) * std, math.sqrt(3) * std) if kind.endswith("uniform") else _normal(0.0, std)


def _fan_std(init: Init, shape: tuple[int, ...]) -> float | None:
    args = dict(init.args)
    if init.kind.startswith("kaiming"):
        fan = fans(shape)[args.get("mode", "fan_in") == "fan_out"]
        return gain_of(str(args.get("nonlinearity", "leaky_relu")), float(args.get("a", 0.0))) / math.sqrt(fan)
    if init.kind.startswith("xavier"):
        return float(args.get("gain", 1.0)) * math.sqrt(2 / sum(fans(shape)))
    if init.kind == "orthogonal":  # orthonormal rows, or columns where there are fewer
        return float(args.get("gain", 1.0)) / math.sqrt(max(shape[0], math.prod(shape[1:])))
    return None


def _uniform(a: float, b: float) -> Law:
    mean, var = (a + b) / 2, (b - a) ** 2 / 12
    return Law(mean, var + mean * mean, 0.8 if mean == 0 and var else 0.0)


def _normal(mean: float, std: float) -> Law:
    square = mean * mean + std * std
    return Law(mean, square, (2 * std**4 + 4 * mean**2 * std**2) / square**2 if square else 0.0)


def _truncated(mean: float, std: float, a: float, b: float) -> Law:
    if std == 0:
        return Law(mean, mean * mean)
    low, high = (a - mean) / std, (b - mean) / std
    share = NORMAL.cdf(high) - NORMAL.cdf(low)
    if share < 1e-12:
        value = min(max(mean, a), b)
        return Law(value, value * value)
    first = (NORMAL.pdf(low) - NORMAL.pdf(high)) / share
    second = 1 + (_finite(low) - _finite(high)) / share
    return Law(mean + std * first, mean * mean + 2 * mean * std * first + std * std * second, 2.0 if mean == 0 else 0.0)


def _finite(x: float) -> float:
    return x * NORMAL.pdf(x) if abs(x) < 30 else 0.0


def _flat(values: object) -> Iterator[float]:
    if isinstance(values, list | tuple):
        for value in values:
            yield from _flat(value)
    elif isinstance(values, bool | int | float):
        yield float(values)

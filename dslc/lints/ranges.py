"""Where the results of activations lie, and what each does with a number."""

from __future__ import annotations

from math import erf, exp, inf, log1p, sqrt, tanh

from dslc.ops.activation import (
    Celu,
    Elu,
    Gelu,
    HardSigmoid,
    HardSwish,
    LeakyRelu,
    Mish,
    Relu,
    Relu6,
    Selu,
    Sigmoid,
    Silu,
    Tanh,
)
from dslc.ops.activation_further import HardTanh, Softplus, Softsign
from dslc.ops.base import Op
from dslc.ops.gating import Softmax

SELU = 1.0507009873554805, 1.6732632423543772
"""Scale and alpha of Klambauer et al. 2017."""


def span(op: Op | None) -> tuple[float, float] | None:
    """The least and the most that an activation gives, at the most approached; none where it is not known here."""
    if isinstance(op, Sigmoid | HardSigmoid | Softmax):
        return 0.0, 1.0
    if isinstance(op, Tanh | Softsign):
        return -1.0, 1.0
    if isinstance(op, HardTanh):
        return op.least, op.most
    if isinstance(op, Relu | Softplus):
        return 0.0, inf
    if isinstance(op, Relu6):
        return 0.0, 6.0
    if isinstance(op, Elu | Celu):
        return -op.alpha, inf
    if isinstance(op, Selu):
        return -SELU[0] * SELU[1], inf
    if isinstance(op, Gelu):
        return -0.17, inf
    if isinstance(op, Silu):
        return -0.2785, inf
    if isinstance(op, Mish):
        return -0.3088, inf
    if isinstance(op, HardSwish):
        return -0.375, inf
    return None


def applied(op: Op | None, x: float) -> float | None:
    """What a growing activation gives for a number; none of another."""
    if isinstance(op, Sigmoid):
        return 1 / (1 + exp(-x)) if x > -700 else 0.0
    if isinstance(op, Tanh):
        return tanh(x)
    if isinstance(op, Softsign):
        return x / (1 + abs(x)) if abs(x) < inf else (1.0 if x > 0 else -1.0)
    if isinstance(op, HardSigmoid):
        return min(max(x / 6 + 0.5, 0.0), 1.0)
    if isinstance(op, HardTanh):
        return min(max(x, op.least), op.most)
    if isinstance(op, Relu):
        return max(x, 0.0)
    if isinstance(op, Relu6):
        return min(max(x, 0.0), 6.0)
    if isinstance(op, LeakyRelu) and op.negative_slope > 0:
        return x if x >= 0 else op.negative_slope * x
    if isinstance(op, Softplus) and op.beta == 1:
        return x if x > 30 else log1p(exp(x))
    if isinstance(op, Elu) and op.alpha > 0:
        return x if x >= 0 else op.alpha * (exp(x) - 1)
    return None


def keeps(op: Op | None, least: float, most: float) -> bool:
    """Whether an activation leaves all numbers of a range as they are."""
    if isinstance(op, Relu | LeakyRelu | Elu | Celu):
        return least >= 0
    if isinstance(op, Relu6):
        return least >= 0 and most <= 6
    return isinstance(op, HardTanh) and least >= op.least and most <= op.most


def below(x: float) -> float:
    """The share of a normal variable, with mean 0 and deviation 1, below a number."""
    return (1 + erf(x / sqrt(2))) / 2

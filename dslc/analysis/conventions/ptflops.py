"""What ptflops counts and calls MACs, with its default engine: hooks on classes, and functions that it replaces.

Source: ptflops/pytorch_engine.py and ptflops/pytorch_ops.py (`MODULES_MAPPING`, `FUNCTIONAL_MAPPING`,
`TENSOR_OPS_MAPPING`). A class of torch.nn calls a function of torch.nn.functional, which is replaced too: an
activation or pool that stands as a module counts twice, and once as a function called in `forward`. Operators
(`+`, `@`) are not replaced.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import TypeAlias

from dslc.analysis.conventions.model import Applied, Counted, Extra, Tool, family, unseen
from dslc.ops.norm_length import LocalResponseNorm
from dslc.ops.recurrent import Recurrent
from dslc.ops.resample import UpsampleMap

Amount: TypeAlias = Callable[[Applied], int]

CELLS = {"rnn": 1, "gru": 7, "lstm": 10}
"""Element-wise work of a cell per hidden unit, beside its products and biases."""


def count(use: Applied, as_function: bool) -> Counted:
    """By the class and the function that it calls, or by the functions that `forward` calls."""
    standing = bool(use.module) and not (as_function and use.function)
    if standing and use.family in LINEAR:
        return linear(use)
    hook = HOOKS.get(use.family) if standing else None
    called = [CALLS.get(use.family, "")] if standing else [family(name) for name in use.calls]
    amounts = [hook(use)] if hook is not None else []
    amounts += [FUNCTIONS[name](use) for name in called if name in FUNCTIONS]
    if not amounts:
        return unseen(use, standing, "ptflops") if use.macs else Counted()
    label = LABELS.get(use.op.name, use.op.name)
    reason = REASONS.get(use.op.name, "1 per element read")
    if standing and len(amounts) == 2:
        reason += ", twice: by the class and by the function that it calls"
    return Counted(extras=(Extra(label, sum(amounts), reason),))


def linear(use: Applied) -> Counted:
    """Products, and one per element written where there is a bias; of a recurrent layer its cells' work."""
    if isinstance(use.op, Recurrent):
        op = use.op
        gates = len(op.order)
        each = op.hidden * (CELLS[op.name] + (2 * gates if op.bias else 0))
        samples, steps = use.ins[0][:2]
        amount = each * op.layers * op.ways * samples * steps
        extra = Extra("recurrent cells", amount, "biases and element-wise work of each cell")
        return Counted(use.macs, (extra,))
    return Counted(use.macs, (Extra("bias", use.written, "1 per element written"),) if use.bias else ())


def read(use: Applied) -> int:
    """Elements read; of a pool that pads as TensorFlow does, the padded ones."""
    op = use.op
    if getattr(op, "p", None) != "same_tf":
        return use.read
    places = []
    strides = getattr(op, "s", None)
    for axis, (size, windows) in enumerate(zip(use.ins[0][2:], use.outs[0][2:], strict=True)):
        k, s, d = (side(v, axis) for v in (getattr(op, "k", 1), strides or getattr(op, "k", 1), getattr(op, "d", 1)))
        places.append(max(size, (windows - 1) * s + d * (k - 1) + 1))
    return prod(use.ins[0][:2]) * prod(places)


def side(value: object, axis: int) -> int:
    """The number of one axis."""
    number = value[axis] if isinstance(value, tuple) else value
    assert isinstance(number, int)
    return number


def interpolated(use: Applied) -> int:
    """Elements written; by a scale, elements read times its power, and by one per axis times their whole parts."""
    op = use.op
    assert isinstance(op, UpsampleMap)
    if op.scale is None:
        return use.written
    if isinstance(op.scale, tuple):
        return use.read * prod(int(factor) for factor in op.scale)
    return int(use.read * op.scale ** (len(use.ins[0]) - 2))


def local_response(use: Applied) -> int:
    """Inside F.local_response_norm: the square, the pool over padded channels, the factor and the sum."""
    assert isinstance(use.op, LocalResponseNorm)
    channels, size = use.ins[0][1], use.op.size
    return 3 * use.read + use.read // channels * (channels + size // 2 + (size - 1) // 2)


HOOKS: dict[str, Amount] = {
    **dict.fromkeys(("nn.ReLU", "nn.PReLU", "nn.ELU", "nn.LeakyReLU", "nn.ReLU6", "nn.GELU"), read),
    **dict.fromkeys(("nn.MaxPool", "nn.AvgPool", "nn.AdaptiveMaxPool", "nn.AdaptiveAvgPool"), read),
    **dict.fromkeys(
        ("nn.BatchNorm", "nn.InstanceNorm", "nn.GroupNorm"),
        lambda use: use.read * (2 if getattr(use.op, "affine", False) else 1),
    ),
    "nn.LayerNorm": read,
    "nn.Upsample": lambda use: use.written,
}
"""Classes with a hook, but for those of linear maps."""

LINEAR = ("nn.Conv", "nn.ConvTranspose", "nn.Linear", "nn.RNN", "nn.GRU", "nn.LSTM")

FUNCTIONS: dict[str, Amount] = {
    **dict.fromkeys(("F.relu", "F.prelu", "F.elu", "F.relu6", "F.gelu", "F.silu", "F.softmax"), read),
    **dict.fromkeys(("F.max_pool", "F.avg_pool", "F.adaptive_max_pool", "F.adaptive_avg_pool"), read),
    "F.interpolate": interpolated,
    "F.lp_pool": lambda use: use.read + 2 * use.written,  # F.avg_pool, F.relu and Tensor.mul inside it
    "F.local_response_norm": local_response,
}
"""Functions that are replaced, or that call replaced ones."""

CALLS = {
    "nn.ReLU": "F.relu",
    "nn.PReLU": "F.prelu",
    "nn.ELU": "F.elu",
    "nn.GELU": "F.gelu",
    "nn.SiLU": "F.silu",
    "nn.Softmax": "F.softmax",
    "nn.MaxPool": "F.max_pool",
    "nn.AvgPool": "F.avg_pool",
    "nn.AdaptiveMaxPool": "F.adaptive_max_pool",
    "nn.AdaptiveAvgPool": "F.adaptive_avg_pool",
    "nn.Upsample": "F.interpolate",
    "nn.LPPool": "F.lp_pool",
    "nn.LocalResponseNorm": "F.local_response_norm",
}
"""The function of FUNCTIONS that a class calls."""

LABELS = {
    "bn": "batch norm",
    "ln": "layer norm",
    "gn": "group norm",
    "inorm": "instance norm",
    "lrn": "local response norm",
    "maxpool": "max pool",
    "adaptive_maxpool": "max pool",
    "gmp": "max pool",
    "avgpool": "average pool",
    "adaptive_avgpool": "average pool",
    "gap": "average pool",
    "lppool": "norm pool",
    "upsample": "upsampling",
}

REASONS = {
    "bn": "1 per element, 2 with weight and bias",
    "gn": "1 per element, 2 with weight and bias",
    "inorm": "1 per element, 2 with weight and bias",
    "ln": "1 per element",
    "lrn": "the square, the pool, the factor and the sum inside F.local_response_norm",
    "lppool": "the pool, relu and the factor inside F.lp_pool",
    "upsample": "1 per element written",
}

TOOL = Tool(
    name="ptflops",
    unit="MACs",
    version="0.7.5",
    source="ptflops/pytorch_engine.py, ptflops/pytorch_ops.py",
    definition="hooks on classes of torch.nn, and functions of torch.nn.functional that it replaces meanwhile",
    count=count,
)

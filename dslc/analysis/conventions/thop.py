"""What thop counts and calls MACs: hooks on the classes of torch.nn that it knows, whole module by module.

Source: thop/profile.py (`register_hooks`), thop/vision/basic_hooks.py, calc_func.py and thop/rnn_hooks.py. A hook is
found by the exact class, so that a function called in `forward` counts nothing.
"""

from __future__ import annotations

from math import prod

from dslc.analysis.conventions.model import NOTHING, Applied, Counted, Extra, Rule, Tool, extra, products, unseen
from dslc.ops.axes import channel_axis
from dslc.ops.convolution import Deconv
from dslc.ops.recurrent import Recurrent

UPSAMPLING = {"nearest": 1, "linear": 5, "bilinear": 11, "bicubic": 224 + 35}
"""Per element written; other modes are logged as not implemented and count nothing."""

CELLS = {
    # kind: (gates, per hidden unit and gate, per hidden unit)
    "rnn": (1, 1, 0),
    "gru": (3, 1, 4),
    "lstm": (4, 1, 4),
}
"""Element-wise work of a cell beside its products and, where it has biases, two per gate and unit."""


def count(use: Applied, as_function: bool) -> Counted:
    """By the class of the module; nothing for a function."""
    standing = bool(use.module) and not (as_function and use.function)
    rule = RULES.get(use.family) if standing else None
    if rule is not None:
        return rule(use)
    return unseen(use, standing, "thop") if use.macs else NOTHING


def deconv(use: Applied) -> Counted:
    """Elements written times the kernel: as if each were read by every place of it."""
    assert isinstance(use.op, Deconv)
    channels = use.ins[0][1] // use.op.g
    sides = use.op.k if isinstance(use.op.k, tuple) else (use.op.k,) * (len(use.ins[0]) - 2)
    number = use.written * channels * prod(sides)
    return Counted(number, (), "a transposed convolution counts elements written, not read, times the kernel")


def norm(label: str, affine: str) -> Rule:
    """Two per element, and twice that with weights."""

    def rule(use: Applied) -> Counted:
        each = 4 if getattr(use.op, "affine", False) else 2
        return Counted(extras=(Extra(label, each * use.read, f"2 per element, 4 with {affine}"),))

    return rule


def softmax(use: Applied) -> Counted:
    """Of n values: n exponentials, n - 1 sums, n quotients."""
    values = use.ins[0][channel_axis(use.op.name, use.types[0], getattr(use.op, "axis", None))]
    amount = use.read // values * (3 * values - 1)
    return Counted(extras=(Extra("softmax", amount, "3n - 1 for each n values"),))


def adaptive(use: Applied) -> Counted:
    """The kernel that the sizes' quotients are, plus one, per element written; in doubles, as thop computes it."""
    kernel = 1.0
    for before, after in zip(use.ins[0][2:], use.outs[0][2:], strict=True):
        kernel *= before / after
    amount = int((kernel + 1) * use.written)
    return Counted(extras=(Extra("average pool", amount, "(places per bin + 1) per element written"),))


def recurrent(use: Applied) -> Counted:
    """Products, and the cell's element-wise work, for each layer, direction and step."""
    op = use.op
    assert isinstance(op, Recurrent)
    gates, per_gate, per_unit = CELLS[op.name]
    each = op.hidden * (gates * (per_gate + (2 if op.bias else 0)) + per_unit)
    samples, steps = use.ins[0][:2]
    amount = each * op.layers * op.ways * samples * steps
    return Counted(use.macs, (Extra("recurrent cells", amount, "biases and element-wise work of each cell"),))


def upsample(use: Applied) -> Counted:
    """Per element written, by mode."""
    mode = getattr(use.op, "mode", "")
    each = UPSAMPLING.get(mode, 0)
    return Counted(extras=(Extra("upsampling", each * use.written, f"{each} per element written ({mode})"),))


RULES: dict[str, Rule] = {
    "nn.Conv": products,
    "nn.ConvTranspose": deconv,
    "nn.Linear": products,
    "nn.BatchNorm": norm("batch norm", "weight and bias"),
    "nn.LayerNorm": norm("layer norm", "weight and bias"),
    "nn.InstanceNorm": norm("instance norm", "weight and bias"),
    "nn.PReLU": extra("prelu", "1 per element", lambda use: use.read),
    "nn.Softmax": softmax,
    "nn.AvgPool": extra("average pool", "1 per element written", lambda use: use.written),
    "nn.AdaptiveAvgPool": adaptive,
    "nn.Upsample": upsample,
    "nn.RNN": recurrent,
    "nn.GRU": recurrent,
    "nn.LSTM": recurrent,
}
"""Classes with a hook that counts; ReLU, ReLU6, LeakyReLU, max pools, Dropout and PixelShuffle have one that adds 0."""

TOOL = Tool(
    name="thop",
    unit="MACs",
    version="0.1.1.post2209072238",
    source="thop/profile.py, thop/vision/basic_hooks.py, thop/vision/calc_func.py, thop/rnn_hooks.py",
    definition="hooks on the classes of torch.nn that it knows; a function called in forward counts nothing",
    count=count,
)

"""What fvcore counts and calls flops: one per multiply-add, and norms, some pools and upsampling.

Source: fvcore/nn/flop_count.py (`_DEFAULT_SUPPORTED_OPS`) and jit_handles.py. It reads a jit trace, so that modules
and functions count alike; an aten operator without a handle counts nothing.
"""

from __future__ import annotations

from math import floor, prod

from dslc.analysis.conventions.model import NOTHING, Applied, Counted, Extra, Rule, Tool, products
from dslc.ops.product import Einsum

EXACT_PATTERNS = ("abc,abd->acd", "abc,adc->adb")
"""The einsum patterns, in letters by appearance, that fvcore multiplies out itself."""


def count(use: Applied, as_function: bool) -> Counted:
    """By the op: each comes to one aten operator."""
    rule = RULES.get(use.op.name)
    if rule is not None:
        return rule(use)
    kernel = {"sdpa": "scaled_dot_product_attention", "rnn": f"rnn_{getattr(use.op, 'act', '')}"}.get(
        use.op.name, use.op.name
    )
    return Counted(reason=f"no handle for aten::{kernel}") if use.macs else NOTHING


def matmul(use: Applied) -> Counted:
    """Elements of the first matrix times columns of the second: batches of the second alone are not seen."""
    number = use.read * use.ins[1][-1]
    return Counted(number, (), "aten::matmul counts elements of the first tensor times columns of the second")


def einsum(use: Applied) -> Counted:
    """Half of what numpy.einsum_path prints, which has four digits (numpy 2: the cost plus one)."""
    assert isinstance(use.op, Einsum)
    pattern = use.op.pattern.replace(" ", "")
    letters = dict.fromkeys(c for c in pattern if c.isalpha())
    standard = pattern.translate({ord(c): 97 + i for i, c in enumerate(letters)})
    if len(use.ins) > 2:
        return Counted(unknown="aten::einsum of more than two tensors counts the order that numpy.einsum_path chooses")
    left, _, result = pattern.partition("->")
    size = {c: n for part, x in zip(left.split(","), use.ins, strict=True) for c, n in zip(part, x, strict=True)}
    full = prod(size.values())
    if standard in EXACT_PATTERNS:
        return Counted(full)
    inner = any(c not in result for c in size)
    printed = float(f"{full * (2 if inner else 1) + 1:.3e}")
    reason = "aten::einsum halves the cost that numpy.einsum_path prints with four digits"
    return Counted(floor(printed / 2), (), reason)


def norm(label: str) -> Rule:
    """Five per element, four without weights."""

    def rule(use: Applied) -> Counted:
        if len(use.ins[0]) > 5:
            return Counted(unknown="fvcore stops at a norm of more than five axes")
        each = 5 if getattr(use.op, "affine", False) else 4
        return Counted(extras=(Extra(label, each * use.read, "5 per element, 4 without weight and bias"),))

    return rule


def batch_norm(use: Applied) -> Counted:
    """Two per element at inference, one without weights."""
    each = 2 if getattr(use.op, "affine", True) else 1
    return Counted(extras=(Extra("batch norm", each * use.read, "2 per element, 1 without weight and bias"),))


def average(use: Applied) -> Counted:
    """Elements read, of adaptive pools of images alone."""
    if len(use.ins[0]) != 4:
        return NOTHING
    return Counted(extras=(Extra("average pool", use.read, "1 per element read, of adaptive pools over two axes"),))


def upsample(use: Applied) -> Counted:
    """One per element written by nearest, four by bilinear, of images."""
    mode = getattr(use.op, "mode", "")
    each = {"nearest": 1, "bilinear": 4}.get(mode, 0) if len(use.ins[0]) == 4 else 0
    if not each:
        return NOTHING
    return Counted(extras=(Extra("upsampling", each * use.written, f"{each} per element written ({mode})"),))


RULES: dict[str, Rule] = {
    "conv": products,
    "deconv": products,
    "linear": products,
    "matmul": matmul,
    "einsum": einsum,
    "bn": batch_norm,
    "gn": norm("group norm"),
    "ln": norm("layer norm"),
    "inorm": norm("instance norm"),
    "adaptive_avgpool": average,
    "gap": average,
    "upsample": upsample,
}
"""Ops whose aten operator has a handle: _convolution, linear, matmul, einsum, batch_norm, group_norm, layer_norm,
instance_norm, adaptive_avg_pool2d, upsample_nearest2d and upsample_bilinear2d."""

TOOL = Tool(
    name="fvcore",
    unit="flops",
    version="0.1.5.post20221221",
    source="fvcore/nn/flop_count.py, fvcore/nn/jit_handles.py",
    definition="one per multiply-add of aten operators that have a handle, and what it takes norms and pools to be",
    count=count,
)

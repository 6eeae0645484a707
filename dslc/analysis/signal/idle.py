"""Trained tensors that a norm behind them makes idle: their gradient is 0 but for rounding and borders."""

from __future__ import annotations

from collections import defaultdict

from dslc.analysis.signal.curves import sensitivity
from dslc.analysis.signal.forward import Forward, Passed
from dslc.ir.model import Param, Value
from dslc.ir.walk import Flat
from dslc.ops.signals import Adds, Curve, Drops, Joins, Keeps, Normalises, Pools, Scales, Weighs


def removals(flat: Flat, there: Forward) -> dict[tuple[Value, bool], str]:
    """The norm that takes out what is added to each channel of a value (True), or by what it is multiplied (False)."""
    readers: dict[Value, list[Passed]] = defaultdict(list)
    for one in there.passed:
        for value in one.step.inputs:
            readers[value].append(one)
    results = {value for _, value in flat.outputs}
    removed: dict[tuple[Value, bool], str] = {}
    # From the back, so that what reads a value has been looked at before it.
    for one in reversed(there.passed):
        for value in one.step.outs:
            for shift in (True, False):
                removed[value, shift] = "" if value in results else _remover(readers[value], shift, removed)
    return removed


def idle_weights(there: Forward, removed: dict[tuple[Value, bool], str]) -> dict[Param, str]:
    """Why each idle tensor is idle: what it adds, or multiplies by, for each channel is taken out by a norm."""
    found: dict[Param, str] = {}
    for one in there.passed:
        for name, param in one.owners.items():
            shifts = isinstance(one.rule, Weighs | Normalises) and name == "bias"
            scales = isinstance(one.rule, Normalises) and name == "weight" and one.rule.over != "channels"
            why = removed[one.step.outs[0], shifts] if shifts or scales else ""
            if why:
                found[param] = f"`{why}` takes out what it {'adds' if shifts else 'multiplies by'}"
    return found


def _remover(readers: list[Passed], shift: bool, removed: dict[tuple[Value, bool], str]) -> str:
    """The norm that takes out a constant of each channel, added or multiplied, on all ways; empty where none does."""
    first = ""
    for one in readers:
        why = one.step.path if takes_out(one) else ""
        if not why and passes(one, shift):
            why = removed[one.step.outs[0], shift]
        if not why:
            return ""
        first = first or why
    return first


def takes_out(one: Passed) -> bool:
    return isinstance(one.rule, Normalises) and one.rule.over in ("batch", "sample") and one.rule.centred


def passes(one: Passed, shift: bool) -> bool:
    """Whether a constant of a channel stays one."""
    rule = one.rule
    if isinstance(rule, Curve):
        return not shift and all(abs(sensitivity(rule, part, part) - 1) < 1e-3 for part in one.use.ins[0].parts)
    if isinstance(rule, Weighs):
        if shift and not any(before or after for _, _, before, after, _ in rule.window) and not rule.turned:
            return True  # a constant of each channel stays one, where all places read the same taps
        return rule.fan == 1 and (shift or "bias" not in one.use.laws or one.use.laws["bias"].square == 0)
    if isinstance(rule, Joins):
        return rule.axis in one.use.results[0].channels
    if isinstance(rule, Drops):
        return not shift
    if isinstance(rule, Adds):
        return shift
    if isinstance(rule, Keeps):
        return rule.axis is None and one.use.shapes[0].width == one.use.results[0].width
    return isinstance(rule, Pools | Scales)

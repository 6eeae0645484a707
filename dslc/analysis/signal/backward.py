"""The walk back: the gradients of every value and weight, from those of the results."""

from __future__ import annotations

from collections.abc import Mapping

from dslc.analysis.signal.forward import Forward
from dslc.analysis.signal.result import Gap
from dslc.analysis.signal.roles import Missing
from dslc.analysis.signal.rules import RULES
from dslc.analysis.signal.stats import Slopes, added
from dslc.ir.model import Param, Value
from dslc.ops.signals import Normalises
from dslc.record import record, replace


@record
class Backward:
    """`values`: gradients of values; `weights`: the mean square of the gradient of each trained tensor."""

    values: dict[Value, Slopes]
    weights: dict[Param, float]
    gaps: list[Gap]


def backward(there: Forward, removed: Mapping[tuple[Value, bool], str], cotangents: Mapping[Value, Slopes]) -> Backward:
    """Walk back over the uses that have a rule, from the gradients at the results."""
    found = Backward(dict(cotangents), {}, [])
    for one in reversed(there.passed):
        grads = tuple(found.values.get(value) for value in one.step.outs)
        if all(slopes is None for slopes in grads):
            continue
        use = one.use
        if isinstance(one.rule, Normalises) and removed.get((one.step.outs[0], False)):
            use = replace(use, freed=True)
        try:
            back = RULES[type(one.rule)][1](one.rule, use, one.outs, grads)
        except Missing as missing:
            found.gaps.append(Gap(one.step.path, one.use.op.name, str(missing)))
            continue
        for value, slopes in zip(one.step.inputs, back.ins, strict=False):
            if slopes is None or not value.type.dtype.is_float:
                continue
            if isinstance(value.producer, Param):
                _add(found, value.producer, _mean(there, value, slopes))
            found.values[value] = added(found.values.get(value), slopes)
        for name, square in back.own.items():
            param = one.owners.get(name)
            if param is not None and param.spec.kind == "param":
                _add(found, param, square)
    return found


def _add(found: Backward, param: Param, square: float) -> None:
    found.weights[param] = found.weights.get(param, 0.0) + square


def _mean(there: Forward, value: Value, slopes: Slopes) -> float:
    parts = there.values[value].parts
    total = sum(part.size for part in parts)
    return sum(slope.g * part.size for slope, part in zip(slopes, parts, strict=True)) / total

"""The analysis as one function: both walks, and what reports read of them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from dslc.analysis.signal.backward import Backward, backward
from dslc.analysis.signal.forward import Forward, Passed, forward
from dslc.analysis.signal.idle import idle_weights, removals
from dslc.analysis.signal.laws import Law, law
from dslc.analysis.signal.losses import cotangents
from dslc.analysis.signal.losses import named as named_loss
from dslc.analysis.signal.quadrature import single
from dslc.analysis.signal.recurrent import LIMIT, memory_of
from dslc.analysis.signal.result import (
    BlockSignal,
    LayerSignal,
    MemorySignal,
    NetworkSignal,
    WeightSignal,
)
from dslc.analysis.signal.stats import SAMPLES, Slopes, Stats
from dslc.analysis.signal.verdicts import ratio_of, verdicts
from dslc.collector import paused
from dslc.ir.model import Call, Either, For, If, Instance, Item, Model, Node, Param, Value
from dslc.ir.walk import Flat, flatten
from dslc.ops.gating import LogSoftmax, Softmax
from dslc.ops.pool_adaptive import AdaptiveAvgPool, GlobalAvgPool
from dslc.ops.reduce import Mean
from dslc.ops.signals import Contracts, Curve, Drops, Recurs, Weighs
from dslc.record import replace

MOMENTS = (
    "of trained weights the means and variances are used, as if elements were independent; batch norms take the "
    "statistics of the batch, not those kept"
)

AVERAGES = (GlobalAvgPool, AdaptiveAvgPool, Mean, Softmax, LogSoftmax)
"""Ops that leave less of noise than of an image, as its places have nothing in common."""


@paused()
def signal(
    model: Model,
    *,
    batch: int = 16,
    flat: Flat | None = None,
    square: float = 1.0,
    loss: str = "independent",
    laws: Mapping[Param, Law] | None = None,
    notes: Iterable[str] = (),
) -> NetworkSignal:
    """Values and gradients of a network at initialisation, in training. Linear in the number of uses of ops.

    `flat`: its `walk.flatten(model, training=True)`, if there is one already; `square`: the inputs' mean square;
    `loss`: one of `losses.LOSSES`; `laws`: the moments of tensors that are trained, in place of what is declared, with
    the `notes` on how they were read.
    Raises `ValueError` for a loss that has no rule.
    """
    words = named_loss(loss)
    flat = flatten(model, training=True) if flat is None else flat
    there = forward(model, flat, batch, square=square, laws=laws)
    drops = any(isinstance(one.rule, Drops) and one.rule.p for one in there.passed)
    still = forward(model, flat, batch, dropping=False, square=square, laws=laws) if drops else there
    removed = removals(flat, there)
    back = backward(there, removed, cotangents(loss, flat, there))
    idle = idle_weights(there, removed)
    weights = {param: weight_of(param, (laws or {}).get(param) or law(param), back, idle) for param in trained(there)}
    layers = tuple(layer_of(one, still, back, weights) for one in there.passed if one.step.outs)
    every = tuple(weights.values())
    outputs = [still.values[value] for _, value in flat.outputs if value in still.values]
    varies = [
        (varying(still.values[value]), averaged(value, still))
        for _, value in flat.outputs
        if value in still.values and still.values[value].whole.q > 0
    ]
    most, factor = max(varies, key=lambda one: one[0] * one[1], default=(None, 1.0))
    found = NetworkSignal(
        name=model.entry,
        batch=batch,
        loss=words,
        layers=layers,
        weights=every,
        blocks=tuple(blocks(model, flat, there, back)),
        memory=tuple(memory(there)),
        gaps=(*there.gaps, *back.gaps),
        verdicts=(),
        sensitivity=max((x.growth for x in outputs), default=1.0),
        ratio=ratio_of(every, matrices(there)),
        varies=most,
        averaged=factor,
        result=max(map(rms, outputs), default=None),
        largest=max((layer.rms for layer in layers), default=0.0),
    )
    judged = verdicts(found)
    if laws is None:
        return judged
    return replace(judged, trained=True, notes=(*notes, MOMENTS, *judged.notes))


def rms(stats: Stats) -> float:
    return math.sqrt(max(stats.whole.q, 0.0))


def slope_rms(stats: Stats, slopes: Slopes) -> float:
    """RMS of a gradient over all parts of a value."""
    total = sum(part.size for part in stats.parts)
    return math.sqrt(max(sum(s.g * p.size for s, p in zip(slopes, stats.parts, strict=True)) / total, 0.0))


def varying(stats: Stats) -> float:
    """1 - c, c the correlation of one place of two samples."""
    part = stats.whole
    if part.q <= 0 or stats.samples == 1:
        return 0.0
    return min(max(part.d[SAMPLES], 0.0) / part.q, 1.0)


def averaged(value: Value, still: Forward) -> float:
    """How much of what depends on the input is lost where a result's places are averaged, or a softmax ends it.

    Only along the steps at the end that read one value each: a mean within a branch is no loss of the whole.
    """
    makers = {out: one.step for one in still.passed for out in one.step.outs}
    factor = 1.0
    while value in makers:
        step = makers[value]
        read = [one for one in dict.fromkeys(step.inputs) if not isinstance(one.producer, Param)]
        if len(read) != 1 or read[0] not in still.values or value not in still.values:
            break
        op = step.node.op.core if isinstance(step.node, Node) else None
        before, after = varying(still.values[read[0]]), varying(still.values[value])
        if isinstance(op, AVERAGES) and 0 < after < before:
            factor *= before / after
        value = read[0]
    return factor


def trained(there: Forward) -> Iterator[Param]:
    """The trained tensors in the order of their first use."""
    seen: dict[Param, None] = {}
    for one in there.passed:
        for value in one.step.inputs:
            if isinstance(value.producer, Param):
                seen.setdefault(value.producer)
        for param in one.owners.values():
            seen.setdefault(param)
    return (param for param in seen if param.spec.kind == "param")


def weight_of(param: Param, one: Law | None, back: Backward, idle: dict[Param, str]) -> WeightSignal:
    square = back.weights.get(param)
    why = idle.get(param, "")
    gradient = None if why or square is None else math.sqrt(max(square, 0.0))
    return WeightSignal(param.path, math.sqrt(one.square) if one is not None else 0.0, gradient, param.spec.count, why)


def layer_of(one: Passed, still: Forward, back: Backward, weights: dict[Param, WeightSignal]) -> LayerSignal:
    out, value = one.outs[0], one.step.outs[0]
    own = [weights[param] for param in dict.fromkeys(one.owners.values()) if param in weights]
    slopes = back.values.get(value)
    before = rms(one.use.ins[0]) if one.use.ins else 0.0
    saturated = dead = None
    if isinstance(one.rule, Curve):
        parts = one.use.ins[0].parts
        total = sum(part.size for part in parts)
        shares = [(single(one.rule, part), part.size / total) for part in parts]
        dead = sum(s.dead * w for s, w in shares)
        saturated = sum(s.saturated * w for s, w in shares)
    whole = out.whole
    return LayerSignal(
        path=one.step.path,
        op=one.use.op.name,
        rms=rms(out),
        mean=whole.m,
        gain=rms(out) / before if before else None,
        varies=varying(still.values.get(value, out)),
        gradient=None if slopes is None else slope_rms(out, slopes),
        saturated=saturated,
        dead=dead,
        weights=tuple(own),
    )


def matrices(there: Forward) -> list[str]:
    """Paths of the weight matrices in order of use, embeddings left out."""
    found: dict[str, None] = {}
    for one in there.passed:
        if isinstance(one.rule, Weighs | Recurs):
            for name, param in one.owners.items():
                if name.startswith("weight") and param.spec.kind == "param":
                    found.setdefault(param.path)
        elif isinstance(one.rule, Contracts):
            for value in one.step.inputs:
                if isinstance(value.producer, Param):
                    found.setdefault(value.producer.path)
    return list(found)


def blocks(model: Model, flat: Flat, there: Forward, back: Backward) -> Iterator[BlockSignal]:
    """The applications of blocks, each before those inside it; nesting takes no recursion."""
    within: dict[str, int] = {}
    for one in there.passed:
        parts = one.step.path.split(".")
        for depth in range(1, len(parts)):
            path = ".".join(parts[:depth])
            within[path] = within.get(path, 0) + 1
    stack: list[Iterator[Item]] = [iter(model.root.body)]
    while stack:
        item = next(stack[-1], None)
        if item is None:
            stack.pop()
        elif isinstance(item, Call):
            if item.instance.kind == "block":
                yield block_of(item, within.get(item.instance.path, 0), flat, there, back)
            if item.instance.kind != "extern":
                stack.append(iter(item.instance.body))
        elif isinstance(item, If):
            stack.append(iter(item.items))
        elif isinstance(item, For):
            stack.append(chain.from_iterable(item.turns))
        elif isinstance(item, Either):
            stack.append(iter(item.training))


def block_of(call: Call, count: int, flat: Flat, there: Forward, back: Backward) -> BlockSignal:
    instance = call.instance

    def at(values: tuple[Value, ...]) -> tuple[Stats | None, Slopes | None]:
        value = flat.resolve(values[0]) if values else None
        return (there.values.get(value), back.values.get(value)) if value is not None else (None, None)

    (into, into_slope), (out, out_slope) = at(call.inputs), at(call.outs)
    gain = rms(out) / rms(into) if into is not None and out is not None and rms(into) else None
    gradient = None
    if into is not None and out is not None and into_slope is not None and out_slope is not None:
        above = slope_rms(out, out_slope)
        gradient = slope_rms(into, into_slope) / above if above else None
    return BlockSignal(instance.path, named(instance), count, gain, gradient)


def named(instance: Instance) -> str:
    return instance.definition.name if instance.definition is not None else instance.kind


def memory(there: Forward) -> Iterator[MemorySignal]:
    """How far back each recurrent layer remembers."""
    for one in there.passed:
        if isinstance(one.rule, Recurs):
            length = one.use.shapes[0].dims[1]
            yield MemorySignal(one.step.path, one.use.op.name, length, memory_of(one.rule, one.use), LIMIT)

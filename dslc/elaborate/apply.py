"""Applying layers to tensors: ops become nodes, composites run their steps, `seq` makes a group."""

from __future__ import annotations

from dslc.elaborate.mistakes.conditions import TrainingSides
from dslc.elaborate.mistakes.flow import NotALayer
from dslc.elaborate.mistakes.modules import ForeignTensor
from dslc.elaborate.recipe import Known, Recipe, is_tensor
from dslc.elaborate.run import USE, Place, Run, block_of, flowing
from dslc.ir.model import Either, Item, Value
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import mentions_it
from dslc.types.const import Const, literal
from dslc.types.dim import UNKNOWN
from dslc.values.faces import describe
from dslc.values.hole import failed, hole, is_hole


def join(run: Run, sides: list[Const], items: tuple[list[Item], list[Item]], span: Span, p: Place) -> Const:
    """Join the two sides of a choice by `training`."""
    first, second = sides[0].value, sides[1].value
    guessed = [v for v in (first, second) if isinstance(v, Value) and UNKNOWN in v.type.dims]
    if guessed and isinstance(first, Value) and isinstance(second, Value):  # they may be alike
        run.lost(span, p)
        known = next((v for v in (first, second) if v not in guessed), None)
        return literal(known, span) if known is not None else hole(span)
    if not isinstance(first, Value) or not isinstance(second, Value) or first.type != second.type:
        words = [str(v.type) if isinstance(v, Value) else describe(v) for v in (first, second)]
        return run.report(TrainingSides(*words), span, p)
    out = Value(first.type, span=span)
    either = Either(span, *items, (first, second), out)
    out.producer = either
    for side in (first, second):
        side.readers.append(p.owner)
    p.items.append(either)
    run.made.append((out, ("choice", ""), block_of(p.owner)))
    return literal(out, span)


def through(run: Run, value: Const, rest: tuple[tree.Expr, ...], p: Place) -> Const:
    """Send tensors through the steps of a chain."""
    q = p.inside()
    for step in rest:
        q.it = flowing(value.value)
        made = run.evaluate(step, q)
        if is_tensor(made.value) and not mentions_it(step) and not failed(value):
            return run.report(NotALayer(describe(made.value)), step.span, p)
        value = settle(run, made, q, step.span)
        if not failed(value) and not is_tensor(value.value):
            value = run.report(NotALayer(describe(value.value)), step.span, p)
    return value


def flow(run: Run, expr: tree.Expr, p: Place) -> Const:
    """The tensors a line or a step of a chain makes."""
    value = run.evaluate(expr, p)
    return settle(run, value, p, expr.span)


def settle(run: Run, value: Const, p: Place, span: Span) -> Const:
    """A layer is applied to the current value; tensors stand for themselves."""
    if isinstance(value.value, Recipe):
        return apply(run, value, _current(p), p, span)
    return value


def _current(p: Place) -> tuple[Value, ...]:
    """The current value as inputs."""
    if isinstance(p.it, Value):
        return (p.it,)
    return p.it if isinstance(p.it, tuple) else ()


def apply(run: Run, layer: Const, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
    """The tensors that a layer makes of `inputs`."""
    recipe = layer.value
    run.spend(USE)
    if failed(layer):
        return run.lost(span, p)
    if not isinstance(recipe, Recipe):
        return run.report(NotALayer(describe(recipe)), layer.span, p)
    if recipe.named:
        if recipe.home is not block_of(p.owner):
            return run.report(ForeignTensor(), recipe.span, p)
        if is_hole(p.it) and not inputs and not recipe.layer.signature.needed <= set(recipe.named):
            return recover(run, layer, tuple(map(recipe.named.get, recipe.layer.signature.ports)), p, span)
        inputs = recipe.in_port_order(inputs)
    if is_hole(p.it) and not inputs and not recipe.layer.signature.source:
        return recover(run, layer, (None,), p, span)
    return recipe.layer.apply(run, recipe, inputs, p, span)


def recover(run: Run, layer: Const, inputs: Known, p: Place, span: Span) -> Const:
    """What is known of the tensors that a layer makes of inputs some of which failed."""
    run.lost(span, p)
    for value in inputs:
        if value is not None:
            value.readers.append(p.owner)
    if not isinstance(layer.value, Recipe):
        return hole(span)
    return layer.value.layer.recover(run, layer.value, inputs, p, span)

"""Applying layers to tensors: ops become nodes, composites run their steps, `seq` makes a group."""

from __future__ import annotations

from dslc.diagnostics.model import Label
from dslc.elaborate.apply_block import apply_block
from dslc.elaborate.apply_op import apply_op
from dslc.elaborate.arguments import in_port_order, probe
from dslc.elaborate.errors_body import SharedModule, TrainingSides
from dslc.elaborate.errors_use import NotALayer
from dslc.elaborate.layers import (
    ChainLayer,
    ChoiceLayer,
    Definition,
    Recipe,
    Shared,
    SuiteLayer,
    TrainingLayer,
    describe,
    is_tensor,
)
from dslc.elaborate.naming import modules_of, name_instance
from dslc.elaborate.run import USE, Place, Run, block_of, flowing
from dslc.ir.model import Call, Either, If, Instance, Item, Value
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import mentions_it
from dslc.types.const import Const, Scope, literal
from dslc.values.hole import HOLE, failed, hole


def join(run: Run, sides: list[Const], items: tuple[list[Item], list[Item]], span: Span, p: Place) -> Const:
    """Join the two sides of a choice by `training`."""
    first, second = sides[0].value, sides[1].value
    if not isinstance(first, Value) or not isinstance(second, Value) or first.type != second.type:
        words = [str(v.type) if isinstance(v, Value) else describe(v) for v in (first, second)]
        return run.report(TrainingSides(*words), span, p)
    out = Value(first.type, span=span)
    either = Either(span, *items, (first, second), out)
    out.producer = either
    for side in (first, second):
        side.readers.append(p.owner)
    p.items.append(either)
    run.made.append((out, "this choice", block_of(p.owner)))
    return literal(out, span)


def through(run: Run, value: Const, rest: tuple[tree.Expr, ...], p: Place) -> Const:
    """Send tensors through the steps of a chain."""
    q = p.inside()
    for step in rest:
        q.it = flowing(value.value)
        made = run.evaluate(step, q)
        if failed(value):
            probe(run, made, q)
            continue
        if is_tensor(made.value) and not mentions_it(step):
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
    if recipe is HOLE or (p.it is HOLE and not inputs):
        return hole(span)
    if not isinstance(recipe, Recipe):
        return run.report(NotALayer(describe(recipe)), layer.span, p)
    if recipe.named:
        if recipe.home is not block_of(p.owner):
            text = "this layer holds a tensor of another block: hand the tensor over as an input"
            return run.report(SharedModule(text), recipe.span, p)
        inputs = in_port_order(recipe, inputs)
    match recipe.target:
        case type():
            return apply_op(run, recipe, inputs if recipe.target.inputs else (), p, span)
        case Definition():
            return apply_block(run, recipe, inputs, p, span)
        case Shared():
            return _apply_shared(run, recipe.target, inputs, p, span)
        case ChoiceLayer():
            return _apply_choice(run, recipe, inputs, p, span)
        case TrainingLayer():
            return _apply_training(run, recipe, recipe.target, inputs, p, span)
        case ChainLayer() | SuiteLayer():
            if recipe.name is not None or (isinstance(recipe.target, SuiteLayer) and recipe.target.seq):
                return _apply_group(run, recipe, inputs, p, span)
            return _run(run, recipe, inputs, p, span)
    raise AssertionError(type(recipe.target))


def _run(run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
    """The steps of a chain or suite, in their writer's scope, owned by the place that applies them."""
    it = inputs[0] if len(inputs) == 1 else inputs
    if isinstance(recipe.target, ChainLayer):
        q = p.inside(scope=recipe.scope, it=it)
        return through(run, settle(run, recipe.target.first, q, recipe.target.first.span), recipe.target.rest, q)
    assert isinstance(recipe.target, SuiteLayer)
    scope = recipe.scope
    if not recipe.target.seq:
        scope = Scope("suite", recipe.scope, recipe.scope.instance, recipe.scope.inline)
    q = p.inside(scope=scope, it=it)
    run.execute(recipe.target.suite, q)
    return literal(q.it, span)


def _apply_group(run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
    """A `seq`, or a chain named by `as`: an instance that shares its writer's scope and numbers its steps."""
    group = Instance(
        "seq",
        None,
        recipe.span,
        p.owner,
        "",
        False,
        recipe.scope,
        {},
        inputs,
        p.frame,
        numbered=True,
        via=recipe.via,
    )
    name_instance(run, group, recipe, "seq", p, span)
    run.owners.append(group)
    q = replace(p, owner=group, items=group.body)
    result = _run(run, recipe, inputs, q, span)
    outs = result.value if isinstance(result.value, tuple) else (result.value,)
    if not all(isinstance(o, Value) for o in outs):
        return hole(span)
    group.outputs = outs
    p.items.append(Call(group, inputs, group.outputs, span, p.frame))
    return result


def _apply_choice(run: Run, recipe: Recipe, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
    choice = recipe.target
    assert isinstance(choice, ChoiceLayer)
    taken = choice.taken
    if isinstance(taken.value, Recipe):
        inner = taken.value
        taken = Const(
            replace(
                inner,
                name=inner.name or recipe.name,
                name_span=inner.name_span or recipe.name_span,
                via=inner.via or recipe.via,
            ),
            taken.origin,
            taken.scope,
            taken.span,
        )
    items: list[Item] = []
    result = apply(run, taken, inputs, p.inside(items=items), span)
    before = inputs[0] if len(inputs) == 1 else None
    after = result.value if isinstance(result.value, Value) else None
    p.items.append(If(choice.site, (choice.condition,), choice.side, 2, items, before, after))
    return result


def _apply_training(
    run: Run, recipe: Recipe, layer: TrainingLayer, inputs: tuple[Value, ...], p: Place, span: Span
) -> Const:
    items: tuple[list[Item], list[Item]] = ([], [])
    sides = []
    for side, into in zip((layer.training, layer.evaluation), items, strict=True):
        sides.append(apply(run, side, inputs, p.inside(items=into), span))
    if failed(*sides):
        return hole(span)
    return join(run, sides, items, layer.site, p)


def _apply_shared(run: Run, shared: Shared, inputs: tuple[Value, ...], p: Place, span: Span) -> Const:
    """A `module`: the first use makes the weights, later ones share them."""
    if block_of(p.owner) is not shared.instance:
        text = f"`{shared.name}` belongs to another block: apply it there"
        return run.report(SharedModule(text), span, p, [Label(shared.span, "made here")])
    if p.owner is not shared.instance:
        text = f"`{shared.name}` is applied inside a `seq`, which numbers modules of its own: apply it outside"
        return run.report(SharedModule(text), span, p, [Label(shared.span, "made here")])
    recipe = replace(shared.layer, name=shared.name, name_span=shared.span)
    q = replace(p, owner=shared.instance)
    run.reuse = shared.first
    before = len(q.items)
    result = apply(run, literal(recipe, shared.layer.span), inputs, q, span)
    run.reuse = None
    if shared.first is None:
        made = next(modules_of(q.items[before:]), None)
        shared.first = made.instance if isinstance(made, Call) else made
    return result

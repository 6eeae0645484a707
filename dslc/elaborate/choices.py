"""Conditions, and choices between two values, layers or tensors."""

from __future__ import annotations

from dslc.elaborate.apply import join
from dslc.elaborate.layers import Choice, Training
from dslc.elaborate.mistakes.conditions import NotBool
from dslc.elaborate.recipe import Recipe, Shared, is_tensor
from dslc.elaborate.run import Place, Run
from dslc.ir.model import If, Item, Value
from dslc.syntax import tree
from dslc.types.const import Const, literal
from dslc.values.faces import describe
from dslc.values.hole import failed, hole


def decided(run: Run, expr: tree.Expr, p: Place) -> tuple[bool, Const]:
    """A condition's answer, and the constant; false where it failed."""
    value = run.evaluate(expr, p)
    if failed(value):
        return False, value
    if not isinstance(value.value, bool):
        return False, run.report(NotBool(describe(value.value)), expr.span, p)
    return value.value, value


def conditional(run: Run, expr: tree.Conditional, p: Place) -> Const:
    if isinstance(expr.condition, tree.Word) and expr.condition.word == "training":
        return _training(run, expr, p)
    holds, condition = decided(run, expr.condition, p)
    if failed(condition):
        return condition
    items: list[Item] = []
    side = 0 if holds else 1
    value = run.evaluate(expr.then if holds else expr.other, p.inside(items=items))
    read_untaken(run, expr.other if holds else expr.then, p)
    if failed(value):
        return value
    if isinstance(value.value, Recipe):
        p.items.extend(items)
        choice = Choice(condition, side, value, expr.span)
        return Const(Recipe(choice, expr.span, p.scope), expr, p.scope, value.span)
    if is_tensor(value.value):
        before = p.it if isinstance(p.it, Value) else None
        after = value.value if isinstance(value.value, Value) else None
        p.items.append(If(expr.span, (condition,), side, 2, items, before, after))
        return literal(value.value, expr.span)
    return Const(value.value, expr, p.scope, value.span)


def _training(run: Run, expr: tree.Conditional, p: Place) -> Const:
    items: tuple[list[Item], list[Item]] = ([], [])
    sides = [run.evaluate(e, p.inside(items=i)) for e, i in zip((expr.then, expr.other), items, strict=True)]
    if failed(*sides):
        return hole(expr.span)
    if all(isinstance(s.value, Recipe) for s in sides):
        layer = Training(sides[0], sides[1], expr.span)
        return Const(Recipe(layer, expr.span, p.scope), None, None, expr.span)
    return join(run, sides, items, expr.span, p)


def read_untaken(run: Run, part: tree.Expr | tree.Suite, p: Place) -> None:
    """Names read in a side that was not taken count as read: another instance may take it."""
    for name in run.mentioned(part):
        found = p.scope.find(name)
        if found is not None:
            found.used = True
            if isinstance(found.value, Value):
                found.value.readers.append(p.owner)
            held = found.value.value if isinstance(found.value, Const) else found.value
            for one in held if isinstance(held, list) else [held]:
                shared = one.layer.shared if isinstance(one, Recipe) else one
                if isinstance(shared, Shared):
                    shared.read = True

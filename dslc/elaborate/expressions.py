"""Expressions: compile-time values with their origins, layers, and tensor arithmetic.

Every expression evaluates to a `Const`; a tensor is a Const whose value is a `Value` (several: a tuple of them).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dslc.bind.expressions import has_branches
from dslc.bind.mistakes_body import TrainingCondition
from dslc.diagnostics.model import Reject
from dslc.elaborate.access import attribute, index
from dslc.elaborate.apply import through
from dslc.elaborate.calls import call, call_function
from dslc.elaborate.choices import conditional
from dslc.elaborate.layers import Steps, Suite
from dslc.elaborate.loops import comprehension
from dslc.elaborate.meaning import meaning, ticked, unknown, written
from dslc.elaborate.mistakes.flow import NotALayer, NotATensor
from dslc.elaborate.mistakes.layers import NamesNoLayer
from dslc.elaborate.mistakes.limits import DeepExpression
from dslc.elaborate.mistakes.values import NoCurrent
from dslc.elaborate.operators import binary, compare, unary
from dslc.elaborate.recipe import Function, Recipe, is_tensor
from dslc.elaborate.recovery import lose_names
from dslc.elaborate.run import Place, Run
from dslc.ir.model import Value
from dslc.record import replace
from dslc.syntax import tree
from dslc.types.const import Const, Ref, Scope, literal
from dslc.types.dim import Unknown
from dslc.values.faces import describe
from dslc.values.hole import HOLE, failed, hole, is_hole


def _number(run: Run, expr: tree.Number | tree.SizeLiteral, p: Place) -> Const:
    value = expr.value if isinstance(expr, tree.Number) else expr.sides
    return Const(value, expr, p.scope, expr.span)


def _text(run: Run, expr: tree.Text, p: Place) -> Const:
    return Const(written(run, expr, p), expr, p.scope, expr.span)


def _word(run: Run, expr: tree.Word, p: Place) -> Const:
    if expr.word == "training":
        return run.report(TrainingCondition(), expr.span, p)
    values: dict[str, object] = {"true": True, "false": False, "none": None, "...": ...}
    return Const(values[expr.word], expr, p.scope, expr.span)


def _it(run: Run, expr: tree.It, p: Place) -> Const:
    if p.it is None:
        return run.report(NoCurrent(), expr.span, p)
    return literal(p.it, expr.span)


def _name(run: Run, expr: tree.Name, p: Place) -> Const:
    found = meaning(run, expr.name, expr, p)
    if isinstance(found.value, Function) and found.value.alias:
        return call_function(run, found.value, [], tree.Call(expr.span, expr, (), None), p)
    return found


def _tick_name(run: Run, expr: tree.TickName, p: Place) -> Const:
    name = ticked(run, expr.text, p)
    return hole(expr.span) if name is None else meaning(run, name, expr, p)


def _tuple(run: Run, expr: tree.Tuple, p: Place) -> Const:
    values = [run.evaluate(item, p).value for item in expr.items]
    if any(map(is_hole, values)):
        return hole(expr.span)
    return Const(run.sized(tuple(values)), expr, p.scope, expr.span)


def _list(run: Run, expr: tree.List, p: Place) -> Const:
    values = [run.evaluate(item, p).value for item in expr.items]
    if any(map(is_hole, values)):
        return hole(expr.span)
    return Const(run.sized(values), expr, p.scope, expr.span)


def _chain(run: Run, expr: tree.Chain, p: Place) -> Const:
    """From a tensor, a chain flows at once; from a layer, it is a layer of several steps."""
    first = run.evaluate(expr.steps[0], p)
    if failed(first) or is_tensor(first.value):
        return through(run, first, expr.steps[1:], p)
    if not isinstance(first.value, Recipe):
        if isinstance(first.value, tuple) and any(isinstance(v, Value) for v in first.value):
            return _mixed(run, expr.steps[0], first.value, p)
        return run.report(NotALayer(describe(first.value)), expr.steps[0].span, p)
    return Const(Recipe(Steps(first, expr.steps[1:]), expr.span, p.scope), expr, p.scope, expr.span)


def _mixed(run: Run, expr: tree.Expr, values: tuple[object, ...], p: Place) -> Const:
    """The mistake of brackets that hold tensors and something else."""
    at = next(i for i, v in enumerate(values) if not isinstance(v, Value))
    item = expr.items[at] if isinstance(expr, tree.Tuple) else expr
    return run.report(NotATensor(describe(values[at]), item.span.text), item.span, p)


def _as(run: Run, expr: tree.As, p: Place) -> Const:
    value = run.evaluate(expr.value, p)
    name = expr.name.name if isinstance(expr.name, tree.Name) else ticked(run, expr.name.text, p)
    if name is None:
        return hole(expr.span)
    if isinstance(value.value, Recipe):
        recipe = replace(value.value, name=name, name_span=expr.name.span)
        return Const(recipe, expr, p.scope, value.span)
    if failed(value):
        return value
    return run.report(NamesNoLayer(describe(value.value)), expr.span, p)


def _lost(run: Run, expr: tree.Lost, p: Place) -> Const:
    lose_names(expr, p)
    if expr.suite is not None and not has_branches(expr.suite):
        run.execute(expr.suite, p.inside(scope=Scope("turn", p.scope, p.scope.instance, p.scope.inline), it=HOLE))
    return run.lost(expr.span, p)


def _seq(run: Run, expr: tree.Seq, p: Place) -> Const:
    return Const(Recipe(Suite(expr.suite, seq=True), expr.span, p.scope), expr, p.scope, expr.span)


def _ref(run: Run, expr: Ref, p: Place) -> Const:
    return expr.const


def evaluate(run: Run, expr: tree.Expr, p: Place) -> Const:
    """The value of an expression; a hole where it fails."""
    if run.told and expr in run.told:
        return unknown(run, expr, p)
    handler = _EXPRESSIONS[type(expr)]
    try:
        return handler(run, expr, p)
    except Reject as reject:
        return run.report(reject.mistake, expr.span, p, reject.related)
    except Unknown:
        return run.lost(expr.span, p)
    except RecursionError:
        return run.report(DeepExpression(), expr.span, p)


_EXPRESSIONS: Final[dict[type[tree.Expr], Callable[[Run, Any, Place], Const]]] = {
    tree.Number: _number,
    tree.SizeLiteral: _number,
    tree.Text: _text,
    tree.Word: _word,
    tree.Name: _name,
    tree.TickName: _tick_name,
    tree.It: _it,
    tree.Tuple: _tuple,
    tree.List: _list,
    tree.Comprehension: comprehension,
    tree.Unary: unary,
    tree.Binary: binary,
    tree.Compare: compare,
    tree.Conditional: conditional,
    tree.Call: call,
    tree.Attribute: attribute,
    tree.Index: index,
    tree.As: _as,
    tree.Chain: _chain,
    tree.Seq: _seq,
    tree.Lost: _lost,
    Ref: _ref,
}

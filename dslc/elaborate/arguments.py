"""Arguments: checking values against the types of a layer's parameters."""

from __future__ import annotations

from dslc.bind.mistakes import WrongType
from dslc.bind.values import missing_arguments, out_of_range, wrong_kind, wrong_parameter
from dslc.elaborate.recipe import Recipe
from dslc.elaborate.run import WALKED, Place, Run
from dslc.ops.base import Attr, Op
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Const
from dslc.types.dim import Dim
from dslc.values.faces import describe
from dslc.values.hole import failed
from dslc.values.kinds import ANYTHING, of_type, whole
from dslc.values.limits import weight


def checked_attribute(run: Run, op: type[Op], rules: Attr, const: Const, p: Place) -> Const | None:
    """An op's attribute checked against its declaration; none after a mistake."""
    if rules.name == op.gather:
        return _gathered(run, op, rules.name, const, p)
    meant = rules.kind.meant(const.value)
    if meant is not const.value:
        const = replace(const, value=meant)
    value = run.sized(meant)
    fault = wrong_kind(op.name, rules, value)
    if fault is not None:
        run.report(fault, const.span, p)
        return None
    if not rules.symbolic and rules.kind is not ANYTHING:
        value = _pinned(run, value, p, const.span)
    fault = out_of_range(op.name, rules, value)
    if fault is not None:
        run.report(fault, const.span, p)
        return None
    if isinstance(value, list):
        value = tuple(value)
    if value is const.value:
        return const
    return Const(value, const.origin, const.scope, const.span)


def _gathered(run: Run, op: type[Op], name: str, const: Const, p: Place) -> Const | None:
    """The positional arguments of an op such as `expand`: sizes each, or one list of them."""
    items = const.value if isinstance(const.value, tuple) else (const,)
    for item in items:
        value = item.value if isinstance(item, Const) else item
        one_list = len(items) == 1 and isinstance(value, list | tuple) and all(map(whole, value))
        if not whole(value) and not one_list:
            span = item.span if isinstance(item, Const) else const.span
            run.report(WrongType(op.name, name, "whole numbers", describe(value)), span, p)
            return None
    return const


def _pinned(run: Run, value: object, p: Place, span: Span) -> object:
    """A value whose symbolic sizes are pinned at their defaults: weights and kernels need numbers."""
    if isinstance(value, Dim):
        return run.sizes.pin(value, span)
    if not isinstance(value, tuple | list):
        return value
    found = tuple(_pinned(run, v, p, span) for v in value)
    return value if all(a is b for a, b in zip(found, value, strict=True)) else found


def checked_parameter(run: Run, block: str, declared: tree.Parameter, const: Const, p: Place) -> Const | None:
    """A block's argument checked against the header's type; none after a mistake."""
    if failed(const):
        return None
    run.spend(weight(const.value) // WALKED)
    fault = wrong_parameter(block, declared, const.value)
    if fault is not None:
        run.report(fault, const.span, p)
        return None
    if declared.type is None:
        return const
    value = of_type(declared.type).fitted(const.value)
    return const if value is const.value else Const(value, const.origin, const.scope, const.span)


def report_missing(run: Run, recipe: Recipe, names: list[str], p: Place, span: Span) -> Const:
    """The mistake of a layer applied before it is complete."""
    mistake, labels = missing_arguments(recipe.layer.signature, tuple(names), span)
    return run.report(mistake, span, p, labels)

"""Arguments: checking values against the types of a layer's parameters."""

from __future__ import annotations

from dslc.bind.mistakes import MissingArgument, NotAChoice, OutOfRange, WrongType
from dslc.diagnostics.codes import nearest
from dslc.elaborate.kinds import (
    KINDS,
    TYPES,
    element_type,
    fitted,
    initial,
    literal_kind,
    matches,
    numbers_in,
    spell_type,
    whole,
)
from dslc.elaborate.limits import weight
from dslc.elaborate.recipe import Recipe, describe
from dslc.elaborate.run import WALKED, Place, Run
from dslc.ops.base import Attr, Op
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Const
from dslc.types.dim import Dim
from dslc.values.hole import failed


def checked_attribute(run: Run, op: type[Op], rules: Attr, const: Const, p: Place) -> Const | None:
    """An op's attribute checked against its declaration; none after a mistake."""
    if rules.name == op.gather:
        return _gathered(run, op, rules.name, const, p)
    kinds = rules.kind.replace("Any", "object").split(" | ")
    if "Init" in kinds:
        const = replace(const, value=initial(const.value))
    if "DType" in kinds:
        const = replace(const, value=element_type(const.value))
    value = run.sized(const.value)
    words = tuple(c for c in rules.choices if isinstance(c, str))
    if isinstance(value, str) and rules.choices:
        if value in words:
            return const
        near = nearest(value, words)
        run.report(NotAChoice(op.name, rules.name, value, words, near), const.span, p)
        return None
    if rules.choices and not words and value not in rules.choices:
        known = tuple(str(c) for c in rules.choices)
        run.report(NotAChoice(op.name, rules.name, str(value), known, None), const.span, p)
        return None
    if not any(KINDS.get(kind, KINDS["object"])[1](value) for kind in kinds):
        wanted = " or ".join(KINDS[k][0] for k in kinds if k in KINDS)
        if rules.choices:
            wanted += " or " + ", ".join(f"`{c}`" for c in rules.choices)
        run.report(WrongType(op.name, rules.name, wanted, describe(value)), const.span, p)
        return None
    if not rules.symbolic and "object" not in kinds:
        value = _pinned(run, value, p, const.span)
    if rules.least is not None or rules.most is not None:
        for number in numbers_in(value):
            low = rules.least is not None and number < rules.least
            if low or (rules.most is not None and number > rules.most):
                run.report(OutOfRange(op.name, rules.name, number, rules.least, rules.most), const.span, p)
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
    if declared.type is None:
        return _like_default(run, block, declared, const, p)
    run.spend(weight(const.value) // WALKED)
    wanted = spell_type(declared.type)
    if not matches(declared.type, const.value) or not _takes(const.value, declared.type.calls):
        run.report(WrongType(block, declared.name, wanted, describe(const.value)), const.span, p)
        return None
    value = fitted(declared.type, const.value)
    return const if value is const.value else Const(value, const.origin, const.scope, const.span)


def _takes(value: object, called_with: tuple[str, ...] | None) -> bool:
    """Whether a layer has room for the arguments that `layer(out, s)` says it will get."""
    if called_with is None or not isinstance(value, Recipe):
        return True
    room = value.layer.room(value.bound)
    return room is None or room >= len(called_with)


def _like_default(run: Run, block: str, declared: tree.Parameter, const: Const, p: Place) -> Const | None:
    """A parameter without a type has its default's, where that is a plain literal."""
    kind = literal_kind(declared.default)
    if kind is None or TYPES[kind][1](const.value):
        return const
    run.report(WrongType(block, declared.name, TYPES[kind][0], describe(const.value)), const.span, p)
    return None


def report_missing(run: Run, recipe: Recipe, names: list[str], p: Place, span: Span) -> Const:
    """The mistake of a layer applied before it is complete."""
    return run.report(MissingArgument(recipe.label, tuple(names), recipe.layer.header()), span, p)


def header(name: str, parameters: tuple[tree.Parameter, ...]) -> str:
    """A header of a file in one line, its defaults as they are written."""
    parts = (q.name if q.default is None else f"{q.name}={q.default.span.text}" for q in parameters)
    return f"{name}({', '.join(parts)})"

"""Arguments: checking values against the types of a layer's parameters."""

from __future__ import annotations

from dslc.bind.mistakes import MissingArgument, NotAChoice, OutOfRange, WrongType
from dslc.diagnostics.codes import nearest
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
from dslc.values.kinds import ANYTHING, numbers_in, of_default, of_type, whole
from dslc.values.limits import weight


def checked_attribute(run: Run, op: type[Op], rules: Attr, const: Const, p: Place) -> Const | None:
    """An op's attribute checked against its declaration; none after a mistake."""
    if rules.name == op.gather:
        return _gathered(run, op, rules.name, const, p)
    meant = rules.kind.meant(const.value)
    if meant is not const.value:
        const = replace(const, value=meant)
    value = run.sized(meant)
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
    if not rules.kind.holds(value):
        wanted = rules.kind.words
        if rules.choices:
            wanted += " or " + ", ".join(f"`{c}`" for c in rules.choices)
        run.report(WrongType(op.name, rules.name, wanted, describe(value)), const.span, p)
        return None
    if not rules.symbolic and rules.kind is not ANYTHING:
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
    kind = of_type(declared.type)
    if not kind.holds(const.value):
        run.report(WrongType(block, declared.name, kind.words, describe(const.value)), const.span, p)
        return None
    value = kind.fitted(const.value)
    return const if value is const.value else Const(value, const.origin, const.scope, const.span)


def _like_default(run: Run, block: str, declared: tree.Parameter, const: Const, p: Place) -> Const | None:
    """A parameter without a type has its default's, where that is a plain literal."""
    kind = of_default(declared.default)
    if kind is None or kind.holds(const.value):
        return const
    run.report(WrongType(block, declared.name, kind.words, describe(const.value)), const.span, p)
    return None


def report_missing(run: Run, recipe: Recipe, names: list[str], p: Place, span: Span) -> Const:
    """The mistake of a layer applied before it is complete."""
    return run.report(MissingArgument(recipe.label, tuple(names), recipe.layer.header()), span, p)


def header(name: str, parameters: tuple[tree.Parameter, ...]) -> str:
    """A header of a file in one line, its defaults as they are written."""
    parts = (q.name if q.default is None else f"{q.name}={q.default.span.text}" for q in parameters)
    return f"{name}({', '.join(parts)})"

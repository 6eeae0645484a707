"""Compile-time arithmetic and functions: pure, on plain values and symbolic sizes."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, Final

from dslc.bounds import beyond
from dslc.diagnostics.model import Reject
from dslc.source import Span
from dslc.syntax import mistakes
from dslc.types.dim import UNKNOWN, Dim
from dslc.types.sizes import Sizes
from dslc.values.faces import LayerFace, describe
from dslc.values.hole import HOLE, is_hole
from dslc.values.kinds import is_number
from dslc.values.limits import in_range, short
from dslc.values.mistakes import (
    ByZero,
    Incomparable,
    NothingToLookIn,
    NotIterable,
    NotWhole,
    NoValue,
    SizePower,
    Undefined,
    UnevenZip,
    WrongArity,
)

ARITY: Final[dict[str, tuple[int, int]]] = {
    **dict.fromkeys(("max", "min"), (1, 99)),
    **dict.fromkeys(("sum", "len", "reversed", "int", "float", "ceil", "floor", "sqrt", "abs"), (1, 1)),
    **dict.fromkeys(("enumerate", "round", "log"), (1, 2)),
    **dict.fromkeys(("range", "size"), (1, 3)),
    "zip": (1, 9),
}
"""The functions of compile-time values, each with the least and most arguments that it takes."""
ARITHMETIC: Final[dict[str, Callable[[Any, Any], object]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "**": operator.pow,
}


def calculate(op: str, left: Any, right: Any) -> object:
    """`left op right` of compile-time values; a Reject where it has no meaning."""
    if is_number(left) and is_number(right):
        if op == "@":
            raise Reject(Undefined(op, (describe(left), describe(right))))
        if op in ("/", "//", "%") and not isinstance(right, Dim) and right == 0:
            raise Reject(ByZero(op))
        if isinstance(left, Dim) or isinstance(right, Dim):
            return _with_dims(op, left, right)
        if op == "**" and isinstance(left, int) and isinstance(right, int) and right > 64 and abs(left) > 1:
            raise Reject(mistakes.NumberRange(f"{left} ** {right}", beyond(0)))  # it would take long to compute
        try:
            result = ARITHMETIC[op](left, right)
        except OverflowError:
            raise Reject(mistakes.NumberRange(f"{left} {op} {right}", beyond(0.0))) from None
        except (ArithmeticError, ValueError) as error:
            raise Reject(NoValue(f"{left} {op} {right}", str(error))) from None
        if isinstance(result, complex):
            raise Reject(NoValue(f"{left} {op} {right}", "it is no real number"))
        return in_range(result)
    if op == "+" and isinstance(left, list) and isinstance(right, list):
        return [*left, *right]
    if op == "+" and isinstance(left, tuple) and isinstance(right, tuple):
        return (*left, *right)
    if op == "+" and isinstance(left, str) and isinstance(right, str):
        return left + right
    if op == "*" and isinstance(left, list | tuple) and isinstance(right, int) and not isinstance(right, bool):
        short(len(left) * right)
        return left * right
    raise Reject(Undefined(op, (describe(left), describe(right))))


def _with_dims(op: str, left: Any, right: Any) -> object:
    if (left is UNKNOWN or right is UNKNOWN) and (
        op in ("/", "**") or isinstance(left, float) or isinstance(right, float)
    ):
        return HOLE  # it may be a number
    if isinstance(left, float) or isinstance(right, float) or op == "/":
        raise Reject(NotWhole(op))
    if op == "**":
        if not isinstance(right, int) or right < 0 or right > 64:
            raise Reject(SizePower(describe(right)))
        result: Any = 1
        for _ in range(right):
            result = result * left
        return in_range(result)
    return in_range(ARITHMETIC[op](left, right))


def negate(value: Any) -> object:
    """`-value`."""
    if is_number(value):
        return in_range(-value)
    raise Reject(Undefined("-", (describe(value),)))


def compare(op: Any, left: Any, right: Any, sizes: Sizes, span: Span) -> bool:
    """`left op right`: sizes that depend on the input's must have one answer for all allowed ones."""
    if op in ("in", "not in"):
        if not isinstance(right, list | tuple | range | str) or (isinstance(right, str) and not isinstance(left, str)):
            raise Reject(NothingToLookIn(op, describe(right)))
        return bool((left in right) == (op == "in"))
    if is_number(left) and is_number(right):
        if isinstance(left, Dim) or isinstance(right, Dim):
            if isinstance(left, float) or isinstance(right, float):
                raise Reject(Incomparable(op, describe(left), describe(right), True))
            return sizes.decide(op, left, right, span)
        return bool(_COMPARE[op](left, right))
    if op in ("==", "!="):
        same = _same(left, right)
        return same is (op == "==")
    if type(left) is type(right) and isinstance(left, str | list | tuple):
        try:
            return bool(_COMPARE[op](left, right))
        except TypeError:
            pass
    raise Reject(Incomparable(op, describe(left), describe(right)))


def _same(left: object, right: object) -> bool:
    if isinstance(left, LayerFace) and isinstance(right, LayerFace):
        return left.same_as(right)
    return type(left) is type(right) and bool(left == right)


_COMPARE: Final[dict[str, Callable[[Any, Any], object]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def builtin(name: str, args: list[object], sizes: Sizes, span: Span) -> object:
    """A builtin applied to compile-time values."""
    if any(map(is_hole, args)):
        return HOLE
    least, most = ARITY[name]
    if not least <= len(args) <= most:
        raise Reject(WrongArity(name, least, most, len(args)))
    try:
        result = _FUNCTIONS[name](args, sizes, span)
        return in_range(result) if is_number(result) else result
    except (TypeError, ValueError, ArithmeticError, IndexError):
        if any(part is UNKNOWN for a in args for part in (a if isinstance(a, list | tuple) else (a,))):
            return HOLE  # it may be a number
        raise Reject(Undefined(name, tuple(describe(a) for a in args))) from None


def _extreme(larger: bool) -> Callable[[list[Any], Sizes, Span], object]:
    def best(args: list[Any], sizes: Sizes, span: Span) -> object:
        values = list(args[0]) if len(args) == 1 and isinstance(args[0], list | tuple | range) else args
        if not values or not all(is_number(v) for v in values):
            raise TypeError
        result = values[0]
        for value in values[1:]:
            if isinstance(result, Dim) or isinstance(value, Dim):
                pick = sizes.larger if larger else sizes.smaller
                result = pick(result, value, span)
            else:
                result = max(result, value) if larger else min(result, value)
        return result

    return best


def _range(args: list[Any], _sizes: Sizes, _span: Span) -> object:
    if any(isinstance(a, Dim) for a in args):
        raise Reject(NotIterable("a size", True))
    if not all(isinstance(a, int) and not isinstance(a, bool) for a in args):
        raise TypeError
    first, stop, step = (0, *args, 1) if len(args) == 1 else (*args, 1)[:3]
    if step:  # `len` of a range has a limit of its own
        short(max(0, (stop - first + step - (1 if step > 0 else -1)) // step))
    return range(*args)


def _total(args: list[Any], _sizes: Sizes, _span: Span) -> object:
    result: Any = 0
    for value in _items(args[0]):
        if not is_number(value):
            raise TypeError
        result = in_range(result + value)
    return result


def _items(value: object) -> list[object]:
    if isinstance(value, list | tuple | range):
        return list(value)
    raise TypeError


def _whole(round_to: Callable[[float], int]) -> Callable[[list[Any], Sizes, Span], object]:
    def convert(args: list[Any], _sizes: Sizes, _span: Span) -> object:
        value = args[0]
        if isinstance(value, Dim):
            return value
        if not isinstance(value, int | float):
            raise TypeError
        return round_to(value)

    return convert


def _size(args: list[Any], _sizes: Sizes, _span: Span) -> object:
    if not all(isinstance(a, int) and not isinstance(a, bool) and a >= 1 for a in args):
        raise TypeError
    return tuple(args)


def _round(args: list[Any], _sizes: Sizes, _span: Span) -> object:
    if len(args) == 2:
        if not isinstance(args[1], int) or not -400 <= args[1] <= 400:
            raise TypeError  # 10 to the power of many digits would be computed
        return round(args[0], args[1])
    return args[0] if isinstance(args[0], Dim) else round(args[0])


def _zip(args: list[Any], _sizes: Sizes, _span: Span) -> object:
    lists = [_items(a) for a in args]
    lengths = [len(items) for items in lists]
    if len(set(lengths)) > 1:
        raise Reject(UnevenZip(tuple(lengths)))
    return list(zip(*lists, strict=True))


def _log(args: list[Any], _sizes: Sizes, _span: Span) -> object:
    return math.log(*args)


def _float(args: list[Any], _sizes: Sizes, _span: Span) -> object:
    if not isinstance(args[0], int | float):
        raise TypeError  # Python's `float` reads texts, "nan" among them
    return float(args[0])


_FUNCTIONS: Final[dict[str, Callable[[list[Any], Sizes, Span], object]]] = {
    "max": _extreme(True),
    "min": _extreme(False),
    "sum": _total,
    "len": lambda a, _s, _p: len(a[0]) if isinstance(a[0], list | tuple | range | str) else len(_items(a[0])),
    "range": _range,
    "enumerate": lambda a, _s, _p: [(in_range(i), v) for i, v in enumerate(_items(a[0]), *a[1:])],
    "zip": _zip,
    "reversed": lambda a, _s, _p: _items(a[0])[::-1],
    "int": _whole(int),
    "float": _float,
    "round": _round,
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "log": _log,
    "sqrt": lambda a, _s, _p: math.sqrt(a[0]),
    "abs": lambda a, _s, _p: abs(a[0]),
    "size": _size,
}


def spell(value: object) -> str:
    """A value as interpolation in messages and names writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return "none"
    if isinstance(value, tuple) and value and all(isinstance(v, int) for v in value):
        return "x".join(map(str, value))
    if isinstance(value, int | float | str | Dim):
        return str(value)
    return describe(value)

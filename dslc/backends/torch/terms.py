"""Compile-time expressions of generated code: what `__init__` and `forward` compute sizes and flags with.

A term is Python: `text` prints it, `evaluate` gives the value that this text has. The backend prints a term only
where its value, for every member of a class, is the one that the network has.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final, TypeAlias

from dslc.diagnostics.model import Reject
from dslc.names.reserved import local_name
from dslc.record import frozen, record
from dslc.types.dim import Dim
from dslc.values.arithmetic import ARITHMETIC

MAX_NODES: Final = 64
"""Nodes of a term above which it is no text that a person would write."""


class NoValue(Exception):
    """A term has no value where it was evaluated: a name is missing, or an operation is not defined."""


@frozen
class Factory:
    """Value of a layer parameter: Python text of what makes the module, or none for no layer at all."""

    text: str | None


@frozen
class Lit:
    """A number, text, bool, none, Factory, a range, or a tuple of those (a list of the program is one here)."""

    value: object

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Lit) and same(self.value, other.value)

    def __hash__(self) -> int:
        return hash(key(self.value))


@frozen
class Var:
    """A name of the class: a parameter, a size of an input, a `let`, the variable of a kept loop."""

    name: str


@frozen
class Infix:
    """`left op right`: arithmetic, `and`, `or`."""

    op: str
    left: Term
    right: Term


@frozen
class Prefix:
    """`-value` or `not value`."""

    op: str
    value: Term


@frozen
class Comparison:
    """`a < b <= c`."""

    values: tuple[Term, ...]
    ops: tuple[str, ...]


@frozen
class Choice:
    """`then if condition else other`."""

    condition: Term
    then: Term
    other: Term


@frozen
class Apply:
    """`function(args)`: a function of Python, of `math`, or a `fn` of the program printed as a function."""

    function: str
    args: tuple[Term, ...]
    names: tuple[str | None, ...]
    body: Fn | None = None


@frozen
class Item:
    """`value[index]`."""

    value: Term
    index: Term


@frozen
class Several:
    """`(a, b)`, also for a list of the program: in generated code every sequence is a tuple, so `+` joins any two."""

    items: tuple[Term, ...]


@record
class Fn:
    """A `fn` of the program: parameters with defaults, local lines and a result."""

    name: str
    parameters: tuple[tuple[str, str, Term | None], ...]  # name, declared type (or nothing), default
    lets: tuple[tuple[str, Term], ...]
    result: Term
    doc: str


Term: TypeAlias = Lit | Var | Infix | Prefix | Comparison | Choice | Apply | Item | Several


def same(a: object, b: object) -> bool:
    """Whether two values are the same number, text, flag or sequence: 1 is not true, and 1 is not 1.0.

    A list and a tuple of the same items are one value, as both are printed as a tuple; a range is none.
    """
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, Dim) or isinstance(b, Dim):
        return a is b
    return type(a) is type(b) and bool(a == b)


def key(value: object) -> object:
    """A hashable key that two values share if they are the `same`."""
    if isinstance(value, list | tuple):
        return (tuple, *map(key, value))
    return type(value), value


def plain(value: object) -> object:
    """A value as generated code holds it: lists are tuples, at any depth."""
    return tuple(map(plain, value)) if isinstance(value, list | tuple) else value


# ---- values

_COMPARE: Final[dict[str, Callable[[Any, Any], object]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}

FUNCTIONS: Final[dict[str, Callable[..., object]]] = {
    "max": max,
    "min": min,
    "sum": sum,
    "len": len,
    "int": int,
    "float": float,
    "round": round,
    "abs": abs,
    "range": range,
    "enumerate": lambda *a: tuple(enumerate(*a)),
    "math.ceil": math.ceil,
    "math.floor": math.floor,
    "math.log": math.log,
    "math.sqrt": math.sqrt,
    "math.exp": math.exp,
    "math.sin": math.sin,
    "math.cos": math.cos,
}
"""Functions that a term may call, by their Python text; `size` is a tuple."""


def evaluate(term: Term, env: Mapping[str, object]) -> object:
    """The value of a term's text where its names mean what `env` says. NoValue where it has none."""
    try:
        return _value(term, env)
    except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError, Reject) as error:
        raise NoValue(str(error)) from None


def _value(term: Term, env: Mapping[str, object]) -> Any:
    match term:
        case Lit(value):
            return plain(value)
        case Var(name):
            return plain(env[name])
        case Infix("and", left, right):
            return _value(left, env) and _value(right, env)
        case Infix("or", left, right):
            return _value(left, env) or _value(right, env)
        case Infix(op, left, right):
            return _arithmetic(op, _value(left, env), _value(right, env))
        case Prefix("not", value):
            return not _value(value, env)
        case Prefix(_, value):
            return -_value(value, env)
        case Comparison(values, ops):
            found = [_value(v, env) for v in values]
            return all(_compare(op, a, b) for op, a, b in zip(ops, found, found[1:], strict=False))
        case Choice(condition, then, other):
            return _value(then if _value(condition, env) else other, env)
        case Apply(function, args, names, body):
            given = [_value(a, env) for a in args]
            return FUNCTIONS[function](*given) if body is None else call(body, given, names)
        case Item(value, index):
            return _value(value, env)[_value(index, env)]
        case Several(items):
            return tuple(_value(i, env) for i in items)
    raise AssertionError(type(term))


def _arithmetic(op: str, left: object, right: object) -> object:
    if op == "**" and isinstance(left, int) and isinstance(right, int) and abs(right) * left.bit_length() > 4096:
        raise OverflowError("the power is too large")
    return ARITHMETIC[op](left, right)


def _compare(op: str, left: object, right: object) -> object:
    if isinstance(left, Dim) or isinstance(right, Dim):
        raise TypeError("a symbolic size has no one answer")
    return _COMPARE[op](left, right)


def call(fn: Fn, given: list[object], names: tuple[str | None, ...]) -> object:
    """The value of a function of the program; `names` are those that arguments are given by."""
    env: dict[str, object] = {}
    free = [name for name, _, _ in fn.parameters]
    for name, value in zip(names, given, strict=True):
        key = free[0] if name is None else name
        free.remove(key)
        env[key] = float(value) if _is_float(fn, key) and isinstance(value, int) else value
    for name, _, default in fn.parameters:
        if name not in env:
            if default is None:
                raise LookupError(name)
            env[name] = _value(default, env)
    for name, term in fn.lets:
        env[name] = _value(term, env)
    return _value(fn.result, env)


def _is_float(fn: Fn, name: str) -> bool:
    return any(n == name and kind == "float" for n, kind, _ in fn.parameters)


# ---- text

ATOM: Final = 20
_CHOICE, _OR, _AND, _NOT, _COMPARISON, _BIT_OR, _BIT_XOR, _BIT_AND, _SUM, _PRODUCT, _SIGN, _POWER, _CALL = range(13)
BITS: Final[dict[str, int]] = {"|": _BIT_OR, "^": _BIT_XOR, "&": _BIT_AND}
PRECEDENCE: Final[dict[str, int]] = {
    "or": _OR,
    "and": _AND,
    "+": _SUM,
    "-": _SUM,
    "*": _PRODUCT,
    "/": _PRODUCT,
    "//": _PRODUCT,
    "%": _PRODUCT,
    "@": _PRODUCT,
    "**": _POWER,
}
POSTFIX: Final = _CALL
SIGN: Final = _SIGN
COMPARISON: Final = _COMPARISON
_SIMPLE: Final = re.compile(r"-?[\d.]+|[^\W\d][\w.]*")
"""A number or a dotted name."""


def text(term: Term, names: Callable[[str], str], least: int = 0) -> str:
    """Python text of a term; `names` spells the class's names. Bracketed if it binds less than `least`."""
    body, binds = _text(term, names)
    return body if binds >= least else f"({body})"


def binding(term: Term) -> int:
    """How tightly the text of a term binds."""
    return _text(term, str)[1]


def _text(term: Term, names: Callable[[str], str]) -> tuple[str, int]:
    match term:
        case Lit(value):
            return literal(value)
        case Var(name):
            return names(name), ATOM
        case Infix("**", left, right):
            base, exponent = text(left, names, _CALL), text(right, names, _SIGN)
            space = "" if _SIMPLE.fullmatch(base) and _SIMPLE.fullmatch(exponent) else " "  # as formatters want it
            return f"{base}{space}**{space}{exponent}", _POWER
        case Infix(op, left, right):
            binds = PRECEDENCE[op]
            return f"{text(left, names, binds)} {op} {text(right, names, binds + 1)}", binds
        case Prefix("not", value):
            return f"not {text(value, names, _NOT)}", _NOT
        case Prefix(op, value):
            return f"{op}{text(value, names, _SIGN)}", _SIGN
        case Comparison(values, ops):
            parts = [text(values[0], names, _SUM)]
            for op, value in zip(ops, values[1:], strict=True):
                constant = isinstance(value, Lit) and value.value is None
                sign = {"==": "is", "!=": "is not"}.get(op, op) if constant else op
                parts.append(f"{sign} {text(value, names, _SUM)}")
            return " ".join(parts), _COMPARISON
        case Choice(condition, then, other):
            sides = text(then, names, _OR), text(condition, names, _OR), text(other, names, _CHOICE)
            return f"{sides[0]} if {sides[1]} else {sides[2]}", _CHOICE
        case Apply(function, args, keys, _):
            given = [
                f"{local_name(k)}={text(a, names)}" if k else text(a, names) for a, k in zip(args, keys, strict=True)
            ]
            body = f"{function}({', '.join(given)})"
            return f"tuple({body})" if function == "enumerate" else body, _CALL
        case Item(value, index):
            return f"{text(value, names, _CALL)}[{text(index, names)}]", _CALL
        case Several(items):
            inside = ", ".join(text(i, names) for i in items)
            return f"({inside}{',' if len(items) == 1 else ''})", ATOM
    raise AssertionError(type(term))


def literal(value: object) -> tuple[str, int]:
    """Python text of a value, and how tightly it binds."""
    if isinstance(value, Factory):
        return value.text or "None", ATOM
    if isinstance(value, range):
        return repr(value) if value.step != 1 or value.start else f"range({value.stop})", ATOM
    if isinstance(value, tuple | list):
        inside = ", ".join(literal(v)[0] for v in value)
        return f"({inside}{',' if len(value) == 1 else ''})", ATOM
    if isinstance(value, str):
        return quoted(value), ATOM
    if isinstance(value, float) and not math.isfinite(value):
        word = "math.nan" if math.isnan(value) else "math.inf"
        return (f"-{word}", _SIGN) if value < 0 else (word, ATOM)
    body = number(value) if isinstance(value, float) else repr(value)
    return body, _SIGN if body.startswith("-") else ATOM


def number(value: float) -> str:
    """A float as a person writes it: `1e-5`, not `1e-05`."""
    body = repr(value)
    mantissa, e, exponent = body.partition("e")
    return f"{mantissa}e{int(exponent)}" if e else body


def quoted(value: str) -> str:
    """A Python string in double quotes, unless only single quotes need no escapes."""
    body = repr(value)
    if body[0] == '"' or '"' in value:
        return body
    return f'"{body[1:-1]}"'


def printable(value: object) -> bool:
    """Whether a value can be written as a literal."""
    if isinstance(value, tuple | list):
        return all(map(printable, value))
    return value is None or isinstance(value, bool | int | float | str | range | Factory)


# ---- structure


def parts(term: Term) -> tuple[Term, ...]:
    """The terms that a term is made of."""
    match term:
        case Infix(_, left, right):
            return left, right
        case Prefix(_, value):
            return (value,)
        case Comparison(values, _):
            return values
        case Choice(condition, then, other):
            return condition, then, other
        case Apply(_, args, _, _):
            return args
        case Item(value, index):
            return value, index
        case Several(items):
            return items
    return ()


def walk(term: Term) -> Iterator[Term]:
    """A term and all terms in it."""
    todo = [term]
    while todo:
        found = todo.pop()
        yield found
        todo.extend(reversed(parts(found)))


def free(term: Term) -> list[str]:
    """The names that a term reads, in order, each once."""
    return list(dict.fromkeys(t.name for t in walk(term) if isinstance(t, Var)))


def functions(term: Term) -> list[Fn]:
    """The `fn`s of the program that a term calls, those that they call first."""
    found: dict[Fn, None] = {}
    todo: list[tuple[Term, bool]] = [(term, False)]
    while todo:
        here, done = todo.pop()
        if done:
            assert isinstance(here, Apply) and here.body is not None
            found[here.body] = None
            continue
        if isinstance(here, Apply) and here.body is not None and here.body not in found:
            todo.append((here, True))
            inside = [here.body.result, *(t for _, t in here.body.lets), *(d for _, _, d in here.body.parameters if d)]
            todo.extend((t, False) for t in inside)
        todo.extend((t, False) for t in parts(here))
    return list(found)


def infix(op: str, left: Term, right: Term) -> Term:
    """`left op right` without operations that change nothing, and with numbers computed."""
    if op in ("and", "or") and isinstance(left, Lit) and isinstance(left.value, bool):
        return right if left.value is (op == "and") else left
    if isinstance(left, Lit) and isinstance(right, Lit) and op not in ("and", "or", "/"):
        if op == "**" and not (_count(left) and _count(right)):
            return Infix(op, left, right)
        try:
            return Lit(_arithmetic(op, left.value, right.value))
        except (ArithmeticError, TypeError, ValueError):
            return Infix(op, left, right)
    if op == "+" and left == right and not isinstance(left, Lit):
        return Infix("*", Lit(2), left)
    one, zero = Lit(1), Lit(0)
    if (right == one and op in ("*", "//")) or (right == zero and op in ("+", "-")):
        return left
    if (left == one and op == "*") or (left == zero and op == "+"):
        return right
    return Infix(op, left, right)


def _count(term: Term) -> bool:
    """Whether a term is a small number, a power of which is better read computed."""
    return isinstance(term, Lit) and type(term.value) is int and 0 <= term.value <= 64


def computed(term: Term) -> Term:
    """A comparison, `max` or `min` of literals by its value, a choice by the side that is always taken."""
    match term:
        case Choice(Lit(value=bool() as condition), then, other):
            return then if condition else other
        case Comparison() | Apply(function="max" | "min"):
            if all(isinstance(p, Lit) and isinstance(p.value, int | float | str | None) for p in parts(term)):
                try:
                    return Lit(evaluate(term, {}))
                except NoValue:
                    return term
    return term


def substitute(term: Term, by: Mapping[str, Term]) -> Term:
    """A term with names replaced."""
    match term:
        case Var(name):
            return by.get(name, term)
        case Infix(op, left, right):
            return infix(op, substitute(left, by), substitute(right, by))
        case Prefix(op, value):
            return Prefix(op, substitute(value, by))
        case Comparison(values, ops):
            return computed(Comparison(tuple(substitute(v, by) for v in values), ops))
        case Choice(condition, then, other):
            return computed(Choice(substitute(condition, by), substitute(then, by), substitute(other, by)))
        case Apply(function, args, names, body):
            return Apply(function, tuple(substitute(a, by) for a in args), names, body)
        case Item(value, index):
            return Item(substitute(value, by), substitute(index, by))
        case Several(items):
            return Several(tuple(substitute(i, by) for i in items))
    return term

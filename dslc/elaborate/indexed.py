"""Tensors given by index: `buffer idx: int64[i: T, j: T] = i - j + T - 1`.

The expression becomes a Python function of the indices, so that a table of a million places takes a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Final

from dslc.bounds import beyond, shown, unheld
from dslc.diagnostics.model import Mistake, Reject
from dslc.elaborate.mistakes.limits import DeepExpression
from dslc.elaborate.mistakes.tensors import NoNumberAtPlace, NotOfIndices
from dslc.elaborate.recipe import Function
from dslc.elaborate.run import CALL, Place, Run, block_of
from dslc.syntax import tree
from dslc.types.const import Binding, Scope, literal
from dslc.types.dim import Dim
from dslc.values.hole import is_hole
from dslc.values.kinds import is_number

FUNCTIONS: Final = {
    "max": max,
    "min": min,
    "int": int,
    "round": round,
    "ceil": math.ceil,
    "floor": math.floor,
    "abs": abs,
    "sqrt": math.sqrt,
    "log": math.log,
    "exp": math.exp,
    "sin": math.sin,
    "cos": math.cos,
}
KEPT: Final = 65_536
"""Elements of a table above which it is made anew each time."""
MAX_CALLS: Final = 16
"""`fn`s that stand in each other."""


class Unclear(Exception):
    """An expression that is not arithmetic of indices: what is wrong; none where that is told already."""

    def __init__(self, mistake: Mistake | None = None) -> None:
        super().__init__(mistake)
        self.mistake = mistake


def tabulate(
    expr: tree.Expr,
    names: list[str | None],
    dims: tuple[int, ...],
    p: Place,
    run: Run,
    line: tree.TensorDef,
) -> object | None:
    """Nested lists of the expression's value at each place; none after a mistake."""
    indices = {n for n in names if n is not None}
    scope = Scope("turn", p.scope, p.scope.instance, p.scope.inline)
    for name in indices:
        scope.names[name] = Binding("loop", literal(0, expr.span), line.span)
    env: dict[str, object] = {}
    try:
        text = _python(expr, indices, p.inside(scope=scope), run, env)
        arguments = ", ".join(f"i_{n}" if n is not None else f"_{axis}" for axis, n in enumerate(names))
        return _table(f"lambda {arguments}: {text}", dims, env)
    except Unclear as unclear:
        if unclear.mistake is not None:
            run.report(unclear.mistake, expr.span, p)
    except (SyntaxError, MemoryError, RecursionError):  # Python's own, of the text
        run.report(DeepExpression(), expr.span, p)
    except (ArithmeticError, ValueError, TypeError) as error:
        run.report(NoNumberAtPlace(str(error)), expr.span, p)
    return None


def _table(text: str, dims: tuple[int, ...], env: dict[str, object]) -> list[object]:
    """The values of a function of the indices at all places. Blocks alike ask for the same table, and so does the
    next run of an editor's: small ones are kept.
    """
    key = tuple((name, repr(value), value) for name, value in env.items())  # 1, 1.0 and -0.0 have texts of their own
    if math.prod(dims) > KEPT or not all(isinstance(v, int | float | str) or callable(v) for v in env.values()):
        return _table_of(text, dims, key)
    return _kept(text, dims, key)


def _table_of(text: str, dims: tuple[int, ...], env: tuple[tuple[str, str, object], ...]) -> list[object]:
    function = eval(text, {"__builtins__": {}, **{name: value for name, _, value in env}})
    return _fill(function, dims, ())


_kept = lru_cache(maxsize=64)(_table_of)


def _fill(function: Callable[..., object], dims: tuple[int, ...], at: tuple[int, ...]) -> list[object]:
    """The values at all places that begin with `at`, in nested lists."""
    size = dims[len(at)]
    if len(at) < len(dims) - 1:
        return [_fill(function, dims, (*at, i)) for i in range(size)]
    row = [function(*at, i) for i in range(size)]
    for value in row:
        if isinstance(value, complex):
            raise ValueError("a complex number")
        if (wrong := unheld(value)) is not None:
            raise ValueError(f"{shown(wrong)} is {beyond(wrong)}")
    return row


def _python(expr: tree.Expr, indices: set[str], p: Place, run: Run, env: dict[str, object], depth: int = 0) -> str:
    """Python text of an expression: indices are arguments, all else is evaluated now and put in `env`.

    `depth` counts the `fn`s that the expression stands in.
    """

    def inner(part: tree.Expr) -> str:
        return _python(part, indices, p, run, env, depth)

    if expr in run.told:
        run.broken.add(block_of(p.owner))
        raise Unclear
    if not run.mentioned(expr) & indices:
        return _constant(expr, p, run, env)
    match expr:
        case tree.Name(name=name):
            return f"i_{name}"
        case tree.Binary(op="**", left=left, right=right):
            env["power"] = _power
            return f"power({inner(left)}, {inner(right)})"
        case tree.Unary(op=op, value=value):
            return f"({op} {inner(value)})"
        case tree.Binary(op=op, left=left, right=right) if op != "@":
            return f"({inner(left)} {op} {inner(right)})"
        case tree.Compare(values=values, ops=ops) if not set(ops) & {"in", "not in"}:
            parts = [inner(values[0])]
            for op, value in zip(ops, values[1:], strict=True):
                parts += [op, inner(value)]
            return f"({' '.join(parts)})"
        case tree.Conditional(condition=condition, then=then, other=other):
            return f"({inner(then)} if {inner(condition)} else {inner(other)})"
        case tree.Call(target=tree.Name(name=name), arguments=arguments) if (
            name in FUNCTIONS and p.scope.find(name) is None
        ):
            if any(a.name is not None or a.star for a in arguments):
                raise Unclear(NotOfIndices(name, "takes plain arguments here"))
            env[name] = FUNCTIONS[name]
            return f"{name}({', '.join(inner(a.value) for a in arguments)})"
        case tree.Call(target=tree.Name() as target):
            function = run.evaluate(target, p).value
            if isinstance(function, Function) and not function.alias:
                return _applied(function, expr, inner, p, run, env, depth + 1)
    raise Unclear(NotOfIndices(expr.span.text, "is no arithmetic of indices"))


def _applied(
    function: Function,
    call: tree.Call,
    inner: Callable[[tree.Expr], str],
    p: Place,
    run: Run,
    env: dict[str, object],
    depth: int,
) -> str:
    """Python text of a `fn` of indices: one `lambda` for its parameters and one for each `let`."""
    run.spend(CALL)
    if depth > MAX_CALLS:
        raise Unclear(NotOfIndices(call.span.text, "calls itself"))
    parameters = [q.name for q in function.tree.parameters]
    if any(a.star for a in call.arguments) or len(call.arguments) > len(parameters):
        raise Unclear(NotOfIndices(call.span.text, f"does not fit `{function.tree.name}`"))
    given = {
        name if a.name is None else a.name: inner(a.value) for name, a in zip(parameters, call.arguments, strict=False)
    }
    scope = Scope("turn", function.scope, p.scope.instance, p.scope.inline)
    inside = p.inside(scope=scope)
    for q in function.tree.parameters:
        scope.names[q.name] = Binding("loop", literal(0, call.span), q.span)
        if q.name not in given and q.default is not None:
            given[q.name] = _python(q.default, set(), inside, run, env, depth)
    if set(given) != set(parameters):
        raise Unclear(NotOfIndices(call.span.text, f"does not fit `{function.tree.name}`"))
    names = set(parameters)
    text, closing = f"(lambda {', '.join(f'i_{n}' for n in given)}: ", f")({', '.join(given.values())})"
    for line in function.tree.lets:
        name = line.target.name
        value = _python(line.value, names, inside, run, env, depth)
        scope.names[name] = Binding("loop", literal(0, line.span), line.span)
        names = names | {name}
        text, closing = f"{text}(lambda i_{name}: ", f")({value}){closing}"
    return f"{text}{_python(function.tree.value, names, inside, run, env, depth)}{closing}"


def _power(base: float, exponent: float) -> float:
    if isinstance(base, int) and isinstance(exponent, int) and abs(exponent) * abs(base).bit_length() > 1024:
        raise ValueError("a power that is too large")
    power: float = base**exponent
    return power


def _constant(expr: tree.Expr, p: Place, run: Run, env: dict[str, object]) -> str:
    """A part without indices, evaluated once."""
    try:
        value = run.evaluate(expr, p).value
    except Reject as reject:
        raise Unclear(reject.mistake) from None
    if is_hole(value):
        raise Unclear(NotOfIndices(expr.span.text, "has no value"))
    if isinstance(value, Dim):
        value = run.sizes.pin(value, expr.span)
    if not is_number(value) and not isinstance(value, bool):
        raise Unclear(NotOfIndices(expr.span.text, "is no number"))
    key = f"c{len(env)}"
    env[key] = value
    return key

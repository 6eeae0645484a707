"""Sizes in a block's words, said in its caller's."""

from __future__ import annotations

from typing import Final

from dslc.syntax import tree
from dslc.types.const import Const, Ref, Scope

DEEPEST: Final = 12
"""Levels of an expression; deeper ones are said by value, as nobody would read them."""


def outward(word: Const, scope: Scope) -> Const:
    """A size in a block's words said in its caller's: the names of `scope` replaced by what the caller gave."""
    expr = None
    if word.origin is not None and isinstance(word.value, int):
        expr = _outward(word.origin, word.scope, scope, 0)
    if isinstance(expr, Ref):
        return Const(word.value, expr.const.origin, expr.const.scope, word.span)
    return Const(word.value, expr, None, word.span)


def _outward(expr: tree.Expr, home: Scope | None, scope: Scope, depth: int) -> tree.Expr | None:
    if depth > DEEPEST:
        return None
    match expr:
        case tree.Number():
            return expr
        case Ref(const=const):
            return expr if const.origin is None else _outward(const.origin, const.scope, scope, depth + 1)
        case tree.Name(name=name):
            return _named(name, expr, home, scope, depth)
        case tree.Binary():
            left = _outward(expr.left, home, scope, depth + 1)
            right = _outward(expr.right, home, scope, depth + 1)
            return None if left is None or right is None else tree.Binary(expr.span, expr.op, left, right)
    return None


def _named(name: str, expr: tree.Expr, home: Scope | None, scope: Scope, depth: int) -> tree.Expr | None:
    """A name: what the caller gave for it; a `let` and the names of an inline block are unfolded; others stay."""
    found = home.find(name) if home is not None else None
    if found is None or not isinstance(found.value, Const):
        return None
    const = found.value
    bound_in = home_of(home, name)
    if bound_in is scope and found.kind != "let":
        return Ref(const.span, const)
    if bound_in is None or bound_in.instance is not scope.instance:
        return Ref(const.span, Const(const.value, expr, home, const.span))
    if const.origin is None:
        return Ref(const.span, const)
    return _outward(const.origin, const.scope, scope, depth + 1)


def home_of(scope: Scope | None, name: str) -> Scope | None:
    """The scope that binds a name."""
    while scope is not None and name not in scope.names:
        scope = scope.parent
    return scope

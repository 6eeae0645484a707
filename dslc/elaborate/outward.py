"""Sizes in a block's words, said in its caller's."""

from __future__ import annotations

from dslc.syntax import tree
from dslc.types.const import Const, Ref, Scope


def outward(word: Const, scope: Scope, depth: int = 0) -> Const | None:
    """A size in a block's words said in its caller's: the block's names replaced by what the caller gave."""
    if word.origin is None or not isinstance(word.value, int):
        return Const(word.value, None, None, word.span)
    expr = _outward(word.origin, word.scope, scope, depth)
    return Const(word.value, expr, None, word.span) if expr is not None else Const(word.value, None, None, word.span)


def _outward(expr: tree.Expr, home: Scope | None, scope: Scope, depth: int) -> tree.Expr | None:
    if depth > 20:
        return None
    match expr:
        case tree.Number():
            return expr
        case Ref(const=const):
            if const.origin is None:
                return expr
            return _outward(const.origin, const.scope, scope, depth + 1)
        case tree.Name(name=name) if home is not None:
            found = home.find(name)
            if found is None or not isinstance(found.value, Const):
                return None
            if found.kind == "let" or home_of(home, name) is not scope:
                const = found.value
                if home_of(home, name) is None or const.origin is None:
                    return Ref(const.span, Const(const.value, None, None, const.span))
                return _outward(const.origin, const.scope, scope, depth + 1)
            return Ref(found.value.span, found.value)
        case tree.Binary():
            left = _outward(expr.left, home, scope, depth + 1)
            right = _outward(expr.right, home, scope, depth + 1)
            return None if left is None or right is None else tree.Binary(expr.span, expr.op, left, right)
    return None


def home_of(scope: Scope | None, name: str) -> Scope | None:
    """The scope that binds a name."""
    while scope is not None and name not in scope.names:
        scope = scope.parent
    return scope

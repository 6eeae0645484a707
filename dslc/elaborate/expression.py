"""Expressions: compile-time values with their origins, layers, and tensor arithmetic.

Every expression evaluates to a `Const`; a tensor is a Const whose value is a `Value` (several: a tuple of them).
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from typing import Any, Final

from dslc.diagnostics.model import Reject
from dslc.elaborate.access import Access
from dslc.elaborate.errors_body import DeepExpression
from dslc.elaborate.state import (
    Place,
)
from dslc.syntax import tree
from dslc.types.const import Const, Ref


class Expressions(Access, ABC):
    """Evaluation of expressions."""

    def evaluate(self, expr: tree.Expr, p: Place) -> Const:
        """The value of an expression; poison where it fails."""
        handler = _HANDLERS[type(expr)]
        try:
            return handler(self, expr, p)
        except Reject as reject:
            return self.report(reject.mistake, expr.span, p, reject.related)
        except RecursionError:
            return self.report(DeepExpression(), expr.span, p)


_HANDLERS: Final[dict[type[tree.Expr], Callable[[Expressions, Any, Place], Const]]] = {
    tree.Number: Expressions._literal,
    tree.SizeLiteral: Expressions._literal,
    tree.Text: Expressions._text,
    tree.Word: Expressions._word,
    tree.Name: Expressions._name,
    tree.TickName: Expressions._tick_name,
    tree.It: Expressions._it,
    tree.Tuple: Expressions._tuple,
    tree.List: Expressions._list,
    tree.Comprehension: Expressions._comprehension,
    tree.Unary: Expressions._unary,
    tree.Binary: Expressions._binary,
    tree.Compare: Expressions._compare,
    tree.Conditional: Expressions._conditional,
    tree.Call: Expressions._call,
    tree.Attribute: Expressions._attribute,
    tree.Index: Expressions._index,
    tree.As: Expressions._as,
    tree.Chain: Expressions._chain,
    tree.Seq: Expressions._seq,
    tree.Slice: Expressions._slice,
    Ref: Expressions._ref,
}

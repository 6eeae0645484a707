"""What a piece of syntax mentions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dslc.source import Span
from dslc.syntax import tree

_MANY: Final = (tuple, list)
_FIELDS: Final[dict[type, tuple[str, ...] | None]] = {}


def nodes(part: object) -> Iterator[object]:
    """Every node of a piece of syntax, itself first."""
    todo = [part]
    while todo:
        node = todo.pop()
        if isinstance(node, _MANY):
            todo.extend(node)
        elif (fields := _fields(type(node))) is not None:
            yield node
            todo.extend([getattr(node, name) for name in fields])


def _fields(kind: type) -> tuple[str, ...] | None:
    """What a kind of node holds, but for its place; none of what is no node."""
    if kind not in _FIELDS:
        names: tuple[str, ...] | None = getattr(kind, "__match_args__", None)
        _FIELDS[kind] = None if names is None or kind is Span else tuple(name for name in names if name != "span")
    return _FIELDS[kind]


def mentioned(part: object) -> set[str]:
    """All plain names in a piece of syntax."""
    return {node.name for node in nodes(part) if isinstance(node, tree.Name)}


def mentions_it(expr: tree.Expr) -> bool:
    """Whether an expression reads the current value."""
    return any(isinstance(node, tree.It) for node in nodes(expr))


def left_run(expr: tree.Binary) -> tuple[tree.Expr, list[tree.Binary]]:
    """The first operand of a left-leaning run `a + b + c`, and its operations in order.

    They are walked in a loop, so that the length of a run has no limit.
    """
    run: list[tree.Binary] = []
    left: tree.Expr = expr
    while isinstance(left, tree.Binary):
        run.append(left)
        left = left.left
    return left, run[::-1]


def dtype_span(spec: tree.TensorSpec) -> Span:
    """The place of a tensor's element type, with which its text begins."""
    return Span(spec.span.source, spec.span.start, spec.span.start + len(spec.dtype or ""))

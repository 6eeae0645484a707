"""What a piece of syntax mentions."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.source import Span
from dslc.syntax import tree


def nodes(part: object) -> Iterator[object]:
    """Every node of a piece of syntax, itself first."""
    todo = [part]
    while todo:
        node = todo.pop()
        if isinstance(node, tuple | list):
            todo.extend(node)
        elif hasattr(node, "__match_args__") and not isinstance(node, Span):
            yield node
            todo.extend(getattr(node, f) for f in node.__match_args__ if f != "span")


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

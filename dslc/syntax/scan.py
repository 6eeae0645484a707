"""What a piece of syntax mentions."""

from __future__ import annotations

from dslc.source import Span
from dslc.syntax import tree


def mentioned(part: object) -> set[str]:
    """All plain names in a piece of syntax."""
    names: set[str] = set()
    todo = [part]
    while todo:
        node = todo.pop()
        if isinstance(node, tree.Name):
            names.add(node.name)
        elif isinstance(node, tuple | list):
            todo.extend(node)
        elif hasattr(node, "__match_args__") and not isinstance(node, Span):
            todo.extend(getattr(node, f) for f in node.__match_args__ if f != "span")
    return names


def mentions_it(expr: tree.Expr) -> bool:
    """Whether an expression reads the current value."""
    todo: list[object] = [expr]
    while todo:
        node = todo.pop()
        if isinstance(node, tree.It):
            return True
        if isinstance(node, tuple | list):
            todo.extend(node)
        elif hasattr(node, "__match_args__") and not isinstance(node, Span):
            todo.extend(getattr(node, f) for f in node.__match_args__ if f != "span")
    return False


def dtype_span(spec: tree.TensorSpec) -> Span:
    """The place of a tensor's element type, with which its text begins."""
    return Span(spec.span.source, spec.span.start, spec.span.start + len(spec.dtype or ""))

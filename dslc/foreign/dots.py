"""Layers that are chained by dots, as methods are in PyTorch and builders: `conv(16, 3).bn().relu()`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from dslc.foreign.piece import Piece, closed
from dslc.foreign.values import Unsaid
from dslc.syntax import tree
from dslc.vocabulary import table

if TYPE_CHECKING:
    from dslc.foreign.rewrite import Rewriter

_IDLE: Final = frozenset(
    "to cuda cpu eval train float half double contiguous clone detach build compile requires_grad_".split()
)
"""Methods that say where and how something runs."""
_CALLS: Final = frozenset(("forward", "call", "__call__", "apply"))


def dotted_chain(r: Rewriter, expr: tree.Expr) -> Piece | None:
    """The chain that a row of methods is; none if one of them is no layer, or nothing but methods of tensors."""
    root, steps = _unrolled(expr)
    if not steps:
        return None
    tensor = r.is_value(root)
    if not tensor and not _is_layer(r, root):
        return None
    if tensor and all(table.method(name) is not None or not _layer_here(r, name) for name, _ in steps):
        return None
    texts: list[str] = []
    begin = ""
    for name, call in steps:
        given = call.arguments if isinstance(call, tree.Call) else ()
        if name in _CALLS and not tensor:
            if len(given) > 1 or any(a.name is not None for a in given):
                return None
            read = bool(given) and not isinstance(given[0].value, tree.It)
            begin = f"{r.spell(given[0].value)} -> " if read else begin
        elif name not in _IDLE:
            text = _step(r, name, call, given)
            if text is None:
                return None
            texts.append(closed(text))
    head = [] if isinstance(root, tree.It) else [closed(r.spell(root)).removesuffix("()")]
    chain = " -> ".join([*head, *texts])
    first = steps[0][1]
    return Piece(begin + chain, here="->", dot=(root.span.end, first.span.end))


def _unrolled(expr: tree.Expr) -> tuple[tree.Expr, list[tuple[str, tree.Expr]]]:
    """What stands before the first dot, and the methods with their calls."""
    steps: list[tuple[str, tree.Expr]] = []
    while True:
        match expr:
            case tree.Call(target=tree.Attribute(value=value, name=name), suite=None):
                steps.append((name, expr))
                expr = value
            case tree.Attribute(value=value, name=name):
                steps.append((name, expr))
                expr = value
            case _:
                return expr, steps[::-1]


def _layer_here(r: Rewriter, name: str) -> bool:
    """Whether a name is one of a layer or block of this program."""
    return table.layer(name) is not None or r.kind_of(name) == "definition"


def _is_layer(r: Rewriter, root: tree.Expr) -> bool:
    """Whether an expression is a layer by its text: `conv(16, 3)`, `gap`, `nn.Conv2d(3, 16, 3)`."""
    if isinstance(root, tree.Call):
        if any(argument.name is None and r.is_value(argument.value) for argument in root.arguments):
            return False
        return _is_layer(r, root.target)
    return (
        isinstance(root, tree.Name) and r.kind_of(root.name) in ("language", "definition") and _layer_here(r, root.name)
    )


def _step(r: Rewriter, name: str, call: tree.Expr, given: tuple[tree.Argument, ...]) -> str | None:
    layer = table.layer(name)
    known = {a.name for a in layer.arguments} if layer is not None else None
    if _layer_here(r, name) and (known is None or all(a.name is None or a.name in known for a in given)):
        inside = ", ".join(r.argument(argument) for argument in given)
        return f"{name}({inside})" if inside else name
    method = table.method(name)
    entries = (method,) if method is not None else table.lookup(name)
    if not entries:
        return None
    foreign = call if isinstance(call, tree.Call) else tree.Call(call.span, call, ())
    try:
        return r.doors.written(r, entries[0], foreign, None).text
    except Unsaid:
        return None

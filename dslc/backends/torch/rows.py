"""What must agree between the rows of a class: names of modules, and loops that are kept."""

from __future__ import annotations

import re
from collections.abc import Sequence

from dslc.backends.torch.merged import MCall, MItem, MNode, MSeq, Row, Split, Template, walk
from dslc.ir.model import For
from dslc.ops.identity import Identity
from dslc.syntax import tree
from dslc.types.const import Const


def length(source: tree.Expr | None) -> tree.Expr | None:
    """The number of turns over a source: `n` of `range(n)`, else `len(source)`."""
    if source is None:
        return None
    if isinstance(source, tree.Call) and isinstance(source.target, tree.Name) and len(source.arguments) == 1:
        if source.target.name == "range":
            return source.arguments[0].value
        if source.target.name == "enumerate":
            source = source.arguments[0].value
    return tree.Call(source.span, tree.Name(source.span, "len"), (tree.Argument(source.span, None, None, source),))


def variable(loops: list[For]) -> str:
    """The name of a loop's target that counts its turns from 0; empty if there is none."""
    scopes = [(scope, k) for f in loops for k, scope in enumerate(f.scopes)]
    for name in scopes[0][0].names:
        bindings = [(scope.names.get(name), k) for scope, k in scopes]
        if all(
            b is not None and b.kind == "loop" and isinstance(b.value, Const) and b.value.value == k for b, k in bindings
        ):
            return name
    return ""


def require_same(why: str, keys: Sequence[object]) -> None:
    """Split the rows unless their keys are equal."""
    if any(k != keys[0] for k in keys):
        raise Split(why, [str(k) for k in keys])

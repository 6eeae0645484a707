"""Compile-time values that remember the text they came from, and the scopes that text is read in."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal, TypeAlias

from dslc.record import entity, record
from dslc.source import Span
from dslc.syntax import tree

if TYPE_CHECKING:
    from dslc.ir.model import Instance

Kind: TypeAlias = Literal["parameter", "dim", "let", "loop", "tensor", "module", "definition"]


@entity
class Const:
    """A compile-time value.

    `origin` is an expression in the names of `scope` that has this value (none: only the value is known);
    `span` is the text that gave the value, where a caret belongs.
    """

    value: object
    origin: tree.Expr | None
    scope: Scope | None
    span: Span

    def __repr__(self) -> str:
        return f"<Const {self.span.text!r}>"


@record
class Ref(tree.Expr):
    """Leaf of a derived expression: another constant with a scope of its own."""

    const: Const


@entity
class Binding:
    """What a name means. `value` is a Const for compile-time names, else a tensor, a module or a definition."""

    kind: Kind
    value: object
    span: Span
    used: bool = False

    def __repr__(self) -> str:
        return f"<Binding {self.kind} {self.span.text!r}>"


@entity
class Scope:
    """Names of one place of one instance.

    `kind`: `file`; `block` (parameters, dims, lets and values of an instance's body, or of an inline block
    expanded in `instance`); `turn` (one turn of a `for`); `suite` (a trailing suite or branch).
    `instance` is the module that owns what is applied here; for the scope of an inline block, `inline` is true.
    """

    kind: Literal["file", "block", "turn", "suite", "fn"]
    parent: Scope | None
    instance: Instance | None = None
    inline: bool = False
    names: dict[str, Binding] = field(default_factory=dict)
    initial: tuple[tree.Setting, ...] = ()  # of a file: what its `init` statements set

    def __repr__(self) -> str:
        return f"<Scope {self.kind} of {', '.join(self.names)}>"

    def find(self, name: str) -> Binding | None:
        """The binding of a name here or in an enclosing scope."""
        scope: Scope | None = self
        while scope is not None:
            found = scope.names.get(name)
            if found is not None:
                return found
            scope = scope.parent
        return None


def literal(value: object, span: Span) -> Const:
    """A constant known only by value."""
    return Const(value, None, None, span)


def derived(op: str, left: Const | int, right: Const | int, value: object) -> Const:
    """The constant `left op right` whose value the caller has computed; it prints through its parts.

    Two constants that are plain literals give a literal.
    """
    sides = [c if isinstance(c, Const) else None for c in (left, right)]
    span = next(c.span for c in sides if c is not None)
    if all(c is None or isinstance(c.origin, tree.Number | tree.SizeLiteral) for c in sides):
        return Const(value, None, None, span)
    parts = [Ref(c.span, c) if isinstance(c, Const) else tree.Number(span, c) for c in (left, right)]
    return Const(value, tree.Binary(span, op, parts[0], parts[1]), None, span)

"""An expression of another library as one of this language, from its tree: exactly, or not at all.

`Rewriter.rewrite` gives the text of a foreign expression, none of one that is the language's own, and raises `Unsaid`
where its words are known but what it says cannot be said exactly. What stands inside is rewritten with it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from dslc.foreign.dots import dotted_chain
from dslc.foreign.piece import Piece, closed, is_loose
from dslc.foreign.values import Unsaid, is_name, words
from dslc.record import record
from dslc.syntax import tree
from dslc.syntax.rewrite import kids
from dslc.vocabulary import table
from dslc.vocabulary.std import homes
from dslc.vocabulary.table import Entry, Taken

KindOf: TypeAlias = Callable[[str], str | None]
"""What a name is at the place: `tensor`, or another word; none of a name that nothing defines."""

Given: TypeAlias = Mapping[str, tree.Expr]


Form: TypeAlias = "Callable[[Rewriter, Entry, Given, list[tree.Expr]], str]"
"""The text of a call that needs more than a pattern, from its arguments by name and the rest."""

_NEEDY = ("squeeze", "unsqueeze", "permute", "view")
"""Forms that mean nothing without an argument."""


@record
class Doors:
    """How calls are written: of the files above, which rewrite what stands inside by the `Rewriter` in turn."""

    written: Callable[[Rewriter, Entry, tree.Call, tree.Expr | None], Piece]
    rows: Callable[[Rewriter, tree.Call], list[str] | None]
    merged: Callable[[Rewriter, Entry, tree.Call, tree.Call], Piece]
    own: Callable[[Rewriter, tree.Call], Piece]
    forms: Mapping[str, Form]


class Rewriter:
    """Rewrites expressions where the names that `kind_of` knows are the program's own; `forms.rewriter` makes it."""

    def __init__(self, kind_of: KindOf, doors: Doors) -> None:
        self.kind_of = kind_of
        self.doors = doors
        self.guessed: dict[str, Entry] = {}  # misspelt names, and what they are taken for

    # ---- whole expressions

    def spell(self, expr: tree.Expr) -> str:
        """The text of an expression, with all that is foreign in it rewritten."""
        piece = self.rewrite(expr)
        if piece is not None:
            return piece.text
        text, start = expr.span.text, expr.span.start
        for inner, new in sorted(self.inside(expr), key=lambda found: -found[0].span.start):
            text = text[: inner.span.start - start] + new + text[inner.span.end - start :]
        return text

    def inside(self, expr: tree.Expr) -> list[tuple[tree.Expr, str]]:
        """The outermost foreign expressions below one, each with its text."""
        found: list[tuple[tree.Expr, str]] = []
        waiting: list[tuple[object, object]] = [(kid, expr) for kid in meant(expr)]
        while waiting:
            node, parent = waiting.pop()
            if isinstance(node, tree.Expr) and not isinstance(node, tree.Text):
                piece = self.rewrite(node)
                if piece is not None:
                    found.append((node, bracketed(piece.text, parent)))
                    continue
            waiting += ((kid, node) for kid in meant(node))
        return found

    def rewrite(self, expr: tree.Expr) -> Piece | None:
        """The text for a foreign expression; none if it is not foreign itself. Raises `Unsaid`."""
        try:
            match expr:
                case tree.Name():
                    return self._name(expr)
                case tree.Attribute():
                    return self._attribute(expr)
                case tree.Call():
                    return self._call(expr)
        except Unsaid as unsaid:
            unsaid.at = unsaid.at or expr
            raise
        return None

    # ---- names

    def dotted(self, expr: tree.Expr) -> str | None:
        """The name `nn.Conv2d` of a foreign library; none if it begins with a name that is known here."""
        parts: list[str] = []
        while isinstance(expr, tree.Attribute):
            parts.append(expr.name)
            expr = expr.value
        if not isinstance(expr, tree.Name) or self.kind_of(expr.name) is not None:
            return None
        return ".".join(reversed([*parts, expr.name]))

    def entries(self, name: str) -> tuple[Entry, ...]:
        """What a foreign name may be."""
        guessed = self.guessed.get(name)
        if name in homes() and name not in table.entries()["plain"]:  # of std, and asked for without its `use`
            return ()
        return (guessed,) if guessed is not None else table.lookup(name)

    def _name(self, expr: tree.Name) -> Piece | None:
        if self.kind_of(expr.name) is not None:
            return None
        value = table.value(expr.name)
        if value is not None:
            return Piece(value)
        found = self.entries(expr.name)
        if found:
            return self._bare(found)
        said = table.python(expr.name)
        if said is not None:
            raise Unsaid(said)
        return None

    def _attribute(self, expr: tree.Attribute) -> Piece | None:
        chain = dotted_chain(self, expr)
        if chain is not None:
            return chain
        name = self.dotted(expr)
        if name is None:
            entry = table.method(expr.name) if self._is_tensor(expr.value) else None
            if entry is not None and entry.note:
                raise Unsaid(entry.note)
            return None
        found = self.entries(name)
        if found:
            return self._bare(found)
        prefix, _, last = name.rpartition(".")
        if prefix == "self":
            if self.kind_of(last) is not None:
                return Piece(last)
            raise Unsaid(table.python("self") or "")
        if prefix in ("torch", "tf", "np", "jnp"):
            kind = {"double": "float32", "float": "float32", "long": "int64", "int": "int32", "half": "float16"}.get(
                last
            )
            if kind is not None or last in ("float32", "float16", "bfloat16", "int64", "int32", "bool"):
                return Piece(kind or last)
        value = table.value(last) if prefix in ("math", "np", "torch") else None
        if value is None and table.library(name):
            raise Unsaid("")
        return None if value is None else Piece(value)

    def _bare(self, found: tuple[Entry, ...]) -> Piece:
        """A foreign name by itself: a layer that is handed on, or applied without arguments."""
        entry = found[0]
        if entry.is_rename:
            return Piece(entry.here, entry.library, entry.here)
        if entry.form in _NEEDY and not entry.note:
            self.doors.forms[entry.form](self, entry, {}, [])  # raises: it says what is missing
        if entry.form or (entry.note and not table.layer(entry.here)) or not entry.here:
            raise Unsaid(entry.note)
        if entry.text:
            if "{" in entry.text:
                raise Unsaid(entry.note or f"it is `{entry.here}`")
            return Piece(entry.text, entry.library, entry.here)
        if any(taken.left_out is not None for taken in entry.takes) and table.layer(entry.here) is None:
            raise Unsaid(entry.note)
        return Piece(entry.here, entry.library, entry.here)

    # ---- calls

    def _call(self, expr: tree.Call) -> Piece | None:
        target = expr.target
        if expr.suite is not None:
            return None
        chain = dotted_chain(self, expr)
        if chain is not None:
            return chain
        row = self._row(expr) or self._infinity(expr)
        if row is not None:
            return row
        if isinstance(target, tree.Call):
            return self._applied(target, expr)
        if isinstance(target, tree.Attribute | tree.Name):
            name = self.dotted(target)
            if name is not None:
                return self._named(name, expr)
        if isinstance(target, tree.Attribute) and (
            isinstance(target.value, tree.Call) or self._is_tensor(target.value)
        ):
            entry = table.method(target.name)
            if entry is not None:
                return self._try((entry,), expr, target.value)
        return None

    def _row(self, expr: tree.Call) -> Piece | None:
        """Layers in a row, in brackets: no module of their own, but the same network."""
        found = self.doors.rows(self, expr)
        return Piece(f"({' -> '.join(found)})" if len(found) > 1 else found[0], here="seq") if found else None

    def _infinity(self, expr: tree.Call) -> Piece | None:
        """`float("-inf")` in a mask is a number below all that are met."""
        if isinstance(expr.target, tree.Name) and expr.target.name == "float" and len(expr.arguments) == 1:
            text = {"inf": "1e9", "-inf": "-1e9"}.get(words(expr.arguments[0].value) or "")
            return Piece(text) if text is not None else None
        return None

    def _partial(self, expr: tree.Call) -> Piece | None:
        """`partial(leaky_relu, 0.1)`: a call that lacks its tensor is a layer."""
        first, *rest = expr.arguments or (None,)
        if first is None or first.name is not None or first.star:
            return None
        call = tree.Call(expr.span, first.value, tuple(rest))
        piece = self.rewrite(call)
        if piece is not None:
            return piece
        return self.doors.own(self, call)

    def _named(self, name: str, expr: tree.Call) -> Piece | None:
        if name in ("partial", "functools.partial"):
            return self._partial(expr)
        found = self.entries(name)
        if found:
            return self._try(found, expr, None)
        prefix, _, last = name.rpartition(".")
        if prefix == "self" and self.kind_of(last) is not None:
            return Piece(f"{last}({', '.join(self.argument(a) for a in expr.arguments)})")
        root = name.split(".")[0]
        said = table.python(root) if root in ("self", "super", "math") or not prefix else None
        if said is not None or table.library(name):
            raise Unsaid(said or "")
        return None

    def _try(self, found: tuple[Entry, ...], expr: tree.Call, receiver: tree.Expr | None) -> Piece:
        """The first of several meanings that can be said."""
        refused: Unsaid | None = None
        for entry in found:
            try:
                return self.doors.written(self, entry, expr, receiver)
            except Unsaid as unsaid:
                refused = refused or unsaid
        assert refused is not None
        raise refused

    def _applied(self, target: tree.Call, expr: tree.Call) -> Piece | None:
        """A foreign layer that is applied where it is made: `Dense(10)(x)`."""
        name = self.dotted(target.target)
        found = self.entries(name) if name is not None else ()
        if found and found[0].form == "merge":
            return self.doors.merged(self, found[0], target, expr)
        layer = self.rewrite(target)
        if layer is None:
            return None
        tensors = [self.argument(argument) for argument in expr.arguments]
        if layer.loose:
            if len(tensors) != 1:
                raise Unsaid("")
            return Piece(f"{closed(tensors[0])} -> {layer.text}", layer.library, layer.here)
        head, bracket, rest = layer.text.partition("(")
        inside = [*tensors, rest[:-1]] if bracket and rest[:-1] else tensors
        return Piece(f"{head}({', '.join(inside)})", layer.library, layer.here)

    def argument(self, argument: tree.Argument) -> str:
        """An argument as it is written, with what is foreign in it rewritten."""
        value = self.spell(argument.value)
        return f"{argument.name}={value}" if argument.name else f"*{value}" if argument.star else value

    # ---- what is a tensor

    def is_value(self, expr: tree.Expr) -> bool:
        """Whether an expression is a tensor that the program names or makes."""
        return self._is_tensor(expr)

    def _is_tensor(self, expr: tree.Expr) -> bool:
        match expr:
            case tree.It():
                return True
            case tree.Name():
                return self.kind_of(expr.name) == "tensor"
            case tree.Index():
                return self._is_tensor(expr.value)
            case tree.Attribute():
                return False
            case tree.Call():
                target = expr.target
                inner = target.value if isinstance(target, tree.Attribute) else None
                return (inner is not None and self._is_tensor(inner)) or any(
                    argument.name is None and self._is_tensor(argument.value) for argument in expr.arguments
                )
            case tree.Binary():
                return self._is_tensor(expr.left) or self._is_tensor(expr.right)
            case tree.Unary():
                return self._is_tensor(expr.value)
            case tree.Chain():
                return self._is_tensor(expr.steps[0])
        return False

    def is_tensor(self, expr: tree.Expr) -> bool:
        """Whether an argument is a tensor, as far as the text says: also a name that nothing defines."""
        if isinstance(expr, tree.Name) and self.kind_of(expr.name) is None:
            return table.value(expr.name) is None and not self.entries(expr.name)
        return self._is_tensor(expr)


def meant(node: object) -> Iterator[object]:
    """The records right below one, but the label of an `as`: that is the user's own name."""
    labels = (node.name,) if isinstance(node, tree.As) and isinstance(node.name, tree.Name) else ()
    return (kid for kid in kids(node) if kid not in labels)


def bracketed(text: str, parent: object) -> str:
    """A text in the brackets that it needs where it stands: a chain in a chain and an argument need none."""
    free = parent is None or isinstance(parent, tree.Argument | tree.List | tree.Tuple | tree.Stmt)
    if free or not is_loose(text):
        return text
    if isinstance(parent, tree.Chain):
        return text if all(not is_loose(step) for step in text.split(" -> ")) else f"({text})"
    return f"({text})"


def matched(
    entry: Entry, arguments: tuple[tree.Argument, ...], tensors: bool
) -> tuple[dict[str, tree.Expr], list[tree.Expr]]:
    """The arguments of a foreign call by its library's names, and those of `*`; `tensors`: they are among them.

    Raises `Unsaid` for one that the library does not have.
    """
    given: dict[str, tree.Expr] = {}
    rest: list[tree.Expr] = []
    order = [taken for taken in entry.takes if tensors or taken.role != "&"]
    by_name = {taken.name: taken for taken in entry.takes}
    spread = next((taken for taken in order if taken.role == "*" or taken.name == "*"), None)
    open_names = order[: order.index(spread)] if spread is not None else order
    for argument in arguments:
        if argument.star:
            raise Unsaid(entry.note)
        if argument.name is not None:
            if argument.name not in by_name and (spread is None or spread.name != argument.name):
                idle, why = table.argument("", argument.name, ())
                if idle == "leave":
                    continue
                raise Unsaid(f"`{argument.name}` has no counterpart here" if entry.here else why)
            if spread is not None and argument.name == spread.name:
                rest.append(argument.value)
                continue
            given[argument.name] = argument.value
            open_names = [taken for taken in open_names if taken.name != argument.name]
        elif open_names:
            given[open_names.pop(0).name] = argument.value
        elif spread is not None:
            rest.append(argument.value)
        else:
            raise Unsaid(entry.note)
    return given, rest


def refuse(entry: Entry, given: Given) -> None:
    """Raises `Unsaid` for an argument that cannot be said, but with the one value that needs no word."""
    for taken in entry.takes:
        if taken.role != "!":
            continue
        value = given.get(taken.name)
        if value is None:
            if taken.left_out is not None:
                raise Unsaid(entry.note or f"without `{taken.name}` it is another layer")
            continue
        if taken.only is None or not _same(value, taken.only):
            raise Unsaid(entry.note or f"`{taken.name}` has no counterpart here")


def _same(value: tree.Expr, only: str) -> bool:
    """Whether a value is written as one that needs no word."""
    plain = only.strip("'")
    if only.startswith("'"):
        return words(value) == plain
    alike = {"True": ("True", "true"), "False": ("False", "false"), "None": ("None", "none")}.get(only)
    return is_name(value, *alike) if alike else value.span.text.replace(" ", "") == only or _number(value, only)


def _number(value: tree.Expr, only: str) -> bool:
    try:
        return float(value.span.text) == float(only)
    except ValueError:
        return False


__all__ = ["Given", "KindOf", "Rewriter", "Taken", "matched", "refuse"]

"""What names mean at a place, and the leaves of expressions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Final

from dslc.bounds import LONGEST_NAME
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Label
from dslc.elaborate import const
from dslc.elaborate.errors import UnknownName
from dslc.elaborate.errors_body import SharedModule, TrainingCondition
from dslc.elaborate.errors_use import BadOperation
from dslc.elaborate.limits import short
from dslc.elaborate.state import (
    POISON,
    Builtin,
    Definition,
    Function,
    Place,
    Recipe,
    Shared,
    State,
    block_of,
)
from dslc.ir.model import Instance
from dslc.names.resolve import lookup
from dslc.ops.base import REGISTRY
from dslc.ops.initialisers import INITIALISERS, initialiser
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import mistakes, tree
from dslc.types.const import Binding, Const, Scope, literal
from dslc.types.tensor import DType

OPERATORS: Final = {"+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow", "@": "matmul"}
COMPARISONS: Final = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
UNNAMED: Final = frozenset(
    {*OPERATORS.values(), *COMPARISONS.values(), "neg", "logical_not", "logical_and", "logical_or", "index"}
    - {"matmul"}
)
"""Ops that are written as operators, so their names are free for the user."""
WORDS: Final = ("half", "valid", "same_tf", "auto")
TICK_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
DTYPES: Final = {d.value: d for d in DType}


class Meanings(State, ABC):
    """Names and literals."""

    # ---- leaves

    def _literal(self, expr: tree.Number | tree.SizeLiteral, p: Place) -> Const:
        value = expr.value if isinstance(expr, tree.Number) else expr.sides
        return Const(value, expr, p.scope, expr.span)

    def _text(self, expr: tree.Text, p: Place) -> Const:
        return Const(self.text(expr, p), expr, p.scope, expr.span)

    def text(self, expr: tree.Text, p: Place) -> str:
        """A string with its interpolations filled in."""
        parts: list[str] = []
        count = 0
        for piece in expr.pieces:
            if isinstance(piece, str):
                parts.append(piece)
            else:
                value = self.evaluate(piece, p).value
                parts.append("?" if value is POISON else const.spell(value))
            count = short(count + len(parts[-1]))
        return self.sized("".join(parts))

    def ticked(self, expr: tree.Text, p: Place) -> str | None:
        """A back-tick name with its interpolations filled in; none after a mistake."""
        values = [self.evaluate(piece, p).value for piece in expr.pieces if not isinstance(piece, str)]
        if any(v is POISON for v in values):
            return None
        name = self.text(expr, p)
        if not set(name) <= TICK_LETTERS:
            text = f"a back-tick name holds letters, digits, `_` and `-`, and this is `{name}`"
            self.report(BadOperation(text), expr.span, p)
            return None
        if len(name) > LONGEST_NAME:
            self.report(mistakes.LongName(len(name), LONGEST_NAME), expr.span, p)
            return None
        return name

    def _word(self, expr: tree.Word, p: Place) -> Const:
        if expr.word == "training":
            return self.report(TrainingCondition(), expr.span, p)
        values: dict[str, object] = {"true": True, "false": False, "none": None, "...": ...}
        return Const(values[expr.word], expr, p.scope, expr.span)

    def _it(self, expr: tree.It, p: Place) -> Const:
        if p.it is None:
            return self.report(BadOperation("there is no current value here"), expr.span, p)
        return literal(p.it, expr.span)

    def _name(self, expr: tree.Name, p: Place) -> Const:
        found = self.name(expr.name, expr, p)
        if isinstance(found.value, Function) and found.value.alias:
            return self.call_function(found.value, [], tree.Call(expr.span, expr, (), None), p)
        return found

    def _tick_name(self, expr: tree.TickName, p: Place) -> Const:
        name = self.ticked(expr.text, p)
        return literal(POISON, expr.span) if name is None else self.name(name, expr, p)

    def name(self, name: str, expr: tree.Expr, p: Place) -> Const:
        """What a name means at a place."""
        found = p.scope.find(name)
        if found is None:
            return self.language_name(name, expr, p)
        found.used = True
        value = found.value
        match found.kind:
            case "definition":
                return self.definition(name, found, expr, p)
            case "tensor":
                return self.tensor_name(name, found, expr, p)
            case "module":
                assert isinstance(value, Shared)
                return Const(Recipe(value, expr.span, p.scope), None, None, expr.span)
        assert isinstance(value, Const)
        if isinstance(value.value, Recipe):
            recipe = value.value
            if found.kind == "parameter" and recipe.name is None:
                recipe = replace(recipe, via=name)
            return Const(recipe, expr, p.scope, value.span)
        return Const(value.value, expr, p.scope, value.span)

    @abstractmethod
    def call_function(
        self, target: Function, arguments: list[tuple[str | None, Const, Span | None]], expr: tree.Call, p: Place
    ) -> Const:
        """A `fn` of compile-time values, or an alias of a net with its parameters."""

    def tensor_name(self, name: str, found: Binding, expr: tree.Expr, p: Place) -> Const:
        """A named tensor, which only the block that made it may read."""
        home = self.home(name, p.scope)
        if home is not None and home is not block_of(p.owner):
            what = f"`{name}` is a tensor of another block: hand it over as an input"
            return self.report(SharedModule(what), expr.span, p, [Label(found.span, "it is made here")])
        return literal(found.value, expr.span)

    def home(self, name: str, scope: Scope | None) -> Instance | None:
        """The instance whose scope binds a name."""
        while scope is not None:
            if name in scope.names:
                return scope.instance
            scope = scope.parent
        return None

    def language_name(self, name: str, expr: tree.Expr, p: Place) -> Const:
        """A layer, function or word of the language; else a mistake with the nearest name."""
        if name in REGISTRY and name not in UNNAMED:
            return Const(Recipe(REGISTRY[name], expr.span, p.scope), expr, p.scope, expr.span)
        if name in const.BUILTINS:
            return literal(Builtin(name), expr.span)
        if name in WORDS:
            return Const(name, expr, p.scope, expr.span)
        if name in INITIALISERS:
            return literal(initialiser(name, [], {}), expr.span)
        if name in DTYPES:
            return literal(DTYPES[name], expr.span)
        known = [*(n for n in REGISTRY if n not in UNNAMED), *const.BUILTINS, *WORDS, *INITIALISERS]
        scope: Scope | None = p.scope
        while scope is not None:
            known = [*scope.names, *known]
            scope = scope.parent
        return self.report(UnknownName(name, nearest(name, known)), expr.span, p)

    def definition(self, name: str, found: Binding, expr: tree.Expr, p: Place) -> Const:
        """A definition of a file: a block or net is a layer, a `let` its value, an alias what it stands for."""
        target = lookup(found)
        if target is None:
            return literal(POISON, expr.span)
        item, scope = target
        match item:
            case tree.Block() | tree.Extern():
                return Const(Recipe(Definition(item, scope), expr.span, p.scope), expr, p.scope, expr.span)
            case tree.Fn():
                return literal(Function(item, scope), expr.span)
            case tree.NetAlias(parameters=()):
                return self._once(item, scope, p)
            case tree.NetAlias():
                alias = tree.Fn(item.span, item.doc, item.name, item.name_span, item.parameters, (), item.value)
                return literal(Function(alias, scope, alias=True), expr.span)
            case tree.LetItem():
                value = self._once(item, scope, p)
                if isinstance(value.value, Recipe):
                    return value
                return Const(value.value, expr, p.scope, value.span)
        raise AssertionError(type(item))

    def _once(self, item: tree.LetItem | tree.NetAlias, scope: Scope, p: Place) -> Const:
        """The value of a `let` or alias of a file: computed where it is read first, however often it is read.

        One that makes tensors makes them anew at each place: they belong to it.
        """
        found = self.lets.get(id(item))
        if found is not None:
            if found.value is POISON:
                self.broken.add(id(block_of(p.owner)))
            return found
        before = len(self.nodes)
        value = self.evaluate(item.value, replace(p, scope=scope, it=None))
        if len(self.nodes) == before:
            self.lets[id(item)] = value
        return value

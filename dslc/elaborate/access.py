"""Attributes, indices, calls and chains."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypeAlias

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Label
from dslc.elaborate import const
from dslc.elaborate.errors_body import SharedModule
from dslc.elaborate.errors_use import BadOperation, NotALayer, NotATensor, NotIterable
from dslc.elaborate.limits import weight
from dslc.elaborate.operators import Operators
from dslc.elaborate.state import (
    POISON,
    WALKED,
    Builtin,
    ChainLayer,
    Function,
    Place,
    Recipe,
    Shared,
    SuiteLayer,
    describe,
    is_tensor,
)
from dslc.ir.model import Node, Param, Value
from dslc.ops.base import REGISTRY, Init
from dslc.ops.initialisers import INITIALISERS, initialiser
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import mentions_it
from dslc.types.const import Const, Ref, literal
from dslc.types.dim import Dim

Argument: TypeAlias = tuple[str | None, Const, Span | None]
"""An evaluated argument: its name, value, and the place of the name, or of the whole argument."""


class Access(Operators, ABC):
    """Access and calls."""

    # ---- access

    def _attribute(self, expr: tree.Attribute, p: Place) -> Const:
        value = self.evaluate(expr.value, p)
        if value.value is POISON:
            return value
        if isinstance(value.value, Value) and expr.name == "shape":
            value.value.readers.append(p.owner)
            return Const(value.value.type.dims, expr, p.scope, expr.span)
        if isinstance(value.value, Recipe) and isinstance(value.value.target, Shared):
            return self._shared_tensor(value.value.target, expr, p)
        what = (
            "a tensor has `shape`" if isinstance(value.value, Value) else f"{describe(value.value)} has no attributes"
        )
        return self.report(BadOperation(f"no `{expr.name}` here: {what}"), expr.name_span, p)

    def _shared_tensor(self, shared: Shared, expr: tree.Attribute, p: Place) -> Const:
        if shared.first is None:
            text = f"`{shared.name}` has no tensors before it is applied"
            return self.report(SharedModule(text), expr.span, p, [Label(shared.span, "made here")])
        first = shared.first
        params = self.node_params(first) if isinstance(first, Node) else first.params
        found = params.get(expr.name)
        if found is None:
            near = nearest(expr.name, params)
            text = f"`{shared.name}` has no tensor `{expr.name}`" + (f": did you mean `{near}`?" if near else "")
            return self.report(SharedModule(text), expr.name_span, p)
        return literal(self.param_value(found), expr.span)

    @abstractmethod
    def node_params(self, node: Node) -> dict[str, Param]:
        """The parameters of an op's node."""

    @abstractmethod
    def param_value(self, param: Param) -> Value:
        """A parameter read as a tensor."""

    def _index(self, expr: tree.Index, p: Place) -> Const:
        value = self.evaluate(expr.value, p)
        if value.value is POISON:
            return value
        if isinstance(value.value, Value):
            return self._index_tensor(value, expr, p)
        if not isinstance(value.value, list | tuple | range | str):
            return self.report(BadOperation(f"{describe(value.value)} has no items"), expr.span, p)
        if len(expr.items) != 1:
            return self.report(BadOperation("a list takes one index"), expr.span, p)
        item = expr.items[0]
        if isinstance(item, tree.Slice):
            ends: list[Any] = [
                None if e is None else self.evaluate(e, p).value for e in (item.start, item.stop, item.step)
            ]
            if any(e is POISON for e in ends):
                return literal(POISON, expr.span)
            if not all(e is None or (isinstance(e, int) and not isinstance(e, bool)) for e in ends) or ends[2] == 0:
                return self.report(BadOperation("a slice is made of whole numbers"), item.span, p)
            return Const(self.sized(value.value[slice(ends[0], ends[1], ends[2])]), expr, p.scope, expr.span)
        at = self.evaluate(item, p)
        if at.value is POISON:
            return at
        if not isinstance(at.value, int) or isinstance(at.value, bool):
            return self.report(BadOperation(f"an index is a whole number, not {describe(at.value)}"), item.span, p)
        if not -len(value.value) <= at.value < len(value.value):
            many = f"{len(value.value)} item{'' if len(value.value) == 1 else 's'}"
            return self.report(BadOperation(f"index {at.value} of {many}"), item.span, p)
        found = value.value[at.value]
        if isinstance(found, Recipe) or is_tensor(found):
            return Const(found, None, None, expr.span)
        return Const(found, expr, p.scope, expr.span)

    def _index_tensor(self, value: Const, expr: tree.Index, p: Place) -> Const:
        items: list[object] = []
        inputs = [value.value]
        for item in expr.items:
            if isinstance(item, tree.Slice):
                ends = [None if e is None else self.evaluate(e, p) for e in (item.start, item.stop, item.step)]
                for part, end in enumerate(ends):
                    if end is None:
                        continue
                    if end.value is POISON:
                        return literal(POISON, expr.span)
                    if isinstance(end.value, bool) or not isinstance(end.value, int if part == 2 else int | Dim):
                        text = f"a slice is made of whole numbers, not {describe(end.value)}"
                        return self.report(BadOperation(text), item.span, p)
                items.append(tuple(ends))
                continue
            at = self.evaluate(item, p)
            if at.value is POISON:
                return at
            if isinstance(at.value, Value):
                inputs.append(at.value)
                items.append("tensor")
            elif at.value is None or at.value is ...:
                items.append("none" if at.value is None else "...")
            elif const.is_number(at.value) and not isinstance(at.value, float):
                items.append(at)
            else:
                return self.report(BadOperation(f"an index is a whole number, not {describe(at.value)}"), item.span, p)
        bound = {"items": literal(tuple(items), expr.span)}
        recipe = Recipe(REGISTRY["index"], expr.span, p.scope, bound)
        return self.apply_op(recipe, tuple(inputs), p, expr.span)  # type: ignore[arg-type]

    # ---- calls, chains, names of modules

    def _call(self, expr: tree.Call, p: Place) -> Const:
        arguments: list[Argument] = []
        for argument in expr.arguments:
            value = self.evaluate(argument.value, p)
            if argument.star:
                if isinstance(value.value, list | tuple | range):
                    arguments += [(None, literal(v, value.span), argument.span) for v in self.sized(value.value)]
                elif value.value is not POISON:
                    failed = self.report(NotIterable(describe(value.value), False), argument.span, p)
                    arguments.append((None, failed, argument.span))
            else:
                arguments.append((argument.name, value, argument.name_span or argument.span))
        target = self._callee(expr, arguments, p)
        if target.value is POISON:
            return target
        plain = [a[1].value for a in arguments if a[0] is None]
        match target.value:
            case Recipe():
                return self.bind(target.value, arguments, expr, p)
            case Builtin(name=name):
                return self._builtin(name, arguments, expr, p)
            case Function(alias=True):
                return self._alias(target.value, arguments, expr, p)
            case Function():
                return self.call_function(target.value, arguments, expr, p)
            case Init(kind=kind):
                if any(v is POISON for v in plain):
                    return literal(POISON, expr.span)
                made = initialiser(kind, plain, {k: c.value for k, c, _ in arguments if k is not None})
                keys = iter(INITIALISERS.get(kind, ()))
                said = tuple((k or next(keys), c) for k, c, _ in arguments)
                return literal(replace(made, said=said), expr.span)
            case Value() if expr.suite is None:
                return self.report(
                    BadOperation("a tensor is not called: a layer is applied to it with `->`"), expr.span, p
                )
        return self.report(BadOperation(f"{describe(target.value)} cannot be called"), expr.target.span, p)

    def _callee(self, expr: tree.Call, arguments: list[Argument], p: Place) -> Const:
        """What is called. A name of both a layer and a compile-time function is the function of plain values."""
        if isinstance(expr.target, tree.Name):
            target = self.name(expr.target.name, expr.target, p)
        else:
            target = self.evaluate(expr.target, p)
        if not isinstance(target.value, Recipe) or not isinstance(expr.target, tree.Name):
            return target
        name = expr.target.name
        plain = [c.value for key, c, _ in arguments if key is None]
        both = name in const.BUILTINS and name in REGISTRY and p.scope.find(name) is None
        if both and plain and not any(is_tensor(v) for v in plain):
            return literal(Builtin(name), expr.target.span)
        return target

    def _alias(self, alias: Function, arguments: list[Argument], expr: tree.Call, p: Place) -> Const:
        """A net's alias with parameters: values fill its header, tensors flow into the net it stands for."""
        names = {q.name for q in alias.tree.parameters}
        tensors = [a for a in arguments if is_tensor(a[1].value) and a[0] not in names]
        value = self.call_function(alias, [a for a in arguments if a not in tensors], expr, p)
        if isinstance(value.value, Recipe) and (tensors or expr.suite is not None):
            return self.bind(value.value, tensors, expr, p)
        return value

    def _builtin(self, name: str, arguments: list[Argument], expr: tree.Call, p: Place) -> Const:
        for key, _, span in arguments:
            if key is not None:
                return self.report(BadOperation(f"`{name}` takes no argument by name"), span or expr.span, p)
        values = [a[1].value for a in arguments]
        if any(v is POISON for v in values):
            return literal(POISON, expr.span)
        for value in values:
            self.spend(weight(value) // WALKED)
        return Const(self.sized(const.function(name, values, self.sizes, expr.span)), expr, p.scope, expr.span)

    @abstractmethod
    def probe(self, const: Const, p: Place) -> None:
        """Check a layer's arguments although it cannot be applied."""

    def _chain(self, expr: tree.Chain, p: Place) -> Const:
        """From a tensor, a chain flows at once; from a layer, it is a layer of several steps."""
        first = self.evaluate(expr.steps[0], p)
        if first.value is POISON or is_tensor(first.value):
            return self.steps(first, expr.steps[1:], p)
        if not isinstance(first.value, Recipe):
            if isinstance(first.value, tuple) and any(isinstance(v, Value) for v in first.value):
                return self._mixed(expr.steps[0], first.value, p)
            return self.report(NotALayer(describe(first.value)), expr.steps[0].span, p)
        return Const(Recipe(ChainLayer(first, expr.steps[1:]), expr.span, p.scope), expr, p.scope, expr.span)

    def _mixed(self, expr: tree.Expr, values: tuple[object, ...], p: Place) -> Const:
        """The mistake of brackets that hold tensors and something else."""
        at = next(i for i, v in enumerate(values) if not isinstance(v, Value))
        item = expr.items[at] if isinstance(expr, tree.Tuple) else expr
        return self.report(NotATensor(describe(values[at]), item.span.text), item.span, p)

    def steps(self, value: Const, rest: tuple[tree.Expr, ...], p: Place) -> Const:
        """Send tensors through the steps of a chain."""
        q = p.inside()
        for step in rest:
            q.it = value.value  # type: ignore[assignment]
            made = self.evaluate(step, q)
            if value.value is POISON:
                self.probe(made, q)
                continue
            if is_tensor(made.value) and not mentions_it(step):
                return self.report(NotALayer(describe(made.value)), step.span, p)
            value = self.settle(made, q, step.span)
            if value.value is not POISON and not is_tensor(value.value):
                value = self.report(NotALayer(describe(value.value)), step.span, p)
        return value

    def _as(self, expr: tree.As, p: Place) -> Const:
        value = self.evaluate(expr.value, p)
        name = expr.name.name if isinstance(expr.name, tree.Name) else self.ticked(expr.name.text, p)
        if name is None:
            return literal(POISON, expr.span)
        if isinstance(value.value, Recipe):
            recipe = replace(value.value, name=name, name_span=expr.name.span)
            return Const(recipe, expr, p.scope, value.span)
        if value.value is POISON:
            return value
        text = f"`as` names a layer's module, and this is {describe(value.value)}"
        return self.report(BadOperation(text), expr.span, p)

    def _seq(self, expr: tree.Seq, p: Place) -> Const:
        return Const(Recipe(SuiteLayer(expr.suite, seq=True), expr.span, p.scope), expr, p.scope, expr.span)

    def _ref(self, expr: Ref, p: Place) -> Const:
        return expr.const

    def _slice(self, expr: tree.Slice, p: Place) -> Const:
        return self.report(BadOperation("a slice stands in index brackets only"), expr.span, p)

"""Expressions: compile-time values with their origins, layers, and tensor arithmetic.

Every expression evaluates to a `Const`; a tensor is a Const whose value is a `Value` (several: a tuple of them).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Label, Reject
from dslc.elaborate import const
from dslc.elaborate.errors import (
    BadOperation,
    DeepExpression,
    NotATensor,
    NotBool,
    NotIterable,
    SharedModule,
    TrainingCondition,
    TrainingSides,
    UnknownName,
    WrongCount,
)
from dslc.elaborate.state import (
    POISON,
    Builtin,
    ChainLayer,
    ChoiceLayer,
    Definition,
    Function,
    Place,
    Poison,
    Recipe,
    Shared,
    State,
    SuiteLayer,
    TrainingLayer,
    block_of,
    describe,
)
from dslc.ir.model import Either, If, Instance, Item, Node, Param, Value
from dslc.names.resolve import lookup
from dslc.ops.base import REGISTRY, Init
from dslc.ops.initialisers import INITIALISERS, initialiser
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Binding, Const, Ref, Scope, literal
from dslc.types.dim import Dim
from dslc.types.tensor import DType

OPERATORS: Final = {"+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow", "@": "matmul"}
COMPARISONS: Final = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
UNNAMED: Final = frozenset(
    {*OPERATORS.values(), *COMPARISONS.values(), "neg", "logical_not", "logical_and", "logical_or", "index"} - {"matmul"}
)
"""Ops that are written as operators, so their names are free for the user."""
WORDS: Final = ("half", "valid", "same_tf", "auto")
DTYPES: Final = {d.value: d for d in DType}


def is_tensor(value: object) -> bool:
    """Whether a value is a tensor or several."""
    return isinstance(value, Value) or (isinstance(value, tuple) and bool(value) and all(isinstance(v, Value) for v in value))


class Expressions(State, ABC):
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

    # ---- leaves

    def _literal(self, expr: tree.Number | tree.SizeLiteral, p: Place) -> Const:
        value = expr.value if isinstance(expr, tree.Number) else expr.sides
        return Const(value, expr, p.scope, expr.span)

    def _text(self, expr: tree.Text, p: Place) -> Const:
        return Const(self.text(expr, p), expr, p.scope, expr.span)

    def text(self, expr: tree.Text, p: Place) -> str:
        """A string with its interpolations filled in."""
        parts = []
        for piece in expr.pieces:
            parts.append(piece if isinstance(piece, str) else const.spell(self.evaluate(piece, p).value))
        return "".join(parts)

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
        return self.name(expr.name, expr, p)

    def _tick_name(self, expr: tree.TickName, p: Place) -> Const:
        return self.name(self.text(expr.text, p), expr, p)

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
            case tree.NetAlias():
                return self.evaluate(item.value, p.inside(scope=scope))
            case tree.LetItem():
                value = self.evaluate(item.value, p.inside(scope=scope))
                if isinstance(value.value, Recipe):
                    return value
                return Const(value.value, expr, p.scope, value.span)
        raise AssertionError(type(item))

    # ---- composites

    def _tuple(self, expr: tree.Tuple, p: Place) -> Const:
        values = [self.evaluate(item, p).value for item in self.unstarred(expr.items)]
        if any(v is POISON for v in values):
            return literal(POISON, expr.span)
        return Const(tuple(values), expr, p.scope, expr.span)

    def unstarred(self, items: tuple[tree.Expr, ...]) -> tuple[tree.Expr, ...]:
        return items

    def _list(self, expr: tree.List, p: Place) -> Const:
        values = [self.evaluate(item, p).value for item in expr.items]
        if any(v is POISON for v in values):
            return literal(POISON, expr.span)
        return Const(values, expr, p.scope, expr.span)

    def _comprehension(self, expr: tree.Comprehension, p: Place) -> Const:
        values: list[object] = []
        self._clauses(expr, 0, p, values)
        if any(v is POISON for v in values):
            return literal(POISON, expr.span)
        return Const(values, expr, p.scope, expr.span)

    def _clauses(self, expr: tree.Comprehension, at: int, p: Place, values: list[object]) -> None:
        if at == len(expr.clauses):
            values.append(self.evaluate(expr.item, p).value)
            return
        clause = expr.clauses[at]
        if not clause.targets:
            if self.condition(clause.value, p)[0]:
                self._clauses(expr, at + 1, p, values)
            return
        for targets in self.loop(clause.targets, clause.value, p)[1]:
            scope = Scope("turn", p.scope, p.scope.instance, p.scope.inline)
            for name, value in targets:
                scope.names[name.name] = self.loop_binding(name, value)
            self._clauses(expr, at + 1, p.inside(scope=scope), values)

    def loop_binding(self, name: tree.Name, value: Const) -> Binding:
        """The binding of a loop's name: a tensor, or a compile-time value."""
        if is_tensor(value.value):
            return Binding("tensor", value.value, name.span)
        return Binding("loop", value, name.span)

    def loop(
        self, targets: tuple[tree.Name, ...], source: tree.Expr, p: Place
    ) -> tuple[Const, list[list[tuple[tree.Name, Const]]]]:
        """The source of a `for`, and per turn the values of its targets."""
        found = self.evaluate(source, p)
        if found.value is POISON:
            return found, []
        if not isinstance(found.value, list | tuple | range):
            self.report(NotIterable(describe(found.value), isinstance(found.value, Dim)), source.span, p)
            return found, []
        turns = []
        for value in found.value:
            values = [value] if len(targets) == 1 else value
            if not isinstance(values, list | tuple) or len(values) != len(targets):
                count = len(values) if isinstance(values, list | tuple) else 1
                span = targets[0].span.to(targets[-1].span)
                self.report(WrongCount(len(targets), count), span, p)
                return found, []
            turns.append([(t, literal(v, source.span)) for t, v in zip(targets, values, strict=True)])
        return found, turns

    # ---- operators

    def _unary(self, expr: tree.Unary, p: Place) -> Const:
        value = self.evaluate(expr.value, p)
        if value.value is POISON:
            return value
        if is_tensor(value.value):
            op = "logical_not" if expr.op == "not" else "neg"
            return self.operate(op, [value], {}, p, expr.span)
        if expr.op == "not":
            if not isinstance(value.value, bool):
                return self.report(NotBool(describe(value.value)), expr.value.span, p)
            return Const(not value.value, expr, p.scope, expr.span)
        return Const(const.negate(value.value), expr, p.scope, expr.span)

    def _binary(self, expr: tree.Binary, p: Place) -> Const:
        """Left-leaning runs `a + b + c` are walked in a loop, so their length has no limit."""
        spine: list[tree.Binary] = []
        left: tree.Expr = expr
        while isinstance(left, tree.Binary):
            spine.append(left)
            left = left.left
        value = self.evaluate(left, p)
        for node in reversed(spine):
            try:
                value = self._operator(node, value, p)
            except Reject as reject:
                value = self.report(reject.mistake, node.span, p, reject.related)
        return value

    def _operator(self, node: tree.Binary, left: Const, p: Place) -> Const:
        if node.op in ("and", "or") and not is_tensor(left.value):
            return self._logical(node, left, p)
        right = self.evaluate(node.right, p)
        if left.value is POISON or right.value is POISON:
            return literal(POISON, node.span)
        if is_tensor(left.value) or is_tensor(right.value):
            name = OPERATORS.get(node.op) or {"and": "logical_and", "or": "logical_or"}.get(node.op)
            if name is None:
                return self.report(BadOperation(f"`{node.op}` is not defined for tensors"), node.span, p)
            return self.operate(name, [left, right], {}, p, node.span, (node.left, node.right))
        value = const.arithmetic(node.op, left.value, right.value)
        return Const(value, node, p.scope, node.span)

    def _logical(self, node: tree.Binary, left: Const, p: Place) -> Const:
        if left.value is POISON:
            return left
        if not isinstance(left.value, bool):
            return self.report(NotBool(describe(left.value)), node.left.span, p)
        if left.value == (node.op == "or"):
            return Const(left.value, node, p.scope, node.span)
        right = self.evaluate(node.right, p)
        if right.value is POISON:
            return right
        if not isinstance(right.value, bool):
            return self.report(NotBool(describe(right.value)), node.right.span, p)
        return Const(right.value, node, p.scope, node.span)

    def _compare(self, expr: tree.Compare, p: Place) -> Const:
        values = [self.evaluate(v, p) for v in expr.values]
        if any(v.value is POISON for v in values):
            return literal(POISON, expr.span)
        if any(is_tensor(v.value) for v in values):
            if len(values) != 2 or expr.ops[0] not in COMPARISONS:
                if len(values) == 2 and expr.ops[0] in ("==", "!=") and values[1].value is None:
                    return Const(expr.ops[0] == "!=", expr, p.scope, expr.span)
                return self.report(BadOperation("tensors are compared two at a time"), expr.span, p)
            if values[1].value is None and expr.ops[0] in ("==", "!="):
                return Const(expr.ops[0] == "!=", expr, p.scope, expr.span)
            return self.operate(COMPARISONS[expr.ops[0]], values, {}, p, expr.span, expr.values)
        result = True
        for op, left, right in zip(expr.ops, values, values[1:], strict=False):
            if not const.compare(op, left.value, right.value, self.sizes, expr.span):
                result = False
                break
        return Const(result, expr, p.scope, expr.span)

    def condition(self, expr: tree.Expr, p: Place) -> tuple[bool, Const]:
        """A condition's answer, and the constant; false where it failed."""
        value = self.evaluate(expr, p)
        if value.value is POISON:
            return False, value
        if not isinstance(value.value, bool):
            return False, self.report(NotBool(describe(value.value)), expr.span, p)
        return value.value, value

    def operate(
        self,
        op: str,
        operands: list[Const],
        attributes: dict[str, Const],
        p: Place,
        span: Span,
        texts: tuple[tree.Expr, ...] = (),
    ) -> Const:
        """An operator of which at least one operand is a tensor."""
        inputs: list[Value] = []
        bound = dict(attributes)
        for at, operand in enumerate(operands):
            if isinstance(operand.value, Value):
                inputs.append(operand.value)
            elif const.is_number(operand.value) or isinstance(operand.value, bool):
                bound["number"] = operand
                if at == 0:
                    bound["swap"] = literal(True, operand.span)
            else:
                text = texts[at].span.text if texts else ""
                where = texts[at].span if texts else operand.span
                return self.report(NotATensor(describe(operand.value), text), where, p)
        recipe = Recipe(REGISTRY[op], span, p.scope, bound)
        return self.apply_op(recipe, tuple(inputs), p, span)

    # ---- choices

    def _conditional(self, expr: tree.Conditional, p: Place) -> Const:
        if isinstance(expr.condition, tree.Word) and expr.condition.word == "training":
            return self._training(expr, p)
        holds, condition = self.condition(expr.condition, p)
        if condition.value is POISON:
            return condition
        items: list[Item] = []
        side = 0 if holds else 1
        value = self.evaluate(expr.then if holds else expr.other, p.inside(items=items))
        self.untaken(expr.other if holds else expr.then, p)
        if value.value is POISON:
            return value
        if isinstance(value.value, Recipe):
            p.items.extend(items)
            choice = ChoiceLayer(condition, side, value, expr.span)
            return Const(Recipe(choice, expr.span, p.scope), expr, p.scope, value.span)
        if is_tensor(value.value):
            before = p.it if isinstance(p.it, Value) else None
            after = value.value if isinstance(value.value, Value) else None
            p.items.append(If(expr.span, (condition,), side, 2, items, before, after))
            return literal(value.value, expr.span)
        return Const(value.value, expr, p.scope, value.span)

    def _training(self, expr: tree.Conditional, p: Place) -> Const:
        items: tuple[list[Item], list[Item]] = ([], [])
        sides = [self.evaluate(e, p.inside(items=i)) for e, i in zip((expr.then, expr.other), items, strict=True)]
        if any(s.value is POISON for s in sides):
            return literal(POISON, expr.span)
        if all(isinstance(s.value, Recipe) for s in sides):
            layer = TrainingLayer(sides[0], sides[1], expr.span)
            return Const(Recipe(layer, expr.span, p.scope), None, None, expr.span)
        return self.either(sides, items, expr.span, p)

    def either(self, sides: list[Const], items: tuple[list[Item], list[Item]], span: Span, p: Place) -> Const:
        """Join the two sides of a choice by `training`."""
        first, second = sides[0].value, sides[1].value
        if not isinstance(first, Value) or not isinstance(second, Value) or first.type != second.type:
            words = [str(v.type) if isinstance(v, Value) else describe(v) for v in (first, second)]
            return self.report(TrainingSides(*words), span, p)
        out = Value(first.type, span=span)
        either = Either(span, *items, (first, second), out)
        out.producer = either
        for side in (first, second):
            side.readers.append(p.owner)
        p.items.append(either)
        self.made.append((out, "this choice", block_of(p.owner)))
        return literal(out, span)

    def untaken(self, part: object, p: Place) -> None:
        """Names read in a side that was not taken count as read: another instance may take it."""
        for name in mentioned(part):
            found = p.scope.find(name)
            if found is not None:
                found.used = True
                if isinstance(found.value, Value):
                    found.value.readers.append(p.owner)

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
        what = "a tensor has `shape`" if isinstance(value.value, Value) else f"{describe(value.value)} has no attributes"
        return self.report(BadOperation(f"no `{expr.name}` here: {what}"), expr.name_span, p)

    def _shared_tensor(self, shared: Shared, expr: tree.Attribute, p: Place) -> Const:
        if shared.first is None:
            text = f"`{shared.name}` has no tensors before it is applied"
            return self.report(SharedModule(text), expr.span, p, [Label(shared.span, "made here")])
        if isinstance(shared.first, Node):
            params = self.node_params(shared.first)
        else:
            params = shared.first.params
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
            ends = [None if e is None else self.evaluate(e, p).value for e in (item.start, item.stop, item.step)]
            if any(e is POISON for e in ends):
                return literal(POISON, expr.span)
            if not all(e is None or (isinstance(e, int) and not isinstance(e, bool)) for e in ends) or ends[2] == 0:
                return self.report(BadOperation("a slice is made of whole numbers"), item.span, p)
            return Const(value.value[slice(*ends)], expr, p.scope, expr.span)
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
                if any(e is not None and e.value is POISON for e in ends):
                    return literal(POISON, expr.span)
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
        arguments: list[tuple[str | None, Const, Span | None]] = []
        target = self._callee(expr, p)
        for argument in expr.arguments:
            value = self.evaluate(argument.value, p)
            if argument.star:
                if isinstance(value.value, list | tuple | range):
                    arguments += [(None, literal(v, value.span), None) for v in value.value]
                elif value.value is not POISON:
                    self.report(NotIterable(describe(value.value), False), argument.span, p)
            else:
                arguments.append((argument.name, value, argument.name_span))
        if target.value is POISON:
            return target
        plain = [a[1].value for a in arguments if a[0] is None]
        match target.value:
            case Recipe():
                return self.bind(target.value, arguments, expr, p)
            case Builtin(name=name):
                return self._builtin(name, arguments, expr, p)
            case Function():
                return self.call_function(target.value, arguments, expr, p)
            case Init(kind=kind):
                if any(v is POISON for v in plain):
                    return literal(POISON, expr.span)
                named = {k: (c.value, s) for k, c, s in arguments if k is not None}
                return literal(initialiser(kind, plain, {k: v for k, (v, _) in named.items()}), expr.span)
            case Value() if expr.suite is None:
                return self.report(BadOperation("a tensor is not called: a layer is applied to it with `->`"), expr.span, p)
        return self.report(BadOperation(f"{describe(target.value)} cannot be called"), expr.target.span, p)

    def _callee(self, expr: tree.Call, p: Place) -> Const:
        target = self.evaluate(expr.target, p)
        if isinstance(target.value, Recipe) and isinstance(expr.target, tree.Name):
            name = expr.target.name
            initial = name in INITIALISERS and name in REGISTRY and not expr.arguments
            if not initial and name in const.BUILTINS and name in REGISTRY and p.scope.find(name) is None:
                return Const(target.value, None, None, target.span)
        return target

    def _builtin(
        self, name: str, arguments: list[tuple[str | None, Const, Span | None]], expr: tree.Call, p: Place
    ) -> Const:
        for key, _, span in arguments:
            if key is not None:
                return self.report(BadOperation(f"`{name}` takes no argument by name"), span or expr.span, p)
        values = [a[1].value for a in arguments]
        if any(v is POISON for v in values):
            return literal(POISON, expr.span)
        return Const(const.function(name, values, self.sizes, expr.span), expr, p.scope, expr.span)

    @abstractmethod
    def call_function(
        self, target: Function, arguments: list[tuple[str | None, Const, Span | None]], expr: tree.Call, p: Place
    ) -> Const:
        """A `fn` of compile-time values."""

    def _chain(self, expr: tree.Chain, p: Place) -> Const:
        """From a tensor, a chain flows at once; from a layer, it is a layer of several steps."""
        first = self.evaluate(expr.steps[0], p)
        if first.value is POISON or is_tensor(first.value):
            return self.steps(first, expr.steps[1:], p)
        return Const(Recipe(ChainLayer(first, expr.steps[1:]), expr.span, p.scope), expr, p.scope, expr.span)

    def steps(self, value: Const, rest: tuple[tree.Expr, ...], p: Place) -> Const:
        """Send tensors through the steps of a chain."""
        q = p.inside()
        for step in rest:
            if value.value is POISON:
                return value
            q.it = value.value  # type: ignore[assignment]
            value = self.flow(step, q)
        return value

    def _as(self, expr: tree.As, p: Place) -> Const:
        value = self.evaluate(expr.value, p)
        name = expr.name.name if isinstance(expr.name, tree.Name) else self.text(expr.name.text, p)
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
        elif hasattr(node, "__dataclass_fields__") and not isinstance(node, Span):
            todo.extend(getattr(node, f) for f in node.__dataclass_fields__ if f != "span")
    return names


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

__all__ = ["Expressions", "Poison", "is_tensor", "mentioned"]

"""Operators, comparisons, lists and choices: on compile-time values, layers and tensors."""

from __future__ import annotations

from abc import ABC, abstractmethod

from dslc.diagnostics.model import Reject
from dslc.elaborate import const
from dslc.elaborate.errors_body import TrainingSides
from dslc.elaborate.errors_use import BadOperation, NotATensor, NotBool, NotIterable, WrongCount
from dslc.elaborate.meaning import COMPARISONS, OPERATORS, Meanings
from dslc.elaborate.state import (
    POISON,
    ChoiceLayer,
    Place,
    Recipe,
    Shared,
    TrainingLayer,
    block_of,
    describe,
    is_tensor,
)
from dslc.ir.model import Either, If, Item, Value
from dslc.ops.base import REGISTRY
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import mentioned
from dslc.types.const import Binding, Const, Scope, literal
from dslc.types.dim import Dim


class Operators(Meanings, ABC):
    """Operators."""

    # ---- composites

    def _tuple(self, expr: tree.Tuple, p: Place) -> Const:
        values = [self.evaluate(item, p).value for item in expr.items]
        if any(v is POISON for v in values):
            return literal(POISON, expr.span)
        return Const(self.sized(tuple(values)), expr, p.scope, expr.span)

    def _list(self, expr: tree.List, p: Place) -> Const:
        values = [self.evaluate(item, p).value for item in expr.items]
        if any(v is POISON for v in values):
            return literal(POISON, expr.span)
        return Const(self.sized(values), expr, p.scope, expr.span)

    def _comprehension(self, expr: tree.Comprehension, p: Place) -> Const:
        values: list[object] = []
        self._clauses(expr, 0, p, values)
        if any(v is POISON for v in values):
            return literal(POISON, expr.span)
        return Const(self.sized(values), expr, p.scope, expr.span)

    def _clauses(self, expr: tree.Comprehension, at: int, p: Place, values: list[object]) -> None:
        if at == len(expr.clauses):
            values.append(self.evaluate(expr.item, p).value)
            return
        clause = expr.clauses[at]
        if not clause.targets:
            holds, condition = self.condition(clause.value, p)
            if condition.value is POISON:
                values.append(POISON)
            elif holds:
                self._clauses(expr, at + 1, p, values)
            return
        found, turns = self.loop(clause.targets, clause.value, p)
        if found.value is POISON or not self.free_targets(clause.targets, p):
            values.append(POISON)
            return
        for targets in turns:
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
            return self.report(NotIterable(describe(found.value), isinstance(found.value, Dim)), source.span, p), []
        self.spend(len(found.value))
        turns = []
        for value in found.value:
            values = [value] if len(targets) == 1 else value
            if not isinstance(values, list | tuple) or len(values) != len(targets):
                count = len(values) if isinstance(values, list | tuple) else 1
                span = targets[0].span.to(targets[-1].span)
                return self.report(WrongCount(len(targets), count), span, p), []
            turns.append([(t, literal(v, source.span)) for t, v in zip(targets, values, strict=True)])
        return found, turns

    @abstractmethod
    def free_targets(self, targets: tuple[tree.Name, ...], p: Place) -> bool:
        """Whether the names of a `for` may be given here."""

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
        return Const(self.sized(value), node, p.scope, node.span)

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
                return self.report(BadOperation("tensors are compared two at a time"), expr.span, p)
            if any(v.value is None for v in values) and expr.ops[0] in ("==", "!="):
                return Const(expr.ops[0] == "!=", expr, p.scope, expr.span)
            return self.operate(COMPARISONS[expr.ops[0]], values, {}, p, expr.span, expr.values)
        for value in values:
            self.sized(value.value)
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
        return self.apply_op(
            recipe, tuple(inputs), p, span, tuple(t.span for t in texts) if len(inputs) == len(operands) else ()
        )

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
                held = found.value.value if isinstance(found.value, Const) else found.value
                for one in held if isinstance(held, list) else [held]:
                    module = one.target if isinstance(one, Recipe) else one
                    if isinstance(module, Shared):
                        module.read = True

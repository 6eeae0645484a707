"""Statements: lines move the chain or name a value; `if` and `for` are unrolled into regions."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from typing import Any, Final, cast

from dslc.diagnostics.model import Label, Reject
from dslc.elaborate.blocks import Blocks
from dslc.elaborate.count import least_ops
from dslc.elaborate.errors_body import RequireFailed, SharedModule, TooManyOps
from dslc.elaborate.errors_use import BadOperation, Misplaced, NotALayer, StrayValue, WrongCount
from dslc.elaborate.limits import short
from dslc.elaborate.meaning import UNNAMED
from dslc.elaborate.state import (
    MISTAKE,
    POISON,
    Place,
    Recipe,
    Runaway,
    Shared,
    SuiteLayer,
    block_of,
    describe,
    is_tensor,
)
from dslc.elaborate.tensors import Tensors
from dslc.ir.model import Budget, For, If, Item, Value
from dslc.names.errors import BoundTwice
from dslc.names.resolve import is_core
from dslc.ops.base import REGISTRY
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import mentioned
from dslc.types.const import Binding, Const, Scope, literal
from dslc.types.dim import Dim
from dslc.types.errors import RequireFails
from dslc.types.sizes import Relation

GROWN: Final = 1024
"""Items of a list that weigh as much as a turn of a loop where the list grows."""
KINDS: Final = {
    "parameter": "a parameter",
    "dim": "a size of the input",
    "let": "a `let` value",
    "loop": "the variable of a `for`",
    "tensor": "the name of a tensor",
    "module": "a module",
    "definition": "a definition of this file",
}


class Statements(Blocks, Tensors, ABC):
    """Execution of statements."""

    def execute(self, suite: tree.Suite, p: Place) -> None:
        """Run the statements of a suite; `p.it` moves. A mistake in one does not stop the next."""
        for line in suite.body:
            try:
                _STATEMENTS[type(line)](self, line, p)
            except Runaway as runaway:
                if not p.depth:  # the line of the net, and of its loops the innermost
                    runaway.span = runaway.span or line.span
                raise
            except Reject as reject:
                self.report(reject.mistake, line.span, p, reject.related)
            if self.sink.total != self.mistakes:
                self.spend(MISTAKE * (self.sink.total - self.mistakes))
                self.mistakes = self.sink.total

    # ---- lines

    def _step(self, line: tree.Step, p: Place) -> None:
        if isinstance(line.value, tree.Tuple):
            self.report(
                StrayValue("several values; they flow only from brackets, as in `(a, b) -> layer`"),
                line.span,
                p,
            )
            p.it = POISON
            return
        if p.it is POISON:
            self._silent(line.value, p)
            return
        before = p.it
        value = self.flow(line.value, p)
        if value.value is POISON:
            p.it = POISON
        elif is_tensor(value.value):
            self._replace(before, value.value, line.span, p)
        else:
            self.report(StrayValue(describe(value.value)), line.span, p)

    def _replace(self, before: object, after: object, span: Span, p: Place) -> None:
        for value in before if isinstance(before, tuple) else (before,):
            if isinstance(value, Value):
                self.replaced.setdefault(id(value), span)
        p.it = after  # type: ignore[assignment]

    def _silent(self, expr: tree.Expr, p: Place) -> None:
        """After a mistake the chain has no type, but the names and arguments of later lines are still checked."""
        for step in expr.steps if isinstance(expr, tree.Chain) else (expr,):
            self.probe(self.evaluate(step, p), p)

    def _assign(self, line: tree.Assign, p: Place) -> None:
        if isinstance(line.value, tree.Tuple):
            self.report(StrayValue("several values; name them one a line"), line.value.span, p)
            return self._poison(line, p)
        value = self.flow(line.value, p)
        if value.value is POISON:
            return self._poison(line, p)
        if not is_tensor(value.value):
            if isinstance(value.value, list) and all(isinstance(v, Value) for v in value.value) and value.value:
                value = literal(tuple(value.value), value.span)
            else:
                self.report(StrayValue(describe(value.value)), line.span, p)
                return self._poison(line, p)
        values = value.value if isinstance(value.value, tuple) else (value.value,)
        if len(line.targets) == 1 and len(values) > 1:
            return self._bind_name(line.targets[0], value.value, p)
        if len(values) != len(line.targets):
            span = line.targets[0].span.to(line.targets[-1].span)
            self.report(WrongCount(len(line.targets), len(values)), span, p)
            return self._poison(line, p)
        for target, tensor in zip(line.targets, values, strict=True):
            self._bind_name(target, tensor, p)
        return None

    def _poison(self, line: tree.Assign, p: Place) -> None:
        for target in line.targets:
            name = self._target(target, p)
            if name is not None:
                self._spoil(name, target.span, self._scope_of(target, p))

    def _spoil(self, name: str, span: Span, scope: Scope) -> None:
        """A name whose line failed: what reads it stays silent. A tensor of that name stays."""
        before = scope.names.get(name)
        if before is None or before.kind not in ("tensor", "module"):
            scope.names[name] = Binding("let", literal(POISON, span), span)

    def _target(self, target: tree.Name | tree.TickName, p: Place) -> str | None:
        return target.name if isinstance(target, tree.Name) else self.ticked(target.text, p)

    def _scope_of(self, target: tree.Name | tree.TickName, p: Place) -> Scope:
        """A back-tick name made with a loop's variable belongs to the body around the loop."""
        scope = p.scope
        if isinstance(target, tree.TickName):
            used = mentioned(target.text)
            turn: Scope | None = scope
            while turn is not None and turn.kind == "turn":
                if used & set(turn.names) and turn.parent is not None:
                    scope = turn.parent
                turn = turn.parent
        return scope

    def _bind_name(self, target: tree.Name | tree.TickName, value: object, p: Place) -> None:
        name = self._target(target, p)
        if name is None:
            return
        if name == "_":
            for tensor in value if isinstance(value, tuple) else (value,):
                if isinstance(tensor, Value):
                    tensor.readers.append(block_of(p.owner))
            return
        scope = self._scope_of(target, p)
        if scope.kind == "suite":
            self.report(
                Misplaced(f"the suite of a layer cannot name values, so `{name}` is unknown below it"),
                target.span,
                p,
            )
        if not self.free(name, target.span, p):
            self._spoil(name, target.span, scope)
            return
        scope.names[name] = Binding("tensor", value, target.span)
        for tensor in value if isinstance(value, tuple) else (value,):
            if isinstance(tensor, Value):
                tensor.name = tensor.name or name
                if name.startswith("_"):
                    tensor.readers.append(block_of(p.owner))

    def free_targets(self, targets: tuple[tree.Name, ...], p: Place) -> bool:
        """Whether the names of a `for` may be given here."""
        for index, target in enumerate(targets):
            if target.name in [t.name for t in targets[:index]]:
                self.report(BoundTwice(target.name, KINDS["loop"]), target.span, p)
                return False
            if not self.free(target.name, target.span, p):
                return False
        return True

    def free(self, name: str, span: Span, p: Place) -> bool:
        """Whether a name may be given here; reports its other meaning if not."""
        found = p.scope.find(name)
        if found is not None and not (found.kind == "definition" and is_core(found)):
            self.report(BoundTwice(name, KINDS[found.kind]), span, p, [Label(found.span, "it is bound here")])
            return False
        if name in REGISTRY and name not in UNNAMED:
            self.report(BoundTwice(name, "a layer"), span, p)
            return False
        return True

    def _let(self, line: tree.Let, p: Place) -> None:
        value = self.evaluate(line.value, p)
        if is_tensor(value.value):
            text = f"`let` names compile-time values and layers; a tensor is named by `{line.target.name} = ...`"
            self.report(BadOperation(text), line.span, p)
            return
        if not self.free(line.target.name, line.target.span, p):
            self._spoil(line.target.name, line.target.span, p.scope)
            return
        p.scope.names[line.target.name] = Binding("let", value, line.target.span)

    def _grow(self, line: tree.Grow, p: Place) -> None:
        found = p.scope.find(line.target.name)
        value = self.evaluate(line.value, p)
        if value.value is POISON:
            return
        old = found.value if found is not None and isinstance(found.value, Const) else None
        items = old.value if old is not None else None
        if (
            old is None
            or found is None
            or found.kind != "let"
            or not isinstance(items, list)
            or not isinstance(value.value, list)
        ):
            self.report(BadOperation("`+=` adds a list to a `let` list of this body"), line.span, p)
            return
        if not self._grows_here(line.target.name, p):
            text = f"the suite of a layer cannot change `{line.target.name}`, a list of the body around it"
            self.report(Misplaced(text), line.span, p)
            found.value = literal([*items, POISON], old.span)  # how many items it has is unknown now
            return
        self.spend(short(len(items) + len(value.value)) // GROWN)
        found.value = replace(old, value=[*items, *value.value])  # what has read the name keeps the list it read

    def _grows_here(self, name: str, p: Place) -> bool:
        scope: Scope | None = p.scope
        while scope is not None and name not in scope.names:
            if scope.kind == "suite":
                return False
            scope = scope.parent
        return True

    def _module(self, line: tree.ModuleDef, p: Place) -> None:
        name = self._target(line.target, p)
        if name is None:
            return
        scope = self._scope_of(line.target, p)
        value = self.evaluate(line.value, p)
        if value.value is POISON or not self.free(name, line.target.span, p):
            self._spoil(name, line.target.span, scope)
            return
        if isinstance(value.value, list):
            shared = [self._shared(f"{name}_{i}", v, line, p) for i, v in enumerate(value.value)]
            if all(s is not None for s in shared):
                recipes = [Recipe(s, line.span, p.scope) for s in shared if s is not None]
                self.shared += [s for s in shared if s is not None]
                scope.names[name] = Binding("let", literal(recipes, line.span), line.span)
            else:
                self._spoil(name, line.target.span, scope)
            return
        one = self._shared(name, value.value, line, p)
        if one is not None:
            scope.names[name] = Binding("module", one, line.target.span)
            self.shared.append(one)
        else:
            self._spoil(name, line.target.span, scope)

    def _shared(self, name: str, value: object, line: tree.ModuleDef, p: Place) -> Shared | None:
        if not isinstance(value, Recipe):
            self.report(NotALayer(describe(value)), line.value.span, p)
            return None
        if block_of(p.owner) is not p.owner and p.owner.kind == "seq":
            self.report(SharedModule("a `module` is made in the body of a block, not in a `seq`"), line.span, p)
            return None
        return Shared(name, line.target.span, value, p.owner)

    # ---- regions

    def _if(self, line: tree.If, p: Place) -> None:
        conditions: list[Const] = []
        side: int | None = None
        for index, (condition, _) in enumerate(line.branches):
            if condition is None:
                side = index
                break
            holds, const = self.condition(condition, p)
            if const.value is POISON:
                p.it = POISON
                return
            conditions.append(const)
            if holds:
                side = index
                break
        items: list[Item] = []
        before = p.it if isinstance(p.it, Value) else None
        known = set(p.scope.names)
        if side is not None:
            q = p.inside(items=items)
            self.execute(line.branches[side][1], q)
            self._replace(p.it, q.it, line.branches[side][1].span, p) if q.it is not p.it else None
        for index, (_, suite) in enumerate(line.branches):
            if index != side:
                self.untaken(suite, p)
        after = p.it if isinstance(p.it, Value) else None
        region = If(line.span, tuple(conditions), side, len(line.branches), items, before, after)
        for name in set(p.scope.names) - known:
            value = p.scope.names[name].value
            if isinstance(value, Value):
                region.names[name] = value
        p.items.append(region)

    def _for(self, line: tree.For, p: Place) -> None:
        self._guard_expansion(line, p)
        source, turns = self.loop(line.targets, line.source, p)
        if source.value is POISON:
            p.it = POISON
            return
        if not self.free_targets(line.targets, p):
            return
        region = For(line.span, source, tuple(tuple(c for _, c in t) for t in turns), [], [], [])
        q = p.inside()
        for targets in turns:
            scope = Scope("turn", p.scope, p.scope.instance, p.scope.inline)
            for name, value in targets:
                scope.names[name.name] = self.loop_binding(name, value)
            q.scope, q.items = scope, []
            region.scopes.append(scope)
            region.carried.append(q.it if isinstance(q.it, Value) else None)
            region.turns.append(q.items)
            self.execute(line.suite, q)
        region.carried.append(q.it if isinstance(q.it, Value) else None)
        if q.it is not p.it:
            self._replace(p.it, q.it, line.span, p)
        p.items.append(region)

    def _guard_expansion(self, line: tree.For, p: Place) -> None:
        """Count a loop's ops before it is expanded, so that a runaway nest stops at once."""
        least = least_ops(line, p.scope, self.max_ops)
        if self.ops + least > self.max_ops:
            raise Runaway(TooManyOps(self.ops + least, self.max_ops))

    def branches(self, suite: tree.Suite, p: Place) -> list[object]:
        """The branches of a combinator's suite, as layers; `for` and `if` around `|` repeat and choose."""
        found: list[object] = []
        for line in suite.body:
            match line:
                case tree.Branch():
                    found.append(self._branch(line, p))
                case tree.For():
                    turns = self.loop(line.targets, line.source, p)[1] if self.free_targets(line.targets, p) else []
                    for targets in turns:
                        scope = Scope("turn", p.scope, p.scope.instance, p.scope.inline)
                        for name, value in targets:
                            scope.names[name.name] = self.loop_binding(name, value)
                        found += self.branches(line.suite, p.inside(scope=scope))
                case tree.If():
                    for condition, inner in line.branches:
                        if condition is None or self.condition(condition, p)[0]:
                            found += self.branches(inner, p)
                            break
                case _:
                    self.report(Misplaced("each line of these branches begins with `|`"), line.span, p)
        return found

    def _branch(self, line: tree.Branch, p: Place) -> object:
        first: tuple[tree.Stmt, ...] = (tree.Step(line.value.span, line.value),)
        suite = tree.Suite(line.span, (*first, *(line.more.body if line.more is not None else ())))
        return Recipe(SuiteLayer(suite, seq=False), line.span, p.scope)

    # ---- the rest

    def _require(self, line: tree.Require, p: Place) -> None:
        condition = line.condition
        if isinstance(condition, tree.Binary) and condition.op == "and":
            for part in (condition.left, condition.right):
                self._require(tree.Require(line.span, part, line.message), p)
            return
        try:
            if self.require_sizes(line, p):
                return
        except Reject as reject:
            mistake = reject.mistake
            if isinstance(mistake, RequireFails) and line.message is not None:
                mistake = RequireFails(mistake.condition, mistake.where, mistake.fits, self.text(line.message, p))
            self.report(mistake, condition.span, p, reject.related)
            return
        holds, const = self.condition(line.condition, p)
        if const.value is POISON or holds:
            return
        text = self.text(line.message, p) if line.message is not None else f"`{line.condition.span.text}` does not hold"
        self.report(RequireFailed(text), line.condition.span, p)
        p.it = POISON  # what follows relies on it

    def _budget(self, line: tree.Budget, p: Place) -> None:
        if p.owner.parent is not None:
            self.report(Misplaced("a `budget` belongs to a net"), line.span, p)
            return
        self.add_budgets(line, p)

    def add_budgets(self, line: tree.Budget, p: Place) -> None:
        """The limits of a `budget` line, evaluated."""
        for limit in line.limits:
            subject = limit.values[0]
            value = self.evaluate(limit.values[1], p) if len(limit.values) == 2 else literal(None, limit.span)
            if value.value is POISON:
                continue
            if (
                not isinstance(subject, tree.Name)
                or not isinstance(value.value, int | float)
                or limit.ops[0] in ("in", "not in")
            ):
                self.report(BadOperation("a budget compares a quantity with a number: `macs <= 4.2G`"), limit.span, p)
            else:
                self.budgets.append(Budget(subject.name, limit.ops[0], value.value, limit.span))

    def _stray_branch(self, line: tree.Branch, p: Place) -> None:
        text = "`|` begins a branch of a layer such as `concat:`; here there is none"
        self.report(Misplaced(text), line.span, p)

    def require_sizes(self, line: tree.Require, p: Place) -> bool:
        """A `require` about sizes of the net's input narrows what is allowed; true if it was one."""
        condition = line.condition
        values = [self.evaluate(v, p) for v in condition.values] if isinstance(condition, tree.Compare) else []
        if not any(isinstance(v.value, Dim) for v in values) or any(v.value is POISON for v in values):
            return False
        assert isinstance(condition, tree.Compare)
        for op, left, right in zip(condition.ops, values, values[1:], strict=False):
            if isinstance(left.value, int | Dim) and isinstance(right.value, int | Dim):
                self.sizes.require(cast(Relation, op), left.value, right.value, condition.span)
        return True


_STATEMENTS: Final[dict[type[tree.Stmt], Callable[[Statements, Any, Place], None]]] = {
    tree.Step: Statements._step,
    tree.Assign: Statements._assign,
    tree.Let: Statements._let,
    tree.Grow: Statements._grow,
    tree.ModuleDef: Statements._module,
    tree.TensorDef: Statements.declare,
    tree.If: Statements._if,
    tree.For: Statements._for,
    tree.Branch: Statements._stray_branch,
    tree.Require: Statements._require,
    tree.Budget: Statements._budget,
    tree.Initial: Statements.state_initial,
}

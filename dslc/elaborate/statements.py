"""Statements: lines move the chain or name a value; `if` and `for` are unrolled into regions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

from dslc.bind.mistakes_body import Misplaced, NamedInSuite, WrongCount
from dslc.bind.scopes import beyond_turns
from dslc.diagnostics.model import Reject
from dslc.elaborate.apply import flow
from dslc.elaborate.choices import decided, read_untaken
from dslc.elaborate.count import least_ops
from dslc.elaborate.declared import declare
from dslc.elaborate.initial import state_initial
from dslc.elaborate.layers import SharedLayer
from dslc.elaborate.loops import loop_binding, turns_of
from dslc.elaborate.meaning import are_free, is_free, ticked, written
from dslc.elaborate.mistakes.conditions import RequireFailed
from dslc.elaborate.mistakes.flow import NotALayer, StrayValue
from dslc.elaborate.mistakes.limits import TooManyOps
from dslc.elaborate.mistakes.lines import GrownInSuite, SeveralValues
from dslc.elaborate.mistakes.modules import ModuleInSeq
from dslc.elaborate.mistakes.values import BadBudget, BadGrow, TensorLet
from dslc.elaborate.recipe import Recipe, Shared, is_tensor
from dslc.elaborate.recovery import alike, lose_names, moves, spoil
from dslc.elaborate.run import MISTAKE, Flowing, Place, Run, Runaway, block_of
from dslc.ir.model import Budget, For, If, Item, Value
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Binding, Const, Scope, literal
from dslc.types.dim import Dim, Unknown
from dslc.types.errors import RequireFails
from dslc.types.sizes import Relation
from dslc.values.faces import describe
from dslc.values.hole import HOLE, Hollow, failed, hole, is_hole
from dslc.values.limits import short

GROWN: Final = 1024
"""Items of a list that weigh as much as a turn of a loop where the list grows."""


def execute(run: Run, suite: tree.Suite, p: Place) -> None:
    """Run the statements of a suite; `p.it` moves. A mistake in one does not stop the next."""
    for line in suite.body:
        try:
            _STATEMENTS[type(line)](run, line, p)
        except Runaway as runaway:
            if not p.depth:  # the line of the net, and of its loops the innermost
                runaway.span = runaway.span or line.span
            raise
        except Reject as reject:
            run.report(reject.mistake, line.span, p, reject.related)
        except Unknown:
            run.lost(line.span, p)
            lose_names(line, p)
            p.it = HOLE
        if run.sink.total != run.mistakes:
            run.spend(MISTAKE * (run.sink.total - run.mistakes))
            run.mistakes = run.sink.total
        if run.watch is not None:
            run.watch.line(run.net, line, block_of(p.owner), _left(run, line, p))


def _left(run: Run, line: tree.Stmt, p: Place) -> tuple[Value, ...]:
    """The tensors that a line has left: those it names, else the current one."""
    found: list[object] = []
    match line:
        case tree.Assign(targets=targets):
            for target in targets:
                name = target.name if isinstance(target, tree.Name) else None
                binding = None if name is None else p.scope.find(name)
                found.append(None if binding is None or binding.kind != "tensor" else binding.value)
        case tree.Step() | tree.For() | tree.If():
            found.append(p.it)
    flat = [value for each in found for value in (each if isinstance(each, tuple) else (each,))]
    return tuple(value for value in flat if isinstance(value, Value))


def _step(run: Run, line: tree.Step, p: Place) -> None:
    if isinstance(line.value, tree.Tuple):
        run.report(
            SeveralValues(named=False),
            line.span,
            p,
        )
        p.it = HOLE
        return
    if isinstance(line.value, tree.Lost):
        run.evaluate(line.value, p)
        p.it = HOLE if moves(line) else p.it
        return
    before = p.it
    value = flow(run, line.value, p)
    if failed(value):
        p.it = HOLE
    elif is_tensor(value.value):
        _replace(run, before, value.value, line.span, p)
    else:
        run.report(StrayValue(describe(value.value)), line.span, p)


def _replace(run: Run, before: Flowing, after: Flowing, span: Span, p: Place) -> None:
    for value in before if isinstance(before, tuple) else (before,):
        if isinstance(value, Value):
            run.replaced.setdefault(value, span)
    p.it = after


def _assign(run: Run, line: tree.Assign, p: Place) -> None:
    if isinstance(line.value, tree.Tuple):
        run.report(SeveralValues(named=True), line.value.span, p)
        return _spoil_targets(run, line, p)
    value = flow(run, line.value, p)
    if failed(value):
        return _spoil_targets(run, line, p)
    if not is_tensor(value.value):
        if isinstance(value.value, list) and all(isinstance(v, Value) for v in value.value) and value.value:
            value = literal(tuple(value.value), value.span)
        else:
            run.report(StrayValue(describe(value.value)), line.span, p)
            return _spoil_targets(run, line, p)
    values = value.value if isinstance(value.value, tuple) else (value.value,)
    if len(line.targets) == 1 and len(values) > 1:
        return _bind_name(run, line.targets[0], value.value, p)
    if len(values) != len(line.targets):
        span = line.targets[0].span.to(line.targets[-1].span)
        run.report(WrongCount(len(line.targets), len(values)), span, p)
        return _spoil_targets(run, line, p)
    for target, tensor in zip(line.targets, values, strict=True):
        _bind_name(run, target, tensor, p)
    return None


def _spoil_targets(run: Run, line: tree.Assign, p: Place) -> None:
    for target in line.targets:
        name = _target(run, target, p)
        if name is not None and target in run.told:  # given again: what reads it means this line, and not the first
            _home(p.scope, name).names[name] = Binding("let", hole(target.span), target.span)
            p.it = HOLE
        elif name is not None:
            spoil(name, target.span, beyond_turns(p.scope, target))


def _target(run: Run, target: tree.Name | tree.TickName, p: Place) -> str | None:
    return target.name if isinstance(target, tree.Name) else ticked(run, target.text, p)


def _bind_name(run: Run, target: tree.Name | tree.TickName, value: object, p: Place) -> None:
    name = _target(run, target, p)
    if name is None:
        return
    if name == "_":
        for tensor in value if isinstance(value, tuple) else (value,):
            if isinstance(tensor, Value):
                tensor.readers.append(block_of(p.owner))
        return
    scope = beyond_turns(p.scope, target)
    if scope.kind == "suite" and not any(known.kind == "tensor" for known in scope.names.values()):
        run.report(NamedInSuite(name), target.span, p)
    if target in run.told:  # given again, and told: what reads it below means this one
        scope = _home(scope, name)
        p.it = value if isinstance(value, Value) else p.it  # it was meant as a line of the chain
    elif not is_free(run, name, target.span, p):
        spoil(name, target.span, scope)
        return
    scope.names[name] = Binding("tensor", value, target.span)
    for tensor in value if isinstance(value, tuple) else (value,):
        if isinstance(tensor, Value):
            tensor.name = tensor.name or name
            if name.startswith("_"):
                tensor.readers.append(block_of(p.owner))


def _home(scope: Scope, name: str) -> Scope:
    """The scope that gives a name already."""
    home: Scope | None = scope
    while home is not None and name not in home.names:
        home = home.parent
    return home or scope


def _let(run: Run, line: tree.Let, p: Place) -> None:
    value = run.evaluate(line.value, p)
    if is_tensor(value.value):
        run.report(TensorLet(line.target.name), line.span, p)
        p.scope.names.setdefault(line.target.name, Binding("tensor", value.value, line.target.span))
        return
    if not is_free(run, line.target.name, line.target.span, p):
        spoil(line.target.name, line.target.span, p.scope)
        return
    p.scope.names[line.target.name] = Binding("let", value, line.target.span)


def _grow(run: Run, line: tree.Grow, p: Place) -> None:
    found = p.scope.find(line.target.name)
    value = _grown(run, line.value, p)
    if is_hole(value.value):
        spoil(line.target.name, line.target.span, p.scope)
        return
    old = found.value if found is not None and isinstance(found.value, Const) else None
    items = old.value if old is not None else None
    if is_hole(items):
        return
    if (
        old is None
        or found is None
        or found.kind != "let"
        or not isinstance(items, list)
        or not isinstance(value.value, list)
    ):
        run.report(BadGrow(line.target.name if found is None else ""), line.span, p)
        return
    if not _grows_here(line.target.name, p):
        run.report(GrownInSuite(line.target.name), line.span, p)
        found.value = hole(old.span)  # how many items it has is unknown now
        return
    run.spend(short(len(items) + len(value.value)) // GROWN)
    joined = [*items, *value.value]  # what has read the name keeps the list it read
    found.value = replace(old, value=Hollow(joined) if failed(old, value) else joined)


def _grown(run: Run, expr: tree.Expr, p: Place) -> Const:
    """What a list grows by; items that failed are holes of it, so that it has the length that it was to have."""
    if not isinstance(expr, tree.List):
        return run.evaluate(expr, p)
    items = [run.evaluate(item, p) for item in expr.items]
    if not failed(*items):
        return Const(run.sized([item.value for item in items]), expr, p.scope, expr.span)
    run.lost(expr.span, p)
    return literal(Hollow(item.value for item in items), expr.span)


def _grows_here(name: str, p: Place) -> bool:
    scope: Scope | None = p.scope
    while scope is not None and name not in scope.names:
        if scope.kind == "suite":
            return False
        scope = scope.parent
    return True


def _module(run: Run, line: tree.ModuleDef, p: Place) -> None:
    name = _target(run, line.target, p)
    if name is None:
        return
    scope = beyond_turns(p.scope, line.target)
    value = run.evaluate(line.value, p)
    if failed(value) or not is_free(run, name, line.target.span, p):
        spoil(name, line.target.span, scope)
        return
    if isinstance(value.value, list):
        shared = [_shared(run, f"{name}_{i}", v, line, p) for i, v in enumerate(value.value)]
        if all(s is not None for s in shared):
            recipes = [Recipe(SharedLayer(s), line.span, p.scope) for s in shared if s is not None]
            run.shared += [s for s in shared if s is not None]
            scope.names[name] = Binding("let", literal(recipes, line.span), line.span)
        else:
            spoil(name, line.target.span, scope)
        return
    one = _shared(run, name, value.value, line, p)
    if one is not None:
        scope.names[name] = Binding("module", one, line.target.span)
        run.shared.append(one)
    else:
        spoil(name, line.target.span, scope)


def _shared(run: Run, name: str, value: object, line: tree.ModuleDef, p: Place) -> Shared | None:
    if not isinstance(value, Recipe):
        run.report(NotALayer(describe(value)), line.value.span, p)
        return None
    if block_of(p.owner) is not p.owner and p.owner.kind == "seq":
        run.report(ModuleInSeq(), line.span, p)
        return None
    return Shared(name, line.target.span, value, p.owner)


def _if(run: Run, line: tree.If, p: Place) -> None:
    conditions: list[Const] = []
    side: int | None = None
    for index, (condition, _) in enumerate(line.branches):
        if condition is None:
            side = index
            break
        holds, const = decided(run, condition, p)
        if failed(const):
            _lose(run, line, p)
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
        run.execute(line.branches[side][1], q)
        _replace(run, p.it, q.it, line.branches[side][1].span, p) if q.it is not p.it else None
    for index, (_, suite) in enumerate(line.branches):
        if index != side:
            read_untaken(run, suite, p)
    after = p.it if isinstance(p.it, Value) else None
    region = If(line.span, tuple(conditions), side, len(line.branches), items, before, after)
    for name in set(p.scope.names) - known:
        value = p.scope.names[name].value
        if isinstance(value, Value):
            region.names[name] = value
    p.items.append(region)


def _lose(run: Run, line: tree.If | tree.For, p: Place) -> None:
    """Go on after lines of which it is not known whether, or how often, they are executed."""
    run.lost(line.span, p)
    lose_names(line, p)
    if moves(line):
        p.it = HOLE


def _for(run: Run, line: tree.For, p: Place) -> None:
    _guard_expansion(run, line, p)
    before = p.it
    source, turns = turns_of(run, line.targets, line.source, p)
    if is_hole(source.value) or not are_free(run, line.targets, p):
        scope = Scope("turn", p.scope, p.scope.instance, p.scope.inline)
        for target in line.targets:
            scope.names[target.name] = Binding("loop", hole(target.span), target.span)
        q, ops = p.inside(scope=scope, items=[]), run.ops
        run.execute(line.suite, q)  # a turn of which nothing is known
        run.ops = ops  # it earns no steps
        _lose(run, line, p)
        p.it = alike(before, q.it)
        return
    region = For(line.span, source, tuple(tuple(c for _, c in t) for t in turns), [], [], [])
    q = p.inside()
    for targets in turns:
        scope = Scope("turn", p.scope, p.scope.instance, p.scope.inline)
        for name, value in targets:
            scope.names[name.name] = loop_binding(name, value)
        q.scope, q.items = scope, []
        region.scopes.append(scope)
        region.carried.append(q.it if isinstance(q.it, Value) else None)
        region.turns.append(q.items)
        run.execute(line.suite, q)
    region.carried.append(q.it if isinstance(q.it, Value) else None)
    if q.it is not p.it:
        _replace(run, p.it, q.it, line.span, p)
    p.items.append(region)


def _guard_expansion(run: Run, line: tree.For, p: Place) -> None:
    """Count a loop's ops before it is expanded, so that a runaway nest stops at once."""
    least = least_ops(line, p.scope, run.max_ops)
    if run.ops + least > run.max_ops:
        raise Runaway(TooManyOps(run.ops + least, run.max_ops))


def _require(run: Run, line: tree.Require, p: Place) -> None:
    condition = line.condition
    if isinstance(condition, tree.Binary) and condition.op == "and":
        for part in (condition.left, condition.right):
            _require(run, tree.Require(line.span, part, line.message), p)
        return
    try:
        if _require_sizes(run, line, p):
            return
    except Reject as reject:
        mistake = reject.mistake
        if isinstance(mistake, RequireFails) and line.message is not None:
            mistake = RequireFails(mistake.condition, mistake.where, mistake.fits, written(run, line.message, p))
        run.report(mistake, condition.span, p, reject.related)
        return
    holds, const = decided(run, line.condition, p)
    if failed(const) or holds:
        return
    text = written(run, line.message, p) if line.message is not None else f"`{line.condition.span.text}` does not hold"
    run.report(RequireFailed(text, *_division(run, line.condition, p)), line.condition.span, p)
    p.it = HOLE  # what follows relies on it


def _division(run: Run, condition: tree.Expr, p: Place) -> tuple[int, int, Span] | tuple[()]:
    """Both numbers of a condition `a % b == 0`, and the text that gave `b`; nothing of another condition."""
    divides = condition.values[0] if isinstance(condition, tree.Compare) else None
    if not isinstance(divides, tree.Binary) or divides.op != "%":
        return ()
    whole, parts = run.evaluate(divides.left, p), run.evaluate(divides.right, p)
    given = p.scope.find(divides.right.name) if isinstance(divides.right, tree.Name) else None
    span = given.value.span if given is not None and isinstance(given.value, Const) else parts.span
    return (whole.value, parts.value, span) if isinstance(whole.value, int) and isinstance(parts.value, int) else ()


def _budget(run: Run, line: tree.Budget, p: Place) -> None:
    if p.owner.parent is not None:
        run.report(Misplaced("a `budget`", "net"), line.span, p)
        return
    add_budgets(run, line, p)


def add_budgets(run: Run, line: tree.Budget, p: Place) -> None:
    """The limits of a `budget` line, evaluated."""
    for limit in line.limits:
        subject = limit.values[0]
        value = run.evaluate(limit.values[1], p) if len(limit.values) == 2 else literal(None, limit.span)
        if failed(value):
            continue
        if (
            not isinstance(subject, tree.Name)
            or not isinstance(value.value, int | float)
            or limit.ops[0] in ("in", "not in")
        ):
            run.report(BadBudget(), limit.span, p)
        else:
            at = limit.values[1].span
            run.budgets.append(Budget(subject.name, limit.ops[0], value.value, limit.span, at))


def _stray_branch(run: Run, line: tree.Branch, p: Place) -> None:
    """A branch of no layer, which the parser has told."""
    run.lost(line.span, p)
    p.it = HOLE


def _require_sizes(run: Run, line: tree.Require, p: Place) -> bool:
    """A `require` about sizes of the net's input narrows what is allowed; true if it was one."""
    condition = line.condition
    if not isinstance(condition, tree.Compare):
        return False
    values = [run.evaluate(v, p) for v in condition.values]
    if not any(isinstance(v.value, Dim) for v in values) or failed(*values):
        return False
    for op, left, right in zip(condition.ops, values, values[1:], strict=False):
        if isinstance(left.value, int | Dim) and isinstance(right.value, int | Dim):
            run.sizes.require(cast(Relation, op), left.value, right.value, condition.span)
    return True


_STATEMENTS: Final[dict[type[tree.Stmt], Callable[[Run, Any, Place], None]]] = {
    tree.Step: _step,
    tree.Assign: _assign,
    tree.Let: _let,
    tree.Grow: _grow,
    tree.ModuleDef: _module,
    tree.TensorDef: declare,
    tree.If: _if,
    tree.For: _for,
    tree.Branch: _stray_branch,
    tree.Require: _require,
    tree.Budget: _budget,
    tree.Initial: state_initial,
}

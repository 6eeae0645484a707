"""`for`: the turns of a loop, a comprehension, and the branches of a combinator."""

from __future__ import annotations

from dslc.bind.mistakes_body import UnlikeItem, WrongCount
from dslc.diagnostics.model import Label
from dslc.elaborate.choices import decided
from dslc.elaborate.layers import Suite
from dslc.elaborate.meaning import are_free
from dslc.elaborate.recipe import Recipe, is_tensor
from dslc.elaborate.run import Place, Run
from dslc.names.resolve import lookup
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Binding, Const, Scope, literal
from dslc.types.dim import Dim
from dslc.values.faces import describe
from dslc.values.hole import HOLE, Hollow, failed, hole, is_hole
from dslc.values.mistakes import NotIterable


def comprehension(run: Run, expr: tree.Comprehension, p: Place) -> Const:
    values: list[object] = []
    _clauses(run, expr, 0, p, values)
    if any(map(is_hole, values)):
        return hole(expr.span)
    return Const(run.sized(values), expr, p.scope, expr.span)


def _clauses(run: Run, expr: tree.Comprehension, at: int, p: Place, values: list[object]) -> None:
    if at == len(expr.clauses):
        values.append(run.evaluate(expr.item, p).value)
        return
    clause = expr.clauses[at]
    if not clause.targets:
        holds, condition = decided(run, clause.value, p)
        if failed(condition):
            values.append(HOLE)
        elif holds:
            _clauses(run, expr, at + 1, p, values)
        return
    found, turns = turns_of(run, clause.targets, clause.value, p)
    if failed(found) or not are_free(run, clause.targets, p):
        values.append(HOLE)
        return
    for targets in turns:
        _clauses(run, expr, at + 1, _in_turn(targets, p), values)


def _in_turn(targets: list[tuple[tree.Name, Const]], p: Place) -> Place:
    """Inside a turn whose names have these values."""
    scope = Scope("turn", p.scope, p.scope.instance, p.scope.inline)
    for name, value in targets:
        scope.names[name.name] = loop_binding(name, value)
    return p.inside(scope=scope)


def loop_binding(name: tree.Name, value: Const) -> Binding:
    """The binding of a loop's name: a tensor, or a compile-time value."""
    if is_tensor(value.value):
        return Binding("tensor", value.value, name.span)
    return Binding("loop", value, name.span)


def turns_of(
    run: Run, targets: tuple[tree.Name, ...], source: tree.Expr, p: Place
) -> tuple[Const, list[list[tuple[tree.Name, Const]]]]:
    """The source of a `for`, and per turn the values of its targets."""
    found = run.evaluate(source, p)
    if is_hole(found.value):
        return found, []
    if not isinstance(found.value, list | tuple | range):
        return run.report(NotIterable(describe(found.value), isinstance(found.value, Dim)), source.span, p), []
    run.spend(len(found.value))
    turns = []
    for value in found.value:
        values = [value] if len(targets) == 1 else value
        if not isinstance(values, list | tuple) or len(values) != len(targets):
            count = len(values) if isinstance(values, list | tuple) else 1
            span = targets[0].span.to(targets[-1].span)
            unlike = _unlike(found, targets)
            if unlike is not None:
                mistake, at = unlike
                return run.report(mistake, at, p, [Label(span, "each item is given to these")]), []
            return run.report(WrongCount(len(targets), count, loop=True), span, p), []
        turns.append([(t, literal(v, source.span)) for t, v in zip(targets, values, strict=True)])
    return found, turns


def _unlike(source: Const, targets: tuple[tree.Name, ...]) -> tuple[UnlikeItem, Span] | None:
    """The first item of a list that does not fit names, in a list that is written out and of which others do."""
    origin, scope = source.origin, source.scope
    while isinstance(origin, tree.Name) and scope is not None:
        named = scope.find(origin.name)
        meant = None if named is None else lookup(named)
        if meant is not None and isinstance(meant[0], tree.LetItem):
            origin = meant[0].value
            break
        value = None if named is None else named.value
        if not isinstance(value, Const) or value is source:
            return None
        source = value
        origin, scope = source.origin, source.scope
    if not isinstance(origin, tree.List):
        return None
    parts = [len(item.items) if isinstance(item, tree.List | tree.Tuple) else 1 for item in origin.items]
    if len(targets) not in parts:
        return None
    place, item = next((n, i) for n, i in enumerate(origin.items, 1) if parts[n - 1] != len(targets))
    return UnlikeItem(place, item.span.text, parts[place - 1], tuple(name.name for name in targets)), item.span


def branches_of(run: Run, suite: tree.Suite, p: Place) -> list[object]:
    """The branches of a combinator's suite, as layers; `for` and `if` around `|` repeat and choose."""
    found: list[object] = []
    for line in suite.body:
        match line:
            case tree.Branch():
                found.append(_branch(line, p))
            case tree.For():
                source, turns = turns_of(run, line.targets, line.source, p)
                if is_hole(source.value) or not are_free(run, line.targets, p):
                    found.append(HOLE)
                    continue
                for targets in turns:
                    found += branches_of(run, line.suite, _in_turn(targets, p))
            case tree.If():
                for condition, inner in line.branches:
                    holds, const = (True, None) if condition is None else decided(run, condition, p)
                    if const is not None and failed(const):
                        found.append(HOLE)
                    elif holds:
                        found += branches_of(run, inner, p)
                    else:
                        continue
                    break
            case tree.Step(value=tree.Lost()):
                found.append(HOLE)
            case _:  # a line that is no branch, which the parser has told
                run.lost(line.span, p)
                found.append(HOLE)
    return Hollow(found) if HOLE in found else found


def _branch(line: tree.Branch, p: Place) -> object:
    first: tuple[tree.Stmt, ...] = (tree.Step(line.value.span, line.value),)
    suite = tree.Suite(line.span, (*first, *(line.more.body if line.more is not None else ())))
    return Recipe(Suite(suite, seq=False), line.span, p.scope)

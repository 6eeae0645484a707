"""Calls: filling a layer's parameters, functions, aliases and builtins."""

from __future__ import annotations

from typing import TypeAlias

from dslc.bind import language
from dslc.bind.expressions import has_branches
from dslc.bind.mistakes import GivenTwice, MissingArgument, SurplusArgument, UnknownArgument
from dslc.bind.mistakes_body import NoSuite
from dslc.bind.signatures import signature_of
from dslc.bind.table import Signature, Slot
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Mistake
from dslc.elaborate.apply import apply, recover
from dslc.elaborate.arguments import checked_parameter
from dslc.elaborate.layers import Suite
from dslc.elaborate.loops import branches_of
from dslc.elaborate.meaning import is_free, meaning
from dslc.elaborate.mistakes.flow import NotALayer
from dslc.elaborate.mistakes.limits import DeepExpression
from dslc.elaborate.mistakes.values import NamedForFunction, NotCallable, TensorToFunction
from dslc.elaborate.recipe import Builtin, Function, Recipe, is_tensor
from dslc.elaborate.run import CALL, MAX_CALLS, WALKED, Place, Run, block_of
from dslc.ir.model import Value
from dslc.ops.base import REGISTRY, Init
from dslc.ops.initialisers import INITIALISERS, initialiser
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.const import Binding, Const, Scope, literal
from dslc.values import arithmetic
from dslc.values.arithmetic import ARITY
from dslc.values.faces import describe
from dslc.values.hole import failed, hole, is_hole
from dslc.values.limits import weight
from dslc.values.mistakes import NotIterable

Argument: TypeAlias = tuple[str | None, Const, Span | None]
"""An evaluated argument: its name, value, and the place of the name, or of the whole argument."""
Arguments: TypeAlias = list[Argument]


def call(run: Run, expr: tree.Call, p: Place) -> Const:
    arguments: Arguments = []
    unread = False  # how many arguments there are is not known
    for argument in expr.arguments:
        value = run.evaluate(argument.value, p)
        if argument.star:
            if isinstance(value.value, list | tuple | range):
                arguments += [(None, literal(v, value.span), argument.span) for v in run.sized(value.value)]
                continue
            unread = True
            if not failed(value):
                run.report(NotIterable(describe(value.value), False), argument.span, p)
        else:
            arguments.append((argument.name, value, argument.name_span or argument.span))
    target = _callee(run, expr, arguments, p)
    if failed(target):
        return target
    if unread:
        if isinstance(target.value, Recipe):
            by_name = [a for a in arguments if a[0] is not None]
            _filled(run, target.value, target.value.layer.signature, by_name, expr, p)
        return run.lost(expr.span, p)
    plain = [a[1].value for a in arguments if a[0] is None]
    match target.value:
        case Recipe():
            return with_arguments(run, target.value, arguments, expr, p)
        case Builtin(name=name):
            return _builtin(run, name, arguments, expr, p)
        case Function(alias=True):
            return _alias(run, target.value, arguments, expr, p)
        case Function():
            return call_function(run, target.value, arguments, expr, p)
        case Init(kind=kind):
            if any(is_hole(c.value) for _, c, _ in arguments):
                return hole(expr.span)
            made = initialiser(kind, plain, {k: c.value for k, c, _ in arguments if k is not None})
            keys = iter(INITIALISERS.get(kind, ()))
            said = tuple((k or next(keys), c) for k, c, _ in arguments)
            return literal(replace(made, said=said), expr.span)
        case Value() if expr.suite is None:
            return run.report(NotCallable(describe(target.value), tensor=True), expr.span, p)
    if isinstance(expr.target, tree.Name) and expr.target.name in language.reserved():
        return hole(expr.span)  # a name that hides a layer is told where it is given
    return run.report(NotCallable(describe(target.value)), expr.target.span, p)


def _callee(run: Run, expr: tree.Call, arguments: Arguments, p: Place) -> Const:
    """What is called. A name of both a layer and a compile-time function is the function of plain values."""
    if isinstance(expr.target, tree.Name):
        target = meaning(run, expr.target.name, expr.target, p)
    else:
        target = run.evaluate(expr.target, p)
    if not isinstance(target.value, Recipe) or not isinstance(expr.target, tree.Name):
        return target
    name = expr.target.name
    plain = [c.value for key, c, _ in arguments if key is None]
    both = name in ARITY and name in REGISTRY and p.scope.find(name) is None
    if both and plain and not any(is_tensor(v) for v in plain):
        return literal(Builtin(name), expr.target.span)
    return target


def _alias(run: Run, alias: Function, arguments: Arguments, expr: tree.Call, p: Place) -> Const:
    """A net's alias with parameters: values fill its header, tensors flow into the net it stands for."""
    names = {q.name for q in alias.tree.parameters}
    tensors = [a for a in arguments if is_tensor(a[1].value) and a[0] not in names]
    value = call_function(run, alias, [a for a in arguments if a not in tensors], expr, p)
    if isinstance(value.value, Recipe) and (tensors or expr.suite is not None):
        return with_arguments(run, value.value, tensors, expr, p)
    return value


def _builtin(run: Run, name: str, arguments: Arguments, expr: tree.Call, p: Place) -> Const:
    for key, _, span in arguments:
        if key is not None:
            return run.report(NamedForFunction(name), span or expr.span, p)
    values = [a[1].value for a in arguments]
    if failed(*(c for _, c, _ in arguments)) and (name != "len" or any(map(is_hole, values))):
        return run.lost(expr.span, p)
    for value in values:
        run.spend(weight(value) // WALKED)
    return Const(run.sized(arithmetic.builtin(name, values, run.sizes, expr.span)), expr, p.scope, expr.span)


def with_arguments(run: Run, recipe: Recipe, arguments: Arguments, call: tree.Call, p: Place) -> Const:
    """The layer with more arguments; applied at once where tensors are among them."""
    takes = recipe.layer.signature
    if any(is_hole(c.value) and (key is None or key in takes.ports) for key, c, _ in arguments):
        return _with_holes(run, recipe, takes, arguments, call, p)
    tensors, named, rest = _sorted(takes, arguments)
    filled = _filled(run, recipe, takes, rest, call, p)
    if tensors and not filled.lost and any(slot.layer and slot.name not in filled.bound for slot in takes.slots):
        first = next(c for key, c, _ in arguments if key is None and is_tensor(c.value))
        return run.report(NotALayer(describe(first.value).replace("a tensor", "the tensor", 1)), first.span, p)
    if tensors or named:
        places = {c.value: c.span for _, c, _ in arguments if isinstance(c.value, Value)}
        filled = replace(filled, places={**filled.places, **places})
    if named:
        filled = replace(filled, named={**recipe.named, **named}, home=block_of(p.owner))
    if tensors or takes.source or (named and takes.needed <= set(filled.named)):
        return apply(run, literal(filled, call.span), tuple(tensors), p, call.span)
    return Const(filled, call, p.scope, call.span)


def _filled(run: Run, recipe: Recipe, takes: Signature, rest: Arguments, call: tree.Call, p: Place) -> Recipe:
    filled = _fill(run, recipe, takes, rest, call, p)
    return filled if call.suite is None else _suite(run, filled, recipe, takes, call, p)


def _with_holes(run: Run, recipe: Recipe, takes: Signature, arguments: Arguments, call: tree.Call, p: Place) -> Const:
    """The layer with more arguments, of which some failed that may have been tensors."""
    lost = run.lost(call.span, p)
    if takes.source:  # it is applied at once, and of what it makes nothing is known
        return lost
    positions = [const for key, const, _ in arguments if key is None]
    by_name = [a for a in arguments if a[0] is not None and (a[0] in takes.parameters or a[0] not in takes.ports)]
    ports = {key: c.value for key, c, _ in arguments if key in takes.ports and key not in takes.parameters}
    room = [slot for slot in takes.slots if slot.name not in recipe.bound and not slot.keyword]
    if room and not any(is_tensor(const.value) for const in positions):
        if any(value is not None for value in ports.values()) or not _are_values(positions, by_name, room, p):
            _filled(run, recipe, takes, by_name, call, p)
            return hole(call.span)
        rest = [a for a in arguments if a[0] not in ports]
        if takes.gather is not None:
            recipe, rest = replace(recipe, bound=recipe.bound | {takes.gather: hole(call.span)}), by_name
        return Const(_filled(run, recipe, takes, rest, call, p), call, p.scope, call.span)
    filled = _filled(run, recipe, takes, by_name, call, p)
    if not all(is_tensor(const.value) for const in positions):
        filled = replace(filled, lost=True)  # which of them are values for its parameters is not known
    known: list[Value | None] = []
    for value in (const.value for const in positions):
        tensors = value if is_tensor(value) else None
        known += tensors if isinstance(tensors, tuple) else [tensors]
    for name in takes.ports[len(known) :] if ports else ():
        value = ports.get(name)
        known.append(value if isinstance(value, Value) else None)
    return recover(run, literal(filled, call.span), tuple(known) or (None,), p, call.span)


def _are_values(positions: list[Const], by_name: Arguments, room: list[Slot], p: Place) -> bool:
    """Whether holes given by position are surely no tensors: they come from parameters, or the layer lacks as many."""
    names = [c.origin.name if isinstance(c.origin, tree.Name) else "" for c in positions if is_hole(c.value)]
    found = [p.scope.find(name) for name in names]
    if all(binding is not None and binding.kind in ("parameter", "loop", "dim") for binding in found):
        return True
    given = {*(slot.name for slot in room[: len(positions) - len(names)]), *(key for key, _, _ in by_name)}
    return sum(slot.required and slot.name not in given for slot in room) >= len(names)


def _sorted(takes: Signature, arguments: Arguments) -> tuple[list[Value], dict[str, Value], Arguments]:
    """Arguments told apart: tensors by position, tensors by port name, and values for parameters."""
    ports, numbers = takes.ports, takes.numbers
    at_once = any(key is None and is_tensor(c.value) for key, c, _ in arguments)
    tensors: list[Value] = []
    named: dict[str, Value] = {}
    rest: Arguments = []
    position = 0
    for key, const, span in arguments:
        value = const.value
        if key is None and isinstance(value, Value):
            tensors.append(value)
        elif key is None and is_tensor(value) and isinstance(value, tuple):
            tensors += value
        elif key is None and at_once and position < len(ports) and ports[position] in numbers:
            rest.append((numbers[ports[position]], const, span))
        elif key in ports and key not in takes.parameters and (isinstance(value, Value) or value is None):
            if isinstance(value, Value):
                named[str(key)] = value
        elif key in numbers:
            rest.append((numbers[str(key)], const, span))
        else:
            rest.append((key, const, span))
        position += key is None
    return tensors, named, rest


def _fill(run: Run, recipe: Recipe, takes: Signature, arguments: Arguments, call: tree.Call, p: Place) -> Recipe:
    bound, extra, lost = dict(recipe.bound), dict(recipe.extra), recipe.lost
    known, spread, gather = takes.parameters, takes.spread, takes.gather
    open_names = [name for name in takes.by_position if name not in bound]

    def tell(mistake: Mistake, span: Span) -> None:
        if not recipe.lost:  # else it is not known what it takes
            run.report(mistake, span, p)

    gathered: list[Const] = []
    now: set[str] = set()  # given in this call
    by_position: list[str] = []
    for key, const, span in arguments:
        if key is None:
            if gather is not None:
                gathered.append(const)
            elif not open_names and lost:
                continue
            elif not open_names:
                lost = True
                bound |= {name: hole(const.span) for name in by_position}  # which of them is one too many is not known
                count = sum(a[0] is None for a in arguments)
                most = count - sum(a[0] is None and a[1] is not const for a in arguments) - 1
                tell(SurplusArgument(recipe.label, max(most, 0)), span or call.span)
            else:
                now.add(open_names[0])
                by_position.append(open_names[0])
                if isinstance(const.value, list) and span is not None:
                    const = replace(const, span=span)  # a list that was named elsewhere is right there
                bound[open_names.pop(0)] = const
        elif key in now:
            tell(GivenTwice(recipe.label, key), span or call.span)
            bound[key] = hole(const.span)
        elif key in known and key not in (spread, gather):
            now.add(key)
            bound[key] = const
            if key in open_names:
                open_names.remove(key)
        elif spread is not None:
            extra[key] = const
        else:
            near = nearest(key, (*known, *takes.ports))
            tell(UnknownArgument(recipe.label, key, known, near), span or call.span)
            ours = None if recipe.lost else _meant(recipe.label, key, known)
            if ours is None or ours in bound or any(each[0] == ours for each in arguments):
                lost = True
            else:  # as if the name were mended; a value that may be written otherwise here is not known
                now.add(ours)
                bound[ours] = const if type(const.value) is int else hole(const.span)
                open_names = [name for name in open_names if name != ours]
    if gathered and gather is not None:
        bound[gather] = literal(tuple(gathered), call.span)
    return recipe.filled(call.span if recipe.name is None else recipe.span, bound, extra, lost)


def _meant(layer: str, key: str, known: tuple[str, ...]) -> str | None:
    """The argument that one of another name is likely meant to be; what knows is imported for mistakes alone."""
    from dslc.foreign.arguments import meant

    return meant(layer, key, known)


def _suite(run: Run, recipe: Recipe, before: Recipe, takes: Signature, call: tree.Call, p: Place) -> Recipe:
    """A trailing suite fills `body`, or `branches` if its lines begin with `|`."""
    suite = call.suite
    assert suite is not None
    parameter = "branches" if has_branches(suite) else "body"
    if parameter not in takes.parameters:
        run.report(NoSuite(recipe.label, parameter), call.target.span, p)
        return replace(recipe, lost=True)
    given = recipe.bound.get(parameter)
    if given is not None and given is not before.bound.get(parameter):
        run.report(GivenTwice(recipe.label, parameter), given.span, p)
        return replace(recipe, bound=recipe.bound | {parameter: hole(given.span)})
    body = Recipe(Suite(suite, seq=False), call.span, p.scope)
    value = body if parameter == "body" else branches_of(run, suite, p)
    recipe.bound[parameter] = Const(value, None, None, call.target.span)
    return recipe


def call_function(run: Run, target: Function, arguments: Arguments, expr: tree.Call, p: Place) -> Const:
    """A `fn` of compile-time values."""
    fn = target.tree
    if fn in run.endless_functions or failed(*(c for _, c, _ in arguments)):
        return hole(expr.span)
    if p.calls >= MAX_CALLS:
        run.endless_functions.add(fn)
        return run.report(DeepExpression(fn.name, MAX_CALLS), expr.span, p)
    run.spend(CALL)
    for _, const, span in arguments:
        if is_tensor(const.value):
            return run.report(TensorToFunction(fn.name), span or expr.span, p)
    scope = Scope("fn", target.scope, None)
    names = [q.name for q in fn.parameters]
    given: dict[str, Const] = {}
    for key, const, span in arguments:
        if key is None:
            free = [n for n in names if n not in given]
            if not free:
                return run.report(SurplusArgument(fn.name, len(names)), span or const.span, p)
            given[free[0]] = const
        elif key in given:
            return run.report(GivenTwice(fn.name, key), span or expr.span, p)
        elif key in names:
            given[key] = const
        else:
            return run.report(UnknownArgument(fn.name, key, tuple(names), nearest(key, names)), span or expr.span, p)
    q = replace(p, scope=scope, it=None, calls=p.calls + 1)
    for declared in fn.parameters:
        const_or_none = given.get(declared.name)
        if const_or_none is None:
            if declared.default is None:
                return run.report(MissingArgument(fn.name, (declared.name,), signature_of(fn).text), expr.span, p)
            const_or_none = run.evaluate(declared.default, q)
        checked = checked_parameter(run, fn.name, declared, const_or_none, p)
        if checked is None:
            return hole(expr.span)
        scope.names[declared.name] = Binding("parameter", checked, declared.span)
    for line in fn.lets:
        if not is_free(run, line.target.name, line.target.span, q):
            return hole(expr.span)
        scope.names[line.target.name] = Binding("let", run.evaluate(line.value, q), line.target.span)
    result = run.evaluate(fn.value, q)
    if isinstance(result.value, Recipe):
        return result
    return Const(result.value, expr, p.scope, expr.span)

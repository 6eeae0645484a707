"""What names mean at a place, and which names may be given there."""

from __future__ import annotations

from typing import Final

from dslc.bind import language
from dslc.bind.language import UNNAMED
from dslc.bind.mistakes import UnknownName
from dslc.bind.scopes import given_names
from dslc.bounds import LONGEST_NAME
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Label
from dslc.elaborate.layers import BlockLayer, SharedLayer, guessed_layer, op_layer
from dslc.elaborate.mistakes.modules import ForeignTensor
from dslc.elaborate.mistakes.values import TickLetters
from dslc.elaborate.outward import home_of
from dslc.elaborate.recipe import Builtin, Function, Recipe, Shared
from dslc.elaborate.run import Place, Run, block_of
from dslc.names.errors import BoundTwice
from dslc.names.resolve import is_core, lookup
from dslc.ops.base import REGISTRY
from dslc.ops.initialisers import initialiser
from dslc.record import replace
from dslc.source import Span
from dslc.syntax import mistakes, tree
from dslc.syntax.lost import ANY
from dslc.types.const import Binding, Const, Scope, literal
from dslc.values import arithmetic
from dslc.values.hole import failed, is_hole
from dslc.values.limits import short

TICK_LETTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def written(run: Run, expr: tree.Text, p: Place) -> str:
    """A string with its interpolations filled in."""
    parts: list[str] = []
    count = 0
    for piece in expr.pieces:
        if isinstance(piece, str):
            parts.append(piece)
        else:
            value = run.evaluate(piece, p).value
            parts.append("?" if is_hole(value) else arithmetic.spell(value))
        count = short(count + len(parts[-1]))
    return run.sized("".join(parts))


def ticked(run: Run, expr: tree.Text, p: Place) -> str | None:
    """A back-tick name with its interpolations filled in; none after a mistake."""
    values = [run.evaluate(piece, p).value for piece in expr.pieces if not isinstance(piece, str)]
    if any(map(is_hole, values)):
        return None
    name = written(run, expr, p)
    if not set(name) <= TICK_LETTERS:
        run.report(TickLetters(name), expr.span, p)
        return None
    if len(name) > LONGEST_NAME:
        run.report(mistakes.LongName(len(name), LONGEST_NAME), expr.span, p)
        return None
    return name


def meaning(run: Run, name: str, expr: tree.Expr, p: Place) -> Const:
    """What a name means at a place."""
    found = p.scope.find(name)
    if found is None:
        return _of_language(run, name, expr, p)
    found.used = True
    value = found.value
    match found.kind:
        case "definition":
            return _defined(run, found, expr, p)
        case "tensor":
            return _tensor(run, name, found, expr, p)
        case "module":
            assert isinstance(value, Shared)
            return Const(Recipe(SharedLayer(value), expr.span, p.scope), None, None, expr.span)
    assert isinstance(value, Const)
    if isinstance(value.value, Recipe):
        recipe = value.value
        if found.kind == "parameter" and recipe.name is None:
            recipe = replace(recipe, via=name)
        return Const(recipe, expr, p.scope, value.span)
    return Const(value.value, expr, p.scope, value.span)


def _tensor(run: Run, name: str, found: Binding, expr: tree.Expr, p: Place) -> Const:
    """A named tensor, which only the block that made it may read."""
    home = home_of(p.scope, name)
    if home is not None and home.instance is not None and home.instance is not block_of(p.owner):
        return run.report(ForeignTensor(name), expr.span, p, [Label(found.span, "it is made here")])
    return literal(found.value, expr.span)


def _of_language(run: Run, name: str, expr: tree.Expr, p: Place) -> Const:
    """A layer, function or word of the language; else a mistake with the nearest name."""
    match language.kind_of(name):
        case "layer":
            return Const(Recipe(op_layer(name), expr.span, p.scope), expr, p.scope, expr.span)
        case "function":
            return literal(Builtin(name), expr.span)
        case "word":
            return Const(name, expr, p.scope, expr.span)
        case "initialiser":
            return literal(initialiser(name, [], {}), expr.span)
        case "element type":
            return literal(language.DTYPES[name], expr.span)
    if p.scope.find(ANY) is not None:
        return run.lost(expr.span, p)
    near = _near(name, p)
    return _guessed(near, run.report(UnknownName(name, near), expr.span, p), expr, p)


def _near(name: str, p: Place) -> str | None:
    known = language.names()
    scope: Scope | None = p.scope
    while scope is not None:
        known = [*scope.names, *known]
        scope = scope.parent
    return nearest(name, known)


_VALUES: Final[dict[str | None, object]] = {"true": True, "false": False, "none": None}


def unknown(run: Run, expr: tree.Expr, p: Place) -> Const:
    """What stands for an expression whose mistake is told: a misspelt layer is still one, of which little is said."""
    from dslc.vocabulary.table import value as foreign_value  # opened for programs with mistakes only

    lost = run.lost(expr.span, p)
    if isinstance(expr, tree.Name) and (value := foreign_value(expr.name)) in _VALUES:
        return literal(_VALUES[value], expr.span)  # `True` is told, and means `true`
    if not isinstance(expr, tree.Name) or expr.name in given_names(block_of(p.owner).definition):
        return lost  # a name that the body gives elsewhere is no misspelt layer
    return _guessed(_near(expr.name, p), lost, expr, p)


def _guessed(near: str | None, lost: Const, expr: tree.Expr, p: Place) -> Const:
    if near is None or language.kind_of(near) != "layer" or p.scope.find(near) is not None:
        return lost
    return Const(Recipe(guessed_layer(near), expr.span, p.scope, lost=True), None, None, expr.span)


def _defined(run: Run, found: Binding, expr: tree.Expr, p: Place) -> Const:
    """A definition of a file: a block or net is a layer, a `let` its value, an alias what it stands for."""
    target = lookup(found)
    if target is None:
        return run.lost(expr.span, p)
    item, scope = target
    match item:
        case tree.Block() | tree.Extern():
            return Const(Recipe(BlockLayer(item, scope), expr.span, p.scope), expr, p.scope, expr.span)
        case tree.Fn():
            return literal(Function(item, scope), expr.span)
        case tree.NetAlias(parameters=()):
            return _once(run, item, scope, p)
        case tree.NetAlias():
            alias = tree.Fn(item.span, item.doc, item.name, item.name_span, item.parameters, (), item.value)
            return literal(Function(alias, scope, alias=True), expr.span)
        case tree.LetItem():
            value = _once(run, item, scope, p)
            if isinstance(value.value, Recipe):
                return value
            return Const(value.value, expr, p.scope, value.span)
    raise AssertionError(type(item))


def _once(run: Run, item: tree.LetItem | tree.NetAlias, scope: Scope, p: Place) -> Const:
    """The value of a `let` or alias of a file: computed where it is read first, however often it is read.

    One that makes tensors makes them anew at each place: they belong to it.
    """
    found = run.lets.get(item)
    if found is not None:
        if failed(found):
            run.broken.add(block_of(p.owner))
        return found
    before = len(run.nodes)
    value = run.evaluate(item.value, replace(p, scope=scope, it=None))
    if len(run.nodes) == before:
        run.lets[item] = value
    return value


BOUND: Final = {
    "parameter": "a parameter",
    "dim": "a size of the input",
    "let": "a `let` value",
    "loop": "the variable of a `for`",
    "tensor": "the name of a tensor",
    "module": "a module",
    "definition": "a definition of this file",
}


def are_free(run: Run, targets: tuple[tree.Name, ...], p: Place) -> bool:
    """Whether the names of a `for` may be given here."""
    for index, target in enumerate(targets):
        if target.name in [t.name for t in targets[:index]]:
            run.report(BoundTwice(target.name, BOUND["loop"]), target.span, p)
            return False
        if not is_free(run, target.name, target.span, p):
            return False
    return True


def is_free(run: Run, name: str, span: Span, p: Place) -> bool:
    """Whether a name may be given here; reports its other meaning if not."""
    found = p.scope.find(name)
    if found is not None and isinstance(found.value, Const) and failed(found.value):
        return True  # a line that failed may have given it; binding has told of one that did
    if found is not None and not (found.kind == "definition" and is_core(found)):
        run.report(BoundTwice(name, BOUND[found.kind]), span, p, [Label(found.span, "it is bound here")])
        return False
    if name in REGISTRY and name not in UNNAMED:
        run.report(BoundTwice(name, "a layer"), span, p)
        return False
    return True

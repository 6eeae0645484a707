"""Names of modules: `as`, else the parameter or definition a layer came from, then `_2`, `_3`; numbers in a `seq`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dslc.bind.mistakes_body import ModuleNameTaken, ReservedName
from dslc.diagnostics.model import Label
from dslc.elaborate.recipe import Recipe
from dslc.elaborate.run import Place, Run, block_of
from dslc.ir.model import Call, Instance, Item, Node, Param
from dslc.names.reserved import reserved
from dslc.record import replace
from dslc.source import Span


def name_node(run: Run, node: Node, recipe: Recipe, p: Place, span: Span) -> None:
    """Name a node in its owner, or let it share the name of the first use of its `module`."""
    again = run.reuse
    if isinstance(again, Node) and again.op.name == node.op.name:
        run.reuse = None
        node.first = again.first or again
        node.name, node.explicit = node.first.name, True
        _share(node.owner, node.first, node)
        return
    if node.op.name == "id" and recipe.name is None:  # no module: it takes no name from one
        node.name = recipe.via or recipe.label
        return
    automatic, layer = node.op.core.name, node.op.is_layer
    node.name, node.explicit = _module_name(run, node.owner, node, recipe, automatic, layer, p, span)


def name_instance(run: Run, instance: Instance, recipe: Recipe, automatic: str, p: Place, span: Span) -> None:
    """Name an instance in its parent, or let it share the name of the first use of its `module`."""
    again = run.reuse
    assert instance.parent is not None
    if isinstance(again, Instance) and again.definition is instance.definition:
        run.reuse = None
        instance.first = again.first or again
        instance.name, instance.explicit = instance.first.name, True
        _share(instance.parent, instance.first, instance)
        return
    instance.name, instance.explicit = _module_name(run, instance.parent, instance, recipe, automatic, True, p, span)


def _module_name(
    run: Run,
    owner: Instance,
    module: Node | Instance,
    recipe: Recipe,
    automatic: str,
    layer: bool,
    p: Place,
    span: Span,
) -> tuple[str, bool]:
    number = owner.count
    owner.count += layer
    if recipe.name is not None:
        return take(run, owner, recipe.name, recipe.name_span or span, p, module), True
    name = str(number) if owner.numbered and layer else _unused(owner, recipe.via or automatic)
    owner.taken[name] = span
    return name, False


def _unused(owner: Instance, base: str) -> str:
    """A name that nothing of an instance bears: the base, else with a number."""
    name, n = base, 1
    while name in owner.taken or (n == 1 and reserved(name) is not None):
        n = owner.numbers.get(base, n) + 1
        owner.numbers[base] = n
        name = f"{base}_{n}"
    return name


def take(run: Run, owner: Instance, name: str, span: Span, p: Place, bearer: Node | Instance | Param) -> str:
    """Claim an explicit name; the name that is borne. One that std gives inside a user's block yields to the user's
    own, earlier or later, as to another one of std: it gets a number. Nobody can see what stands in std.
    """
    if span.source.is_library:
        name = _unused(owner, name)
        owner.yielding[name] = [bearer]
        owner.taken[name] = span
        return name
    why = reserved(name)
    if why is not None:
        run.report(ReservedName(name, why), span, p)
    for one in (yielding := owner.yielding.pop(name, [])):
        _rename(owner, one, name)
    before = owner.taken.get(name)
    if before is not None and not yielding:
        run.report(ModuleNameTaken(name), span, p, [Label(before, "taken here")])
    owner.taken[name] = span
    return name


def claim(run: Run, recipe: Recipe, p: Place, span: Span) -> None:
    """Claim the name of a layer that no module came of, so that another one of that name is told."""
    place = recipe.name_span or span
    if recipe.name is None or place.source.is_library or run.reuse is not None or recipe.name in p.owner.yielding:
        return
    before = p.owner.taken.get(recipe.name)
    if before is not None and before != place:
        run.report(ModuleNameTaken(recipe.name), place, p, [Label(before, "taken here")])
    p.owner.taken[recipe.name] = place


def _rename(owner: Instance, bearer: Node | Instance | Param, old: str) -> None:
    """Another name for what bears one that std gave; all that share a module have one name."""
    first = None if isinstance(bearer, Param) else bearer.first
    if first is not None:
        bearer.name = first.name
        _share(owner, first, bearer)
        return
    bearer.name = _unused(owner, old)
    owner.yielding[bearer.name] = [bearer]
    owner.taken[bearer.name] = owner.taken[old]
    if isinstance(bearer, Param):
        bearer.spec = replace(bearer.spec, name=bearer.name)
        owner.params = {param.name: param for param in owner.params.values()}


def _share(owner: Instance | None, first: Node | Instance, again: Node | Instance | Param) -> None:
    """Another use of a module whose name may have to yield."""
    if owner is not None and first in owner.yielding.get(first.name, ()):
        owner.yielding[first.name].append(again)


def modules_of(items: Iterable[Item]) -> Iterator[Node | Call]:
    """The uses among items that may own weights."""
    return (i for i in _flat(items) if isinstance(i, Call) or not i.op.weightless)


def name_expansion(run: Run, items: Iterable[Item], recipe: Recipe, p: Place, span: Span) -> bool:
    """`as` on a use of an inline block: the one module of its expansion gets the name; false if not one."""
    modules = list(modules_of(items))
    if len(modules) != 1 or recipe.name is None:
        return False
    module = modules[0]
    if (module.instance.first if isinstance(module, Call) else module.first) is not None:
        return True
    owner = module.instance.parent if isinstance(module, Call) else module.owner
    old = module.instance.name if isinstance(module, Call) else module.name
    if owner is None or block_of(owner) is not block_of(p.owner):
        return False
    owner.taken.pop(old, None)
    owner.yielding.pop(old, None)
    bearer = module.instance if isinstance(module, Call) else module
    bearer.name, bearer.explicit = take(run, owner, recipe.name, recipe.name_span or span, p, bearer), True
    return True


def _flat(items: Iterable[Item]) -> Iterable[Node | Call]:
    for item in items:
        if isinstance(item, Node | Call):
            yield item
        elif hasattr(item, "items"):
            yield from _flat(item.items)
        elif hasattr(item, "turns"):
            for turn in item.turns:
                yield from _flat(turn)

"""The constructor of a class: the names that its printed texts read become parameters, lines and attributes."""

from __future__ import annotations

from collections.abc import Iterable

from dslc.backends.torch import terms
from dslc.backends.torch.forms import SizeConst
from dslc.backends.torch.merged import Class, Kind, MCall, MFor, MIf, MNode, MSeq, Parameter, walk
from dslc.backends.torch.origins import literal_default
from dslc.backends.torch.slots import Resolver
from dslc.backends.torch.terms import Factory
from dslc.names.reserved import LOADED, MODULE_ATTRIBUTES, local_name
from dslc.syntax import tree
from dslc.types.const import Const


def construct(resolver: Resolver) -> None:
    """Fill in the class's parameters, lets, reads and stored attributes from the terms its slots print."""
    target = resolver.target
    _choose_loops(resolver)
    init: dict[str, None] = {}
    forward: dict[str, None] = {}
    for slot in target.slots:
        if slot.term is not None:
            (forward if slot.forward else init).update(dict.fromkeys(terms.free(slot.term)))
    for item in walk(target.items, inside_sequentials=False):
        if isinstance(item, MFor) and not item.children and item.count.term is not None:
            forward.update(dict.fromkeys(terms.free(item.count.term)))
        if isinstance(item, MIf) and item.turns and item.condition.term is not None:
            forward.update(dict.fromkeys(terms.free(item.condition.term)))
    stored = list(dict.fromkeys((*_forward(resolver, forward), *_again(resolver))))
    needed = _closed(resolver, [*init, *stored])
    _parameters(resolver, [n for n in needed if n not in resolver.lets or n not in target.lets])
    _name_stored(resolver, stored)
    _fill_optional(target)


def _fill_optional(target: Class) -> None:
    """Where a layer parameter may be none elsewhere, a type checker wants every use to say so."""
    for item in walk(target.items):
        if isinstance(item, MNode) and item.factory is not None and isinstance(item.factory.term, terms.Var):
            parameter = target.parameters[item.factory.term.name]
            item.filled = item.filled or (parameter.type.endswith("None") and not item.optional)


def _choose_loops(resolver: Resolver) -> None:
    """A kept loop over all modules of the class is a loop over its children."""
    items = list(walk(resolver.target.items, inside_sequentials=False))
    owners = [i for i in items if (isinstance(i, MNode) and i.module) or isinstance(i, MCall | MSeq)]
    loops = [i for i in items if isinstance(i, MFor)]
    slots = [s for s in resolver.target.slots if s.forward]
    slots += [i.condition for i in items if isinstance(i, MIf)]
    read = {n for s in slots if s.term is not None for n in terms.free(s.term)}
    if len(loops) == 1 and len(owners) == 1 and owners[0] in loops[0].items:
        loops[0].children = loops[0].variable not in read


def _forward(resolver: Resolver, names: Iterable[str]) -> list[str]:
    """Sort the names that forward reads: sizes of its inputs, its own lines, and what `__init__` must store."""
    target = resolver.target
    stored: dict[str, None] = {}
    todo = list(names)
    seen: set[str] = set()
    while todo:
        name = todo.pop(0)
        if name in seen or name in resolver.kept.values():
            continue
        seen.add(name)
        if name in resolver.places:
            target.reads[name] = resolver.places[name]
        elif name in resolver.lets and not resolver.known(name, False):
            target.local[name] = resolver.lets[name]
            todo += terms.free(resolver.lets[name])
        else:
            stored[name] = None
    target.local = _in_order(target.local)
    return list(stored)


def _again(resolver: Resolver) -> list[str]:
    """The names that `reset_parameters` reads, which are stored for it."""
    target = resolver.target
    slots = [s for d in target.declared.values() for s in d.numbers.values()]
    slots += [s for d in target.declared.values() if d.index is not None for s in d.shape]
    slots += [s for branch in target.loop for setting in branch.settings for s in setting.numbers.values()]
    for item in walk(target.items):
        if isinstance(item, MNode):
            slots += [s for _, _, numbers in item.initial for s in numbers.values()]
    names = [n for s in slots if s.term is not None for n in terms.free(s.term)]
    return [*names, *(n for d in target.declared.values() for n in d.reads)]


def _closed(resolver: Resolver, names: Iterable[str]) -> list[str]:
    """The names with those that their lets read; the lets are put down as lines."""
    target = resolver.target
    seen: dict[str, None] = {}
    lets: dict[str, terms.Term] = {}
    todo = list(names)
    while todo:
        name = todo.pop(0)
        if name in seen or name in resolver.kept.values():
            continue
        seen[name] = None
        if name in resolver.lets and target.kind != "group":
            lets[name] = resolver.lets[name]
            todo += terms.free(resolver.lets[name])
    target.lets = _in_order(lets)
    return [n for n in seen if n not in lets]


def _in_order(lets: dict[str, terms.Term]) -> dict[str, terms.Term]:
    """Lines sorted so that each reads only those before it."""
    done: dict[str, terms.Term] = {}
    rest = dict(lets)
    while rest:
        ready = [n for n, t in rest.items() if not set(terms.free(t)) & set(rest)]
        for name in ready:
            done[name] = rest.pop(name)
    return done


# ---- parameters


def _parameters(resolver: Resolver, needed: list[str]) -> None:
    """Sizes of inputs by place, then the header's order, then new ones."""
    target = resolver.target
    header = list(target.first.args) if target.kind != "group" else []
    dims = [n for n in needed if n.startswith("@") or (n in resolver.places and n not in header)]
    dims.sort(key=lambda n: _place(resolver, n))
    new = [n for n in resolver.new if n in needed]
    given = [n for n in needed if n not in dims and n not in new]
    given.sort(key=lambda n: header.index(n) if n in header else len(header))
    taken: set[str] = set()
    for key in (*dims, *given, *new):
        name = _python_name(resolver, key)
        base, number = name, 1
        while name in taken or (key not in given and name in given):
            number += 1
            name = f"{base}_{number}"
        taken.add(name)
        kind: Kind = "dim" if key in dims else ("new" if key in new else "given")
        constants = _constants(resolver, key, kind)
        default = _default(resolver, key, kind)
        values = [c.value for c in constants]
        place = _place(resolver, key) if kind == "dim" else (0, 0)
        target.parameters[key] = Parameter(
            key, name, kind, type_text([*values, *([] if default is ... else [default])]), default, constants, place
        )


def _place(resolver: Resolver, name: str) -> tuple[int, int]:
    if name in resolver.places:
        return resolver.places[name]
    index, _, axis = name[1:].partition(".")
    return int(index), int(axis)


def _python_name(resolver: Resolver, key: str) -> str:
    """`in_channels`, `dim`, or the user's name."""
    if key.startswith("+"):
        return key[1:]
    if key not in resolver.places and not key.startswith("@"):
        return local_name(key)
    if not key.startswith("@") and len(key) > 2:
        return local_name(key.lower())
    index, axis = _place(resolver, key)
    value = resolver.inputs[0][index]
    rank = value.type.rank
    channel = value.type.channel
    if channel is None:
        channel = rank - 1 if rank < 4 else 1
    word = "channels" if channel == 1 and rank > 2 else "dim"
    if axis % rank == channel:
        if index == 0:
            return "in_channels" if word == "channels" else word
        return local_name(f"{value.name or f'input{index + 1}'}_{word}")
    return local_name(key.lower()) if not key.startswith("@") else f"size{axis}"


def _constants(resolver: Resolver, key: str, kind: str) -> list[Const]:
    """The caller's constant for each member."""
    target = resolver.target
    found: list[Const] = []
    for at, member in enumerate(target.members):
        if kind == "new":
            slot = resolver.new[key]
            own = [c for c, r in zip(slot.consts, slot.rows, strict=True) if r.member == at]
            found.append(own[0] if own else Const(slot.consts[0].value, None, None, slot.consts[0].span))
        elif kind == "dim":
            index, axis = _place(resolver, key)
            call = resolver.calls.get(id(member))
            formal = target.kind == "group" or call is None or index >= len(call.inputs)
            value = resolver.inputs[at][index] if formal or call is None else call.inputs[index]
            word = value.type.word(axis)
            origin, scope = (None, None) if word is None else (word.origin, word.scope)
            found.append(SizeConst(value.type.dims[axis], origin, scope, member.site, index, axis))
        elif key in resolver.factories:
            const = resolver.factories[key][at]
            given = member.args.get(key)
            origin, scope = (None, None) if given is None else (given.origin, given.scope)
            found.append(Const(const.value, origin, scope, const.span))
        elif target.kind == "group":
            binding = member.scope.find(key)
            assert binding is not None and isinstance(binding.value, Const)
            found.append(Const(binding.value.value, tree.Name(member.site, key), member.scope, member.site))
        elif key in member.args:
            found.append(member.args[key])
        else:
            binding = member.scope.find(key)
            assert binding is not None and isinstance(binding.value, Const)
            found.append(binding.value)
    return found


def _default(resolver: Resolver, key: str, kind: str) -> object:
    """The value at which callers leave a parameter out; `...` if they never do."""
    target = resolver.target
    if kind == "new":
        slot = resolver.new[key]
        there = {r.member for r in slot.rows}
        return slot.consts[0].value if len(there) < len(target.members) and not slot.layer else ...
    if kind == "dim" or key in resolver.factories or target.definition is None or target.kind == "group":
        return ...
    for declared in target.definition.parameters:
        if declared.name == key and declared.default is not None:
            return literal_default(declared)
    return ...


def type_text(values: Iterable[object]) -> str:
    """The Python type of a parameter that takes these values."""
    values = list(values)
    kinds = dict.fromkeys(map(_type, values))
    if "float" in kinds:
        kinds.pop("int", None)
    tuples = [k for k in kinds if k.startswith("tuple[")]
    if len(tuples) > 1:
        for k in tuples:
            kinds.pop(k)
        items = (item for value in values if isinstance(value, tuple | list) for item in value)
        kinds[f"tuple[{type_text(items)}, ...]"] = None
    kinds |= {"None": kinds.pop("None")} if "None" in kinds else {}
    return " | ".join(kinds)


def _type(value: object) -> str:
    match value:
        case None:
            return "None"
        case Factory(text=None):
            return "None"
        case Factory():
            return "Callable[[], nn.Module]"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case str():
            return "str"
        case range():
            return "range"
        case tuple() | list():
            inner = list(map(_type, value))
            if len(inner) > 4:
                return f"tuple[{type_text(value)}, ...]"
            return f"tuple[{', '.join(inner)}]" if inner else "tuple[()]"
    return "object"


# ---- attributes


def _name_stored(resolver: Resolver, stored: list[str]) -> None:
    """Attributes for what forward reads, which bear no module's name."""
    target = resolver.target
    taken = set(MODULE_ATTRIBUTES | LOADED) | set(target.declared)
    for item in walk(target.items, inside_sequentials=False):
        if isinstance(item, MNode | MCall | MSeq):
            taken.add(item.name)
    for key in stored:
        name = target.parameters[key].name if key in target.parameters else local_name(key)
        while name in taken:
            name += "_"
        taken.add(name)
        target.stored[key] = name

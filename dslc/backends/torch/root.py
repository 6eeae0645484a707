"""The root: which parameters of a net stay arguments of its class, and what `forward` returns."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.backends.torch.forms import Context, SizeConst, Tree, leaves, use_in
from dslc.backends.torch.groups import Groups, flat
from dslc.backends.torch.merged import Class, MNode, Slot, walk
from dslc.backends.torch.origins import literal_default
from dslc.backends.torch.terms import Var, free, same
from dslc.diagnostics.model import Reject
from dslc.ir.model import Call, Either, For, If, Instance, Item, Model, Node
from dslc.syntax import tree
from dslc.types.const import Const, Ref, Scope
from dslc.types.tensor import TensorType


def free_parameters(model: Model) -> frozenset[str]:
    """The net's parameters that may stay arguments: those with a literal default that nothing else was given for."""
    root = model.root
    assert isinstance(root.definition, tree.Block)
    found = set()
    for declared in root.definition.parameters:
        default = literal_default(declared)
        const = root.args.get(declared.name)
        if default is ... or const is None or not same(const.value, default) or default is None:
            continue
        if isinstance(default, int | float | str) and not isinstance(default, bool):
            found.add(declared.name)
    found -= _decided(root, found)
    return frozenset(found)


def names_of(const: Const | None, scope: Scope) -> set[str]:
    """The names of a scope that a constant depends on, through lets, inline blocks and derived sizes."""
    found: set[str] = set()
    if const is None:
        return found
    todo: list[tuple[object, Scope | None]] = [(const, None)]
    seen: set[int] = set()
    while todo:
        part, home = todo.pop()
        match part:
            case Const():
                if part.origin is not None and id(part) not in seen:
                    seen.add(id(part))
                    todo.append((part.origin, part.scope))
            case Ref(const=inner):
                todo.append((inner, None))
            case tree.Name(name=name):
                here = home
                while here is not None and name not in here.names:
                    here = here.parent
                if here is None:
                    continue
                binding = here.names[name]
                if here is scope and binding.kind in ("parameter", "dim"):
                    found.add(name)
                elif isinstance(binding.value, Const):
                    todo.append((binding.value, None))
            case tuple() | list():
                todo.extend((p, home) for p in part)
            case tree.Expr() | tree.Argument() | tree.Clause() | tree.Suite() | tree.Stmt():
                fields = (getattr(part, f) for f in part.__match_args__ if f != "span")
                todo.extend((f, home) for f in fields)
    return found


def _decided(root: Instance, names: set[str]) -> set[str]:
    """The parameters that a condition or a loop of the root reads."""
    found: set[str] = set()
    if not names:
        return found
    for item in _regions(root):
        for const in item.conditions if isinstance(item, If) else (item.source,):
            found |= names_of(const, root.scope)
    return found


def _regions(instance: Instance) -> Iterator[If | For]:
    todo: list[Item] = list(instance.body)
    while todo:
        item = todo.pop()
        match item:
            case If():
                yield item
                todo.extend(item.items)
            case For():
                yield item
                for turn in item.turns:
                    todo.extend(turn)
            case Either():
                todo.extend((*item.training, *item.evaluation))
            case Call() if item.instance.kind == "seq":
                todo.extend(item.instance.body)


def unsaid(target: Class, names: frozenset[str], groups: Groups, classes: dict[int, Class]) -> set[str]:
    """The parameters that something depends on without printing them as a bare name: they must be pinned."""
    root = target.first
    pinned: set[str] = set()
    if not names:
        return pinned
    shown: dict[int, Slot] = {}
    for slot in target.slots:
        for const in slot.consts:
            shown[id(const)] = slot
        depends = set[str]().union(*(names_of(c, root.scope) for c in slot.consts)) & names
        said = slot.free and slot.term is not None and depends <= set(free(slot.term))
        if depends and not said and not (isinstance(slot.term, Var) and depends == {slot.term.name}):
            pinned |= depends
    tainted: dict[int, set[str]] = {}
    printed = {id(n): item for item in walk(target.items) if isinstance(item, MNode) for n in item.nodes}
    for item in _nodes(root, groups):
        incoming = set[str]().union(*(tainted.get(id(v), set()) for v in item.inputs))
        if isinstance(item, Call):
            own = _child(item, root, names, target, classes, pinned)
            pinned |= incoming
        else:
            own = _node(item, root, names, incoming, printed, shown, pinned)
        for value in item.outs:
            if own | incoming:
                tainted[id(value)] = own | incoming
    return pinned


def _nodes(root: Instance, groups: Groups) -> Iterator[Node | Call]:
    for item in flat(root.body):
        if isinstance(item, Call) and item.instance.kind == "seq" and id(item.instance) in groups.linear:
            yield from _nodes(item.instance, groups)
        elif not isinstance(item, Either):
            yield item


def _node(
    node: Node,
    root: Instance,
    names: frozenset[str],
    incoming: set[str],
    printed: dict[int, MNode],
    shown: dict[int, Slot],
    pinned: set[str],
) -> set[str]:
    """The parameters that a node's attributes depend on; those that it does not print are pinned."""
    own: set[str] = set()
    for const in node.consts.values():
        depends = names_of(const, root.scope) & names
        own |= depends
        if depends and id(const) not in shown:
            pinned |= depends
    if incoming and not _worded(node, printed):
        pinned |= incoming
    return own


def _child(
    call: Call,
    root: Instance,
    names: frozenset[str],
    target: Class,
    classes: dict[int, Class],
    pinned: set[str],
) -> set[str]:
    """The parameters that a part is given; pinned unless all that depends on them in the part is said by its own."""
    child = classes.get(id(call.instance))
    own: set[str] = set()
    for key, const in call.instance.args.items():
        depends = names_of(const, root.scope) & names
        if not depends:
            continue
        own |= depends
        if child is None or not _says(child, call.instance, key, classes):
            pinned |= depends
    if call.instance.kind == "seq":
        pinned |= names & _mentioned(call.instance, root)
    for value in call.outs:
        for word in value.type.words:
            own |= names_of(word, root.scope) & names
    return own


def _mentioned(seq: Instance, root: Instance) -> set[str]:
    found: set[str] = set()
    for item in flat(seq.body):
        if isinstance(item, Node):
            for const in item.consts.values():
                found |= names_of(const, root.scope)
        elif isinstance(item, Call):
            for const in item.instance.args.values():
                found |= names_of(const, root.scope)
    return found


def _says(child: Class, instance: Instance, key: str, classes: dict[int, Class]) -> bool:
    """Whether a class prints all that depends on a parameter by terms, and no condition or loop reads it."""
    if key not in child.parameters:
        return False
    for region in _regions(instance):
        for const in region.conditions if isinstance(region, If) else (region.source,):
            if key in names_of(const, instance.scope):
                return False
    shown: set[int] = set()
    for slot in child.slots:
        for const in slot.consts:
            if key in names_of(const, instance.scope):
                shown.add(id(const))
                if slot.term is None or not _reads(slot, child, key):
                    return False
    for item in flat(instance.body):
        if isinstance(item, Call):
            if any(key in names_of(c, instance.scope) for c in item.instance.args.values()):
                return False
        elif isinstance(item, Node):
            for const in item.consts.values():
                if key in names_of(const, instance.scope) and id(const) not in shown:
                    return False
    return _last(child, instance, key)


def _reads(slot: Slot, child: Class, key: str) -> bool:
    assert slot.term is not None
    todo, seen = free(slot.term), set[str]()
    while todo:
        name = todo.pop()
        if name == key:
            return True
        if name not in seen and name in child.lets:
            seen.add(name)
            todo += free(child.lets[name])
    return False


def _last(child: Class, instance: Instance, key: str) -> bool:
    """Whether what depends on the parameter is read by nothing that prints a size of unknown words."""
    printed = {id(n): item for item in walk(child.items) if isinstance(item, MNode) for n in item.nodes}
    tainted: set[int] = set()
    for item in flat(instance.body):
        if isinstance(item, Either):
            continue
        here = any(id(v) in tainted for v in item.inputs)
        if here and (isinstance(item, Call) or not _worded(item, printed)):
            return False
        if isinstance(item, Node):
            here = here or any(key in names_of(c, instance.scope) for c in item.consts.values())
        if here:
            tainted.update(id(v) for v in item.outs)
    return True


def _worded(node: Node, printed: dict[int, MNode]) -> bool:
    """Whether all that a node prints is an attribute, a size of known words, or the same for other sizes."""
    if id(node) not in printed:
        return True
    use = printed[id(node)].use
    attributes = {id(c) for c in node.consts.values()}
    for slot in (s for t in (use.module, use.function, *(use.arguments or ())) for s in leaves(t)):
        for const in slot.consts:
            if id(const) in attributes or (isinstance(const, SizeConst) and const.origin is not None):
                continue
            if isinstance(const, SizeConst) or not steady(node):
                return False
    return True


def steady(node: Node) -> bool:
    """Whether an op's text has the same numbers for inputs and outputs of other sizes."""
    contexts = (Context(node, {}), Context(node, {}))
    contexts[1].ins = tuple(map(_larger, contexts[1].ins))
    contexts[1].outs = tuple(map(_larger, contexts[1].outs))
    try:
        uses = [use_in(node, c) for c in contexts]
    except (ArithmeticError, AssertionError, LookupError, TypeError, ValueError, Reject):
        return False
    return same(*(tuple(map(_numbers, (u.module, u.function, *(u.arguments or ())))) for u in uses))


def _larger(kind: TensorType) -> TensorType:
    return kind.with_dims(tuple(d + 1 for d in kind.dims), kind.channel)


def _numbers(tree: Tree | None) -> object:
    """A tree with the values at its leaves, but for sizes of inputs."""
    if tree is None:
        return None
    if tree.kind == "leaf":
        const = tree.leaf
        return None if const is None or isinstance(const, SizeConst | Slot) else repr(const.value)
    return tree.kind, tree.text, tree.keys, tuple(map(_numbers, tree.kids))

"""What the instances of a network are to generated code: Sequentials, classes, and the order to make them in.

A `seq` whose steps form one unbranched line of modules is an nn.Sequential of the class around it. Any other becomes
a class of its own, called with the tensors it reads from outside, giving back those that are read outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import TypeAlias

from dslc.backends.torch.forms import Use, use_of
from dslc.backends.torch.lending import Lent, handed
from dslc.ir.model import Call, Either, For, If, Instance, Item, Node, Param, Value
from dslc.record import entity

Key: TypeAlias = tuple[object, ...]


@entity
class Groups:
    """`free` and `results` of each `seq` by id; `linear` has the ids of instances that are one line of modules."""

    uses: dict[int, Use] = field(default_factory=dict)
    helpers: dict[str, str] = field(default_factory=dict)
    free: dict[int, dict[int, Value]] = field(default_factory=dict)
    results: dict[int, dict[int, Value]] = field(default_factory=dict)
    linear: set[int] = field(default_factory=set)
    order: list[list[Instance]] = field(default_factory=list)  # classes to make, parts first
    writer: dict[int, Instance] = field(default_factory=dict)  # the net or block that an instance belongs to
    calls: dict[int, Call] = field(default_factory=dict)  # where each instance is used
    lent: Lent = field(default_factory=dict)  # inputs of the net that a block takes beside its own
    given: dict[int, list[Value]] = field(default_factory=dict)  # and what its use gives for them

    def use(self, node: Node) -> Use:
        """The text of a node, asked of its op once."""
        found = self.uses.get(id(node))
        if found is None:
            found = self.uses[id(node)] = use_of(node, self.helpers)
        return found


def flat(items: list[Item]) -> Iterator[Node | Call | Either]:
    """Nodes, calls and choices by `training` of a body in program order, through `if` and `for`; not into calls."""
    todo: list[Item] = list(reversed(items))
    while todo:
        item = todo.pop()
        match item:
            case If():
                todo.extend(reversed(item.items))
            case For():
                for turn in reversed(item.turns):
                    todo.extend(reversed(turn))
            case Either():
                yield item
                todo.extend(reversed(item.evaluation))
                todo.extend(reversed(item.training))
            case _:
                yield item


def group(root: Instance, wanted: Lent | None = None) -> Groups:
    """Analyse a network; `wanted` are inputs of it that parts need for sizes alone."""
    groups = Groups()
    instances = _instances(root, groups)
    for instance in instances:
        if instance.kind != "seq":
            _flow(instance, groups)
    groups.lent, groups.given = handed(instances, groups.writer, wanted or {}, groups.free)
    for instance in reversed(instances):  # parts before what holds them
        if instance.numbered and _is_linear(instance, groups):
            groups.linear.add(id(instance))
    _agree(instances, groups)
    groups.order = _order(instances, groups)
    return groups


def _instances(root: Instance, groups: Groups) -> list[Instance]:
    """All instances, each after the one that holds it."""
    found = [root]
    groups.writer[id(root)] = root
    for instance in found:
        for item in flat(instance.body):
            if isinstance(item, Call):
                child = item.instance
                groups.calls[id(child)] = item
                groups.writer[id(child)] = groups.writer[id(instance)] if child.kind == "seq" else child
                found.append(child)
    return found


# ---- what flows into and out of groups


def _flow(block: Instance, groups: Groups) -> None:
    """Record for each `seq` of a block what it reads from outside and what is read of it outside."""
    above: dict[int, Instance | None] = {}
    made: dict[int, Instance | None] = {}
    reads: list[tuple[Value, Instance | None]] = []
    todo: list[tuple[list[Item], Instance | None]] = [(block.body, None)]
    stack: list[Iterator[Node | Call | Either]] = []
    where: list[Instance | None] = []
    stack.append(flat(todo[0][0]))
    where.append(None)
    while stack:
        item = next(stack[-1], None)
        here = where[-1]
        if item is None:
            stack.pop()
            where.pop()
            continue
        if isinstance(item, Call) and item.instance.kind == "seq":
            above[id(item.instance)] = here
            groups.free[id(item.instance)] = {}
            groups.results[id(item.instance)] = {}
            stack.append(flat(item.instance.body))
            where.append(item.instance)
            continue
        if isinstance(item, Either):
            reads += [(side, here) for side in item.sides]
            made[id(item.out)] = here
            continue
        reads += [(value, here) for value in item.inputs]
        if isinstance(item, Node):
            reads += [(value, here) for value in item.tied.values()]
        for value in item.outs:
            made[id(value)] = here
    reads += [(value, None) for value in block.outputs]
    for value, here in reads:
        home = _home(value, made)
        around = _chain(home, above)
        reader = _chain(here, above)
        for seq in reader:
            if seq not in around:
                groups.free[id(seq)].setdefault(id(value), value)
        for seq in around:
            if seq not in reader:
                groups.results[id(seq)].setdefault(id(value), value)


def _home(value: Value, made: dict[int, Instance | None]) -> Instance | None:
    """The `seq` that a value is made in; none for the block itself and its inputs."""
    if isinstance(value.producer, Param):
        owner = value.producer.owner
        instance = owner.owner if isinstance(owner, Node) else owner
        return instance if instance.kind == "seq" else None
    return made.get(id(value))


def _chain(seq: Instance | None, above: dict[int, Instance | None]) -> list[Instance]:
    chain = []
    while seq is not None:
        chain.append(seq)
        seq = above[id(seq)]
    return chain


# ---- lines of modules


def _is_linear(instance: Instance, groups: Groups) -> bool:
    if len(instance.inputs) != 1 or len(instance.outputs) != 1 or instance.params or id(instance) in groups.lent:
        return False
    start, end = instance.inputs[0], instance.outputs[0]
    if instance.kind == "seq" and not _closed(instance, groups):
        return False
    return _line(instance.body, start, instance, groups) is end


def _closed(seq: Instance, groups: Groups) -> bool:
    """Whether a `seq` reads its input alone and gives its output alone."""
    free, results = groups.free[id(seq)], groups.results[id(seq)]
    return not set(free) - {id(seq.inputs[0])} and not set(results) - {id(seq.outputs[0])}


def _line(items: list[Item], value: Value, owner: Instance, groups: Groups) -> Value | None:
    """The value at the end of a line of modules that begins with `value`; none if the items are no such line."""
    for item in items:
        after: Value | None = None
        match item:
            case Node():
                if item.inputs == (value,) and not item.tied and item.first is None and item.owner is owner:
                    use = groups.use(item)
                    plain = use.arguments is None and use.unpack is None and not use.both
                    if use.module is not None and plain and len(item.outs) == 1:
                        after = item.outs[0]
            case Call():
                child = item.instance
                one = item.inputs == (value,) and len(item.outs) == 1 and child.first is None
                one = one and id(child) not in groups.lent
                if one and child.parent is owner and (child.kind != "seq" or _closed(child, groups)):
                    after = item.outs[0]
            case If():
                after = _line(item.items, value, owner, groups)
                if item.after is not None and after is not item.after:
                    return None
            case For():
                after = value
                for turn in item.turns:
                    after = _line(turn, after, owner, groups)
                    if after is None:
                        return None
        if after is None:
            return None
        value = after
    return value


def _agree(instances: list[Instance], groups: Groups) -> None:
    """A `seq` is a Sequential only if it is one at all places with its text."""
    sites: dict[Key, bool] = {}
    seqs = [i for i in instances if i.kind == "seq"]
    for instance in seqs:
        key = _site(instance, groups)
        sites[key] = sites.get(key, True) and id(instance) in groups.linear
    groups.linear -= {id(i) for i in seqs if not sites[_site(i, groups)]}


def _site(instance: Instance, groups: Groups) -> Key:
    """The text a `seq` was written at, in the definition it was expanded in."""
    span, writer = instance.site, groups.writer[id(instance)]
    return id(span.source), span.start, span.end, id(writer.definition)


# ---- order


def key_of(instance: Instance, groups: Groups) -> Key:
    """What the members of a class have in common."""
    if instance.kind == "seq":
        return _site(instance, groups)
    return (id(instance.definition),)


def is_class(instance: Instance, groups: Groups) -> bool:
    """Whether an instance is one of a class of its own, not a Sequential of the class around it."""
    return instance.kind != "seq" or id(instance) not in groups.linear


def _order(instances: list[Instance], groups: Groups) -> list[list[Instance]]:
    """Instances grouped by definition, parts first. Definitions that hold each other are taken level by level."""
    classes = [i for i in instances if is_class(i, groups)]
    keys = {id(i): key_of(i, groups) for i in classes}
    holder: dict[int, Instance] = {}
    parts: dict[Key, dict[Key, None]] = {keys[id(i)]: {} for i in classes}
    for instance in instances:
        around = instance if is_class(instance, groups) else holder[id(instance)]
        for item in flat(instance.body):
            if isinstance(item, Call):
                child = item.instance
                if is_class(child, groups):
                    parts[keys[id(around)]].setdefault(keys[id(child)])
                holder[id(child)] = around
    component = _components(parts)
    size: dict[int, int] = {}
    for number in component.values():
        size[number] = size.get(number, 0) + 1
    cyclic = {n for key, n in component.items() if size[n] > 1 or key in parts[key]}
    level: dict[int, int] = {}
    for instance in reversed(classes):
        here = level.setdefault(id(instance), 0)
        number = component[keys[id(instance)]]
        above = holder.get(id(instance)) if number in cyclic else None
        while above is not None and component[keys[id(above)]] != number:
            above = holder.get(id(above))
        if above is not None:
            level[id(above)] = max(level.get(id(above), 0), here + 1)
    found: dict[tuple[int, int, Key], list[Instance]] = {}
    for instance in classes:
        key = keys[id(instance)]
        found.setdefault((component[key], level[id(instance)], key), []).append(instance)
    return [found[k] for k in sorted(found, key=lambda k: k[:2])]


def _components(parts: dict[Key, dict[Key, None]]) -> dict[Key, int]:
    """Strongly connected components of "holds", numbered with parts first (Tarjan 1972, without recursion)."""
    number: dict[Key, int] = {}
    low: dict[Key, int] = {}
    stack: list[Key] = []
    held: set[Key] = set()
    component: dict[Key, int] = {}
    count = 0
    for start in parts:
        if start in number:
            continue
        work = [(start, iter(parts[start]))]
        number[start] = low[start] = len(number)
        stack.append(start)
        held.add(start)
        while work:
            node, rest = work[-1]
            child = next(rest, None)
            if child is None:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == number[node]:
                    while True:
                        member = stack.pop()
                        held.discard(member)
                        component[member] = count
                        if member == node:
                            break
                    count += 1
            elif child not in number:
                number[child] = low[child] = len(number)
                stack.append(child)
                held.add(child)
                work.append((child, iter(parts[child])))
            elif child in held:
                low[node] = min(low[node], number[child])
    return component

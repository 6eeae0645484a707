"""What each tensor begins with: by a loop over modules, a line, or PyTorch's default.

The class of a definition with `init` statements sets what they say in one loop over its modules, parts before wholes,
in `reset_parameters`. A line stands in the class that has the module, and is carried out after every loop over it. So
a tensor begins with what its line says; else with what the loop of the nearest class around that has one says; else
with PyTorch's default. This is carried out here for every tensor of the network, and each that would not begin as the
program says gets a line.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import field
from typing import Final, TypeAlias

from dslc.backends.torch.groups import Groups, flat
from dslc.backends.torch.merged import Loop, MNode, Row, Setting, Slot, SlotMaker, Split
from dslc.backends.torch.rows import number, require_same
from dslc.ir.model import Call, Instance, Node
from dslc.ops.base import Init, ParamSpec
from dslc.ops.reparam import PREFIX, Reparametrised
from dslc.record import entity
from dslc.source import Span

LOOPED: Final = frozenset(("conv", "deconv", "linear", "embedding", "bn", "inorm", "gn", "ln", "rmsnorm"))
"""Ops whose modules have their tensors as `weight` and `bias`."""

REDRAWN: Final = 8
"""What a loop weighs in lines that draws mostly what is drawn again: a module would take twice the time to be made."""
SCATTERED: Final = 3
"""What a line in a class other than the one that states it weighs against one there: it may part the class, too."""

Key: TypeAlias = tuple[str, str]
"""A kind of module in a loop: `wn`, `sn` or empty, and the op."""


@entity
class Branch:
    """What a loop does with one kind of module. `types` are their classes, `lacking` the tensors that not all have."""

    types: set[str] = field(default_factory=set)
    values: dict[str, Init] = field(default_factory=dict)  # by attribute: `init` or `bias_init`
    lacking: set[str] = field(default_factory=set)
    reset: bool = False  # they have other tensors, which their own `reset_parameters` fills


@entity
class Plan:
    """The loops, by the ids of the instances that have one, and the lines: the id of a node, and a tensor of it."""

    branches: dict[int, dict[Key, Branch]] = field(default_factory=dict)
    lines: set[tuple[int, str]] = field(default_factory=set)
    cost: int = 0  # lines of text, about


@entity
class Starts:
    """How the tensors of a network begin."""

    root: Instance
    groups: Groups
    nodes: list[Node] = field(default_factory=list)  # those that may have tensors of their own
    plan: Plan = field(init=False)

    def __post_init__(self) -> None:
        stating: dict[int, list[Instance]] = {}
        foreign = False
        todo = [self.root]
        for instance in todo:
            if any(instance.stated):
                stating.setdefault(id(instance.definition), []).append(instance)
            for item in flat(instance.body):
                if isinstance(item, Call):
                    foreign |= item.instance.kind == "extern"
                    todo.append(item.instance)
                elif isinstance(item, Node) and item.first is None and not item.op.core.weightless:
                    self.nodes.append(item)
        looping: list[Instance] = []
        self.plan = self._plan(looping, foreign)
        for members in stating.values() if not foreign else ():  # a user's module keeps what its own code draws
            tried = self._plan([*looping, *members], foreign)
            if tried.cost + REDRAWN * self._redraws(tried, members[0]) <= self.plan.cost:
                looping += members
                self.plan = tried

    def initial(self, item: MNode, slot: SlotMaker, partial: bool) -> list[tuple[str, str, dict[str, Slot]]]:
        """The tensors of a module that stand on lines of their own, with slots for the numbers of their initialisers.

        Split where that is not so for all members; `partial`: they do not all have the module.
        """
        made = []
        for name in () if item.again else dict.fromkeys(name for n in item.nodes for name in n.params):
            lines = [(id(n), name) in self.plan.lines for n in item.nodes]
            if not any(lines):
                continue
            require_same(f"`{name}` is initialised in some", lines)
            if partial:
                raise Split("a part that not all have has an initialiser", list(range(len(item.rows))))
            inits = [n.params[name].spec.init for n in item.nodes]
            kinds = [(init.kind, tuple(k for k, _ in init.args)) for init in inits]
            require_same(f"`{name}` has other initialisers", list(kinds))
            made.append((name, inits[0].kind, _numbers(inits, [n.span for n in item.nodes], slot, item.rows)))
        return made

    def loop(self, members: list[Instance], slot: SlotMaker, rows: list[Row]) -> list[Loop]:
        """The branches of the loop of a class. Split where the members' differ."""
        found = [self.plan.branches.get(id(m), {}) for m in members]
        require_same("they state other initialisers", [_said(branches) for branches in found])
        made = []
        for key in sorted(found[0], key=lambda key: (not key[0], key)):
            each = [branches[key] for branches in found]
            settings = []
            for by, init in each[0].values.items():
                inits = [branches.values[by] for branches in each]
                numbers = _numbers(inits, [m.site for m in members], slot, rows)
                optional = any(by in b.lacking for b in each)
                tensor = "weight" if by == "init" else "bias"
                settings.append(Setting(tensor, init.kind, numbers, optional, not init.default))
            types = sorted(set().union(*(b.types for b in each)))
            made.append(Loop(types, *key, settings, any(b.reset for b in each)))
        return made

    # ---- the plan

    def _plan(self, looping: list[Instance], foreign: bool) -> Plan:
        """The loops of some instances, and the lines that are needed beside them.

        The root has one for weights of `wn` and `sn` too, into which their modules' `reset_parameters` draws nothing.
        """
        plan = Plan()
        stated = {id(m): {id(c) for given in m.stated for c in given.values()} for m in looping}
        around: dict[int, list[int]] = {}
        weighed: set[tuple[str, str]] = set()  # the ops and types of `wn`
        for node in self.nodes:
            kind = self._kind(node)
            if kind is None or foreign:
                continue
            if kind[0][0] == "wn":
                weighed.add((kind[0][1], kind[1]))
            for at in self._around(node.owner, stated, around):
                values = dict(_stated(node, stated.get(at, ())))
                if at == id(self.root) and kind[0][0] and "init" not in values:
                    values |= {s.by: s.init for s in _learned(node) if s.by == "init" and s.init.default}
                if values:
                    branch = plan.branches.setdefault(at, {}).setdefault(kind[0], Branch())
                    branch.types.add(kind[1])
                    branch.values |= values
        for branches in plan.branches.values():
            _part_computed(branches, weighed)
        around, stated = {}, {at: ids for at, ids in stated.items() if plan.branches.get(at)}  # others have no loop
        texts: dict[tuple[int, str, str], int] = {}
        for node in self.nodes:
            kind = self._kind(node)
            levels = self._around(node.owner, stated, around)
            hits = [_hit(plan.branches.get(at, {}), kind) for at in levels]
            lines = {spec.name for spec in _learned(node) if not _right(node, spec, hits[0])}
            for name in lines:
                plan.lines.add((id(node), name))
                key = (id(node.owner.definition or node.owner.site.source), node.name, name)
                texts[key] = 1 if any(node.owner.stated) else SCATTERED
            for hit in hits:
                _survey(node, lines, hit)
        plan.cost = sum(texts.values()) + sum(_lines(plan.branches.get(id(m), {})) for m in _one_each(looping))
        plan.cost += 3 * sum(m is not self.root for m in _one_each(looping))
        return plan

    def _redraws(self, plan: Plan, instance: Instance) -> bool:
        """Whether most of the numbers drawn in an instance with a loop are drawn by its parts, not by the loop."""
        drawn, others = 0, 0
        for node in self.nodes:
            owner: Instance | None = node.owner
            while owner is not None and owner is not instance:
                owner = owner.parent
            hit = _hit(plan.branches.get(id(owner), {}), self._kind(node))
            for spec in _learned(node) if owner is not None else ():
                if spec.init.kind not in ("zeros", "ones", "constant"):
                    drawn += spec.count
                    others += spec.count * (hit is None or spec.by not in hit[1].values)
        return 2 * others > drawn

    def _around(self, owner: Instance, looping: Mapping[int, object], known: dict[int, list[int]]) -> list[int]:
        """The ids of the instances around whose classes loop, from inside out; the root's is always among them."""
        path = []
        here: Instance | None = owner
        while here is not None and id(here) not in known:
            path.append(here)
            here = here.parent
        found = known[id(here)] if here is not None else []
        for instance in reversed(path):
            loops = id(instance) in looping or instance is self.root
            found = known[id(instance)] = [id(instance), *found] if loops else found
        return found

    def _kind(self, node: Node) -> tuple[Key, str] | None:
        """What a loop may know a module by; none if it has other tensors than `weight` and `bias`, or may lack both."""
        op = node.op
        computed = isinstance(op, Reparametrised)
        module = self.groups.use(node).module
        if module is not None and computed:
            module = module.kids[0]
        if module is None or op.core.name not in LOOPED:
            return None
        text = "nn.LayerNorm" if op.core.name == "ln" else module.text  # that of maps is a subclass of it
        return ((type(op).name if computed else "", op.core.name), text) if text.startswith("nn.") else None


def _numbers(inits: list[Init], spans: list[Span], slot: SlotMaker, rows: list[Row]) -> dict[str, Slot]:
    """Slots for the numbers of an initialiser, which has the same in all rows."""
    found = {}
    for at, (key, _) in enumerate(inits[0].args):
        found[key] = slot([number(init, at, span) for init, span in zip(inits, spans, strict=True)], rows, key)
        found[key].free = True
    return found


def _learned(node: Node) -> Iterator[ParamSpec]:
    """The tensors that an initialiser fills; what `wn` and `sn` compute from them follows."""
    for param in node.params.values():
        spec = param.spec
        if spec.kind == "param" and spec.init.kind not in ("length", "singular"):
            yield spec


def _stated(node: Node, stated: Iterable[int]) -> Iterator[tuple[str, Init]]:
    """The initialisers of a node's tensors that are among some statements' values, and are not PyTorch's."""
    for spec in _learned(node):
        const = node.consts.get(spec.by)
        if const is not None and id(const) in stated and not spec.init.default:
            yield spec.by, spec.init


def _part_computed(branches: dict[Key, Branch], weighed: Collection[tuple[str, str]]) -> None:
    """A loop cannot tell the modules of `sn` from those of `wn`: those of one class are left to lines.

    That is so where the loop has nothing for `wn`, too: its modules have no singular vectors.
    """
    for (computed, op), branch in list(branches.items()):
        if computed == "sn":
            branch.types = {text for text in branch.types if (op, text) not in weighed}
            if not branch.types:
                del branches[computed, op]


def _hit(branches: Mapping[Key, Branch], kind: tuple[Key, str] | None) -> tuple[str, Branch] | None:
    """The branch of a loop that a module runs into, as `isinstance` sees it."""
    if kind is not None:
        (computed, op), text = kind
        for each in ("wn", "sn", "") if computed else ("",):
            branch = branches.get((each, op))
            if branch is not None and text in branch.types:
                return each, branch
    return None


def _survey(node: Node, lines: set[str], hit: tuple[str, Branch] | None) -> None:
    """Note what a branch must know of a module that runs into it, and has lines for some tensors."""
    if hit is None:
        return
    branch = hit[1]
    branch.lacking |= branch.values.keys() - {spec.by for spec in _learned(node)}
    left = {spec.by for spec in _learned(node) if spec.name not in lines}
    buffers = any(p.spec.kind == "buffer" and not p.name.startswith(PREFIX) for p in node.params.values())
    branch.reset |= buffers or not left <= branch.values.keys()


def _right(node: Node, spec: ParamSpec, hit: tuple[str, Branch] | None) -> bool:
    """Whether a tensor begins as the program says without a line. A computed weight is set by its own branch alone."""
    computed = type(node.op).name if spec.name.startswith(PREFIX) else ""
    if hit is not None and spec.by in hit[1].values and computed in ("", hit[0]):
        init = hit[1].values[spec.by]
        return (init.kind, init.args) == (spec.init.kind, spec.init.args)
    return spec.init.default and not computed


def _lines(branches: Mapping[Key, Branch]) -> int:
    return sum(1 + b.reset + len(b.values) + len(b.lacking) for b in branches.values())


def _one_each(looping: list[Instance]) -> list[Instance]:
    return list({id(m.definition): m for m in looping}.values())


def _said(branches: Mapping[Key, Branch]) -> object:
    """What of a loop is the same in all members of a class."""
    return sorted(
        (key, sorted((by, i.kind, tuple(k for k, _ in i.args)) for by, i in b.values.items()))
        for key, b in branches.items()
    )

"""When the tensors of a `forward` are made and last read, and which of its items are needed for what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dslc.backends.torch.forms import inputs_of, mentions
from dslc.backends.torch.merged import Class, MCall, MEither, MFor, MIf, MItem, MNode, MSeq, Sym, walk


def reads(item: MItem) -> list[Sym]:
    """The tensors that an item itself reads, those of its regions aside, in order and with repeats."""
    match item:
        case MNode():
            if item.use.function is not None:
                trees = [item.use.function]
            elif item.use.arguments is not None:
                trees = list(item.use.arguments)
            else:
                return list(item.ins)
            found = [item.ins[i] for t in trees for i in inputs_of(t)]
            found += [item.tied[n] for t in trees for n in mentions(t, "own") if n in item.tied]
            if any(mentions(t, "device") for t in trees) and item.ins:
                found.append(item.ins[0])
            return found
        case MCall() | MSeq():
            return list(item.ins)
    return []


def results(item: MItem) -> list[Sym]:
    """The tensors that an item makes, as those after it see them."""
    match item:
        case MNode() | MCall() | MSeq():
            return list(item.outs)
        case MIf():
            return [j[0] for j in item.joins]
        case MFor():
            return [item.carried[3]] if item.carried is not None else []
        case MEither():
            return [item.out]


def made(target: Class) -> list[Sym]:
    """The tensors that the items of a class's forward make."""
    return [s for i in walk(target.items, False) for s in results(i)]


@dataclass(slots=True)
class Lives:
    """Places of items in program order: `made` and `last` of each symbol, and the places that make unnamed ones."""

    made: dict[int, int] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)
    count: dict[int, int] = field(default_factory=dict)
    unnamed: list[int] = field(default_factory=list)
    place: dict[int, int] = field(default_factory=dict)  # id of an item -> where it is
    end: dict[int, int] = field(default_factory=dict)  # id of a region's item -> where it ends
    middle: dict[int, int] = field(default_factory=dict)  # id of an `if` -> where its first side ends
    uses: dict[int, list[int]] = field(default_factory=dict)
    now: int = 0

    def read(self, syms: Iterable[Sym]) -> None:
        for sym in syms:
            self.last[sym.id] = max(self.last.get(sym.id, 0), self.now)
            self.count[sym.id] = self.count.get(sym.id, 0) + 1
            self.uses.setdefault(sym.id, []).append(self.now)

    def make(self, sym: Sym) -> None:
        self.made[sym.id] = self.now
        if sym.name is None:
            self.unnamed.append(self.now)


def lives(target: Class) -> Lives:
    """The lives of all tensors of a class's forward."""
    found = Lives()
    for sym in target.inputs:
        found.made[sym.id] = 0
    _number(target.items, found)
    found.now += 1
    found.read(target.outputs)
    return found


def _number(items: list[MItem], found: Lives) -> None:
    for item in items:
        found.now += 1
        found.place[id(item)] = found.now
        found.read(reads(item))
        match item:
            case MIf():
                for side, region in ((1, item.then), (2, item.other)):
                    _number(region, found)
                    found.now += 1
                    found.read(j[side] for j in item.joins)
                    found.middle.setdefault(id(item), found.now)
            case MEither():
                for sym, region in zip(item.sides, (item.training, item.evaluation), strict=True):
                    _number(region, found)
                    found.now += 1
                    found.read([sym])
                    found.middle.setdefault(id(item), found.now)
            case MFor():
                _loop(item, found)
        found.end[id(item)] = found.now
        for sym in results(item):
            found.make(sym)


def _loop(item: MFor, found: Lives) -> None:
    start = found.now
    if item.carried is not None:
        found.read([item.carried[0]])
        found.made[item.carried[1].id] = start
    _number(item.items, found)
    found.now += 1
    if item.carried is not None:
        found.read([item.carried[2]])
        found.last[item.carried[1].id] = found.now
        found.uses.setdefault(item.carried[1].id, []).append(found.now)
    outside = {s.id for i in walk(item.items, False) for s in reads(i) if found.made.get(s.id, 0) < start}
    for sym in outside:  # read again in the next turn
        found.last[sym] = max(found.last[sym], found.now)
        found.uses[sym].append(found.now)


def needed(target: Class, outputs: Iterable[Sym]) -> set[int]:
    """The ids of the items that some results need."""
    wanted = {s.id for s in outputs}
    kept: set[int] = set()
    _needed(target.items, wanted, kept)
    return kept


def _needed(items: list[MItem], wanted: set[int], kept: set[int]) -> None:
    for item in reversed(items):
        inner = [s for i in walk([item], False) for s in (*results(i), *_inside(i))]
        if not any(s.id in wanted for s in inner):
            continue
        for part in walk([item], False):
            kept.add(id(part))
            wanted.update(s.id for s in (*reads(part), *_inside(part)))


def _inside(item: MItem) -> list[Sym]:
    """The tensors that the joins of a region read."""
    match item:
        case MIf():
            return [s for j in item.joins for s in j[1:]]
        case MFor():
            return list(item.carried[:3]) if item.carried is not None else []
        case MEither():
            return list(item.sides)
    return []

"""What became of every layer of a network in another one.

A layer is `affected` where its line says the same and its numbers differ, because something else changed. What parts
are called that give the same layers, and which arguments they got, is no change by itself.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from itertools import pairwise

from dslc.analysis.align import siblings
from dslc.analysis.layer_tree import Layer, Source, track_key


class Status(Enum):
    """What became of a layer; the worst of what is in it, of a part."""

    SAME = "same"
    AFFECTED = "affected"
    CHANGED = "changed"
    REMOVED = "removed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Edit:
    """One attribute of a layer in both networks; none where one has no such attribute."""

    name: str
    old: str | None
    new: str | None


@dataclass(slots=True, eq=False)
class Change:
    """A layer of the first network (`a`), of the second (`b`), or of both, and what became of it.

    `renamed`: it has another name; `moved`: it stands in another part or place. `edits` has the attributes that differ,
    among them `op`, and `reads` where it reads something else. `children` is empty where both sides of a part are the
    same or only affected, and of what was added or removed: `parts` gives them all the same. `shell`: a part added or
    removed around layers that were there before or still are; its children are then all it stands for.
    """

    a: Layer | None
    b: Layer | None
    status: Status = Status.SAME
    edits: tuple[Edit, ...] = ()
    renamed: bool = False
    moved: bool = False
    shell: bool = False
    children: list[Change] = field(default_factory=list)

    @property
    def layer(self) -> Layer:
        """The layer as it is now, or as it was."""
        layer = self.b if self.b is not None else self.a
        assert layer is not None
        return layer

    @property
    def differs(self) -> bool:
        """Whether the network's own text differs here, not only its numbers."""
        return self.status not in (Status.SAME, Status.AFFECTED) or self.renamed or self.moved

    def parts(self) -> list[Change]:
        """What is in it, also where nothing was compared in detail because it is the same."""
        if self.children or self.shell:
            return self.children
        inside_a = self.a.children if self.a is not None else []
        inside_b = self.b.children if self.b is not None else []
        if self.a is None or self.b is None:
            return [
                *(Change(layer, None, Status.REMOVED) for layer in inside_a),
                *(Change(None, layer, Status.ADDED) for layer in inside_b),
            ]
        if self.a.content != self.b.content:
            return []  # it was compared, and what was in it moved elsewhere
        return [Change(x, y, like(x, y)) for x, y in zip(inside_a, inside_b, strict=True)]

    def __iter__(self) -> Iterator[Change]:
        """This change and those of every layer in it, in program order."""
        left = [self]
        while left:
            change = left.pop()
            yield change
            left += reversed(change.parts())


def like(a: Layer, b: Layer) -> Status:
    """Of layers with one `same` key: whether their numbers are equal too."""
    return Status.SAME if a.full == b.full else Status.AFFECTED


# ---- alignment


def changes(a: Layer, b: Layer) -> Change:
    """What became of every layer of a network `a` in `b`; their keys must come from one `Keys`."""
    root = Change(a, b)
    align(root)
    judge(root)
    return root


def align(root: Change) -> None:
    """Fill in the children of all parts that differ, and find what moved from one part to another."""
    only: list[Change] = []
    shared = names_of(root.a) & names_of(root.b)
    descend([root], only, shared)
    removed = [change for change in only if change.b is None]
    added = [change for change in only if change.a is None]
    if removed and added:
        moves = Moves(removed)
        descend(moves.find(added), [], shared)
        moves.leave_out(root)


def names_of(tree: Layer | None) -> set[str]:
    """The names in a network that are the user's own."""
    return {layer.name for layer in tree if layer.explicit} if tree is not None else set()


def descend(pairs: list[Change], only: list[Change], shared: set[str]) -> None:
    """Align what is in some pairs, and in what is paired there; what has no counterpart goes to `only`."""
    left = pairs[::-1]
    while left:
        change = left.pop()
        a, b = change.a, change.b
        if a is None or b is None:
            only.append(change)
        elif a.content != b.content and (a.children or b.children):
            change.children = [paired(x, y) for x, y in siblings(a.children, b.children, shared)]
            left += reversed(change.children)


def paired(a: Layer | None, b: Layer | None) -> Change:
    """The change of two aligned layers, not judged yet where both are there."""
    status = Status.ADDED if a is None else Status.REMOVED if b is None else Status.SAME
    return Change(a, b, status)


class Moves:
    """Removed layers by content, and by the user's name, to be found again among the added ones."""

    def __init__(self, removed: list[Change]) -> None:
        self.removed = removed
        self.by_content: dict[int, list[Layer]] = defaultdict(list)
        self.by_name: dict[tuple[str, str, str], list[Layer]] = defaultdict(list)
        self.after: dict[Layer, Layer] = {}
        self.claimed: set[Layer] = set()
        self.after.update(pairwise(change.layer for change in removed))
        for layer in (layer for change in removed for layer in change.layer):
            self.by_content[layer.content].append(layer)
            if layer.explicit and layer.owns:
                self.by_name[layer.kind, layer.op, layer.name].append(layer)
            self.after.update(pairwise(layer.children))

    def find(self, added: list[Change]) -> list[Change]:
        """Turn added layers that were removed elsewhere into pairs; those pairs."""
        found: list[Change] = []
        left = added[::-1]
        last: Layer | None = None
        while left:
            change = left.pop()
            old = self.match(change.layer, last)
            last = old
            if old is not None:
                self.claimed.update(old)
                change.a, change.moved, change.status, change.children = old, True, Status.SAME, []
                found.append(change)
            elif change.layer.children:
                change.children = [Change(None, layer, Status.ADDED) for layer in change.layer.children]
                left += reversed(change.children)
        return found

    def match(self, layer: Layer, before: Layer | None) -> Layer | None:
        """The removed layer that this added one is; none where that would be a guess."""
        following = self.after.get(before) if before is not None else None
        if following is not None and following.content == layer.content and following not in self.claimed:
            return following
        if not layer.owns:
            return None
        same = [x for x in self.by_content.get(layer.content, ()) if x not in self.claimed]
        if layer.kind == "op":
            same = [x for x in same if x.name == layer.name or not (x.explicit and layer.explicit)]
            same = [x for x in same if x.explicit or numbers_of(x)[:2] == numbers_of(layer)[:2]]
            same = same if len(same) == 1 else []
        if same:
            return same[0]
        named = [x for x in self.by_name.get((layer.kind, layer.op, layer.name), ()) if x not in self.claimed]
        return named[0] if layer.explicit and len(named) == 1 else None

    def leave_out(self, root: Change) -> None:
        """Take what moved away out of the removed parts that held it."""
        for change in self.removed:
            self.open_up(change)
        for change in every(root):
            change.children = [c for c in change.children if c.b is not None or c.a not in self.claimed]

    def open_up(self, change: Change) -> None:
        """Give a removed part that held what moved, and all such parts in it, their children."""
        left = [change]
        while left:
            part = left.pop()
            if part.layer not in self.claimed and any(layer in self.claimed for layer in part.layer):
                part.children = part.parts()
                part.shell = True
                left += part.children


def every(root: Change) -> list[Change]:
    """All changes under one that are spelled out, each before those in it."""
    found = [root]
    for change in found:
        found += change.children
    return found


# ---- judgement


def judge(root: Change) -> None:
    """Say of every layer what became of it, from the innermost ones outwards."""
    found = every(root)
    now = {c.a: c.b for c in found if c.a is not None and c.b is not None}
    for change in reversed(found):
        a, b = change.a, change.b
        if a is None or b is None:
            change.shell = change.shell or any(c.moved or c.shell for c in change.children)
            if not change.shell:
                change.children = []
            continue
        change.renamed = a.name != b.name and (a.owns or (a.explicit and b.explicit)) and a.name != "" != b.name
        change.edits = wiring(a, b, now)
        if not change.children and a.content != b.content:
            change.edits = (*attributes(a, b), *change.edits)
        if change.edits or any(c.differs for c in change.children):
            change.status = Status.CHANGED
            if change.children:
                change.edits = (*attributes(a, b), *change.edits)
        else:
            quiet = all(c.status is Status.SAME for c in change.parts()) and numbers_of(a) == numbers_of(b)
            change.status = Status.SAME if quiet else Status.AFFECTED
            change.children = []


def numbers_of(layer: Layer) -> tuple[object, ...]:
    """All that is counted of a layer."""
    return layer.outs, track_key(layer.tracks), tuple(layer.numbers.values())


def attributes(a: Layer, b: Layer) -> tuple[Edit, ...]:
    """The attributes that differ; where the op itself does, `op` and those that both ops have."""
    edits = [] if a.op == b.op else [Edit("op", a.op, b.op)]
    for name in dict.fromkeys((*a.attributes, *b.attributes)):
        if a.op != b.op and (name not in a.attributes or name not in b.attributes):
            continue
        old, new = a.attributes.get(name), b.attributes.get(name)
        if old != new:
            edits.append(Edit(name, old, new))
    if a.needed is not b.needed:
        edits.append(Edit("needed", a.needed.value, b.needed.value))
    return tuple(edits)


def wiring(a: Layer, b: Layer, now: dict[Layer, Layer]) -> tuple[Edit, ...]:
    """`reads`, where a layer reads something else than what became of what it read."""
    same = len(a.reads) == len(b.reads) and all(one_source(x, y, now) for x, y in zip(a.reads, b.reads, strict=True))
    if same:
        return ()
    old, new = (", ".join(s.full for s in layer.reads) for layer in (a, b))
    return (Edit("reads", old, new),)


def one_source(x: Source, y: Source, now: dict[Layer, Layer]) -> bool:
    """Whether two layers read the same thing."""
    if x.text == y.text == "it" or x.layer is None or y.layer is None or x.layer not in now:
        return x.text == y.text
    return now[x.layer] is y.layer and (x.index, x.inward) == (y.index, y.inward)

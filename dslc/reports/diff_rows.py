"""A comparison as rows for people: what is the same is folded into one row, and so are repeats of one change."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeAlias

from dslc.analysis.changes import Change, Edit, Status
from dslc.analysis.compare import Comparison
from dslc.analysis.layer_tree import Layer
from dslc.reports.numbers import field_text

MARKS = {Status.ADDED: "+", Status.REMOVED: "-"}
ARROW = " -> "
Print: TypeAlias = tuple[object, ...]


@dataclass(slots=True)
class Row:
    """One line of the layers: `mark` is `+`, `-`, `~` or empty; `times` similar ones in a row are one line.

    `deltas` are of each one of them, by name; a value is none where it is not known. `layers` counts the ops of a row
    that stands for what did not change, and is 0 elsewhere. `changes` are those that it stands for.
    """

    depth: int
    mark: str
    name: str
    what: str
    output: str
    deltas: dict[str, int | None]
    field: str
    times: int = 1
    layers: int = 0
    changes: tuple[Change, ...] = ()


@dataclass(slots=True)
class Folder:
    """Makes rows. `every`: without folding what is the same or repeats; `only_changed`: without what is the same;
    `levels`: how deep, none for all.
    """

    every: bool = False
    only_changed: bool = False
    levels: int | None = None
    prints: dict[Change, Print] = field(default_factory=dict)

    def rows(self, comparison: Comparison) -> list[Row]:
        """The rows of what is in the net; a first one for the net itself if its arguments differ."""
        root = comparison.root
        found = []
        if root.status is Status.CHANGED and root.edits:
            found.append(row(root, 0, name="the net"))
        found += self.inside(root, 0)
        return found

    def inside(self, part: Change, depth: int) -> Iterator[Row]:
        """The rows of a part's children; without recursion, because parts nest deeply."""
        stack = [self.groups(part)]
        while stack:
            group = next(stack[-1], None)
            if group is None:
                stack.pop()
                continue
            first = group[0]
            if not first.differs and not self.every:
                if not self.only_changed:
                    yield quiet(group, depth + len(stack) - 1)
                continue
            if not first.differs and self.only_changed:
                continue
            yield folded(group, depth + len(stack) - 1)
            if self.spelled(first) and (self.levels is None or len(stack) < self.levels):
                stack.append(self.groups(first))

    def spelled(self, change: Change) -> bool:
        """Whether what is in a part has rows of its own."""
        return bool(change.parts()) if self.every else bool(change.children)

    def groups(self, part: Change) -> Iterator[list[Change]]:
        """Children side by side that make one row."""
        children = part.parts() if self.every else part.children
        if self.every:
            return ([child] for child in children)
        return (list(group) for _, group in groupby(children, self.print))

    def print(self, change: Change) -> Print:
        """Equal for changes that are one row: all that are the same or affected; else those of one kind."""
        if not change.differs:
            return (False,)
        known = self.prints.get(change)
        if known is None:
            inner = tuple(self.print(child) for child in change.children if child.differs)
            shown = row(change, 0, name="")
            named = (change.renamed and change.layer.explicit, change.moved)
            deltas = tuple(shown.deltas.values())
            known = (True, change.status, shown.what, shown.output, deltas, named, len(change.children), inner)
            self.prints[change] = known
        return known


def row(change: Change, depth: int, name: str | None = None) -> Row:
    """The row of one change."""
    mark = MARKS.get(change.status, "~" if change.differs else "")
    shown = title(change) if name is None else name
    return Row(depth, mark, shown, what(change), output(change), deltas(change), fields(change), changes=(change,))


def folded(group: Sequence[Change], depth: int) -> Row:
    """One row for changes that say the same."""
    found = row(group[0], depth)
    found.changes = tuple(group)
    if len(group) > 1:
        found.name = span([title(change) for change in group])
        found.times = len(group)
        texts = [fields(change) for change in group]
        found.field = texts[0] if len(set(texts)) == 1 else texts[-1] if ARROW in texts[-1] else span(texts)
    return found


def quiet(group: Sequence[Change], depth: int) -> Row:
    """One row for neighbours whose text did not change; the deltas are sums."""
    layers = sum(change.layer.layers for change in group)
    tensors = sum(change.layer.kind == "tensor" for change in group)
    counted = counted_text(layers, "layer") if layers else counted_text(tensors, "tensor")
    same = all(change.status is Status.SAME for change in group)
    found = Row(depth, "", span([title(change) for change in group]), counted, "", total_deltas(group), "")
    found.what += " unchanged" if same else ", only other numbers"
    found.layers, found.changes = layers, tuple(group)
    if not same:
        outputs, seen = ({text(c) for c in group} for text in (output, fields))
        found.output = outputs.pop() if len(outputs) == 1 else ""
        found.field = seen.pop() if len(seen) == 1 else ""
    return found


def counted_text(number: int, word: str) -> str:
    """`1 layer`, `4 layers`."""
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def span(texts: Sequence[str]) -> str:
    """`0 .. 3`: first and last of several."""
    return texts[0] if len(texts) == 1 else f"{texts[0]} .. {texts[-1]}"


# ---- cells


def title(change: Change) -> str:
    """The layer's name; `a -> b` where it is renamed, `b (was stem.a)` where it moved."""
    if change.moved and change.a is not None:
        return f"{change.layer.name} (was {change.a.path})"
    if change.renamed and change.a is not None:
        return f"{change.a.name}{ARROW}{change.layer.name}"
    return change.layer.name


def what(change: Change) -> str:
    """The layer as it is written, with what changed in it: `conv(64, 3 -> 5)`, `relu -> gelu`."""
    a, b = change.a, change.b
    edits = {edit.name: edit for edit in change.edits}
    if a is None or b is None:
        return call_text(change.layer)
    text = f"{call_text(a)}{ARROW}{call_text(b)}" if "op" in edits else call_text(b, edits)
    if "needed" in edits:
        text += f", for {edits['needed'].old}{ARROW}for {edits['needed'].new}"
    if "reads" in edits:
        text += f", reads {edits['reads'].old}{ARROW}{edits['reads'].new}"
    return text


def call_text(layer: Layer, edits: dict[str, Edit] | None = None) -> str:
    """`conv(64, 3, s=2)`; of a part on both sides, only the arguments that differ."""
    words = []
    for name in dict.fromkeys((*layer.attributes, *(edits or {}))):
        edit = edits.get(name) if edits is not None else None
        if name in ("op", "reads", "needed"):
            continue
        value = layer.attributes.get(name, "")
        if edit is not None:
            value = f"{edit.old or 'none'}{ARROW}{edit.new or 'none'}"
        elif name not in layer.given or (layer.kind == "part" and edits is not None):
            continue
        words.append(value if name in layer.bare else f"{name}={value}")
    return f"{layer.op}({', '.join(words)})" if words else layer.op


def output(change: Change) -> str:
    """The shapes of the outputs; sizes that differ as `64 -> 128`."""
    new = change.layer.outs
    if change.a is None or change.b is None or change.a.outs == new:
        return "; ".join(dict.fromkeys(new))
    old = change.a.outs
    if len(old) != len(new):
        return f"{'; '.join(old)}{ARROW}{'; '.join(new)}"
    return "; ".join(dict.fromkeys(shape_change(x, y) for x, y in zip(old, new, strict=True)))


def shape_change(old: str, new: str) -> str:
    """`[N, 64 -> 128, 56, 56]`; both shapes where their ranks or element types differ."""
    type_old, _, sizes_old = old.rstrip("]").partition("[")
    type_new, _, sizes_new = new.rstrip("]").partition("[")
    before, after = sizes_old.split(", "), sizes_new.split(", ")
    if type_old != type_new or len(before) != len(after):
        return f"{old}{ARROW}{new}"
    words = [y if x == y else f"{x}{ARROW}{y}" for x, y in zip(before, after, strict=True)]
    return f"{type_new}[{', '.join(words)}]"


def fields(change: Change) -> str:
    """The receptive field; `43 -> 59` where it differs, empty where it does not."""
    old = field_text(change.a.tracks) if change.a is not None else ""
    new = field_text(change.b.tracks) if change.b is not None else ""
    if change.a is None or change.b is None:
        return old or new
    return "" if old == new else f"{old or 'none'}{ARROW}{new or 'none'}"


def deltas(change: Change) -> dict[str, int | None]:
    """How each count of a layer changed; of an added or removed part that holds moved layers, the sum over it."""
    if change.shell:
        return dict.fromkeys(change.layer.numbers, 0) | total_deltas(change.children)
    found: dict[str, int | None] = {}
    for name in change.layer.numbers:
        old = change.a.numbers[name] if change.a is not None else 0
        new = change.b.numbers[name] if change.b is not None else 0
        found[name] = None if old is None or new is None else new - old
    return found


def total_deltas(changes: Sequence[Change]) -> dict[str, int | None]:
    """The sum of the deltas of some changes; none where one is not known."""
    found: dict[str, int | None] = {}
    for change in changes:
        for name, number in deltas(change).items():
            total = found.get(name, 0)
            found[name] = None if number is None or total is None else total + number
    return found

"""Patterns of `rearrange`, `reduce` and `repeat`: reading them, and what they say about a tensor.

The notation is that of einops (Rogozhnikov, Einops, ICLR 2022). An *atom* is a named axis; a group of atoms
is one axis of a tensor, an empty group an axis of size 1.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Reject
from dslc.ops import words
from dslc.ops.base import Move
from dslc.ops.errors_pattern import PatternAxes, PatternMismatch, PatternRank, PatternSize, PatternText
from dslc.ops.errors_tensor import CannotSplit
from dslc.record import frozen
from dslc.types.const import Const
from dslc.types.dim import Size, product
from dslc.types.tensor import TensorType

Group = tuple[str, ...]
Given = Sequence[tuple[str, Const]]
REST = "..."
TOKEN = re.compile(r"\s+|\.\.\.|[A-Za-z_][A-Za-z0-9_]*|1\b|[()]")


@frozen
class Pattern:
    """Both sides of a pattern as groups of atoms; `text` holds their texts."""

    left: tuple[Group, ...]
    right: tuple[Group, ...]
    text: tuple[str, str]


@lru_cache(maxsize=1024)
def read(op: str, pattern: str) -> Pattern:
    """A pattern's two sides. A Reject where it cannot be read."""
    sides = pattern.split("->")
    if len(sides) != 2:
        raise Reject(PatternText(op, pattern, "it needs one `->`"), at="pattern")
    left, right = (side.strip() for side in sides)
    return Pattern(_side(op, pattern, left), _side(op, pattern, right), (left, right))


def _side(op: str, pattern: str, text: str) -> tuple[Group, ...]:
    def reject(why: str) -> Reject:
        return Reject(PatternText(op, pattern, why), at="pattern")

    groups: list[Group] = []
    inside: list[str] | None = None
    seen: set[str] = set()
    at = 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise reject(f"`{text[at]}` has no meaning")
        token, at = match.group(), match.end()
        if token.isspace():
            continue
        if token == "(":
            if inside is not None:
                raise reject("brackets cannot stand in brackets")
            inside = []
        elif token == ")":
            if inside is None:
                raise reject("a `)` closes nothing")
            groups.append(tuple(inside))
            inside = None
        elif token == "1":
            if inside is None:
                groups.append(())
        else:
            if token in seen:
                raise Reject(PatternAxes(op, pattern, (token,), "stands twice on one side"), at="pattern")
            seen.add(token)
            if inside is None:
                groups.append((token,))
            else:
                inside.append(token)
    if inside is not None:
        raise reject("a `(` is not closed")
    return tuple(groups)


@frozen
class Reading:
    """A pattern applied to a tensor: `...` is spelled out, every atom has a size.

    `inferred` holds the atoms whose size follows from the others of their group.
    """

    left: tuple[Group, ...]
    right: tuple[Group, ...]
    size: dict[str, Size]
    word: dict[str, Const | None]
    given: dict[str, Const]
    inferred: frozenset[str]

    @property
    def atoms(self) -> tuple[str, ...]:
        """The atoms of the tensor in order."""
        return tuple(atom for group in self.left for atom in group)

    @property
    def result(self) -> tuple[str, ...]:
        """The atoms of the result in order."""
        return tuple(atom for group in self.right for atom in group)

    def result_type(self, x: TensorType) -> TensorType:
        """The result's type. The channels go with the atoms of their axis, or axes: where one axis has all of these it
        holds the channels, else they are taken apart. Those that a pattern found apart must be in order again.
        """
        dims, names = [], []
        for group in self.right:
            dims.append(product(self.size[atom] for atom in group))
            names.append(self.group_word(x, group))
        channel, split = self.channels(x)
        return x.with_dims(tuple(dims), channel, tuple(names), split)

    def channels(self, x: TensorType) -> tuple[int | None, tuple[int, ...]]:
        """The axis of the result that holds the channels of a tensor, or the axes that hold their parts.

        Of channels that a pattern reduces in groups the last part is left; of those taken apart before, all are.
        """
        known = x.split or (() if x.channel is None else (x.channel,))
        places = {atom: i for i, group in enumerate(self.right) for atom in group}
        whole = [atom for axis in known for atom in self.left[axis]]
        atoms = [atom for atom in whole if atom in places]
        if not atoms or atoms[-1] != whole[-1] or (x.split and len(atoms) < len(whole)):
            return None, ()
        axes = tuple(dict.fromkeys(places[atom] for atom in atoms))
        if len(axes) > 1:
            return None, axes
        within = [atom for atom in self.right[axes[0]] if atom in atoms]
        return (axes[0], ()) if within == atoms or not x.split else (None, ())

    def group_word(self, x: TensorType, group: Group) -> Const | None:
        """The size of a result's axis in words."""
        if group in self.left:
            return x.word(self.left.index(group)) if group else None
        if len(group) == 1:
            return self.word[group[0]]
        return words.product([(self.size[atom], self.word[atom]) for atom in group])

    def source_axis(self, group: Group) -> int | None:
        """The tensor's axis that a result's axis is, whole and unchanged."""
        return self.left.index(group) if group and group in self.left else None

    @property
    def moves(self) -> tuple[Move, ...]:
        """Where each atom goes that both sides have."""
        inner, within = (
            {atom: (axis, rest) for axis, group in enumerate(side) for atom, rest in self.insides(group)}
            for side in (self.left, self.right)
        )
        return tuple(Move(*inner[atom], self.size[atom], *within[atom]) for atom in inner if atom in within)

    def insides(self, group: Group) -> Iterator[tuple[str, Size]]:
        """The atoms of a group with the number of places inside each."""
        rest: Size = 1
        for atom in reversed(group):
            yield atom, rest
            rest = rest * self.size[atom]

    def splits_places(self, x: TensorType) -> bool:
        """Whether an axis of places (not of channels) is taken apart."""
        return any(len(group) > 1 and not x.holds_channels(axis) for axis, group in enumerate(self.left))


def apply(op: str, pattern: str, x: TensorType, given: Given, divide: Divide | None = None) -> Reading:
    """A pattern as it reads a tensor; a Reject where it does not fit.

    `divide` and what it stands on check sizes that depend on the input; without it they are known to fit.
    """
    read_ = read(op, pattern)
    check_names(op, pattern, read_, given)
    left, right = spelled_out(op, read_, x)
    sizes = dict(given)
    left, right = fused(left, right, sizes)
    size: dict[str, Size] = {}
    word: dict[str, Const | None] = {}
    inferred: set[str] = set()
    for axis, group in enumerate(left):
        total, total_word = x.dims[axis], x.word(axis)
        unknown = [atom for atom in group if atom not in sizes]
        for atom in group:
            if atom in sizes:
                size[atom], word[atom] = words.size_of(sizes[atom]), sizes[atom]
        if len(unknown) > 1:
            raise Reject(PatternSize(op, pattern, tuple(unknown), surplus=False), at="pattern")
        known = product(size[atom] for atom in group if atom in sizes)
        if not unknown:
            check_equal(op, group, known, x, axis, divide)
            if len(group) == 1:
                size[group[0]], word[group[0]] = total, total_word or word[group[0]]
            continue
        atom = unknown[0]
        if len(group) == 1:
            size[atom], word[atom] = total, total_word
            continue
        inferred.add(atom)
        written = [other for other in group if other in sizes]
        at = written[0] if len(written) == 1 else "pattern"  # the one number that can be wrong, if it is one
        if isinstance(total, int) and isinstance(known, int):
            if known < 1 or total % known:
                raise Reject(CannotSplit(op, total, known, f"`({' '.join(group)})`"), at=at)
            size[atom] = total // known
        else:
            size[atom] = total // known if divide is None else divide.parts(total, known, at)
        parts = [(size[other], word[other]) for other in group if other != atom]
        word[atom] = words.quotient((total, total_word), parts)
    new = [atom for group in right for atom in group if atom not in size]
    missing = tuple(atom for atom in new if atom not in sizes)
    if missing:
        raise Reject(PatternSize(op, pattern, missing, surplus=False), at="pattern")
    for atom in new:
        size[atom], word[atom] = words.size_of(sizes[atom]), sizes[atom]
    return Reading(left, right, size, word, sizes, frozenset(inferred))


def fused(
    left: tuple[Group, ...], right: tuple[Group, ...], sizes: dict[str, Const]
) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    """Both sides with a group that stands on both, and whose parts nothing sizes, as one atom."""

    def fuse(groups: tuple[Group, ...], other: tuple[Group, ...]) -> tuple[Group, ...]:
        whole = [g for g in groups if len(g) > 1 and g in other and not any(atom in sizes for atom in g)]
        return tuple((" ".join(g),) if g in whole else g for g in groups)

    return fuse(left, right), fuse(right, left)


@frozen
class Divide:
    """How sizes that depend on the input are checked."""

    divide: Callable[[Size, Size], Size]
    equal: Callable[[Size, Size], Size]

    def parts(self, total: Size, known: Size, at: str) -> Size:
        """`total / known`; a Reject is at the argument `at`."""
        try:
            return self.divide(total, known)
        except Reject as reject:
            reject.at = at
            raise


def check_equal(op: str, group: Group, known: Size, x: TensorType, axis: int, divide: Divide | None) -> None:
    """A Reject where the atoms of an axis, all of given size, do not make it up."""
    total = x.dims[axis]
    if isinstance(known, int) and isinstance(total, int):
        if known != total:
            text = group[0] if len(group) == 1 else f"({' '.join(group)})"
            fault = PatternMismatch(op, text if group else "1", str(known), str(total), str(x), axis)
            raise Reject(fault, at="pattern")
    elif divide is not None:
        divide.equal(total, known)


def check_names(op: str, pattern: str, sides: Pattern, given: Given) -> None:
    """A Reject where the sides do not name the axes they should, or a size is given that none has."""

    def reject(axes: Sequence[str], why: str) -> Reject:
        return Reject(PatternAxes(op, pattern, tuple(axes), why), at="pattern")

    left = [atom for group in sides.left for atom in group]
    right = [atom for group in sides.right for atom in group]
    dropped = [atom for atom in left if atom not in right]
    new = [atom for atom in right if atom not in left]
    verb = "stands" if len(dropped if dropped and op != "reduce" else new) == 1 else "stand"
    if dropped and (op != "reduce" or REST in dropped):
        raise reject(dropped, f"{verb} only on the left")
    if new and (op != "repeat" or REST in new):
        raise reject(new, f"{verb} only on the right")
    surplus = tuple(name for name, _ in given if name not in left and name not in right)
    if surplus:
        near = nearest(surplus[0], [*left, *new])
        raise Reject(PatternSize(op, pattern, surplus, surplus=True, near=near), at="pattern")
    grouped = any(REST in group and len(group) > 1 for group in sides.left)
    if grouped:
        raise Reject(PatternText(op, pattern, "`...` cannot stand in brackets on the left"), at="pattern")


def spelled_out(op: str, sides: Pattern, x: TensorType) -> tuple[tuple[Group, ...], tuple[Group, ...]]:
    """Both sides with `...` replaced by as many atoms as the tensor has axes for."""
    open_ = (REST,) in sides.left
    named = len(sides.left) - open_
    if x.rank < named or (not open_ and x.rank != named):
        raise Reject(PatternRank(op, sides.text[0], named, str(x), open_), at="pattern")
    rest = tuple(f"{REST}{i}" for i in range(x.rank - named))

    def spell(groups: tuple[Group, ...]) -> tuple[Group, ...]:
        result: list[Group] = []
        for group in groups:
            if group == (REST,):
                result += [(atom,) for atom in rest]
            else:
                result.append(tuple(a for atom in group for a in (rest if atom == REST else (atom,))))
        return tuple(result)

    left = spell(sides.left)
    for axis, group in enumerate(left):
        if not group and x.dims[axis] != 1:
            fault = PatternMismatch(op, "1", "1", str(x.dims[axis]), str(x), axis)
            raise Reject(fault, at="pattern")
    return left, spell(sides.right)

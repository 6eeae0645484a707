"""A reshape over open sizes without arithmetic: views in which each extent is a number, a copy or what is left.

A Reshape copies an extent only from the same place (`0`) and infers one (`-1`). Axes of size 1, put in before and taken
out after, move the others to their places: `[N, a*b, H, W]` becomes `[N, a*b, 1, H, W]`, then `[0, a, b, 0, 0]`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from dslc.record import frozen
from dslc.types.dim import Size, product

Equal: TypeAlias = Callable[[Size, Size], bool]
Value: TypeAlias = Callable[[Size], int]


@frozen
class View:
    """One node: a Reshape to `numbers`, or axes of size 1 at the places `numbers` put in or taken out."""

    kind: Literal["Unsqueeze", "Reshape", "Squeeze"]
    numbers: tuple[int, ...]


@frozen
class Part:
    """Axes that a reshape makes of others beside each other: their products are equal."""

    old: tuple[Size, ...]
    new: tuple[Size, ...]


def views(old: Sequence[Size], new: Sequence[Size], equal: Equal, value: Value) -> list[View] | None:
    """The nodes that give a tensor of the sizes `old` the sizes `new`; none where one part has two unknown extents."""
    single = _extents(old, new, equal)
    if single.count(-1) < 2:
        return [View("Reshape", tuple(single))]
    parts = parts_of(old, new, equal, value)
    if parts is None:
        return None
    wide: list[Size] = []  # what the axes are by now, those of size 1 included
    shapes: list[tuple[int, list[int]]] = []  # for each part that changes: its first axis, its extents
    added: list[int] = []
    dropped: list[int] = []
    for part in parts:
        first, width = len(wide), max(len(part.old), len(part.new))
        wide += [*part.old, *(1,) * (width - len(part.old))]
        added += range(first + len(part.old), first + width)
        dropped += range(first + len(part.new), first + width)
        target = [*part.new, *(1,) * (width - len(part.new))]
        extents = _extents(wide[first:], target, equal)
        if extents.count(-1) > 1:
            return None
        if wide[first:] != target:
            shapes.append((first, extents))
    found = [View("Unsqueeze", tuple(added))] if added else []
    for together in _by_unknown(shapes):
        numbers = [0] * len(wide)
        for first, extents in together:
            numbers[first : first + len(extents)] = extents
        found.append(View("Reshape", tuple(numbers)))
    return found + ([View("Squeeze", tuple(dropped))] if dropped else [])


def _extents(old: Sequence[Size], new: Sequence[Size], equal: Equal) -> list[int]:
    """What a Reshape says of each new axis: its number, 0 where the old one at its place is it, else -1."""
    found = []
    for axis, size in enumerate(new):
        copied = axis < len(old) and not isinstance(size, int) and equal(old[axis], size)
        found.append(size if isinstance(size, int) else 0 if copied else -1)
    return found


def _by_unknown(shapes: list[tuple[int, list[int]]]) -> list[list[tuple[int, list[int]]]]:
    """The parts that one Reshape can change together: at most one of them has an unknown extent."""
    known = [shape for shape in shapes if -1 not in shape[1]]
    unknown = [[shape] for shape in shapes if -1 in shape[1]]
    if not unknown:
        return [known] if known else []
    return [known + unknown[0], *unknown[1:]]


def parts_of(old: Sequence[Size], new: Sequence[Size], equal: Equal, value: Value) -> list[Part] | None:
    """The shortest parts of both shapes that belong together; `value`, of sizes that satisfy all guards, leads the way.

    None where the sizes that the values lead to are not equal for all inputs.
    """
    found = []
    i = j = 0
    while i < len(old) or j < len(new):
        if i < len(old) and j < len(new) and equal(old[i], new[j]):
            ends = i + 1, j + 1
        elif j < len(new) and new[j] == 1:
            ends = i, j + 1
        elif i < len(old) and old[i] == 1:
            ends = i + 1, j
        elif i < len(old) and j < len(new):
            ends = i + 1, j + 1
            while not equal(product(old[i : ends[0]]), product(new[j : ends[1]])):
                shorter = value(product(old[i : ends[0]])) < value(product(new[j : ends[1]]))
                if shorter and ends[0] < len(old):
                    ends = ends[0] + 1, ends[1]
                elif ends[1] < len(new):
                    ends = ends[0], ends[1] + 1
                elif ends[0] < len(old):
                    ends = ends[0] + 1, ends[1]
                else:
                    return None
        else:
            return None
        found.append(Part(tuple(old[i : ends[0]]), tuple(new[j : ends[1]])))
        i, j = ends
    return found

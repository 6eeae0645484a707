"""An axis of places taken apart and put together: patches, windows, tokens of a map.

`rearrange("n c (h p) (w q) -> (n h w) (p q) c")` leaves the number of a place along one axis of the map in two digits,
which lie on two axes of the result. A Part is such a digit; what mixes some digits of a place and not the others reads
windows of it (the inner digits) or a grid (the outer ones).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

from dslc.ops.base import Move
from dslc.record import frozen
from dslc.types.dim import Size, evaluate


@frozen
class Part:
    """A digit of a place's number: `(u // inner) % size` of place u along an axis of the value."""

    axis: int
    inner: int
    size: int


Parts: TypeAlias = tuple[Part, ...]
"""The digits of a place's number, the most significant first; of size 1 are none."""


def whole_axis(axis: int, size: int) -> Parts:
    """The places of an axis, in order."""
    return (Part(axis, 1, size),) if size > 1 else ()


def at_axis(parts: Parts, dims: Sequence[int]) -> int | None:
    """The axis along which the places lie in order and alone; none where there is no such axis."""
    if len(parts) != 1 or parts[0].inner != 1 or parts[0].size != dims[parts[0].axis]:
        return None
    return parts[0].axis


@frozen
class Digit:
    """A `Move` with numbers for sizes."""

    axis: int
    inner: int
    size: int
    to: int
    within: int


def numbers(moves: Iterable[Move], at: Mapping[str, int]) -> list[Digit]:
    """The moves with numbers for sizes, those of size 1 left out."""
    found = [Digit(m.axis, evaluate(m.inner, at), evaluate(m.size, at), m.to, evaluate(m.within, at)) for m in moves]
    return [move for move in found if move.size != 1]


def moved_parts(parts: Parts, moves: Sequence[Digit]) -> Parts | None:
    """The digits after every digit of the axes has moved; none where the moves cut through one."""
    found: list[Part] = []
    for part in parts:
        end = part.inner * part.size
        own = [m for m in moves if m.axis == part.axis]
        around = next((m for m in own if m.inner <= part.inner and end <= m.inner * m.size), None)
        if around is not None:
            if part.inner % around.inner:
                return None
            found.append(Part(around.to, around.within * (part.inner // around.inner), part.size))
            continue
        pieces = sorted((m for m in own if part.inner <= m.inner and m.inner * m.size <= end), key=lambda m: -m.inner)
        total = 1
        for piece in pieces:
            total *= piece.size
            found.append(Part(piece.to, piece.within, piece.size))
        if total != part.size:
            return None
    return together(found)


def together(parts: Iterable[Part]) -> Parts:
    """The digits with those made one that stand side by side on one axis."""
    found: list[Part] = []
    for part in parts:
        last = found[-1] if found else None
        if last is not None and last.axis == part.axis and last.inner == part.inner * part.size:
            found[-1] = Part(part.axis, part.inner, last.size * part.size)
        else:
            found.append(part)
    return tuple(found)


def renumbered(parts: Parts, source: Sequence[int | None]) -> Parts | None:
    """The digits where axes only change their places; none where an axis with a digit is kept by none."""
    if any(part.axis not in source for part in parts):
        return None
    return tuple(Part(source.index(part.axis), part.inner, part.size) for part in parts)


def row_major(before: Sequence[Size], after: Sequence[Size], at: Mapping[str, int]) -> list[Digit]:
    """The moves of a reshape: both shapes read as one number, cut wherever either cuts and both divide."""
    old, new = ([evaluate(size, at) for size in dims] for dims in (before, after))
    cuts = sorted({*weights(old), *weights(new)})
    found = []
    for low, high in pairwise(cuts):
        source, target = holder(old, low, high), holder(new, low, high)
        if high % low == 0 and source is not None and target is not None:
            found.append(Digit(source[0], source[1], high // low, target[0], target[1]))
    return [move for move in found if move.size != 1]


def weights(dims: Sequence[int]) -> list[int]:
    """The number of elements inside each axis, and all."""
    found = [1]
    for size in reversed(dims):
        found.append(found[-1] * size)
    return found


def holder(dims: Sequence[int], low: int, high: int) -> tuple[int, int] | None:
    """(axis, places inside) of the axis that holds the digit from weight `low` to `high`; none where none does."""
    inner = 1
    for axis in range(len(dims) - 1, -1, -1):
        outer = inner * dims[axis]
        if inner <= low and high <= outer:
            return (axis, low // inner) if low % inner == 0 else None
        inner = outer
    return None


def apart(parts: Parts, mixed: Iterable[Part]) -> int:
    """How far apart two places may lie that differ in the mixed digits alone."""
    held = set(mixed)
    weight, total = 1, 0
    for part in reversed(parts):
        total += (part.size - 1) * weight * (part in held)
        weight *= part.size
    return total

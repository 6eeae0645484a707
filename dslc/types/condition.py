"""Comparisons of sizes, and the exact sets of sizes of one symbol at which they hold."""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm
from typing import Literal, TypeAlias

from dslc.record import frozen
from dslc.types.dim import Dim, Floor, as_remainder, symbol
from dslc.types.domain import MAX_CLASSES, NOTHING, Domain, TooManyResidues, domain
from dslc.types.period import columns, degree_in, period

Relation: TypeAlias = Literal["==", "!=", "<", "<=", ">", ">="]

SIGNS: dict[Relation, frozenset[int]] = {
    "==": frozenset({0}),
    "!=": frozenset({-1, 1}),
    "<": frozenset({-1}),
    "<=": frozenset({-1, 0}),
    ">": frozenset({1}),
    ">=": frozenset({0, 1}),
}
NEGATION: dict[Relation, Relation] = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}

MAX_STEPS = 4096  # values looked at one by one before a polynomial must have become monotone


class NotMonotone(Exception):
    """A polynomial of degree two or more changes direction too far from the start."""


def compare(relation: Relation, difference: int) -> bool:
    """Whether `difference relation 0`."""
    return (difference > 0) - (difference < 0) in SIGNS[relation]


@frozen
class Part:
    """The allowed sizes at which a condition holds. `sizes` is none where they are no `Domain`."""

    empty: bool
    sizes: Domain | None


def split(dim: Dim, relation: Relation, allowed: Domain) -> tuple[Part, Part]:
    """The sizes of the one symbol of `dim` at which `dim relation 0` holds, and those at which not."""
    other = NEGATION[relation]
    holds, fails = interval(dim, relation), interval(dim, other)
    if holds is None and fails is None:
        if _classes(dim, allowed) <= MAX_CLASSES:
            return _regions(dim, relation, allowed)
        holds, fails = remainder(dim, relation), remainder(dim, other)
        if holds is None and fails is None:
            raise TooManyResidues(lcm(_period(dim), allowed.mod))
    return _side(holds, fails, allowed), _side(fails, holds, allowed)


def _side(own: Domain | None, other: Domain | None, allowed: Domain) -> Part:
    """One side of a condition whose sides are intervals, or an interval and what it leaves."""
    if own is not None:
        return Part((allowed & own).empty, own)
    assert other is not None
    if other.empty:
        return Part(False, domain())
    if other.hi is None or other.hi - other.lo >= MAX_CLASSES:
        return Part(allowed.within(other), None)
    return Part(allowed.within(other), domain(holes=range(other.lo, other.hi + 1)))


def interval(dim: Dim, relation: Relation) -> Domain | None:
    """The sizes where `dim relation 0`, for one linear floor or symbol with a coefficient."""
    if relation == "!=" or len(dim.terms) - (dim.constant != 0) > 1 or dim.degree > 1 or dim.depth > 1:
        return None
    monomial, c = dim.terms[0]
    k = dim.constant
    if relation == "==":
        above, below = interval(dim, ">="), interval(dim, "<=")
        return None if above is None or below is None else above & below
    if relation in ("<", "<="):
        c, k = -c, -k
    if relation in ("<", ">"):
        k -= 1
    # c*x + k >= 0 with x = (p*h + a) // m
    atom = monomial[0]
    num, m = (atom.num, atom.den) if isinstance(atom, Floor) else (symbol(atom.name), 1)
    if len(num.symbols) > 1:
        return None
    p, a = num.terms[0][1], num.constant
    low, high = (-(k // c) * m - a, None) if c > 0 else (None, (k // -c) * m + m - 1 - a)
    if p < 0:
        p, low, high = -p, None if high is None else -high, None if low is None else -low
    least = 1 if low is None else max(1, -(-low // p))
    most = None if high is None else high // p
    return domain(least, most)


def remainder(dim: Dim, relation: Relation) -> Domain | None:
    """The sizes where `k * ((p*h + a) % m) + c == 0`: one class, however large m is."""
    found = as_remainder(dim) if relation == "==" else None
    if found is None:
        return None
    times, floor, rest = found
    num, m = floor.num, floor.den
    if num.depth or num.degree > 1 or len(num.symbols) > 1:
        return None
    left = -rest // times
    if rest % times or not 0 <= left < m:
        return NOTHING
    return domain(mod=m, residues={(left - num.constant) * pow(num.terms[0][1], -1, m) % m})


def _period(dim: Dim) -> int:
    (s,) = dim.symbols
    return period(dim, s)


def _classes(dim: Dim, allowed: Domain) -> int:
    """The number of classes on which a condition within the allowed sizes is one polynomial each."""
    return len(allowed.residues) * (lcm(_period(dim), allowed.mod) // allowed.mod)


Piece: TypeAlias = tuple[int, int | None]


def _regions(dim: Dim, relation: Relation, allowed: Domain) -> tuple[Part, Part]:
    (s,) = dim.symbols
    mod = lcm(_period(dim), allowed.mod)
    starts = [allowed.lo + (r - allowed.lo) % mod for start in allowed.residues for r in range(start, mod, allowed.mod)]
    if allowed.hi is not None:
        starts = [start for start in starts if start <= allowed.hi]
    points = [
        columns(dim, {s: [start + mod * step for start in starts]}, len(starts))
        for step in range(degree_in(dim, s) + 1)
    ]
    wanted = SIGNS[relation]
    holds: list[Piece] = []
    fails: list[Piece] = []
    for start, *values in zip(starts, *points, strict=True):
        last = None if allowed.hi is None else (allowed.hi - start) // mod
        for low, high, sign in signs(values, last):
            piece = (start + mod * low, None if high is None else start + mod * high)
            (holds if sign in wanted else fails).append(piece)
    return _part(holds, mod, allowed), _part(fails, mod, allowed)


def signs(values: Sequence[int], last: int | None) -> list[tuple[int, int | None, int]]:
    """(from, to, sign) over t = 0..last of the polynomial with these values at 0, 1, 2 ..."""
    differences = list(values)
    for level in range(1, len(differences)):
        for i in range(len(differences) - 1, level - 1, -1):
            differences[i] -= differences[i - 1]
    found: list[tuple[int, int | None, int]] = []
    t = 0
    while min(differences[1:], default=0) < 0 < max(differences[1:], default=0):
        if t >= MAX_STEPS:
            raise NotMonotone
        found.append((t, t, _sign(differences[0])))
        differences = [x + y for x, y in zip(differences, [*differences[1:], 0], strict=True)]
        t += 1
        if last is not None and t > last:
            return found
    direction = _sign(sum(differences[1:]))
    if not direction:
        return [*found, (t, last, _sign(differences[0]))]
    rising = [direction * x for x in differences]
    zero, positive = t + _first(rising, 0), t + _first(rising, 1)
    for low, high, sign in ((t, zero - 1, -direction), (zero, positive - 1, 0), (positive, None, direction)):
        end = high if last is None else last if high is None else min(high, last)
        if end is None or low <= end:
            found.append((low, end, sign))
    return found


def _sign(x: int) -> int:
    return (x > 0) - (x < 0)


def _first(rising: list[int], target: int) -> int:
    """The first t at which a rising polynomial, given by its differences, is at least `target`."""
    low, high = -1, 0
    while _newton(rising, high) < target:
        low, high = high, 2 * high + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _newton(rising, middle) < target else (low, middle)
    return high


def _newton(differences: list[int], t: int) -> int:
    total, binomial = 0, 1
    for k, difference in enumerate(differences):
        total += binomial * difference
        binomial = binomial * (t - k) // (k + 1)
    return total


def _part(pieces: list[Piece], mod: int, allowed: Domain) -> Part:
    empty = not any(high is None or _more_than_holes(low, high, mod, allowed.holes) for low, high in pieces)
    return Part(empty, None if empty else _as_domain(pieces, mod))


def _more_than_holes(low: int, high: int, mod: int, holes: frozenset[int]) -> bool:
    inside = sum(low <= hole <= high and (hole - low) % mod == 0 for hole in holes)
    return (high - low) // mod + 1 > inside


def _as_domain(pieces: list[Piece], mod: int) -> Domain | None:
    """The pieces as one set; none where some classes go on without end and others do not."""
    endless = {low % mod for low, high in pieces if high is None}
    ends = [high for _, high in pieces if high is not None]
    first = min(low for low, _ in pieces)
    if endless and any(low % mod not in endless for low, _ in pieces):
        return None
    last = None if endless else max(ends)
    by_class: dict[int, list[Piece]] = {}
    for low, high in sorted(pieces, key=lambda piece: piece[0]):
        by_class.setdefault(low % mod, []).append((low, high))
    holes: list[int] = []
    for rest, runs in by_class.items():
        at: int | None = first + (rest - first) % mod
        for low, high in runs if last is None else [*runs, (last + 1, None)]:
            if at is None:
                break
            if (low - at) // mod + len(holes) > MAX_CLASSES:
                raise TooManyResidues(mod)
            holes += range(at, low, mod)
            at = None if high is None else high + mod
    return domain(first, last, mod, by_class, holes)

"""Where a size is zero, negative or positive, exactly: intervals, remainder classes, conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from math import inf, lcm, prod
from typing import Literal, TypeAlias

from dslc.types.dim import Dim, Floor, Size, Sym, floors_of, substitute, sym, symbol
from dslc.types.dim import product as product_of
from dslc.types.domain import MAX_CLASSES, Domain, TooManyResidues, domain
from dslc.types.period import columns, degree_in, leading, period

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


# ---- intervals


def bounds(size: Size, allowed: Mapping[str, Domain]) -> tuple[float, float]:
    """A lower and an upper bound, by intervals; infinite where there is none."""
    if isinstance(size, int):
        return size, size
    low: float = 0
    high: float = 0
    for monomial, coefficient in size.terms:
        lo: float = coefficient
        hi: float = coefficient
        for atom in monomial:
            if isinstance(atom, Sym):
                members = allowed[atom.name]
                a: float = members.lo
                b: float = inf if members.hi is None else members.hi
            else:
                a, b = (_floor(x, atom.den) for x in bounds(atom.num, allowed))
            corners = [_times(x, y) for x in (lo, hi) for y in (a, b)]
            lo, hi = min(corners), max(corners)
        low, high = low + lo, high + hi
    return low, high


def _floor(x: float, den: int) -> float:
    return x if x in (inf, -inf) else x // den


def _times(x: float, y: float) -> float:
    return x * y if x and y else 0


# ---- remainder classes


@dataclass(frozen=True, slots=True)
class Axis:
    """Classes of one symbol: remainders by `mod`; with mod 0 the listed values alone.

    `inside` is set where the variable stands for a floor of `symbol` and not for the symbol itself.
    """

    symbol: Sym
    mod: int
    residues: list[int]
    inside: Floor | None = None

    @property
    def meaning(self) -> Dim:
        """What the variable stands for."""
        found = symbol(self.symbol.name) if self.inside is None else self.inside.num // self.inside.den
        assert isinstance(found, Dim)
        return found

    def set_of(self, kept: Iterable[int]) -> Domain:
        """The sizes of the symbol whose class is kept."""
        good = frozenset(kept)
        if self.inside is None:
            return domain(mod=self.mod, residues=good)
        floor, mod = self.inside, self.mod * self.inside.den
        if len(good) == self.mod:
            return domain()
        if mod > MAX_CLASSES:
            raise TooManyResidues(mod)
        (real,) = floor.num.symbols
        values = columns(floor.num, {real: list(range(mod))}, mod)
        return domain(
            mod=mod, residues=(h for h, x in enumerate(values) if x // floor.den % self.mod in good)
        )


def class_axes(dim: Dim, symbols: Sequence[Sym], allowed: Mapping[str, Domain]) -> tuple[Dim, list[Axis]]:
    """The classes on which `dim` is a polynomial, at most MAX_CLASSES together, and the dim to ask there.

    Over the limit, a symbol that occurs inside one floor only is replaced by that floor.
    """
    periods = {s: period(dim, s) for s in symbols}
    if prod(allowed[s.name].classes(periods[s])[0] for s in symbols) <= MAX_CLASSES:
        return dim, [axis_of(dim, s, allowed[s.name]) for s in symbols]
    inside = {s: floor for s in symbols if (floor := _only_floor(dim, s)) is not None}
    short = substitute(dim, {floor: symbol(f"floor of {s.name}") for s, floor in inside.items()})
    assert isinstance(short, Dim)
    variables = {s: sym(f"floor of {s.name}") if s in inside else s for s in symbols}
    periods = {s: period(short, variables[s]) for s in symbols}
    sides = {s: periods[s] if s in inside else allowed[s.name].classes(periods[s])[0] for s in symbols}
    if prod(sides.values()) > MAX_CLASSES:
        raise TooManyResidues(max(period(dim, s) for s in symbols))
    return short, [
        Axis(variables[s], periods[s], list(range(periods[s])), inside[s])
        if s in inside
        else axis_of(dim, s, allowed[s.name])
        for s in symbols
    ]


def axis_of(dim: Dim, s: Sym, members: Domain) -> Axis:
    """The classes of a symbol by the period of a dim."""
    mod = period(dim, s)
    _, g, kept = members.classes(mod)
    return Axis(s, mod, sorted(r for start in kept for r in range(start, mod, g)))


def _only_floor(dim: Dim, s: Sym) -> Floor | None:
    """The floor that holds every occurrence of a symbol, if it is every integer as the symbol moves."""
    lowest = {floor for floor in floors_of(dim) if s in floor.num.symbols and floor.depth == 1}
    if len(lowest) != 1:
        return None
    (floor,) = lowest
    if floor.degree != 1 or floor.num.symbols != {s} or floor.num.terms[0][1] != 1:
        return None
    rest = substitute(dim, {floor: 0})
    return None if isinstance(rest, Dim) and s in rest.symbols else floor


def zero_classes(dim: Dim, axes: Sequence[Axis]) -> list[tuple[int, ...]]:
    """The combinations of classes on which `dim` is zero at every size of the class.

    A polynomial in as many variables as there are axes is zero iff it is at degree + 1 points along each.
    """
    table = [list(column) for column in zip(*product(*(axis.residues for axis in axes)), strict=True)]
    counts = [degree_in(dim, axis.symbol) + 1 if axis.mod else 1 for axis in axes]
    for steps in product(*(range(count) for count in counts)):
        rows = len(table[0]) if table else 0
        at = {
            axis.symbol: [r + axis.mod * step for r in column] if step else column
            for axis, step, column in zip(axes, steps, table, strict=False)
        }
        values = columns(dim, at, rows) if rows else []
        if any(values):
            table = [[r for r, value in zip(column, values, strict=True) if not value] for column in table]
    return list(zip(*table, strict=True))


def can_vanish(dim: Dim) -> bool:
    """Whether the part of top degree is zero; else `dim` is a non-zero polynomial on every class."""
    return not leading(dim)


def factored(a: Size, b: Size) -> list[Dim] | None:
    """Per symbol a dim, such that a == b on a combination of classes iff each is zero on its class.

    For products in which every factor has one symbol. None where a, b are not such.
    """
    if (
        isinstance(a, int)
        or isinstance(b, int)
        or len(a.terms) > 1
        or len(b.terms) > 1
        or a.symbols != b.symbols
    ):
        return None
    parts = []
    for s in a.symbols:
        left, right = _factor(a, s), _factor(b, s)
        if left is None or right is None:
            return None
        (p,), (q,) = leading(left).values() or (0,), leading(right).values() or (0,)
        if not p or not q:  # a factor that is zero on some class
            return None
        ratio = Fraction(p) / q
        difference = ratio.denominator * left - ratio.numerator * right
        if isinstance(difference, Dim):
            parts.append(difference)
        elif difference:
            return None
    return parts


def _factor(dim: Dim, s: Sym) -> Dim | None:
    """The product of the factors that hold a symbol; none where one of them holds another too."""
    atoms = [
        atom for atom in dim.terms[0][0] if (atom is s if isinstance(atom, Sym) else s in atom.num.symbols)
    ]
    if any(isinstance(atom, Floor) and len(atom.num.symbols) > 1 for atom in atoms):
        return None
    factor = product_of(symbol(a.name) if isinstance(a, Sym) else a.num // a.den for a in atoms)
    return factor if isinstance(factor, Dim) else None


def solved_for(dim: Dim, name: str) -> Size | None:
    """What a symbol is where `dim` is zero, if it stands alone in one term with coefficient 1 or -1."""
    own = sym(name)
    coefficient = dict(dim.terms).get((own,), 0)
    rest = -coefficient * (dim - coefficient * symbol(name))
    if abs(coefficient) != 1 or (isinstance(rest, Dim) and own in rest.symbols):
        return None
    return rest


# ---- conditions on one symbol


@dataclass(frozen=True, slots=True)
class Part:
    """The allowed sizes at which a condition holds. `sizes` is none where they are no `Domain`."""

    empty: bool
    sizes: Domain | None


def split(dim: Dim, relation: Relation, allowed: Domain) -> tuple[Part, Part]:
    """The sizes of the one symbol of `dim` at which `dim relation 0` holds, and those at which not."""
    other = NEGATION[relation]
    holds, fails = interval(dim, relation), interval(dim, other)
    if holds is None and fails is None:
        return _regions(dim, relation, allowed)
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


Piece: TypeAlias = tuple[int, int | None]


def _regions(dim: Dim, relation: Relation, allowed: Domain) -> tuple[Part, Part]:
    (s,) = dim.symbols
    mod = lcm(period(dim, s), allowed.mod)
    if len(allowed.residues) * (mod // allowed.mod) > MAX_CLASSES:
        raise TooManyResidues(period(dim, s))
    starts = [
        allowed.lo + (r - allowed.lo) % mod
        for start in allowed.residues
        for r in range(start, mod, allowed.mod)
    ]
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

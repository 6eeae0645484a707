"""What values a size takes: bounds by intervals, and the remainder classes on which it is zero."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from itertools import product
from math import inf, prod

from dslc.record import frozen
from dslc.types.dim import Atom, Dim, Floor, Size, Sym, floors_of, substitute, sym, symbol, terms_of
from dslc.types.dim import product as product_of
from dslc.types.domain import MAX_CLASSES, Domain, TooManyResidues, domain
from dslc.types.period import columns, degree_in, leading, period

MAX_SHIFTED = 32  # terms of a polynomial that is worth expanding for a bound

# ---- intervals


def bounds(size: Size, allowed: Mapping[str, Domain]) -> tuple[float, float]:
    """A lower and an upper bound, by intervals; infinite where none is found."""
    if isinstance(size, int):
        return size, size
    low: float = 0
    high: float = 0
    for monomial, coefficient in size.terms:
        lo: float = coefficient
        hi: float = coefficient
        for atom in monomial:
            a, b = _atom_bounds(atom, allowed)
            corners = [_times(x, y) for x in (lo, hi) for y in (a, b)]
            lo, hi = min(corners), max(corners)
        low, high = low + lo, high + hi
    if low == -inf and high == inf and size.degree > 1 and len(size.terms) <= MAX_SHIFTED:
        return _shifted_bounds(size, allowed)
    return low, high


def _atom_bounds(atom: Atom, allowed: Mapping[str, Domain]) -> tuple[float, float]:
    if isinstance(atom, Sym):
        members = allowed[atom.name]
        return members.lo, inf if members.hi is None else members.hi
    low, high = bounds(atom.num, allowed)
    return _floor(low, atom.den), _floor(high, atom.den)


def _shifted_bounds(dim: Dim, allowed: Mapping[str, Domain]) -> tuple[float, float]:
    """Bounds from `least + x` with x >= 0 for each factor: `N*H - 5*N` is at least 1 where H >= 6."""
    shifted: dict[Atom, Size] = {}
    for atom in {atom for monomial, _ in dim.terms for atom in monomial}:
        least = _atom_bounds(atom, allowed)[0]
        if least == -inf:
            return -inf, inf
        shifted[atom] = symbol(f"rise {len(shifted)}") + int(least)
    rises = substitute(dim, shifted)
    signs = {coefficient > 0 for monomial, coefficient in terms_of(rises) if monomial}
    constant = rises.constant if isinstance(rises, Dim) else rises
    return -inf if False in signs else constant, inf if True in signs else constant


def _floor(x: float, den: int) -> float:
    return x if x in (inf, -inf) else x // den


def _times(x: float, y: float) -> float:
    return x * y if x and y else 0


# ---- remainder classes


@frozen
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
        return domain(mod=mod, residues=(h for h, x in enumerate(values) if x // floor.den % self.mod in good))


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
    if isinstance(a, int) or isinstance(b, int) or len(a.terms) > 1 or len(b.terms) > 1 or a.symbols != b.symbols:
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
    atoms = [atom for atom in dim.terms[0][0] if (atom is s if isinstance(atom, Sym) else s in atom.num.symbols)]
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

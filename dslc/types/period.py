"""How a size behaves on remainder classes of its symbols: leading part, period, values in bulk, rule S.

On `H = M*t + r` every floor of a size is a polynomial in t once M is a multiple of its period; what a size
does on a class is then settled by finitely many plain evaluations.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from math import gcd, lcm
from typing import TypeAlias

from dslc.types.dim import MEMO, Dim, Floor, Size, Sym, terms_of
from dslc.types.dim import symbol as dim_of

MAX_PERIOD = 4096  # beyond it rule S is not tried

Leading: TypeAlias = dict[tuple[Sym, ...], Fraction]

_leading: dict[Dim, Leading] = {}
_periods: dict[tuple[Dim, Sym], int] = {}
_single: dict[Dim, Size] = {}


def degree_in(size: Size, symbol: Sym) -> int:
    """The degree in one symbol, with `P // m` read as P/m."""
    return max(
        sum(int(a is symbol) if isinstance(a, Sym) else degree_in(a.num, symbol) for a in monomial)
        for monomial, _ in terms_of(size)
    )


def leading(dim: Dim) -> Leading:
    """The part of top degree as a polynomial over the rationals, with `P // m` read as P/m."""
    found = _leading.get(dim)
    if found is not None:
        return found
    total: Leading = {}
    for monomial, coefficient in dim.terms:
        if sum(atom.degree for atom in monomial) < dim.degree:
            break  # terms are sorted by falling degree
        part: Leading = {(): Fraction(coefficient)}
        for atom in monomial:
            if isinstance(atom, Sym):
                part = {_joined(key, (atom,)): value for key, value in part.items()}
            else:
                part = _multiplied(part, leading(atom.num), atom.den)
        for key, value in part.items():
            total[key] = total.get(key, Fraction(0)) + value
    found = {key: value for key, value in total.items() if value}
    if len(_leading) >= MEMO:
        _leading.clear()
    _leading[dim] = found
    return found


def _multiplied(a: Leading, b: Leading, den: int) -> Leading:
    total: Leading = {}
    for left, x in a.items():
        for right, y in b.items():
            key = _joined(left, right)
            total[key] = total.get(key, Fraction(0)) + x * y / den
    return total


def _joined(a: tuple[Sym, ...], b: tuple[Sym, ...]) -> tuple[Sym, ...]:
    return tuple(sorted(a + b, key=lambda symbol: symbol.name))


def period(dim: Dim, symbol: Sym) -> int:
    """M such that on `symbol = M*t + r` every floor is a polynomial in t; 1 where there is no floor."""
    found = _periods.get((dim, symbol))
    if found is None:
        found = 1
        for monomial, _ in dim.terms:
            for atom in monomial:
                if isinstance(atom, Floor) and symbol in atom.num.symbols:
                    found = lcm(found, _floor_period(atom, symbol))
        if len(_periods) >= MEMO:
            _periods.clear()
        _periods[dim, symbol] = found
    return found


def _floor_period(floor: Floor, symbol: Sym) -> int:
    inner = period(floor.num, symbol)
    if floor.degree == 1:  # num moves by a whole number at each `inner` steps of the symbol
        step = leading(floor.num).get((symbol,), Fraction(0)) * inner
        return inner * (floor.den // gcd(floor.den, int(step)))
    if floor.depth == 1:
        meets = [c for monomial, c in floor.num.terms if symbol in monomial]
        return floor.den // gcd(floor.den, *meets)
    return inner * floor.den


# ---- values in bulk


def columns(size: Size, at: Mapping[Sym, list[int]], rows: int) -> list[int]:
    """The values of a size at `rows` points, given per symbol as a list."""
    return _columns(size, at, rows, {})


def _columns(size: Size, at: Mapping[Sym, list[int]], rows: int, seen: dict[Floor, list[int]]) -> list[int]:
    if isinstance(size, int):
        return [size] * rows
    total: list[int] | None = None
    for monomial, coefficient in size.terms:
        values: list[int] | None = None
        for atom in monomial:
            factor = at[atom] if isinstance(atom, Sym) else _floor_column(atom, at, rows, seen)
            values = factor if values is None else [x * y for x, y in zip(values, factor, strict=True)]
        if values is None:
            values = [coefficient] * rows
        elif coefficient != 1:
            values = [coefficient * x for x in values]
        total = values if total is None else [x + y for x, y in zip(total, values, strict=True)]
    assert total is not None
    return total


def _floor_column(floor: Floor, at: Mapping[Sym, list[int]], rows: int, seen: dict[Floor, list[int]]) -> list[int]:
    found = seen.get(floor)
    if found is None:
        den = floor.den
        found = seen[floor] = [x // den for x in _columns(floor.num, at, rows, seen)]
    return found


# ---- rule S


def single_floor(size: Size) -> Size:
    """The same function with one floor, if there is one: `H//4 - H//8` is `(H + 4) // 8`.

    Tried on linear sizes of one symbol that hold two floors, or a floor beside the symbol. With the content
    taken out, slope p/q and period M, `(p*H + A) // q` is the size iff max(q*d(r) - p*r) <= A <= min(q*d(r) -
    p*r) + q - 1 over one period.
    """
    if isinstance(size, int) or size.degree > 1 or not size.depth or len(size.symbols) > 1:
        return size
    if len(size.terms) - (not size.terms[-1][0]) == 1 and size.depth == 1:
        return size
    found = _single.get(size)
    if found is None:
        if len(_single) >= MEMO:
            _single.clear()
        found = _single[size] = _find_single(size)
    return found


def _find_single(dim: Dim) -> Size:
    (symbol,) = dim.symbols
    rounds = period(dim, symbol)
    if rounds > MAX_PERIOD:
        return dim
    content = gcd(*(coefficient for monomial, coefficient in dim.terms if monomial))
    slope = leading(dim).get((symbol,), Fraction(0)) / content
    p, q = slope.numerator, slope.denominator
    remainders = list(range(rounds))
    values = columns(dim - dim.constant, {symbol: remainders}, rounds)
    gaps = [q * (d // content) - p * r for d, r in zip(values, remainders, strict=True)]
    least, most = max(gaps), min(gaps) + q - 1
    if least > most:
        return dim
    return content * ((p * dim_of(symbol.name) + least) // q) + dim.constant

"""Sizes as integer polynomials with floor division: data, arithmetic and normal form.

A `Size` is an int or a `Dim`; a constant is always an int, so a network of fixed sizes never makes a `Dim`.
Dims, symbols and floors are interned: two that are structurally the same are the same object, `==` is `is`.
The normal form has two rules beyond collecting terms: a floor gives up exact multiples of its divisor only,
and nested floors merge where the inner one has coefficient 1. It is not unique for a function;
`period.single_floor` and `Sizes.equal` decide what it leaves open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import gcd
from typing import Any, NoReturn, TypeAlias, TypeVar
from weakref import WeakValueDictionary

from dslc.diagnostics.model import Reject
from dslc.record import record
from dslc.types.limits import SizeDivision, TooDeep, TooLong

MAX_TERMS = 1000
MAX_DEGREE = 16
MAX_DEPTH = 16
MEMO = 1 << 16  # results remembered by each operation before it forgets them all


class Interned:
    """What the tables below hold for as long as something else does."""

    __slots__ = ("__weakref__",)


@record
class Sym(Interned):
    """One symbolic input dim of a net. Made by `symbol`."""

    name: str
    order: tuple[Any, ...]
    degree: int = 1
    depth: int = 0


@record
class Floor(Interned):
    """`num // den`: den >= 2, the constant of num in [0, den), no common factor of den and all coefficients.

    `degree` reads `P // m` as P/m; `depth` counts floors inside each other.
    """

    num: Dim
    den: int
    order: tuple[Any, ...]
    degree: int
    depth: int


Atom: TypeAlias = Sym | Floor
Monomial: TypeAlias = tuple[Atom, ...]
Terms: TypeAlias = tuple[tuple[Monomial, int], ...]


@record
class Dim(Interned):
    """A size that depends on symbols: a sum of coefficients times products of symbols and floors.

    `terms` is sorted by falling degree (the constant last); never constant. `+ - * // % **` mean what they
    mean in Python, for every integer value of the symbols; there is no order and no truth value, `Sizes`
    decides those.
    """

    terms: Terms
    symbols: frozenset[Sym]
    degree: int
    depth: int

    @property
    def constant(self) -> int:
        """The term without symbols."""
        monomial, coefficient = self.terms[-1]
        return 0 if monomial else coefficient

    def __add__(self, other: Size) -> Size:
        if type(other) is not int and type(other) is not Dim:
            return NotImplemented
        key = (self, other)
        found = _sums.get(key)
        if found is None:
            found = _remember(_sums, key, _plus(self, other))
        return found

    __radd__ = __add__

    def __neg__(self) -> Size:
        return self * -1

    def __sub__(self, other: Size) -> Size:
        if type(other) is not int and type(other) is not Dim:
            return NotImplemented
        return self + -other

    def __rsub__(self, other: int) -> Size:
        if type(other) is not int:
            return NotImplemented
        return -self + other

    def __mul__(self, other: Size) -> Size:
        if type(other) is not int and type(other) is not Dim:
            return NotImplemented
        key = (self, other)
        found = _products.get(key)
        if found is None:
            found = _remember(_products, key, _times(self, other))
        return found

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> Size:
        if exponent < 0:
            return NotImplemented
        power: Size = 1
        for _ in range(exponent):
            power = self * power
        return power

    def __floordiv__(self, other: Size) -> Size:
        if type(other) is not int and type(other) is not Dim:
            return NotImplemented
        key = (self, other)
        found = _quotients.get(key)
        if found is None:
            found = _remember(_quotients, key, _over(self, other))
        return found

    def __rfloordiv__(self, other: int) -> Size:
        if type(other) is not int:
            return NotImplemented
        if other == 0:
            return 0
        raise Reject(SizeDivision(str(other), str(self)))

    def __mod__(self, other: Size) -> Size:
        if type(other) is not int and type(other) is not Dim:
            return NotImplemented
        return self - other * (self // other)

    def __rmod__(self, other: int) -> Size:
        if type(other) is not int:
            return NotImplemented
        return other - self * (other // self)

    def _no_order(self, other: object) -> NoReturn:
        raise TypeError(f"size `{self}` has no order: ask `Sizes.decide` or `Sizes.at_least`")

    __lt__ = __le__ = __gt__ = __ge__ = _no_order

    def __bool__(self) -> bool:
        raise TypeError(f"size `{self}` has no truth value: compare it with `Sizes.decide`")

    def __repr__(self) -> str:
        return f"Dim({self})"

    def __str__(self) -> str:
        found = _texts.get(self)
        if found is None:
            from dslc.types.text import dim_text

            found = _remember(_texts, self, dim_text(self))
        return found


Size: TypeAlias = int | Dim


class UnknownSize(Dim):
    """The size of an axis of which a mistake above leaves nothing known, and whatever is computed with it.

    A class of its own, so that arithmetic of two sizes need not ask: a `Dim` declines it, and the reflected operator,
    which is here, answers. `Sizes` answers every question about it with yes.
    """

    def _unknown(self, other: object) -> Size:
        return self

    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _unknown
    __pow__ = __floordiv__ = __rfloordiv__ = __mod__ = __rmod__ = _unknown

    def __neg__(self) -> Size:
        return self

    def _no_order(self, other: object) -> NoReturn:
        raise Unknown

    __lt__ = __le__ = __gt__ = __ge__ = _no_order

    def __bool__(self) -> NoReturn:
        raise Unknown

    def __repr__(self) -> str:
        return "?"

    __str__ = __repr__


class Unknown(Exception):
    """A number is asked for that depends on an unknown size: what asks is given up without a word."""


_symbols: WeakValueDictionary[str, Sym] = WeakValueDictionary()
_floors: WeakValueDictionary[tuple[Dim, int], Floor] = WeakValueDictionary()
_dims: WeakValueDictionary[Terms, Dim] = WeakValueDictionary()
_sums: dict[tuple[Dim, Size], Size] = {}
_products: dict[tuple[Dim, Size], Size] = {}
_quotients: dict[tuple[Dim, Size], Size] = {}
_texts: dict[Dim, str] = {}

Key = TypeVar("Key")
Result = TypeVar("Result")


def _remember(memo: dict[Key, Result], key: Key, result: Result) -> Result:
    if len(memo) >= MEMO:
        memo.clear()
    memo[key] = result
    return result


def sym(name: str) -> Sym:
    """The symbol of a name."""
    found = _symbols.get(name)
    if found is None:
        found = _symbols[name] = Sym(name, (0, 0, name))
    return found


def symbol(name: str) -> Dim:
    """The dim that is one symbol."""
    dim = _collect({(sym(name),): 1})
    assert isinstance(dim, Dim)
    return dim


_ANY = Sym("?", (0, 0, "?"))
UNKNOWN = UnknownSize((((_ANY,), 1),), frozenset((_ANY,)), 1, 0)


def terms_of(size: Size) -> Terms:
    """The terms of a size; a number is one term without symbols."""
    return size.terms if isinstance(size, Dim) else (((), size),)


def floors_of(size: Size) -> list[Floor]:
    """The floors of a size, one entry for each place, nested ones too."""
    found = []
    for monomial, _ in terms_of(size):
        for atom in monomial:
            if isinstance(atom, Floor):
                found.append(atom)
                found += floors_of(atom.num)
    return found


# ---- sums and products


def _order(atom: Atom) -> tuple[Any, ...]:
    return atom.order


def _term_order(term: tuple[Monomial, int]) -> tuple[int, list[tuple[Any, ...]]]:
    # Graded lexicographic, so that division of polynomials by leading terms ends.
    return -sum(atom.degree for atom in term[0]), [atom.order for atom in term[0]]


def _collect(total: Mapping[Monomial, int]) -> Size:
    """The size with these terms: zeros dropped, sorted, interned. A Reject where it is too long."""
    terms = [term for term in total.items() if term[1]]
    if not terms:
        return 0
    if len(terms) > 1:
        terms.sort(key=_term_order)
    elif not terms[0][0]:
        return terms[0][1]
    key = tuple(terms)
    dim = _dims.get(key)
    if dim is None:
        degree = sum(atom.degree for atom in key[0][0])
        if len(key) > MAX_TERMS or degree > MAX_DEGREE:
            raise Reject(TooLong(len(key), degree, MAX_TERMS, MAX_DEGREE))
        atoms = {atom for monomial, _ in key for atom in monomial}
        symbols = {atom for atom in atoms if isinstance(atom, Sym)}
        symbols.update(*(atom.num.symbols for atom in atoms if isinstance(atom, Floor)))
        dim = _dims[key] = Dim(key, frozenset(symbols), degree, max(atom.depth for atom in atoms))
    return dim


def _plus(a: Dim, b: Size) -> Size:
    total = dict(a.terms)
    for monomial, coefficient in terms_of(b):
        total[monomial] = total.get(monomial, 0) + coefficient
    return _collect(total)


def _times(a: Dim, b: Size) -> Size:
    if isinstance(b, int):
        return _collect({monomial: b * coefficient for monomial, coefficient in a.terms})
    total: dict[Monomial, int] = {}
    for left, x in a.terms:
        for right, y in b.terms:
            monomial = tuple(sorted(left + right, key=_order)) if left and right else left or right
            total[monomial] = total.get(monomial, 0) + x * y
    return _collect(total)


# ---- division


def _over(a: Dim, b: Size) -> Size:
    if isinstance(b, Dim):
        return _exact(a, b)
    if b < 0:
        return (-a) // -b
    if b == 0:
        raise ZeroDivisionError(f"`{a}` divided by 0")
    return a if b == 1 else _floor(a, b)


def _exact(a: Dim, b: Dim) -> Size:
    """a / b as polynomials in symbols and floors. A Reject where b is no factor of a."""
    lead, factor = b.terms[0]
    quotient: Size = 0
    rest: Size = a
    while isinstance(rest, Dim):
        monomial, coefficient = rest.terms[0]
        left = _without(monomial, lead)
        if left is None or coefficient % factor:
            break
        step = _collect({left: coefficient // factor})
        quotient = quotient + step
        rest = rest - b * step
    if isinstance(rest, Dim) or rest:
        raise Reject(SizeDivision(str(a), str(b)))
    return quotient


def _without(monomial: Monomial, factor: Monomial) -> Monomial | None:
    left = list(monomial)
    for atom in factor:
        if atom not in left:
            return None
        left.remove(atom)
    return tuple(left)


def _floor(dim: Dim, m: int) -> Size:
    """`dim // m` for m >= 2, in normal form."""
    out: dict[Monomial, int] = {}
    rest: dict[Monomial, int] = {}
    for monomial, coefficient in dim.terms:
        if monomial and coefficient % m:
            rest[monomial] = coefficient
        elif monomial:
            out[monomial] = coefficient // m
    out[()], constant = divmod(dim.constant, m)
    if not rest:
        return _collect(out)
    sign = 1
    if all(coefficient < 0 for coefficient in rest.values()):  # -(P) // m is -((P + m - 1) // m)
        sign, constant = -1, m - 1 - constant
        rest = {monomial: -coefficient for monomial, coefficient in rest.items()}
    common = gcd(m, *rest.values())
    rest = {monomial: coefficient // common for monomial, coefficient in rest.items()}
    return _collect(out) + sign * _merged(rest, constant // common, m // common)


def _merged(rest: dict[Monomial, int], constant: int, m: int) -> Size:
    """`(rest + constant) // m`, where (Q//d + R)//m is (Q + d*R)//(d*m) if Q//d is the only floor."""
    floors = [atom for monomial in rest for atom in monomial if isinstance(atom, Floor)]
    inner = floors[0] if len(floors) == 1 else None
    if inner is not None and rest.get((inner,)) == 1:
        others = {monomial: coefficient for monomial, coefficient in rest.items() if monomial != (inner,)}
        others[()] = constant
        return (inner.num + inner.den * _collect(others)) // (inner.den * m)
    num = _collect(rest | {(): constant})
    assert isinstance(num, Dim)
    return _collect({(_new_floor(num, m),): 1})


def _new_floor(num: Dim, den: int) -> Floor:
    found = _floors.get((num, den))
    if found is None:
        if num.depth >= MAX_DEPTH:
            raise Reject(TooDeep(MAX_DEPTH, tuple(sorted(s.name for s in num.symbols))))
        inner = tuple((tuple(atom.order for atom in monomial), c) for monomial, c in num.terms)
        found = _floors[num, den] = Floor(num, den, (1, den, inner), num.degree, num.depth + 1)
    return found


def as_remainder(dim: Dim) -> tuple[int, Floor, int] | None:
    """(k, floor, c) where the dim is `k * (floor.num % floor.den) + c`."""
    for monomial, coefficient in dim.terms:
        floor = monomial[0] if len(monomial) == 1 else None
        if isinstance(floor, Floor) and coefficient < 0 and coefficient % floor.den == 0:
            times = -coefficient // floor.den
            rest = dim - times * (floor.num % floor.den)
            if isinstance(rest, int):
                return times, floor, rest
    return None


# ---- values


def evaluate(size: Size, at: Mapping[str, int]) -> int:
    """The number of a size where every symbol has one."""
    if isinstance(size, int):
        return size
    if size is UNKNOWN:
        raise Unknown
    total = 0
    for monomial, product in size.terms:
        for atom in monomial:
            product *= at[atom.name] if isinstance(atom, Sym) else evaluate(atom.num, at) // atom.den
        total += product
    return total


def substitute(size: Size, by: Mapping[Atom, Size]) -> Size:
    """The size with symbols (or whole floors) replaced."""
    if isinstance(size, int):
        return size
    total: Size = 0
    for monomial, coefficient in size.terms:
        product: Size = coefficient
        for atom in monomial:
            product = _replaced(atom, by) * product
        total = total + product
    return total


def _replaced(atom: Atom, by: Mapping[Atom, Size]) -> Size:
    found = by.get(atom)
    if found is not None:
        return found
    if isinstance(atom, Floor):
        return substitute(atom.num, by) // atom.den
    return _collect({(atom,): 1})


def product(sizes: Iterable[Size]) -> Size:
    """The product of sizes."""
    total: Size = 1
    for size in sizes:
        total = size * total
    return total

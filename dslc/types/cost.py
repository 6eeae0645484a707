"""Counts that depend on sizes: `{(sizes of the output): int}` until one number or polynomial is asked for.

A total over a net has one term for each resolution, however many layers work at it. As a polynomial in the
input sizes it is exact at multiples of the strides, where every rounding is idle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from math import lcm, prod

from dslc.diagnostics.model import Reject
from dslc.record import frozen
from dslc.types import dim as dims
from dslc.types.dim import Atom, Dim, Monomial, Size, Sym, substitute, terms_of
from dslc.types.period import period
from dslc.types.sizes import Sizes
from dslc.types.text import Style, sum_text

MAX_PEAKS = 3  # more live sets than this are no text


@frozen
class Cost:
    """A sum of counts, each times the product of some sizes; numbers among these are part of the count."""

    terms: Mapping[tuple[Dim, ...], int] = field(default_factory=dict)

    @classmethod
    def of(cls, count: int, sizes: Iterable[Size] = ()) -> Cost:
        """`count` for each of the product of `sizes`."""
        symbolic: list[Dim] = []
        for size in sizes:
            if isinstance(size, Dim):
                symbolic.append(size)
            else:
                count *= size
        return cls({tuple(symbolic): count} if count else {})

    @classmethod
    def total(cls, costs: Iterable[Cost]) -> Cost:
        """The sum of costs."""
        terms: dict[tuple[Dim, ...], int] = {}
        for cost in costs:
            for sizes, count in cost.terms.items():
                terms[sizes] = terms.get(sizes, 0) + count
        return cls({sizes: count for sizes, count in terms.items() if count})

    def __add__(self, other: Cost) -> Cost:
        return Cost.total((self, other))

    def __mul__(self, factor: int) -> Cost:
        return Cost({sizes: count * factor for sizes, count in self.terms.items() if factor})

    def value(self, sizes: Sizes, at: Mapping[str, int] | None = None) -> int:
        """The number at some sizes; symbols not given are at their default."""
        return sum(
            count * prod(sizes.evaluate(size, at or {}) for size in product) for product, count in self.terms.items()
        )

    def expanded(self) -> Size:
        """One polynomial. A Reject where it is too long."""
        total: Size = 0
        for product, count in self.terms.items():
            total = total + count * dims.product(product)
        return total


@frozen
class Row:
    """One resolution of a cost: `9,408 x ceil(H/2) x ceil(W/2)`, its sizes and its number by default."""

    text: str
    at: tuple[int, ...]
    value: int


def rows(cost: Cost, sizes: Sizes) -> list[Row]:
    """The terms of a cost, largest resolution first."""
    found = []
    for product, count in cost.terms.items():
        at = tuple(sizes.value(size) for size in product)
        text = " x ".join([f"{count:,}", *(sizes.text(size) for size in product)])
        found.append(Row(text, at, count * prod(at)))
    return sorted(found, key=lambda row: (-prod(row.at), row.text))


@frozen
class Formula:
    """A cost as one polynomial in the input sizes.

    `note` says at which multiples it is exact, and is empty where all allowed sizes are such.
    """

    text: str
    note: str

    def __str__(self) -> str:
        return f"{self.text} {self.note}".rstrip()


def formula(cost: Cost, sizes: Sizes) -> Formula | None:
    """The polynomial of a cost, if the default is a multiple of the strides.

    In the sizes themselves where the coefficients stay whole (`81,456*H*W`), else in quotients
    `(H/32)*(W/32)`.
    """
    return _formula(cost, sizes, _steps([cost], sizes))


def _formula(cost: Cost, sizes: Sizes, steps: Mapping[str, int]) -> Formula | None:
    """The polynomial of a cost at multiples of `steps`."""
    if any(sizes.default[name] % step for name, step in steps.items()):
        return None
    at_multiples = _at_multiples(cost, sizes, steps)
    return None if at_multiples is None else Formula(_polynomial_text(at_multiples, sizes, steps), _note(sizes, steps))


def _note(sizes: Sizes, steps: Mapping[str, int]) -> str:
    """At which sizes a polynomial holds; empty where all allowed ones are multiples of `steps`."""
    strided = {name: step for name, step in steps.items() if step > 1}
    open_ = {name: step for name, step in strided.items() if not _known_multiple(sizes, name, step)}
    if open_ and len(set(strided.values())) == 1 and len(open_) == len(strided):
        return f"at multiples of {min(open_.values())}"
    return ", ".join(f"at multiples of {step} for {name}" for name, step in open_.items())


def peak(costs: Sequence[Cost], sizes: Sizes) -> list[Cost]:
    """The costs that may be the largest: without those that another exceeds at all multiples of the strides.

    Compared are the coefficients of polynomials in quotients less 1, since no size is below its stride there.
    """
    steps = _steps(costs, sizes)
    above: dict[Atom, Size] = {dims.sym(name): dims.symbol(name) + 1 for name in steps}
    kept: list[tuple[Cost, dict[Monomial, int]]] = []
    for cost in costs:
        polynomial = _at_multiples(cost, sizes, steps)
        if polynomial is None:
            return list(costs)
        mine = dict(terms_of(substitute(polynomial, above)))
        if any(_exceeds(other, mine) for _, other in kept):
            continue
        kept = [(c, other) for c, other in kept if not _exceeds(mine, other)]
        kept.append((cost, mine))
    return [cost for cost, _ in kept]


def peak_text(costs: Sequence[Cost], sizes: Sizes) -> str:
    """`max(a, b) at multiples of 32`, the formula where one cost is left, or nothing where there is no short text.

    It holds where all the costs are polynomials, those left out too.
    """
    left, steps = peak(costs, sizes), _steps(costs, sizes)
    formulas = [_formula(cost, sizes, steps) for cost in left]
    texts = [f.text for f in formulas if f is not None]
    if len(left) > MAX_PEAKS or len(texts) < len(left):
        return ""
    text = texts[0] if len(texts) == 1 else f"max({', '.join(texts)})"
    return f"{text} {_note(sizes, steps)}".rstrip()


def _exceeds(a: Mapping[Monomial, int], b: Mapping[Monomial, int]) -> bool:
    """Whether no coefficient of `a` is below that of `b`."""
    return all(a.get(monomial, 0) >= b.get(monomial, 0) for monomial in a.keys() | b.keys())


def _steps(costs: Iterable[Cost], sizes: Sizes) -> dict[str, int]:
    """For each symbol the multiple at which every size in the costs is a polynomial."""
    steps: dict[str, int] = {}
    for cost in costs:
        for product in cost.terms:
            for size in map(sizes.reduce, product):
                for symbol in size.symbols if isinstance(size, Dim) else ():
                    assert isinstance(size, Dim)
                    steps[symbol.name] = lcm(steps.get(symbol.name, 1), period(size, symbol))
    return {name: steps[name] for name in sizes.default if name in steps}


def _known_multiple(sizes: Sizes, name: str, step: int) -> bool:
    number, _, remainders = sizes.domain[name].classes(step)
    return number == 1 and remainders[0] % step == 0


def _at_multiples(cost: Cost, sizes: Sizes, steps: Mapping[str, int]) -> Size | None:
    """The cost with each symbol standing for its quotient by its step; none where it is too long."""
    by: dict[Atom, Size] = {dims.sym(name): step * dims.symbol(name) for name, step in steps.items()}
    total: Size = 0
    try:
        for product, count in cost.terms.items():
            total = total + count * dims.product(substitute(sizes.reduce(size), by) for size in product)
    except Reject:
        return None
    return total


def _polynomial_text(polynomial: Size, sizes: Sizes, steps: Mapping[str, int]) -> str:
    """The terms by falling share at the default sizes, the constant last."""
    if isinstance(polynomial, int):
        return f"{polynomial:,}"
    terms = [
        (prod(steps[atom.name] for atom in monomial if isinstance(atom, Sym)), monomial, coefficient)
        for monomial, coefficient in polynomial.terms
    ]
    whole = all(coefficient % scale == 0 for scale, _, coefficient in terms)
    ordered = sorted(terms, key=lambda term: (not term[1], -abs(term[2]) * _share(term[1], sizes, steps)))
    names = {} if whole else {name: f"({name}/{step})" for name, step in steps.items() if step > 1}
    kept = [(monomial, coefficient // (scale if whole else 1)) for scale, monomial, coefficient in ordered]
    return sum_text(kept, Style(grouped=True, names=names))


def _share(monomial: Monomial, sizes: Sizes, steps: Mapping[str, int]) -> int:
    return prod(sizes.default[atom.name] // steps[atom.name] for atom in monomial if isinstance(atom, Sym))

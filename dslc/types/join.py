"""On which sizes two sizes are equal: everywhere, nowhere in general, or on one set for each symbol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field
from itertools import product
from math import prod

from dslc.record import frozen
from dslc.types.dim import Dim, Size, Sym, evaluate
from dslc.types.domain import MAX_CLASSES, Domain
from dslc.types.period import period
from dslc.types.solve import Axis, axis_of, can_vanish, class_axes, factored, zero_classes


@frozen
class Agreement:
    """Where a difference of two sizes is zero.

    Exactly one is set: `always`; `never` (at finitely many sizes, or none); `sets`, for each symbol it
    narrows the sizes it leaves; `universal`, a symbol that would have to be narrowed and may not; `together`,
    symbols whose good combinations are no product of sets, with `divisors` that are enough, by what they
    divide.
    """

    always: bool = False
    never: bool = False
    sets: dict[str, Domain] = field(default_factory=dict)
    universal: str = ""
    together: tuple[str, ...] = ()
    divisors: dict[str, int] = field(default_factory=dict)


@frozen
class Known:
    """What an agreement is asked under: allowed sizes and defaults by name, names that must stay free."""

    allowed: Mapping[str, Domain]
    default: Mapping[str, int]
    universal: set[str]

    def order(self, dim: Dim) -> list[Sym]:
        """Symbols as they were declared, universal ones last."""
        declared = {name: i for i, name in enumerate(self.default)}
        return sorted(dim.symbols, key=lambda s: (s.name in self.universal, declared[s.name]))


def agreement(a: Size, b: Size, difference: Dim, known: Known) -> Agreement:
    """Where a == b; `difference` is a - b. Raises `TooManyResidues`."""
    symbols = known.order(difference)
    if can_vanish(difference):
        parts = factored(a, b) if len(symbols) > 1 else None
        found = _by_classes(difference, symbols, known) if parts is None else _all_of(parts, known)
    else:
        found = Agreement(never=True)
    if not found.always and any(known.allowed[s.name].hi is not None for s in symbols):
        return Agreement(always=True) if _at_every_size(difference, symbols, known) else found
    return found


def _all_of(parts: list[Dim], known: Known) -> Agreement:
    """Where every part is zero; each has one symbol."""
    sets: dict[str, Domain] = {}
    for part in parts:
        found = _by_classes(part, known.order(part), known)
        if found.never or found.universal:
            return found
        sets |= found.sets
    return Agreement(sets=sets) if sets else Agreement(always=True)


def _by_classes(difference: Dim, symbols: Sequence[Sym], known: Known) -> Agreement:
    dim, axes = class_axes(difference, symbols, known.allowed)
    good = zero_classes(dim, axes)
    if len(good) == prod(len(axis.residues) for axis in axes):
        return Agreement(always=True)
    if not good:
        return Agreement(never=True)
    free = [s for s in symbols if s.name in known.universal]
    own = len(symbols) - len(free)
    wanted = prod(len(axis.residues) for axis in axes[own:])
    kept = [head for head, n in Counter(combination[:own] for combination in good).items() if n == wanted]
    if not own or not kept:
        return Agreement(universal=free[0].name) if free else Agreement(never=True)
    sides = [{combination[i] for combination in kept} for i in range(own)]
    if prod(map(len, sides)) != len(kept):
        names = tuple(s.name for s in symbols[:own])
        return Agreement(together=names, divisors=_divisors(axes[:own], set(kept), known))
    sets = {}
    for s, axis, side in zip(symbols, axes, sides, strict=False):
        allowed = known.allowed[s.name]
        if len(side) < len(axis.residues) and not allowed.within(needs := axis.set_of(side)):
            sets[s.name] = needs
    return Agreement(sets=sets) if sets else Agreement(always=True)


def _at_every_size(difference: Dim, symbols: Sequence[Sym], known: Known) -> bool:
    """Whether it is zero everywhere, with bounded symbols taken size by size."""
    axes = []
    total = 1
    for s in symbols:
        allowed = known.allowed[s.name]
        total *= allowed.classes(period(difference, s))[0] if allowed.count is None else allowed.count
        if total > MAX_CLASSES:
            return False
        axes.append(axis_of(difference, s, allowed) if allowed.count is None else Axis(s, 0, list(allowed.values())))
    return len(zero_classes(difference, axes)) == total


def _divisors(axes: Sequence[Axis], good: set[tuple[int, ...]], known: Known) -> dict[str, int]:
    """The smallest divisors whose multiples are all good, by what they divide; the defaults' own first."""
    if len(axes) != 2:
        return {}
    values = [evaluate(axis.meaning, known.default) for axis in axes]
    choices = sorted(
        ((p, q) for p in _divisors_of(axes[0].mod) for q in _divisors_of(axes[1].mod)),
        key=lambda pair: (values[0] % pair[0] > 0 or values[1] % pair[1] > 0, max(pair), sum(pair)),
    )
    for p, q in choices:
        multiples = product(*([r for r in axis.residues if r % d == 0] for axis, d in zip(axes, (p, q), strict=True)))
        if all(pair in good for pair in multiples):
            return {_factor_text(axis.meaning): d for axis, d in zip(axes, (p, q), strict=True) if d > 1}
    return {}


def _factor_text(size: Size) -> str:
    return f"({size})" if " " in str(size) else str(size)


def _divisors_of(mod: int) -> list[int]:
    return [d for d in range(1, mod + 1) if mod % d == 0]

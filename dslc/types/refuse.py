"""Words for what `Sizes` refuses: each function makes, or raises, one mistake with its numbers worked out."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from dslc.diagnostics.model import Mistake, Reject
from dslc.types.condition import Part, Relation, compare
from dslc.types.dim import Dim, Size, substitute, sym, symbol
from dslc.types.domain import EVERY, Domain, TooManyResidues
from dslc.types.errors import (
    BelowLeast,
    Coincidence,
    DifferentSymbols,
    Fit,
    JoinedSizes,
    NotAProduct,
    NotDivisible,
    OpenComparison,
    OpenCondition,
    RequireFails,
)
from dslc.types.join import Agreement
from dslc.types.limits import UniversalSize
from dslc.types.solve import bounds, can_vanish, solved_for

if TYPE_CHECKING:
    from dslc.types.sizes import Sizes


def condition(sizes: Sizes, left: Size, relation: str, right: Size) -> str:
    """A comparison as text."""
    return f"{sizes.text(left)} {relation} {sizes.text(right)}"


def _multiple(sizes: Sizes, size: Size, divisor: int) -> str:
    text = sizes.text(size)
    return f"{f'({text})' if ' ' in text or '*' in text else text} % {divisor} == 0"


def universal(sizes: Sizes, names: list[str], left: Size, relation: str, right: Size) -> None:
    """Raise where a condition that must narrow something holds a symbol that must stay free."""
    if names[-1] in sizes.universal:
        raise Reject(UniversalSize(names[-1], condition(sizes, left, relation, right)))


def _fits(sizes: Sizes, sets: Mapping[str, Domain]) -> tuple[Fit, ...]:
    """For each symbol whose default is outside its set: the set, and the nearest allowed sizes in it."""
    found = []
    for name, needs in sets.items():
        default = sizes.default[name]
        if default not in needs:
            near = needs
            with suppress(TooManyResidues):
                near = needs & sizes.domain[name] & sizes.refused.get(name, EVERY)
                sizes.refused[name] = near
            found.append(Fit(needs.exact_text(name), near.nearest(default), name))
    return tuple(found)


def below(sizes: Sizes, left: Size, right: Size, sets: Mapping[str, Domain], by: str) -> Mistake:
    """`left >= right` does not hold at the default, or nowhere."""
    values = sizes.value(left), sizes.value(right)
    where = sizes.where(left, right)
    return BelowLeast(sizes.text(left), values[0], sizes.text(right), values[1], where, _fits(sizes, sets), by)


def differ(sizes: Sizes, a: Size, b: Size, divisor: int, sets: Mapping[str, Domain], by: str) -> Mistake:
    """Two sizes are not equal at the default, or one is no multiple of `divisor` there."""
    fits = _fits(sizes, sets)
    if divisor:
        return NotDivisible(sizes.text(a), sizes.value(a), divisor, sizes.where(a), fits, by)
    values = sizes.value(a), sizes.value(b)
    return JoinedSizes(sizes.text(a), values[0], sizes.text(b), values[1], sizes.where(a, b), fits, by)


def disagree(sizes: Sizes, a: Size, b: Size, divisor: int, difference: Dim, found: Agreement, by: str) -> None:
    """Raise where no set of sizes for each symbol makes a == b."""
    asked = _multiple(sizes, a, divisor) if divisor else condition(sizes, a, "==", b)
    names = sizes.names(difference)
    if found.universal or (found.never and names[-1] in sizes.universal):
        raise Reject(UniversalSize(found.universal or names[-1], asked))
    if found.together:
        requires = tuple(f"{name} % {d} == 0" for name, d in found.divisors.items())
        raise Reject(NotAProduct(asked, found.together, requires))
    if not found.never:
        return
    if sizes.value(difference) or divisor:
        raise Reject(differ(sizes, a, b, divisor, {}, by))
    raise Reject(_different_symbols(sizes, a, b, difference, names) or _coincidence(sizes, a, b, names, by))


def _coincidence(sizes: Sizes, a: Size, b: Size, names: list[str], by: str) -> Mistake:
    where = ", ".join(f"{name}={sizes.default[name]}" for name in names)
    return Coincidence(sizes.text(a), sizes.text(b), sizes.value(a), where, tuple(names), by)


def _different_symbols(sizes: Sizes, a: Size, b: Size, difference: Dim, names: list[str]) -> Mistake | None:
    """The mistake that two names are taken for one, if a `require` between them would do."""
    for i, x in enumerate(names):
        for y in names[i + 1 :]:
            if sizes.default[x] == sizes.default[y]:
                rest = sizes.reduce(substitute(difference, {sym(y): symbol(x)}))
                if rest == 0 or (isinstance(rest, Dim) and can_vanish(rest)):
                    return DifferentSymbols(x, y, sizes.default[x], f"{x} == {y}")
    for name in names if len(names) > 1 else ():
        other = solved_for(difference, name)
        if isinstance(other, Dim) and not other.depth:
            return DifferentSymbols(sizes.text(a), sizes.text(b), sizes.value(a), f"{name} == {other}")
    return None


def undecided(sizes: Sizes, left: Size, relation: Relation, right: Size, names: list[str]) -> Mistake:
    """A comparison that is no condition on one symbol."""
    difference = sizes.reduce(left - right)
    require = ""
    if len(names) == 2 and sizes.default[names[0]] == sizes.default[names[1]]:
        alike = sizes.reduce(substitute(difference, {sym(names[1]): symbol(names[0])}))
        low, high = bounds(alike, sizes.domain)
        if low == high or low > 0 or high < 0:
            require = f"{names[0]} == {names[1]}"
    holds = compare(relation, sizes.value(difference))
    return OpenComparison(condition(sizes, left, relation, right), tuple(names), holds, require)


def both(sizes: Sizes, left: Size, relation: Relation, right: Size, name: str, holds: Part, fails: Part) -> Mistake:
    """A comparison that holds for some sizes of one symbol and fails for others."""
    default = sizes.default[name]
    sides = [part.sizes for part in (holds, fails) if part.sizes is not None]
    sides.sort(key=lambda side: default not in side)
    requires = [" and ".join(side.requires(name)) for side in sides]
    shown = holds.sizes.exact_text(name) if holds.sizes is not None else f"some sizes of `{name}`"
    allowed = tuple(text for text in requires if text and "{" not in text)
    return OpenCondition(condition(sizes, left, relation, right), name, default, shown, allowed)


def require_fails(sizes: Sizes, left: Size, relation: Relation, right: Size, sets: Mapping[str, Domain]) -> Mistake:
    """A `require` that is not true at the default."""
    return RequireFails(condition(sizes, left, relation, right), sizes.where(left, right), _fits(sizes, sets))

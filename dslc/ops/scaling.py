"""The size of a map after a factor: torch's, `floor(float(size) * factor)` with the product rounded to a double."""

from __future__ import annotations

import math
from fractions import Fraction

from dslc.ops.base import InferContext
from dslc.types.dim import Size

LONGEST = 4096
"""The largest denominator whose remainders a guard names, and the most multiples that are tried on either side."""


def scaled(c: InferContext, size: Size, factor: float) -> Size:
    """`floor(float(size) * factor)`, as torch.nn.functional.interpolate takes it (ATen, UpSample.h).

    Of an open size it is size * p // q, p/q the factor as a fraction, but at multiples of q: 5 * 1.4 is 7, and
    100 * 0.29 is 28.999999999999996. Where the rounding may be the wrong way, a guard keeps multiples of q out; a
    network that has one as its default keeps to the sizes around it whose products are rounded the same way.
    """
    if isinstance(size, int):
        return product(size, factor)
    if not math.isfinite(factor) or factor <= 0:
        return product(c.sizes.value(size), factor)
    p, q = written(factor).as_integer_ratio()
    default = c.sizes.value(size)
    if exact(factor):
        return size * p // q
    if default % q and q <= LONGEST:
        c.at_least(size % q, 1)
        return size * p // q

    def right(times: int) -> bool:
        return product(times * q, factor) == times * p

    times, rest = divmod(default, q)
    way = True if rest else right(times)
    low, high = times, times + 1
    while low > 0 and times - low < LONGEST and right(low) == way:
        low -= 1
    while high - times < LONGEST and right(high) == way:
        high += 1
    c.at_least(size, low * q + 1)
    c.at_least(high * q - 1, size)
    return (size * p if way else size * p - 1) // q


def product(size: int, factor: float) -> int:
    """torch's size of a known one; 0 where the factor is no number."""
    found = float(size) * factor
    return math.floor(found) if math.isfinite(found) else 0


def written(factor: float) -> Fraction:
    """The simplest fraction that is nearest to this double and to no other: of 0.29 it is 29/100, of 1/3 a third.

    Its denominator is at most about 2**26 (two fractions p/q lie at least 1/q**2 apart).
    """
    below, above = math.nextafter(factor, 0), math.nextafter(factor, math.inf)
    half = Fraction(factor) / 2
    return simplest(Fraction(below) / 2 + half, Fraction(above) / 2 + half)


def simplest(low: Fraction, high: Fraction) -> Fraction:
    """The fraction of the least denominator from `low` to `high` (Stern and Brocot)."""
    whole = math.ceil(low)
    if whole <= high:
        return Fraction(whole)
    return math.floor(low) + 1 / simplest(1 / (high - math.floor(low)), 1 / (low - math.floor(low)))


def exact(factor: float) -> bool:
    """Whether the rounded product has the floor of size * p / q for every size, p/q the factor as a fraction.

    No multiple of q: the floor's argument lies 1/q or more from a whole number, the rounding moves it by 2**-53 of
    itself (results up to 2**52 / q, above 2**26). A multiple, size = k * q: the product is k * p * (1 - e), where e is
    what the double lacks of p/q. It is rounded up to k * p if it lies within half a unit in the last place, which is
    at least 2**-54 of it; if the double exceeds p/q, e is negative and nothing is lost.
    """
    fraction = written(factor)
    return (fraction - Fraction(factor)) / fraction <= Fraction(1, 1 << 54)


def ratio(before: Size, after: Size) -> Fraction | None:
    """`after / before` where it is one number at every size: of open ones a whole number or 1 over one, up to 64."""
    if isinstance(before, int) and isinstance(after, int):
        return Fraction(after, before)
    for factor in range(1, 65):
        if before * factor == after:
            return Fraction(factor)
        if after * factor == before:
            return Fraction(1, factor)
    return None

"""Which places of an input a value really reads along an axis: the holes inside a receptive field.

A dilated or strided chain skips places inside its hull (gridding: Wang et al., Understanding Convolution for
Semantic Segmentation, arXiv:1702.08502). Sets of places are the bits of ints, so that a window is a few shifts. They
are exact away from the borders of every map on the way: what padding cuts off is not cut off here.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from math import gcd, lcm
from typing import TypeAlias

from dslc.record import frozen

PLACES = 1 << 16
"""Most places that a set may span."""

PHASES = 256
"""Most phases that are told apart."""

Comb: TypeAlias = tuple[int, int, int]
"""First place, number of places, distance of neighbours."""

Mask: TypeAlias = tuple[int, int]
"""First place, and a bit for it and each place after it; the lowest bit is set unless the set is empty, (0, 0)."""


@frozen
class Support:
    """The places read: of u = P*q + r, those of `masks[r]` moved by step*q, where P is the number of masks.

    P is 1 but after upsampling, transposed convolution and uneven bins, which read other places in each phase.
    """

    step: int = 1
    masks: tuple[Mask, ...] = ((0, 1),)

    def window(self, kernel: int, stride: int, padding: int, dilation: int) -> Support | None:
        """Place u reads u*s - p + j*d for j < k."""
        return self.resampled(1, stride, lambda _: (-padding, kernel, dilation))

    def transposed(self, kernel: int, stride: int, padding: int, dilation: int) -> Support | None:
        """Place u reads (u + p - j*d)/s for each j < k that divides."""

        def comb(u: int) -> Comb:
            # j moves by s / gcd(s, d) from one that divides to the next, which lies d / gcd(s, d) before it.
            common = gcd(stride, dilation)
            first = next((j for j in range(min(kernel, stride)) if (u + padding - j * dilation) % stride == 0), None)
            if first is None:
                return 0, 0, 1
            count = (kernel - 1 - first) * common // stride + 1
            apart = dilation // common
            return (u + padding - first * dilation) // stride - (count - 1) * apart, count, apart

        return self.resampled(stride, 1, comb)

    def resampled(self, out: int, source: int, reads: Callable[[int], Comb]) -> Support | None:
        """The support of a value whose place out*q + r reads source*q + reads(r) of this one's.

        None beyond the limits.
        """
        count = len(self.masks)
        turns = count // gcd(count, source)
        if out * turns > PHASES:
            return None
        masks = []
        for u in range(out * turns):
            q, r = divmod(u, out)
            first, number, apart = reads(r)
            mask = self.seen((first + q * source, number, apart))
            if mask is None:
                return None
            masks.append(mask)
        return Support(self.step * turns * source // count, tuple(masks)).shortest()

    def seen(self, places: Comb) -> Mask | None:
        """What several places of the value read together; none beyond the limits."""
        first, number, apart = places
        if number > PLACES:
            return None
        count = len(self.masks)
        if count == 1:
            start, bits = self.masks[0]
            if (number - 1) * apart * self.step + bits.bit_length() > PLACES:
                return None
            return start + first * self.step, repeated(bits, number, apart * self.step)
        found: Mask = (0, 0)
        for place in range(first, first + number * apart, apart):
            q, r = divmod(place, count)
            start, bits = self.masks[r]
            found = union(found, (start + q * self.step, bits))
            if found[1].bit_length() > PLACES:
                return None
        return found

    def shortest(self) -> Support:
        """The same sets in as few phases as tell them apart."""
        count = len(self.masks)
        for less in range(1, count):
            if count % less == 0 and self.step * less % count == 0:
                step = self.step * less // count
                if all(moved(self.masks[r % less], step * (r // less)) == mask for r, mask in enumerate(self.masks)):
                    return Support(step, self.masks[:less])
        return self

    def joined(self, other: Support) -> Support | None:
        """What either reads; none beyond the limits, or where strides differ."""
        count = lcm(len(self.masks), len(other.masks))
        step = self.step * (count // len(self.masks))
        if count > PHASES or other.step * (count // len(other.masks)) != step:
            return None
        masks = tuple(union(self.at(r), other.at(r)) for r in range(count))
        if any(bits.bit_length() > PLACES for _, bits in masks):
            return None
        return Support(step, masks).shortest()

    def at(self, u: int) -> Mask:
        """The places that place u reads."""
        q, r = divmod(u, len(self.masks))
        return moved(self.masks[r], q * self.step)

    @property
    def density(self) -> Fraction:
        """Places read over places between the first and the last that are read, over all phases; 1 has no holes."""
        read = sum(bits.bit_count() for _, bits in self.masks)
        spanned = sum(bits.bit_length() for _, bits in self.masks)
        return Fraction(read, spanned) if spanned else Fraction(1)


def moved(mask: Mask, by: int) -> Mask:
    """The set `by` places later."""
    return (mask[0] + by, mask[1]) if mask[1] else mask


def union(a: Mask, b: Mask) -> Mask:
    """The places of either set."""
    if not a[1] or not b[1]:
        return a if a[1] else b
    first = min(a[0], b[0])
    return first, a[1] << (a[0] - first) | b[1] << (b[0] - first)


def repeated(bits: int, number: int, apart: int) -> int:
    """The union of `number` copies, each `apart` later than the one before; in few steps for many copies."""
    found, have = bits, 1
    while have < number:
        more = min(have, number - have)
        found |= found << more * apart
        have += more
    return found if number else 0

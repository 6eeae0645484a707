"""Receptive field along one axis: how far a place of a value sees into an input, and the rules that move it.

A field is (S, L, H): output place u reads input places within S*u + L .. S*u + H; the input itself is (1, 0,
0). Windows: S' = s*S, L' = L - p*S, H' = H + ((k-1)*d - p)*S (Araujo, Norris and Sim, Computing Receptive
Fields of Convolutional Neural Networks, Distill 2019, which writes size, effective stride and effective
padding instead).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from fractions import Fraction
from math import gcd
from typing import TypeAlias

Number: TypeAlias = int | Fraction
"""Exact. Only upsampling makes fractions; everything before it stays with the much faster int."""


class Status(IntEnum):
    """How far the numbers of a field can be trusted, best first; where paths join, the worst holds."""

    EXACT = 0
    PHASE_DEPENDENT = 1  # the places read depend on u modulo a factor; the numbers are their hull
    PARTITIONED = 2  # places were regrouped (windows); the numbers are a hull
    GLOBAL = 3  # some path reads every place of the input; the numbers are those of the local paths
    UNKNOWN = 4  # some op on the way cannot say; the numbers leave it out

    @property
    def text(self) -> str:
        """As reports print it: `phase-dependent`."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, slots=True)
class Field:
    """The field of a value along one axis of one input, in places (pixels) of that input.

    `smallest` is the size of the smallest path's window; `first` and `last` are the least and the greatest L + H
    (twice the centre offset) over the paths; `cause` names what is behind a status that is not exact. `local` is false
    where every path sees everything: the numbers are then those of the map that was last seen in windows.
    """

    stride: Number = 1
    low: Number = 0
    high: Number = 0
    smallest: Number = 1
    first: Number = 0
    last: Number = 0
    status: Status = Status.EXACT
    cause: str = ""
    local: bool = True

    @property
    def size(self) -> Number:
        """Places read: H - L + 1."""
        return self.high - self.low + 1

    @property
    def padding(self) -> Number:
        """How far the first window begins before the input: -L."""
        return -self.low

    @property
    def centre(self) -> Fraction:
        """Where the middle of the window lies for place 0: (L + H)/2."""
        return Fraction(self.low + self.high) / 2

    @property
    def spread(self) -> Fraction:
        """How far the centres of the paths lie apart, in places: zero iff the branches are aligned."""
        return Fraction(self.last - self.first) / 2

    def read(self, before: Number, after: Number, step: Number) -> Field:
        """The field of a value whose place u reads this one's places u*step + before .. u*step + after."""
        stride = self.stride
        both = (before + after) * stride
        return Field(
            stride * step,
            self.low + before * stride,
            self.high + after * stride,
            self.smallest + (after - before) * stride,
            self.first + both,
            self.last + both,
            self.status,
            self.cause,
            self.local,
        )

    def marked(self, status: Status, cause: str) -> Field:
        """The same numbers, trusted at most as `status` says; the cause of the worst status is kept."""
        return self if status <= self.status else replace(self, status=status, cause=cause)

    def seen_whole(self, cause: str) -> Field:
        """The field after something that reads every place."""
        return replace(self.marked(Status.GLOBAL, cause), local=False)


def whole(number: Fraction) -> Number:
    """A fraction as an int where it is one."""
    return number.numerator if number.denominator == 1 else number


def window(field: Field, kernel: int, stride: int, padding: int, dilation: int) -> Field:
    """Convolution or pool: place u reads u*s - p .. u*s - p + (k-1)*d."""
    return field.read(-padding, (kernel - 1) * dilation - padding, stride)


def transposed(field: Field, kernel: int, stride: int, padding: int, dilation: int) -> Field:
    """Transposed convolution: S' = S/s, L' = L + S*(p - (k-1)*d)/s, H' = H + S*p/s; a hull over u mod s."""
    before = Fraction(padding - (kernel - 1) * dilation, stride)
    moved = field.read(whole(before), whole(Fraction(padding, stride)), whole(Fraction(1, stride)))
    return moved if stride == 1 else moved.marked(Status.PHASE_DEPENDENT, "transposed convolution")


def upsampled(field: Field, factor: float, nearest: bool) -> Field:
    """Upsampling by f: S' = S/f.

    Nearest: place u reads floor(u/f), so L' = L - S*(f-1)/f and H' = H. Linear: place u lies at (u + 1/2)/f -
    1/2 of the input and reads the neighbours on both sides, each less than one place away; for a whole f the
    farthest is (2f-1)/2f away if f is even and (f-1)/f if it is odd.
    """
    f = Fraction(factor).limit_denominator(1 << 16)
    step = 1 / f
    if f == 1:
        return field
    if nearest:
        moved = field.read(step - 1, 0, step)
    else:
        centre = (step - 1) / 2
        reach = Fraction(1) if f.denominator != 1 else 1 - step if f.numerator % 2 else 1 - step / 2
        moved = field.read(centre - reach, centre + reach, step)
    return moved.marked(Status.PHASE_DEPENDENT, "upsampling")


def binned(field: Field, source: int, target: int) -> Field:
    """Adaptive pooling of n places in m bins: place u reads floor(u*n/m) .. ceil((u+1)*n/m) - 1.

    Of a multiple it is an ordinary pool; else the hull over the remainders, which are multiples of gcd(n, m)/m.
    """
    step = Fraction(source, target)
    slack = 1 - Fraction(gcd(source, target), target)
    moved = field.read(whole(-slack), whole(step - 1 + slack), whole(step))
    return moved if not slack else moved.marked(Status.PHASE_DEPENDENT, "adaptive pooling")


def joined(a: Field, b: Field, op: str) -> Field:
    """Two paths into one value: the hull. Strides must agree, else the field is unknown: `stride-mismatch`.

    A path that only sees everything adds no window: of `x * gate` the numbers are those of x.
    """
    if a is b:
        return a
    status, cause = (a.status, a.cause) if a.status >= b.status else (b.status, b.cause)
    if a.local is not b.local:
        return replace(a if a.local else b, status=status, cause=cause)
    if a.stride != b.stride:
        if not a.local:
            return replace(a, status=status, cause=cause)
        return replace(a, status=Status.UNKNOWN, cause=f"stride-mismatch at `{op}`")
    return Field(
        a.stride,
        min(a.low, b.low),
        max(a.high, b.high),
        min(a.smallest, b.smallest),
        min(a.first, b.first),
        max(a.last, b.last),
        status,
        cause,
        a.local,
    )

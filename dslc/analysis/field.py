"""Receptive field along one axis: how far a place of a value sees into an input, and the rules that move it.

A field is (S, L, H): output place u reads input places within S*u + L .. S*u + H; the input itself is (1, 0,
0). Windows: S' = s*S, L' = L - p*S, H' = H + ((k-1)*d - p)*S (Araujo, Norris and Sim, Computing Receptive
Fields of Convolutional Neural Networks, Distill 2019, which writes size, effective stride and effective
padding instead).
"""

from __future__ import annotations

from enum import IntEnum
from fractions import Fraction
from math import ceil, floor, gcd
from typing import TypeAlias

from dslc.analysis.support import Comb, Support
from dslc.record import frozen, replace

Number: TypeAlias = int | Fraction
"""Exact. Only upsampling makes fractions; everything before it stays with the much faster int."""

FACTORS = 1 << 12
"""Most phases of an upsampling that are looked at one by one; beyond it the hull is stated a place wider."""


class Status(IntEnum):
    """How far the numbers of a field can be trusted, best first; where paths join, the worst holds."""

    EXACT = 0
    UNALIGNED = 1  # the hull is exact, but the windows of the paths have different centres
    PHASE_DEPENDENT = 2  # the places read depend on u modulo a factor; the numbers are their hull
    PARTITIONED = 3  # places were regrouped; the numbers are a hull (at the edges of a roll, of what does not wrap)
    GLOBAL = 4  # some path reads every place of the input; the numbers are those of the local paths
    UNKNOWN = 5  # some op on the way cannot say; the numbers leave it out

    @property
    def text(self) -> str:
        """As reports print it: `phase-dependent`."""
        return self.name.lower().replace("_", "-")


@frozen
class Field:
    """The field of a value along one axis of one input, in places (pixels) of that input.

    `smallest` is the size of the smallest path's window; `first` and `last` are the least and the greatest L + H
    (twice the centre offset) over the paths; `cause` names what is behind a status that is not exact. `local` is false
    where every path sees everything: the numbers are then those of the map that was last seen in windows. `sized`:
    low, high and what follows from them hold at the sizes asked for; at others TensorFlow's SAME pads otherwise.
    `support`: the places read, where they were asked for (`density`).
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
    sized: bool = False
    support: Support | None = None

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

    @property
    def verdict(self) -> str:
        """The status with what a reader needs beside it: `unaligned by 1/2 px`, `unknown(sort)`."""
        if self.status is Status.UNALIGNED:
            return f"unaligned by {self.spread} px"
        return f"unknown({self.cause})" if self.status is Status.UNKNOWN else self.status.text

    def read(self, before: Number, after: Number, step: Number, support: Support | None = None) -> Field:
        """The field of a value whose place u reads this one's places u*step + before .. u*step + after.

        `support` is what it reads of the input, if this one's is known.
        """
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
            self.sized,
            support,
        )

    def shifted(self, offset: int, step: int = 1) -> Field:
        """The field of a value whose place u is this one's place u*step + offset."""
        return self.read(offset, offset, step, self.support and self.support.window(1, step, -offset, 1))

    def marked(self, status: Status, cause: str) -> Field:
        """The same numbers, trusted at most as `status` says; the cause of the worst status is kept.

        Where every path sees everything, nothing that follows makes that less certain.
        """
        return self if status <= self.status or not self.local else replace(self, status=status, cause=cause)

    def seen_whole(self, cause: str) -> Field:
        """The field after something that reads every place."""
        return replace(self.marked(Status.GLOBAL, cause), local=False)


def whole(number: Fraction) -> Number:
    """A fraction as an int where it is one."""
    return number.numerator if number.denominator == 1 else number


def window(field: Field, kernel: int, stride: int, padding: int, dilation: int) -> Field:
    """Convolution or pool: place u reads u*s - p .. u*s - p + (k-1)*d."""
    support = field.support and field.support.window(kernel, stride, padding, dilation)
    return field.read(-padding, (kernel - 1) * dilation - padding, stride, support)


def transposed(field: Field, kernel: int, stride: int, padding: int, dilation: int) -> Field:
    """Transposed convolution: S' = S/s, L' = L + S*(p - (k-1)*d)/s, H' = H + S*p/s; a hull over u mod s."""
    before = Fraction(padding - (kernel - 1) * dilation, stride)
    support = field.support and field.support.transposed(kernel, stride, padding, dilation)
    moved = field.read(whole(before), whole(Fraction(padding, stride)), whole(Fraction(1, stride)), support)
    return moved if stride == 1 else moved.marked(Status.PHASE_DEPENDENT, "transposed convolution")


def upsampled(field: Field, factor: float, nearest: bool, kind: str = "") -> Field:
    """Upsampling by f: S' = S/f. `nearest` and `kind` as in `base.Upsample`.

    nearest: place u reads floor(u/f), so L' = L - S*(f-1)/f and H' = H for a whole f; exact: floor((u + 1/2)/f).
    Linear: place u lies at x = (u + 1/2)/f - 1/2 of the input and reads floor(x) and ceil(x), cubic one more on both
    sides. With corners x is u*(n-1)/(m-1), between u/f and u/f + 1/f - 1; all that is said then is that what is read
    lies less than one place away, of cubic two. Wide (antialiased) kernels have this reach times the step, if above 1.
    """
    f = Fraction(factor).limit_denominator(1 << 16)
    if f == 1:
        return field
    step = 1 / f
    support: Support | None = None
    if "corners" in kind or f.numerator > FACTORS:
        apart = 2 if "cubic" in kind else 1
        before, after = min(step - 1, Fraction(0)) - apart, max(step - 1, Fraction(0)) + apart
    else:
        rows = [places(u, step, nearest, kind) for u in range(f.numerator)]
        before = min(first - u * step for u, (first, _, _) in enumerate(rows))
        after = max(first + number - 1 - u * step for u, (first, number, _) in enumerate(rows))
        if kind != "cubic wide":  # it has zeros inside
            support = field.support and field.support.resampled(f.numerator, f.denominator, rows.__getitem__)
    moved = field.read(whole(before), whole(after), whole(step), support)
    return moved.marked(Status.PHASE_DEPENDENT, "upsampling")


def places(u: int, step: Fraction, nearest: bool, kind: str) -> Comb:
    """The places that place u of a map upsampled by 1/step reads."""
    if nearest:
        return floor((u + Fraction(kind == "exact", 2)) * step), 1, 1
    x = (2 * u + 1) * step / 2 - Fraction(1, 2)
    if "wide" in kind:
        reach = max(step, Fraction(1)) * (2 if "cubic" in kind else 1)
        first = floor(x - reach) + 1
        return first, ceil(x + reach) - first, 1
    if x.denominator == 1:
        return int(x), 1, 1
    return (floor(x) - 1, 4, 1) if kind == "cubic" else (floor(x), 2, 1)


def binned(field: Field, source: int, target: int) -> Field:
    """Adaptive pooling of n places in m bins: place u reads floor(u*n/m) .. ceil((u+1)*n/m) - 1.

    Of a multiple it is an ordinary pool; else the hull over the remainders, which are multiples of gcd(n, m)/m.
    """
    common = gcd(source, target)
    step = Fraction(source, target)
    slack = 1 - Fraction(common, target)

    def bin(u: int) -> Comb:
        first = u * source // target
        return first, -(-(u + 1) * source // target) - first, 1

    support = field.support and field.support.resampled(target // common, source // common, bin)
    moved = field.read(whole(-slack), whole(step - 1 + slack), whole(step), support)
    return moved if not slack else moved.marked(Status.PHASE_DEPENDENT, "adaptive pooling")


def joined(a: Field, b: Field, op: str) -> Field:
    """Two paths into one value: the hull. Strides must agree, else the field is unknown: `stride-mismatch`.

    A path that only sees everything adds no window: of `x * gate` the numbers are those of x.
    """
    if a is b:
        return a
    status, cause = (a.status, a.cause) if a.status >= b.status else (b.status, b.cause)
    sized = a.sized or b.sized
    if a.local is not b.local:
        return replace(a if a.local else b, status=status, cause=cause, sized=sized)
    if a.stride != b.stride:
        if not a.local:
            return replace(a, status=status, cause=cause, sized=sized)
        return replace(a, status=Status.UNKNOWN, cause=f"stride-mismatch at `{op}`", sized=sized, support=None)
    first, last = min(a.first, b.first), max(a.last, b.last)
    if first != last and status is Status.EXACT:
        status, cause = Status.UNALIGNED, f"the paths into `{op}`"
    return Field(
        a.stride,
        min(a.low, b.low),
        max(a.high, b.high),
        min(a.smallest, b.smallest),
        first,
        last,
        status,
        cause,
        a.local,
        sized,
        a.support and b.support and a.support.joined(b.support),
    )

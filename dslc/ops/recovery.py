"""What is known of an op's results where a mistake keeps `infer` from saying: what follows is checked all the same.

Nothing here is a guess: a size, a rank or an element type is stated only where mending the mistake cannot change it, so
that no mistake is reported that is only the consequence of another.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from dslc.record import replace
from dslc.types.dim import UNKNOWN, Size
from dslc.types.tensor import DType, TensorType

MOST_PARTS = 64
"""Results of an op that are recovered; of more, nothing is."""

Known: TypeAlias = Sequence[TensorType | None]
"""The types of the inputs, none for one of which nothing is known."""


class Recovers:
    """The default: one result of the first input's rank and element type.

    In `recover`, an attribute that is not known is UNKNOWN, and so may sizes of the inputs be.
    """

    def check(self) -> None:
        """A Reject of attributes that do not go together, whatever the inputs are: asked where those are not known."""

    def recover(self, ins: Known) -> tuple[TensorType, ...]:
        """What is known of the results; empty: nothing, not even how many there are."""
        return (resized(ins[0]),) if ins and ins[0] is not None else ()


class RecoversNothing(Recovers):
    """Of an op whose rank, element type or number of results is what the mistake may be about."""

    def recover(self, ins: Known) -> tuple[TensorType, ...]:
        return ()


class RecoversSame(Recovers):
    """Of an op whose result has its input's type, whatever its attributes are."""

    def recover(self, ins: Known) -> tuple[TensorType, ...]:
        return (ins[0],) if ins and ins[0] is not None else ()


class RecoversMap(Recovers):
    """Of a layer that works on the places of a map, whose channels stay."""

    def recover(self, ins: Known) -> tuple[TensorType, ...]:
        x = ins[0] if ins else None
        if x is None:
            return ()
        return (resized(x) if x.channel is None else resized(x, x.channel, x.dims[x.channel]),)


class RecoversChannels(Recovers):
    """Of a layer that makes `out` channels of a map."""

    out: int

    def recover(self, ins: Known) -> tuple[TensorType, ...]:
        x = ins[0] if ins else None
        return () if x is None else (resized(x, 1, self.out).with_channel(1),)


class RecoversFeatures(Recovers):
    """Of a layer that makes a last axis of `out` features, and leaves the others of all but a map."""

    out: int

    def recover(self, ins: Known) -> tuple[TensorType, ...]:
        x = ins[0] if ins else None
        if x is None:
            return ()
        if x.channel in (None, x.rank - 1):
            kept = replace(x, dims=(*x.dims[:-1], self.out), words=(), split=())
            return (kept.with_channel(-1),)
        return (resized(x, -1, self.out).with_channel(-1),)


class RecoversJoined(Recovers):
    """Of an op all of whose inputs have one rank, which is the result's: one that is known tells it."""

    def recover(self, ins: Known) -> tuple[TensorType, ...]:
        return joined(ins)


def known(value: object) -> bool:
    """Whether an attribute could be read."""
    return value is not UNKNOWN


def joined(ins: Known) -> tuple[TensorType, ...]:
    """What one of several tensors of one rank tells of what they make; empty where none tells anything.

    Joined with floats, whatever is not known gives floats; an operand of rank 1 or less may be one that is repeated.
    """
    x = next((x for x in ins if x is not None and x.dtype.is_float and x.rank > 1), None)
    return () if x is None else (replace(resized(x), channel=None, split=()),)


def rows(ins: Known, width: Size, dtype: DType) -> tuple[TensorType, ...]:
    """Of an op that puts a row of `width` numbers in place of each integer."""
    x = ins[0] if ins else None
    return () if x is None else (TensorType((*x.dims, width), dtype, x.rank),)


def reduced(ins: Known, axes: object, keep: object) -> tuple[TensorType, ...]:
    """Of an op that reduces axes, and keeps them with size 1 or not."""
    x = ins[0]
    numbers = (axes,) if isinstance(axes, int) else axes
    if x is None or not isinstance(keep, bool) or not isinstance(numbers, tuple):
        return ()
    if keep:
        return (resized(x),)
    rank = x.rank - len(set(numbers))
    return (TensorType((UNKNOWN,) * rank, x.dtype),) if rank >= 0 else ()


def merged_axes(ins: Known, start: object, end: object) -> tuple[TensorType, ...]:
    """Of an op that makes one axis of those from `start` to `end`."""
    x = ins[0]
    if x is None or not isinstance(start, int) or not isinstance(end, int):
        return ()
    first, last = start % x.rank, end % x.rank
    if first > last:
        return ()
    channel = first if x.channel is not None and first <= x.channel <= last else None
    return (TensorType((UNKNOWN,) * (x.rank - last + first), x.dtype, channel),)


def resized(x: TensorType, axis: int | None = None, size: Size = UNKNOWN) -> TensorType:
    """A type of the same rank whose sizes are not known, but for that of one axis."""
    dims: list[Size] = [UNKNOWN] * x.rank
    if axis is not None:
        dims[axis] = size
    return replace(x, dims=tuple(dims), words=())

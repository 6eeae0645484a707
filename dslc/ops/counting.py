"""What ops say of their arithmetic beside multiply-adds, of the memory they write, and of what training keeps.

Each rule is stated by inheriting a class from here or by writing it out; no op inherits an answer it did not choose.
Sizes are elements for one whole batch, as the types give them; bytes follow from the element type.
"""

from __future__ import annotations

from enum import Enum

from dslc.ops.base import Types, Work
from dslc.ops.signals import Keeps, Signal
from dslc.record import frozen
from dslc.types.dim import Size
from dslc.types.tensor import DType


class Kind(Enum):
    """Where an op's result lies in memory.

    A runtime for inference copies a strided view; PyTorch's autograd keeps the tensor it looks into. The distinction
    matters to nothing else.
    """

    FRESH = "fresh"  # a buffer of its own, while the inputs still live
    IN_PLACE = "in place"  # over an input of as many bytes that has no later reader, else a buffer of its own
    SAME = "same"  # the input's own bytes in the same order: reshape, flatten, identity, dropout at inference
    STRIDED = "strided"  # the input's bytes in another order or a part of them: transpose, slice, expand


@frozen
class Held:
    """A tensor that is neither an input nor a result: `count` times the product of `sizes` elements of `dtype`."""

    count: int
    sizes: tuple[Size, ...] = ()
    dtype: DType = DType.FLOAT


@frozen
class Storage:
    """Where the result lies, and what the op holds besides while it runs (attention's scores, an LSTM's gates)."""

    kind: Kind
    scratch: tuple[Held, ...] = ()


@frozen
class Saved:
    """What PyTorch keeps from the forward to the backward pass: inputs and outputs by index, and other tensors.

    An input that is a weight is kept anyway and counts nowhere; one tensor kept by several ops counts once.
    """

    inputs: tuple[int, ...] = ()
    outputs: tuple[int, ...] = ()
    extra: tuple[Held, ...] = ()


FRESH, IN_PLACE, SAME, STRIDED = (Storage(kind) for kind in Kind)
NOTHING, INPUT, OUTPUT = Saved(), Saved(inputs=(0,)), Saved(outputs=(0,))


# ---- floating-point operations beside two per multiply-add


class NoFlops:
    """Rule of an op that computes nothing: it moves, selects or compares nothing but positions."""

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return ()


class Moves(NoFlops):
    """Rule of an op whose result holds values of its inputs, and constants: it copies, selects and rearranges."""

    def signal(self, ins: Types, outs: Types) -> Signal:
        return Keeps()


class FlopPerElement:
    """Rule of an op with one operation for each element of its result."""

    def flops(self, ins: Types, outs: Types) -> tuple[Work, ...]:
        return (Work(1, outs[0].dims),)


# ---- where the result lies


class Fresh:
    """Rule of an op whose result is a buffer of its own."""

    def storage(self, ins: Types, outs: Types) -> Storage:
        return FRESH


class InPlace:
    """Rule of an op that computes each element from the same element of its inputs, so that it may overwrite one."""

    def storage(self, ins: Types, outs: Types) -> Storage:
        return IN_PLACE


class Same:
    """Rule of an op whose result is its input's bytes."""

    def storage(self, ins: Types, outs: Types) -> Storage:
        return SAME


# ---- what training keeps


class SavesNothing:
    """Rule of an op whose gradient needs no tensor: sums, moves, views."""

    def saved(self, ins: Types, outs: Types) -> Saved:
        return NOTHING


class SavesInput:
    """Rule of an op whose gradient needs its first input."""

    def saved(self, ins: Types, outs: Types) -> Saved:
        return INPUT


class SavesOutput:
    """Rule of an op whose gradient needs its result."""

    def saved(self, ins: Types, outs: Types) -> Saved:
        return OUTPUT

"""Which axis an op works on, where its attribute may leave it to the channels: one rule for types, torch and ONNX."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.diagnostics.model import Reject
from dslc.ops.base import Pointwise, Reach
from dslc.ops.errors import WrongChannelAxis
from dslc.ops.errors_axis import NoChannelAxis
from dslc.ops.layout import axes_of, axis_of
from dslc.ops.torchtext import TorchContext
from dslc.types.const import Const
from dslc.types.dim import UNKNOWN, Unknown
from dslc.types.tensor import TensorType


def channel_axis(op: str, x: TensorType, axis: int | None) -> int:
    """The axis written, counted from 0; none: that of the channels, the last of a tensor of rank 2.

    A Reject where the tensor has no such axis, or no settled axis of channels.
    """
    if axis is not None:
        return axis_of(op, axis, x)
    if x.channel is not None:
        return x.channel % x.rank
    if x.rank <= 2:
        return x.rank - 1
    raise unsettled(NoChannelAxis(op, x))


def unsettled(mistake: NoChannelAxis) -> Exception:
    """A Reject that asks for the channel axis; Unknown of a tensor whose channels a mistake before keeps unknown."""
    return Unknown() if UNKNOWN in mistake.type.dims else Reject(mistake)


def check_map(op: str, x: TensorType, axis: bool = False) -> None:
    """A Reject unless a tensor is a map: its channels on axis 1, or not known and of rank 4 or more.

    `axis`: whether the op takes an axis, which says the same.
    """
    if x.channel is None and x.rank == 3:
        raise unsettled(NoChannelAxis(op, x, "places" if axis else "map", axis))
    if x.rank > 2 and x.channel not in (None, 1):
        raise Reject(WrongChannelAxis(op, "x", x, 1))


def place_axes(op: str, x: TensorType, axis: int | tuple[int, ...] | None) -> tuple[int, ...]:
    """The axes of places that an op works on: those written, in their order, else all but batch and channels.

    A Reject where the tensor lacks one, or where of three axes it is not known which holds the channels.
    """
    if axis is not None:
        return axes_of(op, axis, x)
    if x.channel is None and x.rank == 3:
        raise unsettled(NoChannelAxis(op, x, "places"))
    return tuple(a for a in range(1, x.rank) if a != (1 if x.channel is None else x.channel))


def joined_axis(op: str, xs: Sequence[TensorType], axis: int | None) -> int:
    """`channel_axis` of tensors that meet: that of the first whose channels are known, else of the first."""
    return channel_axis(op, next((x for x in xs if x.channel is not None), xs[0]), axis)


def axis_slot(t: TorchContext, op: str, axis: int | None, last: bool = False) -> Const:
    """torch's `dim`: the attribute `axis` as written, else the number of `joined_axis`; `last`: the last one is -1."""
    if axis is not None:
        return t.attr("axis")
    found = joined_axis(op, t.ins, None)
    return t.const(-1 if last and found == t.ins[0].rank - 1 else found)


def along(axis: int, x: TensorType, otherwise: Reach) -> Reach:
    """The reach of an op that relates values along an axis: each place alone where that holds the channels."""
    known = x.channel is not None or x.split
    return Pointwise() if (x.holds_channels(axis) if known else axis == x.rank - 1) else otherwise

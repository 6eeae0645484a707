"""Which axis an op works on, where its attribute may leave it to the channels."""

from __future__ import annotations

from dslc.diagnostics.model import Reject
from dslc.ops.base import Pointwise, Reach
from dslc.ops.errors_tensor import NoChannelAxis, NoSuchAxis
from dslc.types.tensor import TensorType


def channel_axis(op: str, x: TensorType, axis: int | None) -> int:
    """The axis written, counted from 0; none: that of the channels, the last of a tensor of rank 2.

    A Reject where the tensor has no such axis, or no settled axis of channels.
    """
    if axis is not None:
        if not -x.rank <= axis < x.rank:
            raise Reject(NoSuchAxis(op, axis, str(x), x.rank), at="axis")
        return axis % x.rank
    if x.channel is not None:
        return x.channel % x.rank
    if x.rank <= 2:
        return x.rank - 1
    raise Reject(NoChannelAxis(op, str(x)))


def along(axis: int, x: TensorType, otherwise: Reach) -> Reach:
    """The reach of an op that relates values along an axis: each place alone where that holds the channels."""
    return Pointwise() if axis == (x.rank - 1 if x.channel is None else x.channel % x.rank) else otherwise

"""Places added in ONNX: one way of writing Pad, for every op that needs it."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.ops.base import Graph
from dslc.types.dim import Size


def added(g: Graph, x: str, pads: Sequence[tuple[Size, Size]], value: str | None = None, mode: str = "constant") -> str:
    """`x` with (before, after) places added along every one of its axes; `value` is a scalar tensor, else zero."""
    amounts = [before for before, _ in pads] + [after for _, after in pads]
    return pad_node(g, x, g.extents(amounts, x), len(pads), value, mode)


def pad_node(g: Graph, x: str, amounts: str, rank: int, value: str | None, mode: str = "constant") -> str:
    """The node for a vector of amounts: those before each axis, then those after.

    All axes are named, in their order. Without the input `axes` onnxruntime 1.30 moves zeros into a pool that follows,
    where they never win, or are more than a pool may have (core/optimizer/pad_fusion.cc). With fewer of them it errs
    where it moves a Transpose over a Pad: it permutes the amounts as if there were one for each axis.
    """
    return str(g.op("Pad", [x, amounts, value, g.ints(range(rank))], mode=mode))

"""Which channels of a value are read: slices, places and pieces of it, all together."""

from __future__ import annotations

from collections.abc import Iterable

from dslc.ir.model import Value
from dslc.ir.walk import Step
from dslc.lints.network import Network, op_of
from dslc.ops.axes import channel_axis
from dslc.ops.index import Index
from dslc.ops.shape import Chunk, Split, Unbind
from dslc.types.const import Const
from dslc.types.dim import Dim


def unread(net: Network, value: Value, axis: int) -> list[int]:
    """The places along an axis, its channels say, that nothing reads; empty where it is not certain."""
    readers = net.readers(value)
    size = net.shape(value)[axis]
    if not readers or value in net.results:
        return []
    found: set[int] = set()
    for step in readers:
        read = _read(net, step, value, axis, size)
        if read is None:
            return []
        found.update(read)
    return [place for place in range(size) if place not in found]


def _read(net: Network, step: Step, value: Value, axis: int, size: int) -> Iterable[int] | None:
    """The places that a step reads; none: all of them, or those of another axis."""
    op = op_of(step)
    if step.inputs.count(value) != 1 or step.inputs[0] is not value or value in step.tied.values():
        return None
    if isinstance(op, Index):
        entry = next((e for e in op.entries(value.type) if e.axis == axis), None)
        if entry is None or entry.tensor is not None:
            return None
        if entry.place is not None:
            place = _number(net, entry.place)
            return None if place is None else [place % size]
        bounds = [None if bound is None else _number(net, bound) for bound in entry.bounds]
        if any(bound is not None and number is None for bound, number in zip(entry.bounds, bounds, strict=True)):
            return None
        return range(*slice(*bounds).indices(size))
    if not isinstance(op, Split | Chunk | Unbind):
        return None
    if (
        channel_axis(op.name, value.type, op.axis) if not isinstance(op, Unbind) else op.axis % value.type.rank
    ) != axis:
        return None
    sizes = [1] * size if isinstance(op, Unbind) else [net.shape(out)[axis] for out in step.outs]
    found: list[int] = []
    start = 0
    for out, count in zip(step.outs, sizes, strict=True):
        if net.readers(out) or out in net.results:
            found += range(start, start + count)
        start += count
    return found


def _number(net: Network, bound: Const) -> int | None:
    value = bound.value
    return net.size(value) if isinstance(value, int | Dim) else None


def ranges(places: list[int]) -> str:
    """Places in words: `1 to 2`, `3`."""
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] == place - 1:
            runs[-1][1:] = [place]
        else:
            runs.append([place])
    return ", ".join(" to ".join(map(str, run)) for run in runs[:4]) + (", .." if len(runs) > 4 else "")

"""Convolutions and pools as rules see them: what their windows read of a map at the default sizes, axis by axis."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, prod
from typing import Final

from dslc.diagnostics.model import Applicability, Edit, Help
from dslc.ir.model import Node, Value
from dslc.ir.walk import Step
from dslc.lints.network import Network, op_of
from dslc.ops.base import Op
from dslc.ops.borders import Pad
from dslc.ops.convolution import Conv
from dslc.ops.pool import AvgPool, LpPool, MaxPool
from dslc.record import frozen
from dslc.source import Span
from dslc.syntax import tree
from dslc.types.dim import evaluate

POOLS: Final[tuple[type[Op], ...]] = (MaxPool, AvgPool, LpPool)
"""Pools with windows."""

LARGE = 1 << 12
"""Places of a map whose size is open: so many that no window is too large for it."""


@frozen
class Side:
    """Windows along one axis of a map of `size` places: `out` of them, the first `before` places before the map."""

    kernel: int
    stride: int
    dilation: int
    before: int
    after: int
    size: int
    out: int

    @property
    def reach(self) -> int:
        """Places from the first to the last that a window reads."""
        return self.dilation * (self.kernel - 1)

    @property
    def causal(self) -> bool:
        """Whether a window ends at its own place: all padding is before."""
        return self.before == self.reach > 0 and self.after == 0

    @property
    def residues(self) -> frozenset[int]:
        """The places that are read, modulo the stride."""
        return frozenset((j * self.dilation - self.before) % self.stride for j in range(min(self.kernel, self.stride)))

    @property
    def taps(self) -> int:
        """Weights of the kernel that ever meet the map."""
        return sum(self._meets(j * self.dilation - self.before) for j in range(self.kernel))

    def _meets(self, first: int) -> bool:
        """Whether a weight meets the map that reads `first` in window 0, and a stride further in each one more."""
        nearest = first if first >= 0 else first + self.stride * ceil(-first / self.stride)
        return nearest < self.size and nearest <= first + (self.out - 1) * self.stride

    @property
    def inside(self) -> int:
        """Reads of the map by all windows together; the others meet padding."""
        starts = range(-self.before, -self.before + self.out * self.stride, self.stride)
        return sum(self._within(start) for start in starts)

    def _within(self, start: int) -> int:
        first = max(0, ceil(-start / self.dilation))
        last = min(self.kernel - 1, (self.size - 1 - start) // self.dilation)
        return max(0, last - first + 1)

    @property
    def outside(self) -> int:
        """Windows that read padding alone."""
        before = max(0, ceil((self.before - self.reach) / self.stride))
        after = max(0, self.out - 1 - (self.size - 1 + self.before) // self.stride)
        return min(self.out, before + after)


def sides(net: Network, step: Step) -> tuple[Side, ...]:
    """The windows of a convolution or pool, per spatial axis; none of other layers."""
    op = op_of(step)
    if not isinstance(op, Conv | MaxPool | AvgPool | LpPool):
        return ()
    found = net.windows.get(step)
    if found is None:
        windows, sizes = op.windows(step.inputs[0].type), places(net, step.inputs[0])
        outs, pads = places(net, step.outs[0]), windows.pads(sizes)
        axes = zip(windows.kernel, windows.stride, windows.dilation, pads, sizes, outs, strict=True)
        found = tuple(Side(k, s, d, before, after, size, out) for k, s, d, (before, after), size, out in axes)
        net.windows[step] = found
    return found


def places(net: Network, value: Value) -> tuple[int, ...]:
    """The sizes of a map; where an input's are open, those of a large one."""
    if not net.open:
        return net.shape(value)[2:]
    at = {**net.model.sizes.default, **dict.fromkeys(net.open, LARGE)}
    return tuple(evaluate(size, at) for size in value.type.dims[2:])


def padded_sides(net: Network, step: Step) -> tuple[tuple[Side, ...], Step | None]:
    """The windows of a layer; zeros that a `pad` right before it adds count as its own padding. And that `pad`."""
    found, before = sides(net, step), net.before(step)
    op = None if before is None else op_of(before)
    if before is None or not isinstance(op, Pad) or op.mode != "constant" or op.value != 0 or not found:
        return found, None
    pairs, sizes = op.pairs(before.inputs[0].type), places(net, before.inputs[0])
    if net.next(before) is not step or not all(axis > 1 for axis in pairs):
        return found, None
    added = [tuple(map(net.size, pairs.get(axis, (0, 0)))) for axis in range(2, 2 + len(found))]
    joined = tuple(
        Side(s.kernel, s.stride, s.dilation, s.before + a, s.after + b, size, s.out)
        for s, (a, b), size in zip(found, added, sizes, strict=True)
    )
    return joined, before


def looks_back(net: Network, side: Side) -> bool:
    """Whether windows end at their own place on purpose: causal padding, of a network whose results have places."""
    return side.causal and all(value.type.rank > 2 for value in net.results)


def zeros(step: Step) -> bool:
    """Whether what a layer adds around a map are zeros."""
    return getattr(op_of(step), "padding_mode", "zeros") == "zeros"


def sized(numbers: Sequence[int]) -> str:
    """Sizes along the axes of a map: `3`, `3x3`."""
    return "x".join(map(str, numbers))


def share(parts: Sequence[tuple[int, int]]) -> float:
    """The product of fractions."""
    return prod(a / b for a, b in parts)


def written(step: Step, name: str) -> Span | None:
    """Where an argument is written in a layer's own text; none where its value comes from elsewhere."""
    word = step.node.consts.get(name) if isinstance(step.node, Node) else None
    if word is None or word.origin is None:
        return None
    span, own = word.span, step.node.span
    within = span.source is own.source and own.start < span.start and span.end <= own.end
    return span if within else None


def number(step: Step, name: str) -> Span | None:
    """Where an argument is written as a number, which an edit may replace."""
    word = step.node.consts.get(name) if isinstance(step.node, Node) else None
    literal = word is not None and isinstance(word.origin, tree.Number | tree.SizeLiteral)
    return written(step, name) if literal else None


def numbers_set(step: Step, words: str, **values: int | str) -> Help:
    """A proposal to give other numbers; an edit where all of them are written as numbers."""
    spans = {name: number(step, name) for name in values}
    edits = tuple(Edit(span, str(values[name])) for name, span in spans.items() if span is not None)
    whole = len(edits) == len(values)
    return Help(words, edits=edits if whole else (), applicability=Applicability.MAYBE)

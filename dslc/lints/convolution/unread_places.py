"""Windows that step over places of a map."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import lcm, prod

from dslc.diagnostics.model import Diagnostic, Help
from dslc.ir.model import Value
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.lints.windows import Side, numbers_set, sides, sized, written
from dslc.ops.convolution import Conv

MOST = 1 << 12
"""Places of a pattern that are looked at one by one."""


class UnreadPlaces(Lint, code="W1301", name="unread-places"):
    """A kernel is smaller than its stride, so that some places of the map are never read.

    With kernel k and stride s a window reads k of every s places along an axis: of a 2x2 kernel at stride 4 a quarter
    of the map reaches the next layer, of a 1x1 kernel at stride 2 as well. What the layers before computed at the other
    places is thrown away, with its gradient; ResNet-B moved the stride of the bottleneck to its 3x3 kernel for this
    reason (He et al. 2019, Bag of Tricks for Image Classification, section 4.2). Take a kernel at least as large as
    the stride, or a pool before.

    Where several layers read a map, what none of them reads counts: a strided 1x1 shortcut beside a path that reads all
    is not spoken of.

    ```dl fails
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> conv(32, 2, s=4, p=valid) -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> conv(32, 4, s=4, p=valid) -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1302.
    """

    layer: str
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    read: Fraction
    readers: int

    @property
    def message(self) -> str:
        windows = f"`{self.layer}` with kernel {sized(self.kernel)} and stride {sized(self.stride)}"
        return f"{windows} never reads {lost(self.read)} of its input"

    @property
    def label(self) -> str:
        others = self.readers - 1
        return f"nor {'does' if others == 1 else 'do'} the {others} other reader{'s' * (others > 1)}" if others else ""

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step, windows, read, readers in gaps(net):
            op = op_of(step)
            if op is not None and any(side.kernel > 1 for side in windows):
                stride = tuple(side.stride for side in windows)
                mistake = cls(op.name, tuple(s.kernel for s in windows), stride, read, readers)
                yield net.at(mistake, step, written(step, "k"), help=larger(step, windows))


def lost(read: Fraction) -> str:
    """The part that is not read, in words: `3 of 4 places`."""
    rest = 1 - read
    if rest.denominator <= 64:
        return f"{rest.numerator} of {rest.denominator} places"
    return f"{float(rest):.0%} of the places"


def larger(step: Step, windows: tuple[Side, ...]) -> tuple[Help, ...]:
    """A kernel that covers the stride."""
    stride = windows[0].stride
    if any((s.stride, s.dilation) != (stride, 1) for s in windows):
        return ()
    half = isinstance(op_of(step), Conv) and written(step, "p") is None
    kernel = stride + 1 - stride % 2 if half else stride
    return (numbers_set(step, f"a kernel of {kernel} reads all of it", k=kernel),)


def gaps(net: Network) -> Iterator[tuple[Step, tuple[Side, ...], Fraction, int]]:
    """Layers whose windows skip places that no other reader of the map reads: with the part of the map that is read,
    and how many read it. A layer whose map is no longer than its windows skips nothing of note.
    """
    told: set[Value] = set()
    for step in net.steps:
        windows = skipping(net, step)
        value = step.inputs[0] if step.inputs else None
        if not windows or value is None or value in told or value in net.results:
            continue
        told.add(value)
        readers = [(reader, skipping(net, reader)) for reader in net.readers(value)]
        if all(windows for _, windows in readers):
            read = union([windows for _, windows in readers])
            if read < 1:
                yield step, windows, read, len(readers)


def skipping(net: Network, step: Step) -> tuple[Side, ...]:
    """The windows of a layer that skips places; none of one that reads all."""
    stride = getattr(op_of(step), "s", 1)
    if stride == 1:
        return ()
    windows = sides(net, step)
    return windows if any(s.stride > 1 and len(s.residues) < s.stride < s.size for s in windows) else ()


def union(readers: list[tuple[Side, ...]]) -> Fraction:
    """The part of a map that windows of several readers read together, away from its borders."""
    period = tuple(lcm(*(windows[axis].stride for windows in readers)) for axis in range(len(readers[0])))
    if len(readers) == 1 or prod(period) > MOST:
        return max(prod((Fraction(len(s.residues), s.stride) for s in w), start=Fraction(1)) for w in readers)
    found: set[tuple[int, ...]] = set()
    for windows in readers:
        axes = [
            [p for p in range(n) if p % side.stride in side.residues] for n, side in zip(period, windows, strict=True)
        ]
        found.update(product(*axes))
    return Fraction(len(found), prod(period))

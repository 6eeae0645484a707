"""Classifiers whose last map sees a small part of the input."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dslc.analysis.field import Field, Number, Status
from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Value
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.kinds import ACTIVATIONS, MOVES, NORMS, QUIET
from dslc.lints.network import Network, op_of
from dslc.lints.windows import POOLS, sides
from dslc.ops.convolution import Conv
from dslc.ops.gating import LogSoftmax, Softmax
from dslc.ops.linear import Linear
from dslc.ops.pool_adaptive import AdaptivePool, GlobalPool
from dslc.ops.reduce import Largest, Mean

POOLED = (GlobalPool, AdaptivePool, Mean, Largest)
HEAD = (*ACTIVATIONS, *MOVES, *NORMS, *QUIET, Conv, Linear, LogSoftmax, Softmax)
"""What may stand between the pool of a classifier and its result."""

FEW, LARGE = Fraction(1, 8), 128
"""Less of an image's side is hardly ever meant, from so many pixels on."""


class FieldBelowInput(Lint, code="W1401", name="field-below-input"):
    """What a classifier averages at its end was computed from small patches of the image.

    Each place of the last map sees a window of the input, its receptive field; global pooling adds what the places
    found, and no layer ever saw two parts of an object that lie further apart than the field. In practice less is used
    than the field: its centre has most of the influence (Luo et al. 2016, Understanding the Effective Receptive Field,
    section 2). How far patches carry is known: a network that sees 17 of 224 pixels reaches the accuracy of AlexNet on
    ImageNet and no more, however deep it is, one of 33 pixels 87.6 % top-5 (Brendel and Bethge 2019, BagNets). Strides,
    pools and dilation make the field grow; `dslc stats` has it after each layer.

    It is said of images of 128 pixels or more whose field is below an eighth of both sides, and of networks with more
    than one layer of windows; up to a half, and of smaller images, it is a note.

    ```dl fails
    net f on image[N, 3, 224, 224] -> [N, 10]:
        conv(16, 3) -> relu -> conv(16, 3) -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, 224, 224] -> [N, 10]:
        conv(16, 7, s=4) -> relu
        for i in range(4): conv(16 * 2**i, 3, s=2) -> bn -> relu -> conv(16 * 2**i, 3) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    Related: N1421, W1402.
    """

    field: Number
    sizes: tuple[int, ...]

    @property
    def message(self) -> str:
        return f"each place that is pooled sees {shown(self.field)} of {max(self.sizes):,} pixels across the input"

    @property
    def label(self) -> str:
        return f"{float(self.field) ** len(self.sizes) / area(self.sizes):.2%} of the image at a time"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        sizes = image(net)
        if len(sizes) < 2 or max(sizes) < LARGE or widest(net) >= max(sizes):
            return
        if sum(any(side.reach for side in sides(net, step)) for step in net.of(Conv, *POOLS)) < 2:
            return
        for step, fields in heads(net):
            if tiny(fields, sizes):
                yield net.at(cls(max(field.size for field in fields), sizes), step)


def tiny(fields: tuple[Field, ...], sizes: tuple[int, ...]) -> bool:
    """Whether what is seen is a small part of a large image."""
    small = all(field.size < FEW * size for field, size in zip(fields, sizes, strict=True))
    return small and len(sizes) > 1 and max(sizes) >= LARGE


def area(sizes: tuple[int, ...]) -> int:
    """The places of a map of these sizes."""
    found = 1
    for size in sizes:
        found *= size
    return found


def image(net: Network) -> tuple[int, ...]:
    """The spatial sizes of the one map that a network reads; none where it reads other things, or they are open."""
    inputs = net.model.root.inputs
    if net.open:
        return ()
    return net.shape(inputs[0])[2:] if len(inputs) == 1 and 3 <= inputs[0].type.rank <= 5 else ()


def widest(net: Network) -> int:
    """The largest field of any value that windows make, along the axis where it is larger: what a look at windows
    alone says. An upsampling makes it larger than it is.
    """
    seen: dict[Value, tuple[int, int]] = {}
    most = 1
    for step in net.steps:
        stride, field = max((seen[value] for value in step.inputs if value in seen), default=(1, 1))
        for value in step.inputs:
            if value in seen:
                field = max(field, seen[value][1])
        windows = sides(net, step)
        if windows:
            field += stride * max(side.reach for side in windows)
            stride *= max(side.stride for side in windows)
            most = max(most, field)
        for out in step.outs:
            seen[out] = (stride, field)
    return most


def heads(net: Network) -> Iterator[tuple[Step, tuple[Field, ...]]]:
    """The pools of a whole map that the results are computed from alone, with what their places see along each axis.

    None where some path sees everything before, or where it is not known what a place sees.
    """
    axes = net.model.root.inputs[0].type.rank - 2
    for step in net.of(*POOLED):
        if not results(net, step) or any(n != 1 for n in net.shape(step.outs[0])[2:]):
            continue
        fields = [track.field for track in net.numbers.fields.get(step.inputs[0], ()) if track.axis > 1]
        if len(fields) == axes and all(field.status <= Status.PHASE_DEPENDENT and field.local for field in fields):
            yield step, tuple(fields)


def results(net: Network, step: Step) -> bool:
    """Whether what follows a step, in one row, is a result of the network."""
    last = step
    for following in net.chain(step, *HEAD):
        if not isinstance(op_of(following), HEAD):
            return False
        last = following
    return last.outs[-1] in net.results


def shown(number: Number) -> str:
    """A number of places: `1,772`."""
    return f"{number:,}" if isinstance(number, int) else str(number)

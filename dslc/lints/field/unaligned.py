"""Branches that meet a place apart."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dslc.analysis.field import Number, Status
from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.lints.windows import POOLS, looks_back, padded_sides, sides
from dslc.ops.arithmetic import Add, Div, Mul, Sub
from dslc.ops.borders import Crop, Pad
from dslc.ops.convolution import Conv
from dslc.ops.index import Index
from dslc.ops.joining import Cat

JOINS = (Add, Sub, Mul, Div, Cat)
LEAST = Fraction(1, 2)
"""Of the distance of two places of the map that is joined."""


class UnalignedBranches(Lint, code="W1405", name="unaligned-branches"):
    """Two branches meet, and the windows of their places have different middles.

    A sum or a concat joins place by place. If one branch was padded or cropped at one side, or has an even kernel, its
    place u looks at another part of the image than place u of the other: edges become double, and what is learned for
    one place is added to its neighbour (Araujo, Norris and Sim 2019, Computing Receptive Fields of Convolutional Neural
    Networks, section on alignment). The middles are computed from the receptive fields of all paths; it is said from
    half a place of the joined map on. `avgpool(2)` in the shortcut of a ResNet-D is less, and nothing is said of it;
    nor of networks over one axis or with causal padding, which look back on purpose.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu
        a = conv(16, 3) -> bn
        b = pad(((0, 2), (0, 2))) -> conv(16, 3, p=valid) -> bn
        (a + b) -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu
        a = conv(16, 3) -> bn
        b = pad(1) -> conv(16, 3, p=valid) -> bn
        (a + b) -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1303.
    """

    join: str
    pixels: Fraction
    stride: Number

    @property
    def message(self) -> str:
        return f"the branches that `{self.join}` joins are {words(self.pixels, self.stride)} apart"

    @property
    def label(self) -> str:
        return f"the middles of their windows lie {self.pixels} px apart in the input"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        joins = [step for step in net.of(*JOINS) if step.outs[0].type.rank > 3]
        if not joins or not any(moves(net, step) for step in net.of(Conv, *POOLS, Pad, Crop, Index)):
            return
        if looking_back(net):
            return
        for step in joins:
            op = op_of(step)
            spread = apart(net, step)
            if op is not None and spread is not None:
                yield net.at(cls(op.name, *spread), step)


def words(pixels: Fraction, stride: Number) -> str:
    """How far apart, in places of the map: `1/2 of a place`, `2 places`."""
    apart = pixels / stride
    return "1 place" if apart == 1 else f"{apart} places" if apart > 1 else f"{apart} of a place"


def looking_back(net: Network) -> bool:
    """Whether a network is causal: its middles are apart on purpose."""
    return any(looks_back(net, side) for step in net.of(Conv) for side in padded_sides(net, step)[0])


def apart(net: Network, step: Step, least: Fraction | int = LEAST) -> tuple[Fraction, Number] | None:
    """How far apart the branches of a join are, and the distance of its places, where they are first as far as `least`
    says; with 0, where they are apart and less than `LEAST`.
    """
    fields = net.numbers.fields
    before = [track.field for value in step.inputs for track in fields.get(value, ())]
    found: tuple[Fraction, Number] | None = None
    for track in fields.get(step.outs[0], ()):
        field = track.field
        if field.status is not Status.UNALIGNED or field.spread < least * field.stride:
            continue
        if not any(old.status is Status.UNALIGNED and old.spread >= least * old.stride for old in before):
            found = max(found or (Fraction(0), field.stride), (field.spread, field.stride))
    return None if found is not None and not least and found[0] >= LEAST * found[1] else found


def moves(net: Network, step: Step) -> bool:
    """Whether a layer may look more to one side: what it adds before and after differs, or its window has no middle.

    Windows that lie side by side are off by less than half a place of their result, however many follow each other.
    """
    windows = sides(net, step)
    if not windows:
        (x, y) = step.inputs[0].type, step.outs[0].type
        return x.rank == y.rank > 3 and x.dims[2:] != y.dims[2:]
    return any(s.before != s.after or (s.reach % 2 and (s.stride != s.reach + 1 or s.before)) for s in windows)

"""Dilated convolutions that leave holes."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import gcd, prod

from dslc.analysis.support import Support
from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Value
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.lints.windows import Side, sides, sized, written
from dslc.ops.base import Pointwise
from dslc.ops.convolution import Conv
from dslc.record import frozen


class ConstantDilation(Lint, code="W1304", name="constant-dilation"):
    """Dilated convolutions in a row share a divisor of their dilations, and see the map through a grid.

    A kernel of dilation d reads every d-th place. If all layers of a stage have dilations with a common divisor, no
    place of the result ever reads what lies between: after four layers of 3x3 at dilation 4 a place has read 81 of the
    1,089 places in its window, and its neighbour 81 others (gridding: Yu, Koltun and Funkhouser 2017, Dilated Residual
    Networks, section 4; Wang et al. 2018, Understanding Convolution for Semantic Segmentation, section 3.2).
    Dilations such as 1, 2, 5 or 1, 2, 4 leave no holes, as does a layer without dilation before or after.

    The part that is read is computed from the sets of places that the layers read, since the last layer with a stride.

    ```dl fails
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        for i in range(4): conv(16, 3, d=4) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        for d in [1, 2, 4, 1]: conv(16, 3, d=d) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    Related: W1309.
    """

    layers: int
    divisor: int
    density: Fraction
    hull: tuple[int, ...]

    @property
    def message(self) -> str:
        read = f"{self.layers} dilated convolutions in a row read {float(self.density):.0%}"
        return f"{read} of their window of {sized(self.hull)} places"

    @property
    def label(self) -> str:
        return f"their dilations have the divisor {self.divisor}: all see the same grid"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        dilated = {step for step in net.of(Conv) if max(dilations(net, step)) > 1}
        if len(dilated) < 2:
            return
        told: set[Step] = set()
        for grid in ends(net, dilated):
            if len(grid.dilated) < 2 or grid.density == 1 or grid.dilated[-1] in told:
                continue
            divisor = max(gcd(*axis) for axis in zip(*(dilations(net, step) for step in grid.dilated), strict=True))
            if divisor > 1:
                step = grid.dilated[-1]
                told.add(step)
                hull = tuple(s.masks[0][1].bit_length() for s in grid.read)
                mistake = cls(len(grid.dilated), divisor, grid.density, hull)
                yield net.at(mistake, step, written(step, "d"), [net.label(grid.dilated[0], "the first")])


def dilations(net: Network, step: Step) -> tuple[int, ...]:
    """The dilations of a convolution per axis, 1 where its kernel is one place."""
    op = op_of(step)
    assert isinstance(op, Conv)
    windows = op.windows(step.inputs[0].type)
    return tuple(d if k > 1 else 1 for k, d in zip(windows.kernel, windows.dilation, strict=True))


@frozen
class Grid:
    """What a value reads of the map that its stage begins with, per axis, and the dilated layers on the way."""

    read: tuple[Support, ...]
    dilated: tuple[Step, ...] = ()

    @property
    def density(self) -> Fraction:
        """The part of the window that is read."""
        return prod((support.density for support in self.read), start=Fraction(1))


def ends(net: Network, dilated: set[Step]) -> Iterator[Grid]:
    """What is read where stages end: at a layer that changes the resolution, or reads the whole map.

    A stage begins at an input, and after each such layer.
    """
    found: dict[Value, Grid] = {}
    for step in net.steps:
        grids = [found[value] for value in step.inputs if value in found and found[value].dilated]
        rank = step.outs[0].type.rank
        if isinstance(op_of(step), Conv):
            grid = found.get(step.inputs[0], Grid((Support(),) * (rank - 2)))
            windows = sides(net, step)
            moved = passed(grid, windows)
            if moved is not None and all(s.stride == 1 for s in windows):
                found[step.outs[0]] = Grid(moved.read, (*grid.dilated, step) if step in dilated else grid.dilated)
                continue
            grids = [moved] if moved is not None and moved.dilated else []
        elif grids and pointwise(step) and all(len(g.read) == rank - 2 for g in grids):
            joined = together([found[value] for value in step.inputs if value in found])
            if joined is not None:
                found[step.outs[0]] = joined
                continue
        elif any(value in found for value in step.inputs) and pointwise(step):
            found[step.outs[0]] = next(found[value] for value in step.inputs if value in found)
            continue
        yield from grids
    yield from (found[value] for value in net.results if value in found)


def passed(grid: Grid, windows: tuple[Side, ...]) -> Grid | None:
    """What the windows of a layer read; none beyond the limits of a set, or where it is of other axes."""
    if len(windows) != len(grid.read):
        return None
    pairs = zip(grid.read, windows, strict=True)
    read = [support.window(side.kernel, side.stride, side.before, side.dilation) for support, side in pairs]
    known = tuple(support for support in read if support is not None)
    return Grid(known, grid.dilated) if len(known) == len(read) else None


def pointwise(step: Step) -> bool:
    """Whether places stay where they are."""
    op = op_of(step)
    types = tuple(v.type for v in step.inputs), tuple(v.type for v in step.outs)
    return op is not None and len(step.outs) == 1 and isinstance(op.reach(*types), Pointwise)


def together(grids: list[Grid]) -> Grid | None:
    """What several values read; the dilated layers are those of the longest way."""
    first = grids[0]
    for other in grids[1:]:
        if len(other.read) != len(first.read):
            return None
        joined = [a.joined(b) for a, b in zip(first.read, other.read, strict=True)]
        known = tuple(support for support in joined if support is not None)
        if len(known) < len(joined):
            return None
        first = Grid(known, max(first.dilated, other.dilated, key=len))
    return first

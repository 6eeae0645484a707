"""A 1x1 convolution of a map that was made larger: it can come first."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.cost.pointwise import is_pointwise
from dslc.lints.kinds import QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.convolution import Conv
from dslc.ops.resample import UpsampleMap


class PointwiseAfter(Lint, code="N1511", name="pointwise-after-upsample"):
    """A map is made larger and then goes through a 1x1 convolution: the convolution first is the same, for a part.

    Every way of upsampling is a weighted mean of places with weights that add up to 1, and a 1x1 convolution is the
    same linear map at each place, so that the two can change places, bias and all. Before an upsampling by 2 the
    convolution costs a quarter, and less is interpolated where it has fewer channels; feature pyramids have it that way
    (Lin et al. 2017, section 3; Long, Shelhamer and Darrell 2015, section 3.3). It is said where a twentieth of the
    network's multiply-adds or more would be saved.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10, H, W]:
        conv(64, 3, s=2) -> bn -> relu -> upsample(2) -> conv(10, 1)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10, H, W]:
        conv(64, 3, s=2) -> bn -> relu -> conv(10, 1) -> upsample(2)
    ```

    Related: N1510.
    """

    before: int
    after: int

    @property
    def message(self) -> str:
        return f"this 1x1 convolution before `upsample` gives the same for {1 - self.after / self.before:.0%} less"

    @property
    def label(self) -> str:
        return f"{self.before:,} multiply-adds; {self.after:,} before it"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Conv):
            made = net.source(step.inputs[0], *QUIET) if is_pointwise(net, step) else None
            if made is None or not isinstance(op_of(made), UpsampleMap) or net.after(made, *QUIET) is not step:
                continue
            small, large = (prod(net.shape(value)[2:]) for value in (made.inputs[0], made.outs[0]))
            before = net.numbers.cost.nodes[step.node].macs
            after = before * small // large
            if 20 * (before - after) >= net.numbers.cost.macs > 0:
                yield net.at(cls(before, after), step, related=[net.label(made, "made larger here")])

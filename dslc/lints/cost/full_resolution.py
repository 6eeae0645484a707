"""Most of the cost before a classifier makes its map smaller."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Needed
from dslc.lints.base import Lint
from dslc.lints.network import Network

LEAST = 64
"""Places along each side of the input, from where on it matters."""


class FullResolution(Lint, code="N1503", name="full-resolution-costs"):
    """A network that tells classes spends most of its multiply-adds on maps as large as its input.

    What a classifier looks for is larger than a place: a convolution of stride 2 and a pool make the first map 16 times
    smaller in one stem (He et al. 2016, table 1), and each layer behind costs 16 times less. Halving early is the first
    of Szegedy et al. 2016's savings, and of Howard et al. 2017's. At full resolution a layer also keeps 4 bytes a place
    and channel for the backward pass. It is said where more than half of all is spent there, of inputs of 64 places
    and more along each side.

    ```dl fails
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        for i in range(4): conv(32, 3) -> bn -> relu
        maxpool(4) -> conv(64, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        conv(32, 3, s=2) -> bn -> relu -> maxpool(2)
        for i in range(4): conv(64, 3) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    Related: N1502.
    """

    places: tuple[int, ...]
    macs: int
    total: int
    layers: int

    @property
    def message(self) -> str:
        share = self.macs / self.total
        return f"{share:.0%} of the multiply-adds are at {self.size}, before the map is made smaller"

    @property
    def size(self) -> str:
        return "x".join(map(str, self.places))

    @property
    def label(self) -> str:
        stride, axes = "stride 2", len(self.places)
        return f"{self.macs:,} in {self.layers} layers; behind {stride} they would take {self.macs // 2**axes:,}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        images = [value for value in net.model.root.inputs if value.type.channel in (1, None) and value.type.rank > 2]
        if len(images) != 1 or any(value.type.rank != 2 for value in net.results):
            return
        places = net.shape(images[0])[2:]
        if min(places) < LEAST:
            return
        cost = net.numbers.cost
        steps = [step for step in net.steps if step.needed is Needed.ALWAYS and cost.nodes[step.node].macs]
        full = [step for step in steps if net.shape(step.outs[0])[2:] == places and step.outs[0].type.channel == 1]
        macs = sum(cost.nodes[step.node].macs for step in full)
        if len(full) > 1 and 2 * macs > cost.macs:
            worst = max(full, key=lambda step: cost.nodes[step.node].macs)
            yield net.at(cls(places, macs, cost.macs, len(full)), worst)

"""One layer with more than half of all multiply-adds."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network

LEAST = 8
"""Layers with multiply-adds that a network has at least, for one of them to be spoken of."""


class OneLayer(Lint, code="N1502", name="one-layer-costs"):
    """One layer takes more than half of the multiply-adds of a network that has many.

    Published networks spread cost over depth: a layer with half the places has twice the channels, so that stages cost
    alike (He et al. 2016, section 3.3, "to preserve the time complexity per layer"; Simonyan and Zisserman 2015). What
    one layer takes alone is the first place to save: a larger stride before it, fewer channels into it, or groups. It
    is said of networks of 8 such layers and more.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        for i in range(4): conv(16, 3) -> bn -> relu
        conv(512, 3) -> bn -> relu -> maxpool(2)
        for i in range(4): conv(16, 3) -> bn -> relu -> maxpool(2)
        gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        for i in range(4): conv(16, 3) -> bn -> relu
        maxpool(2) -> conv(32, 3) -> bn -> relu
        for i in range(4): conv(16, 3) -> bn -> relu -> maxpool(2)
        gap -> flatten -> linear(10)
    ```

    Related: N1501, N1503.
    """

    path: str
    macs: int
    total: int
    layers: int

    @property
    def message(self) -> str:
        return f"`{self.path}` takes {self.macs / self.total:.0%} of the multiply-adds of {self.layers} layers"

    @property
    def label(self) -> str:
        return f"{self.macs:,} of {self.total:,}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        cost = net.numbers.cost
        costly = [(cost.nodes[step.node].macs, step) for step in net.steps if cost.nodes[step.node].macs]
        if len(costly) >= LEAST:
            macs, step = max(costly, key=lambda each: each[0])
            if 2 * macs > cost.macs:
                yield net.at(cls(step.path, macs, cost.macs, len(costly)), step)

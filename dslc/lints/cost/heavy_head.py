"""A head with most of the parameters of a network."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.kinds import ACTIVATIONS, MOVES, NORMS, QUIET
from dslc.lints.network import Network
from dslc.lints.windows import sized
from dslc.ops.linear import Linear


class HeavyHead(Lint, code="N1501", name="heavy-head"):
    """A linear layer behind a flattened map has most of the parameters of the network.

    It has a weight for each place of each channel: VGG-16 keeps 103 of its 138 million parameters in one such layer.
    The mean over the map first (`gap`) leaves a weight for each channel, needs no dropout, and works at all sizes (Lin,
    Chen and Yan 2014, Network in Network, section 3.2); a 1x1 convolution before it makes more features of the mean.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> relu -> maxpool(2) -> flatten -> linear(256) -> relu -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> relu -> maxpool(2) -> conv(256, 1) -> relu -> gap -> flatten -> linear(10)
    ```

    Related: N1502.
    """

    weights: int
    total: int
    places: tuple[int, ...]
    channels: int
    outs: int

    @property
    def message(self) -> str:
        share = self.weights / self.total
        return f"this layer behind a flattened map has {self.weights:,} parameters, {share:.0%} of the network's"

    @property
    def label(self) -> str:
        pooled = self.channels * self.outs + self.outs
        return f"{pooled:,} behind `gap`: one weight for each channel, not for each of its {sized(self.places)} places"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        if any(value.type.rank != 2 for value in net.results):
            return
        total = sum(param.spec.count for param in net.model.params.values() if param.spec.kind == "param")
        for step in net.of(Linear):
            weights = sum(param.spec.count for param in net.params(step))
            if 2 * weights <= total or step.inputs[0].type.rank != 2:
                continue
            maker = net.source(step.inputs[0], *QUIET, *NORMS, *ACTIVATIONS, *MOVES)
            if maker is None:
                continue
            value = maker.outs[0]
            shape, width = net.shape(value), net.shape(step.inputs[0])[-1]
            if value.type.channel == 1 and len(shape) > 2 and prod(shape[1:]) == width and prod(shape[2:]) > 1:
                outs = net.shape(step.outs[0])[-1]
                yield net.at(cls(weights, total, shape[2:], shape[1], outs), step)

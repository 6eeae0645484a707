"""Channels that a layer computes and nothing reads."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.kinds import LINEAR
from dslc.lints.network import Network, op_of
from dslc.lints.reads import ranges, unread


class UnreadResults(Lint, code="W1702", name="unread-channels"):
    """A layer computes channels that nothing reads.

    Only slices of its result go on, and the weights of the other channels get no gradient: they stay as they were
    drawn, take memory and multiply-adds, and count in what the network is said to have. Either the layer is too wide,
    or a slice was forgotten. Where gradients of several machines are added up, training stops at parameters that get
    none (Li et al. 2020, PyTorch Distributed, section 3.2.3, on unused parameters).

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        a, b, _c = linear(96) -> chunk(3)
        (a * b) -> linear(10)
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        a, b = linear(64) -> chunk(2)
        (a * b) -> linear(10)
    ```

    Related: W1701, N1703.
    """

    layer: str
    places: str
    count: int
    channels: int
    weights: int

    @property
    def message(self) -> str:
        return f"nothing reads {self.count} of the {self.channels} channels of `{self.layer}`"

    @property
    def label(self) -> str:
        which = "channels" if self.count > 1 else "channel"
        return f"{self.weights:,} parameters without a gradient, for {which} {self.places}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(*LINEAR):
            value, op = step.outs[0], op_of(step)
            axis = value.type.channel
            if op is None or axis is None or not net.readers(value) or step.node.outs[0] is not value:
                continue
            if missing := unread(net, value, axis):
                channels = net.shape(value)[axis]
                weights = sum(param.spec.count for param in net.params(step)) * len(missing) // channels
                mistake = cls(op.name, ranges(missing), len(missing), channels, weights)
                yield net.at(mistake, step, net.argument(step, "out"), [net.label(net.readers(value)[0], "read here")])

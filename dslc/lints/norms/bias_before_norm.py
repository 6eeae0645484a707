"""A bias that the next norm takes away."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Node
from dslc.lints.base import Lint
from dslc.lints.kinds import LINEAR, QUIET
from dslc.lints.network import Network, op_of


class BiasBeforeNorm(Lint, code="W1101", name="bias-before-norm"):
    """A bias stands before a norm that subtracts the mean of each channel, and has no effect.

    Batch and instance norm subtract the mean per channel, and with it any number that was added to all of the channel;
    their own `bias` comes after (Ioffe and Szegedy 2015, section 3.2). The bias takes memory, a pass over the map and
    a place in the optimiser, and its gradient is zero but for rounding: weight decay alone moves it. In evaluation
    nothing changes either, as the running mean holds it.

    `bias` is off by itself where the norm is the next step of the same chain; over the edge of a block it cannot be
    known, and `bias=true` is what was written.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3, bias=true) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: E0390.
    """

    layer: str
    norm: str
    count: int

    @property
    def message(self) -> str:
        return f"the bias of `{self.layer}` has no effect: `{self.norm}` subtracts it again"

    @property
    def label(self) -> str:
        return f"{self.count:,} parameters that do nothing" if self.count > 1 else "a parameter that does nothing"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(*LINEAR):
            bias = step.node.params.get("bias") if isinstance(step.node, Node) else None
            if bias is None:
                continue
            norm = net.after(step, *QUIET)
            op = op_of(step)
            reader = None if norm is None else op_of(norm)
            if norm is None or op is None or reader is None or not reader.absorbs_bias:
                continue
            axis = step.outs[0].type.channel
            if norm.inputs[0].type.channel == axis or step.outs[0].type.rank == 2:
                mistake = cls(op.name, reader.name, bias.spec.count)
                yield net.at(mistake, step, net.argument(step, "bias"), [net.label(norm, "here")])

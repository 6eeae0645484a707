"""A bias that the next norm takes away."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Node
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.edits import given
from dslc.lints.kinds import LINEAR, QUIET
from dslc.lints.network import Network, op_of
from dslc.source import Span


class BiasBeforeNorm(Lint, code="W1101", name="bias-before-norm"):
    """A bias stands before a norm that subtracts the mean of each channel, and has no effect.

    Batch and instance norm subtract the mean per channel, and with it any number that was added to all of the channel;
    their own `bias` comes after (Ioffe and Szegedy 2015, section 3.2). The bias takes memory, a pass over the map and
    a place in the optimiser, and its gradient is zero but for rounding: weight decay alone moves it. In evaluation
    nothing changes either, as the running mean holds it.

    `bias` is off by itself where the norm is the next step of the same chain; over the edge of a block it cannot be
    known, and `bias=true` is what was written. A line of which other uses need the bias is not spoken of, nor a bias
    that is written where the norm is a parameter, which may be another layer.

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
        found: dict[Span, list[tuple[Step, Step | None]]] = {}
        for step in net.of(*LINEAR):
            if isinstance(step.node, Node) and "bias" in step.node.params:
                found.setdefault(step.node.span, []).append((step, idle(net, step)))
        for uses in found.values():
            step, norm = uses[0]
            layer = op_of(step)
            by = None if norm is None else op_of(norm)
            if norm is None or layer is None or by is None or any(other is None for _, other in uses):
                continue
            mistake = cls(layer.name, by.name, net.params(step)[-1].spec.count)
            help = given(step, "bias", "false")
            yield net.at(mistake, step, net.argument(step, "bias"), [net.label(norm, "here")], help)


def idle(net: Network, step: Step) -> Step | None:
    """The norm that takes a layer's bias away."""
    norm, y = net.after(step, *QUIET), step.outs[0].type
    op = None if norm is None else op_of(norm)
    if norm is None or op is None or not op.absorbs_bias or not isinstance(norm.node, Node):
        return None
    if norm.node.via is not None and net.argument(step, "bias") is not None:
        return None
    return norm if y.rank == 2 or norm.inputs[0].type.channel == y.channel else None

"""Softmax over an axis of one."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.edits import instead
from dslc.lints.network import Network, op_of
from dslc.ops.axes import channel_axis
from dslc.ops.gating import LogSoftmax, Softmax


class SoftmaxOfOne(Lint, code="W1208", name="softmax-of-one"):
    """A softmax is over an axis with a single value, and gives 1 whatever it gets.

    `exp(x) / exp(x)` is 1, its logarithm 0, and neither has a gradient: the layers before are never trained. Of one
    output the probability is its `sigmoid` (Goodfellow, Bengio and Courville 2016, section 6.2.2.2); for a softmax
    there are as many outputs as classes; and weights over places are taken over the axis of the places.

    ```dl fails
    net f on x[N, 64] -> [N, 1]:
        linear(128) -> relu -> linear(1) -> softmax
    ```

    ```dl
    net f on x[N, 64] -> [N, 1]:
        linear(128) -> relu -> linear(1) -> sigmoid
    ```

    Related: W1209.
    """

    layer: str
    axis: int

    @property
    def message(self) -> str:
        return f"`{self.layer}` over an axis of 1 gives {0 if self.layer == 'logsoftmax' else 1} whatever it gets"

    @property
    def label(self) -> str:
        return f"axis {self.axis} has one value: no gradient comes through"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Softmax, LogSoftmax):
            op, x = op_of(step), step.inputs[0].type
            if not isinstance(op, Softmax | LogSoftmax):
                continue
            axis = channel_axis(op.name, x, op.axis)
            if x.dims[axis] == 1:
                help = instead(step.node.span, "sigmoid") if step.node.span.text == "softmax" and x.rank == 2 else ()
                yield net.at(cls(op.name, axis), step, net.argument(step, "axis"), help=help)

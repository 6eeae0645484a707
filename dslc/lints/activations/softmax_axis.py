"""Softmax over the batch, or over the queries of an attention."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Value
from dslc.lints.base import Lint
from dslc.lints.edits import instead
from dslc.lints.kinds import QUIET
from dslc.lints.network import Network, op_of
from dslc.lints.windows import number
from dslc.ops.axes import channel_axis
from dslc.ops.gating import LogSoftmax, Softmax
from dslc.ops.product import MatMul
from dslc.types.dim import Dim, Size


class SoftmaxAxis(Lint, code="W1209", name="softmax-axis"):
    """A softmax is over an axis on which nothing is chosen: the samples of a batch, or the queries of an attention.

    Over the batch samples compete with each other: what one gets depends on which others came with it, and of a batch
    of 1 all is 1. In attention each query's weights over the keys sum to 1, `softmax(Q K^T / sqrt(d)) V` (Vaswani et
    al. 2017, section 3.2.1): the axis is the one that the product with V sums over, the last. Over the axis before it,
    a key's weights sum to 1 over the queries, and a query may get nothing at all.

    ```dl fails
    net f on q[N, T=16, 64], k[N, T, 64], v[N, T, 64] -> [N, T, 64]:
        scores = q @ transpose(k, 1, 2) / 8
        softmax(scores, axis=1) @ v
    ```

    ```dl
    net f on q[N, T=16, 64], k[N, T, 64], v[N, T, 64] -> [N, T, 64]:
        scores = q @ transpose(k, 1, 2) / 8
        softmax(scores, axis=-1) @ v
    ```

    Related: W0205.
    """

    layer: str
    axis: int
    right: int
    size: int

    @property
    def message(self) -> str:
        if self.axis == 0:
            return f"`{self.layer}` over axis 0 is over the samples of a batch"
        return f"`{self.layer}` over axis {self.axis}, and the product that follows sums over axis {self.right}"

    @property
    def label(self) -> str:
        if self.axis == 0:
            return "a sample's result depends on the others"
        return f"a query's {self.size:,} weights do not sum to 1"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Softmax, LogSoftmax):
            op, x = op_of(step), step.inputs[0].type
            if not isinstance(op, Softmax | LogSoftmax):
                continue
            axis, last = channel_axis(op.name, x, op.axis), x.rank - 1
            wrong = summed(net, step.outs[0]) not in (None, axis)
            if (axis == 0 and x.dims[0] in batches(net)) or (wrong and axis != 0):
                mistake = cls(op.name, axis, last, net.shape(step.inputs[0])[last])
                help = instead(number(step, "axis"), "-1")
                yield net.at(mistake, step, net.argument(step, "axis"), help=help)


def batches(net: Network) -> set[Size]:
    """The sizes that axis 0 of the inputs has, of those without a number: the batch."""
    firsts = (value.type.dims[0] for value in net.model.root.inputs if value.type.rank)
    return {size for size in firsts if isinstance(size, Dim)}


def summed(net: Network, value: Value) -> int | None:
    """The axis of some weights that the product with them sums over, where they are its left side."""
    while True:
        readers = net.readers(value)
        if len(readers) != 1 or value in net.results:
            return None
        op = op_of(readers[0])
        if isinstance(op, QUIET):
            value = readers[0].outs[0]
            continue
        left = isinstance(op, MatMul) and readers[0].inputs[0] is value and readers[0].inputs[-1] is not value
        return value.type.rank - 1 if left and value.type.rank > 2 else None

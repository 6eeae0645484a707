"""A dilation of a kernel of one place."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.lints.windows import number, numbers_set
from dslc.ops.convolution import Conv, Deconv
from dslc.ops.pool import MaxPool
from dslc.ops.window import per_axis


class IdleDilation(Lint, code="W1309", name="idle-dilation"):
    """A kernel of one place has a dilation, which changes nothing.

    A dilation is the distance between the places of a kernel, `d*(k-1) + 1` from end to end (Yu and Koltun 2016,
    Multi-Scale Context Aggregation by Dilated Convolutions, section 2): of one place there is no other to be far from.
    Either the kernel was meant to be larger, or the dilation belongs to the layer beside it.

    Only a dilation that is written as a number at the layer is spoken of: in a block that gives all its layers one
    dilation it is meant.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> conv(16, 1, d=2) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> conv(16, 3, d=2) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1304.
    """

    layer: str
    dilation: int

    @property
    def message(self) -> str:
        return f"the dilation of `{self.layer}` has no effect: its kernel is one place"

    @property
    def label(self) -> str:
        return f"a kernel of 3 would span {2 * self.dilation + 1} places"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Conv, Deconv, MaxPool):
            op = op_of(step)
            if not isinstance(op, Conv | Deconv | MaxPool) or op.d == 1 or number(step, "d") is None:
                continue
            axes = step.inputs[0].type.rank - 2
            dilation = max(per_axis(op.d, axes, "d"))
            if dilation > 1 and set(per_axis(op.k, axes, "k")) == {1}:
                help = numbers_set(step, "without it the same is computed", d=1)
                yield net.at(cls(op.name, dilation), step, number(step, "d"), help=[help])

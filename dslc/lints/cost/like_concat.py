"""Maps of as many channels end to end, where their sum would do."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.kinds import QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.axes import joined_axis
from dslc.ops.convolution import Conv
from dslc.ops.joining import Cat
from dslc.ops.linear import Linear


class LikeConcat(Lint, code="N1505", name="like-concat"):
    """Two maps of as many channels are joined end to end, and the layer that reads them has twice the weights.

    A layer of both is `W1 a + W2 b`. Of their sum it is `W (a + b)`, with half the parameters and multiply-adds:
    LinkNet is a U-Net that adds (Chaurasia and Culurciello 2017), as feature pyramids do (Lin et al. 2017).
    End to end the two may be treated apart, which is worth it where they hold unlike things; it is advice, with what it
    saves. It is said where the reader has a tenth or more of the network's multiply-adds.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(32, 3) -> bn -> relu
        skip = it
        conv(32, 3) -> bn -> relu
        concat(skip, it) -> conv(64, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(32, 3) -> bn -> relu
        residual: conv(32, 3) -> bn -> relu
        conv(64, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: N1504, N1506.
    """

    channels: int
    reader: str
    weights: int
    macs: int

    @property
    def message(self) -> str:
        return f"two times {self.channels} channels are joined, which their sum would halve for `{self.reader}`"

    @property
    def label(self) -> str:
        return f"it has {self.weights:,} weights and {self.macs:,} multiply-adds; a sum leaves half"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Cat):
            op, reader = op_of(step), net.after(step, *QUIET)
            layer = None if reader is None else op_of(reader)
            if not isinstance(op, Cat) or reader is None or not isinstance(layer, Conv | Linear):
                continue
            types = tuple(value.type for value in step.inputs)
            axis = joined_axis("concat", types, op.axis)
            channel = step.outs[0].type.channel
            if len(step.inputs) != 2 or axis != channel or net.shape(step.inputs[0]) != net.shape(step.inputs[1]):
                continue
            if step.inputs[0] is step.inputs[1] or (isinstance(layer, Conv) and layer.g > 1):
                continue
            weight = next((p.spec.count for p in net.params(reader) if p.name == "weight"), 0)
            macs = net.numbers.cost.nodes[reader.node].macs
            if 10 * macs >= net.numbers.cost.macs:
                mistake = cls(net.shape(step.inputs[0])[axis], reader.path, weight, macs)
                yield net.at(mistake, step, related=[net.label(reader, "reads both")])

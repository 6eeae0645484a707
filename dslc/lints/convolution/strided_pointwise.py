"""A 1x1 kernel with a stride."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.convolution.unread_places import gaps, larger, lost
from dslc.lints.network import Network, op_of
from dslc.lints.windows import sized, written

IMAGE = 4
"""Most channels of an image."""


class StridedPointwise(Lint, code="W1302", name="strided-pointwise"):
    """A 1x1 convolution (or a pool of one place) with a stride drops most of the map unread.

    At stride 2 a 1x1 kernel reads one place of every 2x2: three quarters of what the layers before computed go nowhere
    and get no gradient. In the first ResNets the stride of a bottleneck lay in its 1x1 convolution; since then it lies
    in the 3x3 one, for 8 % more multiply-adds and half a point of accuracy (He et al. 2019, Bag of Tricks for Image
    Classification, section 4.2 and table 5, ResNet-B). A shortcut with a strided 1x1 beside a path that reads all
    of the map is not spoken of, nor is a network's input that is no
    image.

    ```dl fails
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> conv(32, 1, s=2) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> conv(32, 3, s=2) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1301.
    """

    layer: str
    stride: tuple[int, ...]
    read: Fraction
    readers: int

    @property
    def message(self) -> str:
        return (
            f"`{self.layer}` of single places at stride {sized(self.stride)} never reads {lost(self.read)} of its input"
        )

    @property
    def label(self) -> str:
        others = self.readers - 1
        return f"nor {'does' if others == 1 else 'do'} the {others} other reader{'s' * (others > 1)}" if others else ""

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step, windows, read, readers in gaps(net):
            op = op_of(step)
            given = step.inputs[0] in net.model.root.inputs and net.shape(step.inputs[0])[1] > IMAGE
            if op is not None and not given and all(side.kernel == 1 for side in windows):
                mistake = cls(op.name, tuple(s.stride for s in windows), read, readers)
                yield net.at(mistake, step, written(step, "s"), help=larger(step, windows))

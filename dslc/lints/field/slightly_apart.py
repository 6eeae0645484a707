"""Branches that meet less than half a place apart."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.field.unaligned import JOINS, apart, looking_back, words
from dslc.lints.network import Network, op_of


class SlightlyApart(Lint, code="N1423", name="slightly-apart"):
    """Two branches meet, and the windows of their places have middles that are less than half a place apart.

    As of W1405, by less than half the distance of two places: a pool of 2 in a shortcut beside a 3x3 convolution with
    stride 2 is a quarter of a place off at each stage, as in ResNet-D (He et al. 2019, Bag of Tricks for Image
    Classification, figure 2). It costs little; where places count, as in segmentation, `maxpool(3, s=2, p=1)` or
    a kernel of 4 keep the middles together. Said where the branches first part.

    ```dl fails
    use std.combine: concat

    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu
        concat:
            | maxpool(2)
            | conv(16, 3, s=2)
        bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    use std.combine: concat

    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu
        concat:
            | maxpool(3, s=2, p=1)
            | conv(16, 3, s=2)
        bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1405.
    """

    join: str
    places: str
    pixels: str

    @property
    def message(self) -> str:
        return f"the branches that `{self.join}` joins are {self.places} apart"

    @property
    def label(self) -> str:
        return f"the middles of their windows lie {self.pixels} px apart in the input"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        if looking_back(net):
            return
        for step in net.of(*JOINS):
            op = op_of(step)
            spread = None if step.outs[0].type.rank < 4 else apart(net, step, least=0)
            if op is not None and spread is not None:
                yield net.at(cls(op.name, words(*spread), str(spread[0])), step)

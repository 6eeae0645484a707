"""Two convolutions through more channels than one larger kernel costs."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.kinds import ACTIVATIONS, NORMS, QUIET
from dslc.lints.network import Network, op_of
from dslc.lints.windows import sides, sized, written
from dslc.ops.convolution import Conv


class WidePair(Lint, code="N1321", name="wide-pair"):
    """Two convolutions in a row pass through so many channels that one with a larger kernel has fewer parameters.

    Two 3x3 convolutions replace a 5x5 one at a profit where all three have equally many channels (Simonyan and
    Zisserman 2015, section 2.3). Through M channels from A to B the pair has 9 M (A + B) weights and the one 25 A B:
    where M is large the profit is a loss. A pair that widens and narrows again costs least with 1x1 convolutions at its
    ends and a depthwise one between (Sandler et al. 2018, MobileNetV2, section 3.3).

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(64, 3) -> bn -> relu -> conv(256, 3) -> bn -> relu -> conv(64, 3) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(64, 3) -> bn -> relu -> conv(256, 1) -> bn -> relu -> conv(256, 3, g=256) -> bn -> relu -> conv(64, 1)
        bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: N1320.
    """

    kernel: tuple[int, ...]
    channels: tuple[int, int, int]
    pair: int
    alone: int

    @property
    def message(self) -> str:
        a, m, b = self.channels
        return f"two convolutions from {a:,} through {m:,} to {b:,} channels have {self.pair:,} weights"

    @property
    def label(self) -> str:
        return f"one of {sized(self.kernel)} sees as much with {self.alone:,}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for first in net.of(Conv):
            a = op_of(first)
            second = net.after(first, *ACTIVATIONS, *NORMS, *QUIET)
            b = None if second is None else op_of(second)
            if second is None or not isinstance(a, Conv) or not isinstance(b, Conv) or a.g != 1 or b.g != 1:
                continue
            ones, twos = sides(net, first), sides(net, second)
            if any(s.dilation > 1 or s.kernel == 1 for s in (*ones, *twos)) or any(s.stride > 1 for s in twos):
                continue
            ins, middle, outs = net.shape(first.inputs[0])[1], a.out, b.out
            pair = middle * (ins * prod(s.kernel for s in ones) + outs * prod(s.kernel for s in twos))
            kernel = tuple(x.kernel + (y.kernel - 1) * x.stride for x, y in zip(ones, twos, strict=True))
            alone = ins * outs * prod(kernel)
            if middle > max(ins, outs) and 4 * outs >= ins and 3 * pair >= 4 * alone:
                mistake = cls(kernel, (ins, middle, outs), pair, alone)
                yield net.at(mistake, first, written(first, "out"), [net.label(second, "the second")])

"""A large kernel where several small ones have fewer parameters."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.lints.windows import sides, sized, written
from dslc.ops.convolution import Conv


class SplitKernel(Lint, code="N1320", name="split-kernel"):
    """A large kernel could be several 3x3 ones, with fewer parameters and an activation more.

    Two 3x3 convolutions see 5x5 places, three see 7x7. Between layers of C channels that is 18 C^2 weights in place of
    25 C^2, or 27 C^2 in place of 49 C^2, 28 % and 45 % fewer, with further activations between (Simonyan and Zisserman
    2015, Very Deep Convolutional Networks, section 2.3). It is said where it saves a fifth or more of the layer, and
    the layer has a twentieth or more of the network's multiply-adds: not of a first layer on three channels, whose
    large kernel is cheap, nor of depthwise ones.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(64, 3) -> bn -> relu -> conv(64, 5) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(64, 3) -> bn -> relu
        for i in range(2): conv(64, 3) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    Related: N1321, N1322.
    """

    kernel: tuple[int, ...]
    layers: int
    weights: int
    split: int

    @property
    def message(self) -> str:
        small = sized([3] * len(self.kernel))
        return f"{self.layers} convolutions of {small} see as much as this one of {sized(self.kernel)}"

    @property
    def label(self) -> str:
        saved = 1 - self.split / self.weights
        return f"{self.split:,} weights in place of {self.weights:,}: {saved:.0%} fewer"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Conv):
            op, windows = op_of(step), sides(net, step)
            kernels = {side.kernel for side in windows}
            if not isinstance(op, Conv) or op.g != 1 or len(kernels) > 1 or any(s.dilation > 1 for s in windows):
                continue
            (kernel,) = kernels
            if kernel < 5 or kernel % 2 == 0 or any(s.stride > 1 for s in windows):
                continue
            ins, layers = net.shape(step.inputs[0])[1], kernel // 2
            weights = kernel ** len(windows) * ins * op.out
            split = 3 ** len(windows) * op.out * (ins + (layers - 1) * op.out)
            if split <= 0.8 * weights and 20 * weights * prod(s.out for s in windows) >= net.numbers.cost.macs:
                mistake = cls(tuple(s.kernel for s in windows), layers, weights, split)
                yield net.at(mistake, step, written(step, "k"))

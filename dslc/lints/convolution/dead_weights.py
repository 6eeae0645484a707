"""Weights of a kernel that never meet the map."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network
from dslc.lints.windows import sides, sized, written, zeros
from dslc.ops.convolution import Conv
from dslc.ops.guesses import ChannelsLast


class DeadWeights(Lint, code="W1310", name="dead-weights"):
    """A kernel reaches beyond the map at every place, so that most of its weights only ever meet padding.

    On a map of n places a weight that lies n or more from the middle of the kernel reads zeros in each window: its
    gradient is zero, and it keeps its initial value. A 3x3 kernel whose dilation reaches the size of the map is a 1x1
    kernel with nine times the parameters (Chen et al. 2017, Rethinking Atrous Convolution, section 3.3). Counted at the
    default sizes, and told where it is half of the weights or more.

    Of sequences whose length is open this is not said: a longer one reaches further.

    ```dl fails
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        conv(16, 5, s=4) -> bn -> relu -> conv(16, 3, s=2) -> bn -> relu -> conv(16, 3, d=8) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        conv(16, 5, s=4) -> bn -> relu -> conv(16, 3, s=2) -> bn -> relu -> conv(16, 3, d=2) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    Related: W1403, W1404.
    """

    reach: tuple[int, ...]
    map: tuple[int, ...]
    dead: int
    weights: int
    count: int

    @property
    def message(self) -> str:
        dead = f"{self.dead} of {self.weights} weights"
        return f"windows of {sized(self.reach)} over a map of {sized(self.map)}: {dead} only ever meet padding"

    @property
    def label(self) -> str:
        return f"{self.dead * self.count // self.weights:,} parameters that are never trained"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        if any(isinstance(note.mistake, ChannelsLast) for note in net.model.notes):
            return  # the axes of the map are no places
        for step in net.of(Conv):
            if isinstance(step.inputs[0].type.dims[-1], int) or step.inputs[0].type.rank > 3:
                windows = sides(net, step)
                if all(s.reach < s.size for s in windows) or not zeros(step):
                    continue
                if all(s.size == 1 or (s.out == 1 and s.dilation == 1) for s in windows):
                    continue
                kernel, taps = prod(s.kernel for s in windows), prod(s.taps for s in windows)
                if 2 * taps <= kernel:
                    reach, sizes = tuple(s.reach + 1 for s in windows), tuple(s.size for s in windows)
                    count = next(param.spec.count for param in net.params(step) if param.name == "weight")
                    mistake = cls(reach, sizes, kernel - taps, kernel, count)
                    yield net.at(mistake, step, written(step, "d") or written(step, "k"))

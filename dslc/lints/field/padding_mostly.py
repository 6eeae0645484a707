"""Layers that read more padding than map."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network
from dslc.lints.windows import sides, sized, written, zeros
from dslc.ops.convolution import Conv


class MostlyPadding(Lint, code="N1420", name="mostly-padding"):
    """More than half of what a convolution reads is padding.

    On a small map few windows lie inside of it: of 2x2 places a 3x3 kernel reads 16 times a place and 20 times a zero.
    The layer learns where the edge is rather than what is there (Islam, Jia and Bruce 2020, How Much Position
    Information Do Convolutional Neural Networks Encode), and pays for all of it. A smaller kernel, less dilation, a
    stride fewer, or a larger input reads more of the map. Counted at the default sizes.

    ```dl fails
    net f on image[N, 3, 32, 32] -> [N, 10]:
        for i in range(4): conv(16 * 2**i, 3, s=2) -> bn -> relu
        conv(256, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, 32, 32] -> [N, 10]:
        for i in range(2): conv(16 * 2**i, 3, s=2) -> bn -> relu
        conv(256, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1310, W1404.
    """

    kernel: tuple[int, ...]
    map: tuple[int, ...]
    inside: int
    reads: int

    @property
    def message(self) -> str:
        return f"a kernel of {sized(self.kernel)} over a map of {sized(self.map)} reads more padding than map"

    @property
    def label(self) -> str:
        return f"{1 - self.inside / self.reads:.0%} of what it reads is padding"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Conv):
            windows, rank = sides(net, step), step.inputs[0].type.rank
            if all(s.size == 1 for s in windows) or all(s.stride > s.size for s in windows) or not zeros(step):
                continue
            if rank == 3 and not isinstance(step.inputs[0].type.dims[-1], int):
                continue
            inside, reads = prod(s.inside for s in windows), prod(s.kernel * s.out for s in windows)
            alive = 2 * prod(s.taps for s in windows) > prod(s.kernel for s in windows)
            if 2 * inside < reads and alive:
                kernel = tuple(s.reach + 1 for s in windows)
                mistake = cls(kernel, tuple(s.size for s in windows), inside, reads)
                yield net.at(mistake, step, written(step, "d") or written(step, "k"))

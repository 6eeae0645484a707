"""Strides over a map that is shorter."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.lints.windows import POOLS, sides, sized, written
from dslc.ops.convolution import Conv


class StrideBeyondMap(Lint, code="W1403", name="stride-beyond-map"):
    """A stride is longer than the map that it steps over.

    Over a map of one place a stride of 2 takes no step: one window is left, which with a 3x3 kernel reads one place
    and eight of padding. The network was made for a larger input, or has a stage too many: five strides of 2 need an
    input of 32 places, 64 for a last map of two (Simonyan and Zisserman 2015, section 2.1, ends with 7x7 of 224).

    Counted at the default sizes.

    ```dl fails
    net f on image[N, 3, 16, 16] -> [N, 10]:
        for i in range(5): conv(16 * 2**i, 3, s=2) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, 16, 16] -> [N, 10]:
        for i in range(2): conv(16 * 2**i, 3, s=2) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    Related: W1404.
    """

    layer: str
    stride: int
    map: tuple[int, ...]

    @property
    def message(self) -> str:
        return f"`{self.layer}` with stride {self.stride} over a map of {sized(self.map)} takes no step"

    @property
    def label(self) -> str:
        return "one window is all there is"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Conv, *POOLS):
            op, windows = op_of(step), sides(net, step)
            if op is not None and all(side.stride > side.size for side in windows):
                sizes = tuple(side.size for side in windows)
                yield net.at(cls(op.name, windows[0].stride, sizes), step, written(step, "s"))

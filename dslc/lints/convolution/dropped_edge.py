"""Windows that end before the map does."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.diagnostics.model import Applicability, Diagnostic, Help
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.lints.windows import POOLS, sides, sized
from dslc.ops.convolution import Conv


class DroppedEdge(Lint, code="N1324", name="dropped-edge"):
    """The last rows and columns of a map fit no window, and are never read.

    Windows with a stride end where no whole one is left: `maxpool(2)` of 7x7 places reads 6x6 of them, and 27 % of the
    map, always at the same two sides, goes nowhere (Dumoulin and Visin 2016, A guide to convolution arithmetic, on
    strides). Padding, `ceil=true` of a pool, or an input whose size halves evenly reads all. It
    is said where a tenth or more of the map is lost, at the default sizes.

    ```dl fails
    net f on image[N, 3, H=28, W=28] -> [N, 10]:
        conv(16, 3) -> relu -> maxpool(2) -> conv(32, 3) -> relu -> maxpool(2) -> conv(64, 3) -> relu -> maxpool(2)
        flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> relu -> maxpool(2) -> conv(32, 3) -> relu -> maxpool(2) -> conv(64, 3) -> relu -> maxpool(2)
        flatten -> linear(10)
    ```

    Related: W1301.
    """

    layer: str
    map: tuple[int, ...]
    read: tuple[int, ...]

    @property
    def message(self) -> str:
        return f"`{self.layer}` of a map of {sized(self.map)} reads {sized(self.read)} of it"

    @property
    def label(self) -> str:
        return f"{1 - prod(self.read) / prod(self.map):.0%} of the map is never read"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Conv, *POOLS):
            op, windows = op_of(step), sides(net, step)
            sizes = tuple(side.size for side in windows)
            read = tuple(min(s.size, (s.out - 1) * s.stride - s.before + s.reach + 1) for s in windows)
            alone = len(net.readers(step.inputs[0])) == 1 and step.inputs[0] not in net.results
            skips = all(s.stride == 1 for s in windows) or any(s.kernel < s.stride for s in windows)
            if op is None or not alone or skips or prod(read) > 0.9 * prod(sizes):
                continue
            words = "`ceil=true` makes a window more, over what is left"
            help = [Help(words, applicability=Applicability.MAYBE)] if isinstance(op, POOLS) else []
            yield net.at(cls(op.name, sizes, read), step, help=help)

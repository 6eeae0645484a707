"""Padding that makes a map larger."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.diagnostics.model import Diagnostic, Help
from dslc.lints.base import Lint
from dslc.lints.network import Network
from dslc.lints.windows import number, numbers_set, padded_sides, sized, written, zeros
from dslc.ops.convolution import Conv


class GrowingMap(Lint, code="N1325", name="growing-map"):
    """More is padded than half of the kernel, and the map grows by places that are mostly zeros.

    With p = (k - 1)/2 a convolution at stride 1 keeps the size of its map. Each place of padding more adds two rows and
    two columns to the result, computed from the edge and zeros, and all layers after pay for them (Dumoulin and Visin
    2016, A guide to convolution arithmetic, section 2.3). With more than k - 1 some see zeros alone: W1306.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3, p=2) -> bn -> relu -> conv(16, 3, p=2) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> conv(16, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1306.
    """

    kernel: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def message(self) -> str:
        return f"windows of {sized(self.kernel)} make a map of {sized(self.before)} one of {sized(self.after)}"

    @property
    def label(self) -> str:
        return f"{prod(self.after) / prod(self.before) - 1:.0%} more places to compute"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Conv):
            windows, pad = padded_sides(net, step)
            grown = all(s.stride == 1 and min(s.before, s.after) > (s.reach + 1) // 2 for s in windows)
            if not grown or not zeros(step) or any(s.outside for s in windows):
                continue
            sizes, outs = tuple(s.size for s in windows), tuple(s.out for s in windows)
            where = step if pad is None else pad
            half = [] if number(where, "p") is None else [numbers_set(step, "`p=half` keeps the size", p="half")]
            help: list[Help] = [] if pad is not None else half
            mistake = cls(tuple(s.reach + 1 for s in windows), sizes, outs)
            yield net.at(mistake, where, written(where, "p"), help=help)

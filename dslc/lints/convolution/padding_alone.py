"""Padding that is longer than the kernel."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.diagnostics.model import Diagnostic, Help
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.lints.windows import number, numbers_set, padded_sides, sized, written, zeros
from dslc.ops.convolution import Conv


class PaddingAlone(Lint, code="W1306", name="padding-alone"):
    """More zeros are added around a map than the kernel is long, so that some results read nothing but zeros.

    Windows that lie outside of the map give the bias, whatever the image is: a frame of constants, which the next
    layers see as an edge. Padding of a 1x1 kernel is always of this kind: the last convolution of SqueezeNet 1.0 as it
    was released has `pad: 1`, and of the 15x15 places that are then averaged 56 are the bias (Iandola et al. 2016,
    train_val.prototxt; torchvision leaves the padding out). To keep the size of the map takes half of the kernel,
    `p=half`.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> relu -> conv(10, 1, p=1) -> gap -> flatten
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> relu -> conv(10, 1) -> gap -> flatten
    ```

    Related: W1310.
    """

    kernel: tuple[int, ...]
    padding: int
    lost: int
    places: int
    biased: bool

    @property
    def message(self) -> str:
        return f"padding of {self.padding} around windows of {sized(self.kernel)}: some of them see zeros alone"

    @property
    def label(self) -> str:
        hold = "the bias" if self.biased else "zero"
        return f"{self.lost:,} of {self.places:,} places of the result are {hold}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Conv):
            windows, pad = padded_sides(net, step)
            if not any(s.before > s.reach or s.after > s.reach for s in windows) or not zeros(step):
                continue
            places = prod(s.out for s in windows)
            lost = places - prod(s.out - s.outside for s in windows)
            if not lost:
                continue
            padding = max(max(s.before, s.after) for s in windows)
            op = op_of(step)
            reach = tuple(s.reach + 1 for s in windows)
            mistake = cls(reach, padding, lost, places, bool(getattr(op, "bias", False)))
            where = pad if pad is not None else step
            half = reach[0] // 2
            fits = all(n % 2 and n == reach[0] for n in reach)
            words = f"`p=half` keeps the size: {half}" if half else "it needs none"
            help = [numbers_set(step, words, p=half) if number(where, "p") is not None else Help(words)] if fits else []
            yield net.at(mistake, where, written(where, "p"), help=help if pad is None else [])

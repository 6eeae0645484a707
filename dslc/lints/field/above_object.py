"""Results whose places lie further apart than the objects are long."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from dslc.analysis.field import Number
from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.field.below_input import image
from dslc.lints.field.below_object import told
from dslc.lints.network import Network


class StrideAboveObject(Lint, code="W1407", name="stride-above-object"):
    """The places of the finest result lie further apart than the smallest object is long.

    A detector answers once for each place of its maps. With `--fact object_size=8` the smallest object has 8 places; at
    a stride of 32 sixteen such objects share one answer, and one of them can be found at most. Feature pyramids read
    objects from maps whose stride is a quarter of their size or less: anchors of 32 places stand on the map of stride 8
    (Lin et al. 2017, Focal Loss for Dense Object Detection, section 4). Take results from a finer map as well.

    ```dl fails
    net f on image[N, 3, H=128, W=128] -> boxes:
        for i in range(5): conv(16 * 2**i, 3, s=2) -> bn -> relu
        boxes = conv(6, 1)
    ```

    ```dl
    net f on image[N, 3, H=128, W=128] -> boxes:
        for i in range(3): conv(16 * 2**i, 3, s=2) -> bn -> relu
        boxes = conv(6, 1)
    ```

    Related: W1402, N1422.
    """

    wants: ClassVar[tuple[str, ...]] = ("object_size",)
    example: ClassVar[Mapping[str, object]] = MappingProxyType({"object_size": 16})

    stride: Number
    object: int

    @property
    def message(self) -> str:
        every = f"the finest map has a place every {self.stride} places of the input"
        return f"{every}, and the smallest object has {self.object}"

    @property
    def label(self) -> str:
        return (
            f"{int((self.stride / self.object) ** 2)} such objects share a place" if self.stride > self.object else ""
        )

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        least = net.facts.object_size
        if least is None or len(image(net)) < 2:
            return
        made = list(told(net))
        if made and len(made) == len(net.flat.outputs):
            step, fields = min(made, key=lambda each: max(field.stride for field in each[1]))
            stride = max(field.stride for field in fields)
            if stride > least:
                yield net.at(cls(stride, least), step)

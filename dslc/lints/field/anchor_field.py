"""Levels of a detector that see less than their anchors."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.analysis.field import Number
from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.field.below_input import image
from dslc.lints.field.below_object import told
from dslc.lints.network import Network

ANCHOR = 4
"""An anchor's side in strides of its level, as of RetinaNet's smallest."""


class AnchorField(Lint, code="N1422", name="anchor-field"):
    """A level of a detector sees less of the image than its anchors cover.

    Detectors with results on several maps give objects of a size to each: RetinaNet's anchors have sides from 4 to 6.3
    strides of their level (Lin et al. 2017, Focal Loss for Dense Object Detection, section 4), and what is to be told
    from a place must lie in its receptive field. A level whose field is below 4 strides cannot see the smallest box
    that it stands for; layers on a coarser map, or a path from above, make the field grow.

    ```dl fails
    net f on image[N, 3, H=128, W=128] -> fine, coarse:
        conv(32, 2, s=2, p=0) -> bn -> relu -> conv(64, 4, s=4, p=0) -> bn -> relu
        fine = conv(6, 1)
        it -> conv(64, 3, s=2) -> bn -> relu -> conv(64, 3) -> bn -> relu
        coarse = conv(6, 1)
    ```

    ```dl
    net f on image[N, 3, H=128, W=128] -> fine, coarse:
        conv(32, 3, s=2) -> bn -> relu -> conv(64, 3, s=2) -> bn -> relu -> conv(64, 3, s=2) -> bn -> relu
        for i in range(2): conv(64, 3) -> bn -> relu
        a = it
        fine = conv(6, 1)
        a -> conv(64, 3, s=2) -> bn -> relu -> conv(64, 3) -> bn -> relu
        coarse = conv(6, 1)
    ```

    Related: W1402, W1407.
    """

    field: Number
    stride: Number

    @property
    def message(self) -> str:
        anchor = self.stride * ANCHOR
        return (
            f"a place of this level, of stride {self.stride}, sees {self.field} places, and its anchors have {anchor}"
        )

    @property
    def label(self) -> str:
        return f"{float(self.field / (self.stride * ANCHOR)):.0%} of an anchor's side"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        if len(image(net)) < 2:
            return
        made = list(told(net))
        if len({max(field.stride for field in fields) for _, fields in made}) < 2:
            return
        for step, fields in made:
            field, stride = min(f.size for f in fields), max(f.stride for f in fields)
            if stride > 1 and field < ANCHOR * stride:
                yield net.at(cls(field, stride), step)

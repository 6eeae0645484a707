"""Fields that are smaller than the objects to be found."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from dslc.analysis.field import Field, Number, Status
from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.field.below_input import heads, image
from dslc.lints.network import Network


class FieldBelowObject(Lint, code="W1402", name="field-below-object"):
    """A place of the result sees less of the input than the smallest object takes.

    What a place says depends on its receptive field alone. With `--fact object_size=32` the smallest object is 32
    places long: where a result sees 15 it knows a part of it at most, and no training can tell it the rest. Since the
    centre of a field has most of the influence, it should be about twice as large as the object (Luo et al. 2016,
    Understanding the Effective Receptive Field, section 2). Strides, pools and dilation make it grow.

    ```dl fails
    net f on image[N, 3, H=64, W=64] -> [N, 1, H, W]:
        conv(16, 3) -> bn -> relu -> conv(16, 3) -> bn -> relu -> conv(1, 1)
    ```

    ```dl
    net f on image[N, 3, H=64, W=64] -> [N, 1, H, W]:
        for d in [1, 2, 4, 8, 1]: conv(16, 3, d=d) -> bn -> relu
        conv(1, 1)
    ```

    Related: W1401, W1407.
    """

    wants: ClassVar[tuple[str, ...]] = ("object_size",)
    example: ClassVar[Mapping[str, object]] = MappingProxyType({"object_size": 20})

    field: Number
    object: int

    @property
    def message(self) -> str:
        return f"a place of the result sees {self.field} places of the input, and the smallest object has {self.object}"

    @property
    def label(self) -> str:
        return f"{float(self.field) / self.object:.0%} of its length"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        least = net.facts.object_size
        if least is None or not image(net):
            return
        for step, fields in [*told(net), *heads(net)]:
            if any(field.size < least for field in fields):
                yield net.at(cls(min(field.size for field in fields), least), step)


def told(net: Network) -> Iterator[tuple[Step, tuple[Field, ...]]]:
    """The steps that make results that are maps, with what their places see along each axis, where that is known."""
    axes = net.model.root.inputs[0].type.rank - 2
    for _, value in net.flat.outputs:
        step = net.maker(value)
        fields = tuple(t.field for t in net.numbers.fields.get(value, ()) if t.axis > 1 and t.at is not None)
        known = all(field.status <= Status.PHASE_DEPENDENT and field.local for field in fields)
        if step is not None and known and len(fields) == axes and value.type.rank == axes + 2:
            yield step, fields

"""What each result of a network sees of each input: a record for every pair and axis."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from dslc.analysis.field import Field, Number, Status
from dslc.analysis.receptive import Fields, followed_axes, settled_channel
from dslc.ir.model import Model
from dslc.ir.walk import Flat
from dslc.record import frozen
from dslc.types.dim import Size


@frozen
class Pair:
    """What one place of a result sees along one axis of an input.

    `output` is the result's number, `name` its name, none for a result without one. `axis` counts in the input's
    own axes. `extent`: the places along it. `field`: none where the result does not depend on that input.
    """

    input: int
    input_name: str
    output: int
    name: str | None
    axis: int
    extent: Size
    field: Field | None

    @property
    def rf(self) -> Number | Size | None:
        """Places seen: the whole extent where some path sees everything; none where it is not known.

        0 where the result does not depend on the input.
        """
        if self.field is None:
            return 0
        if self.field.status is Status.UNKNOWN:
            return None
        return self.extent if self.field.status is Status.GLOBAL else self.field.size

    @property
    def rf_local(self) -> Number | None:
        """Places seen through windows alone; none where no path is local. With an unknown op: at least so many."""
        return None if self.field is None or not self.field.local else self.field.size

    @property
    def centre(self) -> Fraction | None:
        """Where the middle of the window of place 0 lies; none where no path is local."""
        return None if self.field is None or not self.field.local else self.field.centre

    @property
    def status(self) -> str:
        """`exact`, .., `unknown(op)`; `independent` where the result does not depend on the input."""
        return "independent" if self.field is None else self.field.verdict


def pairs(model: Model, flat: Flat, fields: Fields) -> Iterator[Pair]:
    """The pairs of inputs and results of evaluation, input by input, along each axis of the input that holds places.

    `fields` are the model's `receptive_fields`.
    """
    for index, value in enumerate(model.root.inputs):
        axes = followed_axes(value.type, settled_channel(value, flat.steps))
        for number, (name, result) in enumerate(flat.outputs):
            seen = {t.axis: t.field for t in fields.get(result, ()) if t.input == index}
            for axis in axes:
                yield Pair(
                    index, value.name or f"input {index}", number, name, axis, value.type.dims[axis], seen.get(axis)
                )

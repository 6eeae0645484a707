"""How much of its receptive field a value really reads: 1 without holes, less where dilation or strides skip places.

Computed on demand, for the values asked for and what they are made from: one pass, a few shifts of bit sets a layer.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from dslc.analysis.field import Field, Status
from dslc.analysis.receptive import Fields, followed
from dslc.analysis.support import PHASES, PLACES, Support
from dslc.ir.model import Model, Value
from dslc.ir.walk import Flat, Step
from dslc.record import frozen


@frozen
class Density:
    """The part of the places along one axis of one input, from the first to the last read, that is read.

    `value` is exact for a place whose windows meet no border, over all phases, and of local paths alone, as the
    numbers of a field are; none where it is not known, and `cause` says why. An axis counts as read at a place if
    anything there is: two axes of density 1 may still leave corners unread (1x7 beside 7x1).
    """

    input: int
    axis: int
    value: Fraction | None
    cause: str = ""


def densities(model: Model, flat: Flat, values: Iterable[Value]) -> dict[Value, tuple[Density, ...]]:
    """The densities of some values, in the order of their tracks; `flat` is the model's `walk.flatten`."""
    wanted = list(values)
    found = supports(model, flat, wanted)
    return {value: tuple(density_of(t.input, t.axis, t.field) for t in found.get(value, ())) for value in wanted}


def supports(model: Model, flat: Flat, values: Iterable[Value]) -> Fields:
    """The tracks of some values and of what they are made from, with the places read in `field.support`."""
    return followed(model, flat, ancestors(flat, values), Field(support=Support()))


def density_of(input: int, axis: int, field: Field) -> Density:
    """The density of a field that was followed with its support."""
    if field.status in (Status.PARTITIONED, Status.UNKNOWN):
        return Density(input, axis, None, f"{field.verdict}: places are not followed one by one")
    if field.support is None:
        reason = f"more than {PLACES:,} places or {PHASES} phases, or an upsampling whose places depend on the size"
        return Density(input, axis, None, reason)
    return Density(input, axis, field.support.density)


def ancestors(flat: Flat, values: Iterable[Value]) -> list[Step]:
    """The steps that some values are made by, in program order."""
    makers = {out: index for index, step in enumerate(flat.steps) for out in step.outs}
    needed: set[int] = set()
    left = list(values)
    while left:
        index = makers.get(left.pop())
        if index is not None and index not in needed:
            needed.add(index)
            left += flat.steps[index].inputs
    return [flat.steps[index] for index in sorted(needed)]

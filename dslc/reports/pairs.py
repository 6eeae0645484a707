"""What each result sees of each input, as a table and as records."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.analysis.density import Density
from dslc.analysis.field import Number
from dslc.analysis.paths import Pair
from dslc.reports.aligned import aligned
from dslc.reports.numbers import number_text
from dslc.types.dim import Dim, Size

Json = dict[str, object]

HEADINGS = ("result", "input", "axis", "rf", "local", "stride", "padding", "centre", "smallest", "density", "status")


def pair_lines(pairs: Sequence[Pair], densities: Sequence[Density | None]) -> list[str]:
    """A line for each result, input and axis; `-` where there is no such number."""
    rows = [HEADINGS, *(cells(pair, density) for pair, density in zip(pairs, densities, strict=True))]
    lines = aligned(rows, {0, 1, len(HEADINGS) - 1})
    return ["receptive field of each result in each input, in places along an axis", *(f"  {line}" for line in lines)]


def cells(pair: Pair, density: Density | None) -> tuple[str, ...]:
    """The texts of a pair."""
    field = pair.field
    local: tuple[str, ...] = ("-",) * 5
    if field is not None:
        size = number_text(field.size) if field.local else "-"
        local = (size, *map(number_text, (field.stride, field.padding, field.centre, field.smallest)))
    part = density.value if density is not None else None
    read = "-" if part is None else f"{float(part):.3f}".rstrip("0").rstrip(".")
    status = pair.status
    if field is not None and field.cause and field.cause not in status:
        status += f" ({field.cause})"
    whole = "-" if pair.rf is None else size_or_number(pair.rf)
    return (pair.name or f"output {pair.output}", pair.input_name, str(pair.axis), whole, *local, read, status)


def size_or_number(value: Number | Size) -> str:
    """A number of places, or the whole extent of an axis as its size."""
    return str(value) if isinstance(value, Dim) else number_text(value)


def pair_records(pairs: Sequence[Pair], densities: Sequence[Density | None]) -> list[Json]:
    """The pairs as plain data; exact fractions are texts, none stands for what is not known."""
    return [
        {
            "output": pair.output,
            "name": pair.name,
            "input": pair.input_name,
            "axis": pair.axis,
            "extent": size_value(pair.extent),
            "rf": None if pair.rf is None else size_value(pair.rf),
            "rf_local": None if pair.rf_local is None else str(pair.rf_local),
            "density": None if density is None or density.value is None else str(density.value),
            "status": pair.status,
            "cause": pair.field.cause if pair.field is not None else "",
        }
        for pair, density in zip(pairs, densities, strict=True)
    ]


def size_value(size: Size | object) -> str:
    """A size or a number as text: `224`, `H`, `7/2`."""
    return str(size)

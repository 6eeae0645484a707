"""What a compiled network asks of the sizes of its input, said at the lines that ask for it."""

from __future__ import annotations

from dslc.diagnostics.model import Diagnostic, Severity
from dslc.ir.model import Model


def size_notes(model: Model) -> tuple[Diagnostic, ...]:
    """A note for each guard and each pinned size, in the order of the program; for `-v`, hovers and tools."""
    sizes = model.sizes
    found = []
    for guard in sizes.guards:
        who = f"`{guard.by}`" if guard.by else "this line"
        message = f"{who} makes this network need {guard.text}"
        found.append(Diagnostic("", Severity.NOTE, message, guard.span))
    for name, pin in sizes.pins.items():
        label = f"these weights would fit {pin.fits}" if pin.fits else ""
        message = f"a weight fixes `{name}` at {pin.value}"
        found.append(Diagnostic("", Severity.NOTE, message, pin.span, label))
    return tuple(found)

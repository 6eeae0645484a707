"""What a compiled network asks of the sizes of its input, said at the user's lines that ask for it."""

from __future__ import annotations

from dslc.analysis.errors import FixedSize, SizeNeeded
from dslc.diagnostics.model import Diagnostic, Frame
from dslc.ir.model import Model
from dslc.source import Span
from dslc.types.domain import EVERY, Domain, TooManyResidues
from dslc.types.guards import Guard, need

Cause = tuple[str, Span]
"""The layer or line that asks, and the place in the user's text."""


def size_notes(model: Model) -> tuple[Diagnostic, ...]:
    """A note for each cause of a condition and each pinned size, in the order of the program; for `-v` and tools.

    A line asks once, however many turns, instances and axes ask there.
    """
    causes: dict[Cause, list[Guard]] = {}
    trails: dict[Cause, Frame | None] = {}
    for guard in model.sizes.guards:
        span, trail = users_place(guard.span, guard.trail)
        causes.setdefault((guard.by, span), []).append(guard)
        trails.setdefault((guard.by, span), trail)
    found = []
    for (by, span), guards in causes.items():
        times = max(sum(g.symbol == name for g in guards) for name in {g.symbol for g in guards})
        found.append(SizeNeeded(by, needs(guards), times).at(span, trails[by, span]))
    for name, pin in model.sizes.pins.items():
        found.append(FixedSize(name, pin.value, pin.fits).at(pin.span))
    return tuple(found)


def needs(guards: list[Guard]) -> tuple[str, ...]:
    """What the guards of one cause ask for together, size by size."""
    sets: dict[str, Domain] = {}
    texts: list[str] = []
    for guard in guards:
        if guard.relation == "is":
            texts.append(need(guard.symbol, EVERY, guard.right))
            continue
        try:
            sets[guard.symbol] = sets.get(guard.symbol, EVERY) & guard.allowed
        except TooManyResidues:
            texts.append(guard.text)
    return (*(need(name, allowed) for name, allowed in sets.items()), *dict.fromkeys(texts))


def users_place(span: Span, trail: Frame | None) -> tuple[Span, Frame | None]:
    """The line of the user's that led into std, with what led there."""
    while span.source.is_library and trail is not None:
        span, trail = trail.call, trail.parent
    return span, trail

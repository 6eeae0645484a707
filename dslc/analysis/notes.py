"""What a compiled network asks of the sizes of its input, said at the user's lines that ask for it."""

from __future__ import annotations

from dslc.diagnostics.model import Diagnostic, Frame, Mistake, users_place
from dslc.ir.model import Model
from dslc.source import Span
from dslc.types.domain import EVERY, Domain, TooManyResidues
from dslc.types.guards import Guard, need

Cause = tuple[str, Span]
"""The layer or line that asks, and the place in the user's text."""


class SizeNeeded(Mistake, code="N0710", name="size-needed"):
    """A line works for some sizes of the input only, and so the network does.

    Where two tensors must be of one size, or a window must fit, this depends on the size that the input has. The
    compiler works out for which sizes all is well: the generated module and the graph refuse others, and `dslc stats`
    lists what is allowed. `dslc check -v` says which lines ask for it: each once, in however many turns
    of a loop.

    ```sh
    dslc check net.dl -v
    ```

    Related: N0711.
    """

    by: str
    needs: tuple[str, ...]
    times: int

    @property
    def message(self) -> str:
        who = f"`{self.by}`" if self.by else "this line"
        return f"{who} makes this network need {' and '.join(self.needs)}"

    @property
    def label(self) -> str:
        return f"asked for {self.times} times" if self.times > 1 else ""


class FixedSize(Mistake, code="N0711", name="fixed-size"):
    """A weight has the size of an input's axis, so that the network works at this size alone.

    A `linear` layer behind `flatten`, or a table of positions, has a weight for each place. `gap` before `flatten`,
    or `dslc convert --fully-convolutional`, makes a network for all sizes.

    ```sh
    dslc check net.dl -v
    ```

    Related: N0710.
    """

    symbol: str
    value: int
    fits: str

    @property
    def message(self) -> str:
        return f"a weight fixes `{self.symbol}` at {self.value}"

    @property
    def label(self) -> str:
        return f"these weights would fit {self.fits}" if self.fits else ""


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
        found.append(SizeNeeded(by, needs(guards), times).at(span, trails[by, span] if times == 1 else None))
    for name, pin in model.sizes.pins.items():
        span, trail = users_place(pin.span, pin.trail)
        found.append(FixedSize(name, pin.value, pin.fits).at(span, trail))
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

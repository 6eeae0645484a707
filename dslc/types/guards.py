"""What a net asks of its input sizes, with the lines that ask."""

from __future__ import annotations

from dslc.diagnostics.model import Frame
from dslc.record import frozen
from dslc.source import Span
from dslc.types.dim import Size
from dslc.types.domain import Domain


def need(name: str, allowed: Domain, equals: Size | None = None) -> str:
    """What is asked of a size, in the words of every message: its exact set, or the size it equals."""
    return allowed.text(name) if equals is None else f"{name} == {equals}"


@frozen
class Guard:
    """Why the allowed sizes of a symbol shrank: what a line asks for, `left relation right`.

    `allowed` is what this line needs, where what the lines above it need is met; a symbol's allowed sizes are
    the intersection over its guards. `trail` are the uses that led to the line. `relation` is a comparison; or `%`:
    `left` is a multiple of `right`; or `is`: a `require` gives the symbol (`left`) in terms of others (`right`), and
    `allowed` is everything.
    """

    symbol: str
    allowed: Domain
    left: Size
    right: Size
    relation: str
    span: Span
    by: str = ""
    trail: Frame | None = None

    @property
    def text(self) -> str:
        """`H % 16 == 0`, or the equation where the symbol is given in terms of others."""
        return need(self.symbol, self.allowed, self.right if self.relation == "is" else None)


@frozen
class Pin:
    """A symbol fixed at its default because a weight depends on it; `fits`: sizes that would fit as well.

    `trail` are the uses that led to the line.
    """

    symbol: str
    value: int
    span: Span
    fits: str = ""
    trail: Frame | None = None

    @property
    def text(self) -> str:
        """`H == 224 (pinned by net.dl:41; these weights would fit 224..239)`."""
        fits = f"; these weights would fit {self.fits}" if self.fits else ""
        return f"{self.symbol} == {self.value} (pinned by {self.span.source.path}:{self.span.line}{fits})"


class Pinned(Exception):
    """The net must be elaborated again with a number for a symbol: its default."""

    def __init__(self, pin: Pin) -> None:
        super().__init__(pin.text)
        self.pin = pin
        self.symbol = pin.symbol
        self.default = pin.value
        self.span = pin.span
        self.fits = pin.fits

"""A word of the text."""

from __future__ import annotations

from dslc.record import entity


@entity
class Token:
    kind: str
    text: str
    start: int
    end: int

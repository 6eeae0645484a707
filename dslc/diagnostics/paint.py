"""The colours of everything that is printed, by what they mean; what they say stands in the words too."""

from __future__ import annotations

RESET = "\x1b[0m"

STYLES = {
    "error": "\x1b[31m",
    "warning": "\x1b[33m",
    "note": "\x1b[36m",
    "help": "\x1b[32m",
    "place": "\x1b[34m",  # where something stands: arrows, line numbers, other marks
    "strong": "\x1b[1m",  # headings, messages, parts of a network
    "quiet": "\x1b[2m",  # units, what is small, what the signs of a table mean
    "kept": "\x1b[32m",  # a budget
    "broken": "\x1b[31m",
    "unknown": "\x1b[33m",  # `?`, lower bounds
    "most": "\x1b[1;35m",  # shares of a total: see `heat`
    "much": "\x1b[35m",
    "added": "\x1b[32m",
    "removed": "\x1b[31m",
    "changed": "\x1b[33m",
}
"""By role."""

MOST, MUCH, LITTLE = 0.25, 0.05, 0.005
"""Shares of a total from which on they are `most` and `much`, and below which they are `quiet`."""


def heat(share: float) -> str:
    """The role of a share of a total; empty for one in the middle."""
    return "most" if share >= MOST else "much" if share >= MUCH else "quiet" if share < LITTLE else ""


class Paint:
    """Wraps text in the colours of its roles, or leaves it alone."""

    __slots__ = ("on",)

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, *roles: str) -> str:
        style = "".join(STYLES[role] for role in roles if role) if self.on and text else ""
        return f"{style}{text}{RESET}" if style else text

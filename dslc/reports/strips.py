"""Tables that fit a terminal: columns with what may be cut of their cells, and where a cut is made."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.diagnostics.fold import screen_width
from dslc.record import frozen

GAP = 2
"""Spaces between two columns."""

ELLIPSIS = "…"


@frozen
class Strip:
    """A column of a table on a terminal, its heading the first cell.

    `least`: columns of the terminal that its cells keep at least, the rest may be cut; none: nothing is cut. `roles`
    are those of its cells (`diagnostics.paint`). `tree`: its cells are indented, and the indentation stays. `width` is
    that of its longest cell.
    """

    name: str
    cells: tuple[str, ...]
    left: bool = False
    least: int | None = None
    roles: tuple[str, ...] = ()
    tree: bool = False
    width: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "width", self.width or max(map(screen_width, self.cells), default=0))

    @property
    def floor(self) -> int:
        """Columns of the terminal that it needs at least."""
        return self.width if self.least is None else min(self.width, self.least)


def total(widths: Sequence[int]) -> int:
    """How wide columns are beside each other."""
    return sum(widths) + GAP * max(0, len(widths) - 1)


def squeezed(strips: Sequence[Strip], width: int) -> list[Strip] | None:
    """Columns whose longest cells are cut until all stand beside each other; none where they cannot."""
    if total([strip.floor for strip in strips]) > width:
        return None
    widths = [strip.width for strip in strips]
    while (over := total(widths) - width) > 0:
        spare, at = max((size - strip.floor, at) for at, (size, strip) in enumerate(zip(widths, strips, strict=True)))
        others = [size - strip.floor for size, strip in zip(widths, strips, strict=True)]
        others.pop(at)
        widths[at] -= min(over, max(1, spare - max(others, default=0)))
    return [narrowed(strip, size) for strip, size in zip(strips, widths, strict=True)]


def narrowed(strip: Strip, width: int) -> Strip:
    """A column with no cell wider than this."""
    if strip.width <= width:
        return strip
    cells = tuple(leaf(cell, width) if strip.tree else cut(cell, width) for cell in strip.cells)
    return Strip(strip.name, cells, strip.left, strip.least, strip.roles, strip.tree)


def leaf(text: str, width: int) -> str:
    """A name of a tree, cut behind its indentation, of which at least half of the width is left."""
    name = text.lstrip(" ")
    indent = min(len(text) - len(name), max(0, width - min(screen_width(name), width // 2)))
    return " " * indent + cut(name, width - indent)


def cut(text: str, width: int) -> str:
    """A text with its middle left out: two thirds of what is left are its end, which tells more of a path."""
    if screen_width(text) <= width:
        return text
    if width <= 1:
        return ELLIPSIS[:width]
    head = (width - 1) // 3
    return f"{taken(text, head)}{ELLIPSIS}{taken(text[::-1], width - 1 - head)[::-1]}"


def taken(text: str, width: int) -> str:
    """The beginning of a text in so many columns of the terminal."""
    if text.isascii():
        return text[:width]
    end = used = 0
    while end < len(text) and (used := used + screen_width(text[end])) <= width:
        end += 1
    return text[:end]


def blocks(strips: Sequence[Strip], width: int, keys: int = 1) -> list[list[Strip]]:
    """All columns, as several tables below each other, each with the first `keys` columns again."""
    front = [narrowed(strip, max(strip.floor, min(strip.width, width // (3 * keys)))) for strip in strips[:keys]]
    room = width - total([strip.width for strip in front]) - GAP
    found: list[list[Strip]] = []
    for strip in strips[keys:]:
        strip = narrowed(strip, max(1, room))
        if not found or total([s.width for s in (*found[-1], strip)]) > width:
            found.append(list(front))
        found[-1].append(strip)
    return found or [front]

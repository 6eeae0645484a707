"""Tables of text, aligned."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from dslc.diagnostics.fold import screen_width


def aligned(
    table: Sequence[Sequence[str]], left: Collection[int], paint: Callable[[int, int, str], str] | None = None
) -> list[str]:
    """Lines with two spaces between the columns; those in `left` stand at the left, the others at the right.

    `paint` colours a cell, by its row and column, when it stands in its place.
    """
    widths = [max(screen_width(row[k]) for row in table) for k in range(len(table[0]))]
    lines = []
    for at, row in enumerate(table):
        cells = [padded(t, w, k in left) for k, (t, w) in enumerate(zip(row, widths, strict=True))]
        if paint is None:
            lines.append("  ".join(cells).rstrip())
            continue
        while cells and not cells[-1].strip():
            cells.pop()
        cells[-1:] = [cell.rstrip() for cell in cells[-1:]]
        lines.append("  ".join(paint(at, k, cell) if cell.strip() else cell for k, cell in enumerate(cells)))
    return lines


def padded(text: str, width: int, left: bool) -> str:
    """A cell with spaces up to the width of its column."""
    space = " " * (width - screen_width(text))
    return text + space if left else space + text

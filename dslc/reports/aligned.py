"""Tables of text, aligned."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned(table: Sequence[Sequence[str]], left: Collection[int]) -> list[str]:
    """Lines with two spaces between the columns; those in `left` stand at the left, the others at the right."""
    widths = [max(len(row[k]) for row in table) for k in range(len(table[0]))]
    lines = []
    for row in table:
        texts = (t.ljust(w) if k in left else t.rjust(w) for k, (t, w) in enumerate(zip(row, widths, strict=True)))
        lines.append("  ".join(texts).rstrip())
    return lines

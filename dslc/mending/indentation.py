"""Fixes for lines whose indentation fits nowhere: that line, or one above it, as its neighbours are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from dslc.mending.ground import Candidate, Ground, short
from dslc.mending.rules import mends
from dslc.record import frozen
from dslc.syntax.mistakes.lines import MissingSuite, UnevenIndent, UnexpectedIndent

ABOVE: Final = 2
"""Lines above the one at the caret that may be the one that is wrong."""


@frozen
class Line:
    """A line that holds something: its place, its indentation, and what it says."""

    start: int
    width: int
    text: str


def lines_of(text: str) -> list[Line]:
    """The lines of a text but for empty ones and those of a comment alone."""
    found = []
    start = 0
    for line in text.split("\n"):
        bare = line.lstrip(" ")
        if bare.strip() and not bare.startswith("#"):
            found.append(Line(start, len(line) - len(bare), bare.strip()))
        start += len(line) + 1
    return found


def unit(lines: list[Line]) -> int:
    """By how much most suites are deeper than the line above them."""
    steps = Counter(b.width - a.width for a, b in pairwise(lines) if b.width > a.width)
    return min((step for step, count in steps.items() if count == max(steps.values())), default=4)


@mends(UnevenIndent, UnexpectedIndent, MissingSuite)
def as_its_neighbours(g: Ground) -> Iterator[Candidate]:
    """One line moved to the indentation of the one above, of the one below, or one unit deeper than the one above."""
    lines = lines_of(g.source.text)
    at = max((n for n, line in enumerate(lines) if line.start <= g.span.start), default=0)
    at += isinstance(g.diagnostic.mistake, MissingSuite)
    step = unit(lines)
    moves = []
    for back in range(ABOVE + 1):
        if not 0 < at - back < len(lines):
            continue
        line, above = lines[at - back], lines[at - back - 1]
        below = lines[at - back + 1].width if at - back + 1 < len(lines) else 0
        widths = (above.width, below, above.width + step, round(line.width / step) * step)
        for width in sorted({w for w in widths if w >= 0 and w != line.width}, key=lambda w: (abs(w - line.width), w)):
            moves.append((back, abs(width - line.width), line, width, above))
    for back, _, line, width, above in sorted(moves, key=lambda move: (move[0], move[1], move[3])):
        under = f"under `{short(above.text)}`" if width > above.width else f"by {width}"
        this = "the next line" if isinstance(g.diagnostic.mistake, MissingSuite) else "it"
        which = this if not back else f"`{short(line.text)}`"
        yield Candidate(f"indent {which} {under}", (g.edit(line.start, line.start + line.width, " " * width),))

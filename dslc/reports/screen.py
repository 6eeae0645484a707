"""The terminal that a report is printed on: how wide it is, and whether it has colours. A file has neither."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from dslc.diagnostics.fold import fold, screen_width
from dslc.diagnostics.paint import Paint
from dslc.record import frozen
from dslc.reports.aligned import aligned
from dslc.reports.gutters import refitted, tables
from dslc.reports.strips import Strip, cut

NARROWEST = 40
"""Columns that a report takes at least, however narrow the terminal is."""

HANGING = re.compile(r"(?:(?=[A-Za-z])[A-Za-z ]{7} (?=\S)| {8})(?:[a-z]+(?: [a-z]+)*  +)?|\s*")
"""What the lines below a long line leave free: a label of the totals, and the one of the memory's lines."""

LABEL = re.compile(r"\A[A-Za-z]\w*(?=:? )")
UNIT = re.compile(r"(?<=\d )(?:[kMGTPE]?B|[kMGTPE]|[mun]?s)\b(?!-)")
OPEN = re.compile(r"at least|(?<![\w`])\?(?![\w`])|>=(?=[\d?])")
COUNTED = re.compile(r"\b\d+ (error|warning|note)s?\b")


@frozen
class Screen:
    """How wide lines may be (none: as they come), and in which colours they are."""

    width: int | None = None
    paint: Paint = Paint(False)

    @property
    def plain(self) -> bool:
        """Whether a report is what it is in a file."""
        return self.width is None and not self.paint.on

    def table(self, strips: Sequence[Strip]) -> list[str]:
        """Columns beside each other."""
        rows = list(zip(*(strip.cells for strip in strips), strict=True))
        left = {at for at, strip in enumerate(strips) if strip.left}

        def painted(row: int, column: int, cell: str) -> str:
            roles = strips[column].roles
            return self.paint(cell, roles[row] if roles else "" if row else "strong")

        return aligned(rows, left, painted if self.paint.on else None)

    def folded(self, line: str) -> list[str]:
        """A line, the rest of a long one below what stands behind its label; words that are too long are cut."""
        if self.width is None or screen_width(line) <= self.width:
            return [line]
        found = HANGING.match(line)
        indent = min(found.end() if found else 0, self.width // 2)
        head, text = line[:indent], line[indent:]
        words = (cut(word, self.width - indent) for word in text.split(" "))
        first, *rest = fold(" ".join(words), self.width, indent, indent)
        every = [head + first, *(" " * indent + more for more in rest)]
        return [cut(more, self.width) for more in every]

    def totals(self, lines: Iterable[str]) -> list[str]:
        """Lines that begin with a label, folded, and tables among them; units, bounds and findings coloured."""
        if self.width is None:
            return [self.total(line, True) for line in lines]
        found = []
        for table, run in tables(list(lines)):
            if table and max(map(screen_width, run)) > self.width:
                found += [self.total(line, False) for line in refitted(run, self.width)]
            else:
                found += [self.total(text, at == 0) for line in run for at, text in enumerate(self.folded(line))]
        return found

    def total(self, line: str, first: bool) -> str:
        """A line, coloured; `first`: it may begin with a label."""
        if not self.paint.on:
            return line
        line = UNIT.sub(lambda found: self.paint(found[0], "quiet"), line)
        line = OPEN.sub(lambda found: self.paint(found[0], "unknown"), line)
        line = COUNTED.sub(lambda found: self.paint(found[0], found[1]), line)
        return LABEL.sub(lambda found: self.paint(found[0], "strong"), line, count=1) if first else line

    def quiet(self, lines: Iterable[str]) -> list[str]:
        """Lines of explanation, folded."""
        return [self.paint(text, "quiet") for line in lines for text in self.folded(line)]


PLAIN = Screen()
"""A file, or a pipe."""

"""Which suite a line belongs to, from the columns at which lines begin."""

from __future__ import annotations

from collections import Counter

from dslc.diagnostics.model import Edit, Help
from dslc.syntax import mistakes
from dslc.syntax.text import Found

MOST_EDITS = 1000


class Indentation:
    """The open suites, and what is wrong with their columns.

    A line at a column that fits no suite is reported and counted with the deeper one that it may belong to; that suite
    then has this column too, so that the lines after it are not reported again.
    """

    def __init__(self, found: Found, text: str) -> None:
        self.found = found
        self.text = text
        self.open: list[set[int]] = []
        self.steps: list[tuple[int, int, frozenset[int]]] = []  # end of the spaces, their number, columns of the header
        self.tabs: list[int] = []
        self.tab_indents = False

    def level(self, line_start: int, start: int, opened: bool) -> tuple[int, bool]:
        """The level of a line whose first token is at `start`; false: it is the first line and is indented.

        `opened`: the line before it is one that may have lines under it.
        """
        column = self._column(line_start, start)
        if not self.open:
            self.open.append({column})
            return 0, column == 0
        if any(column in columns for columns in self.open):
            while column not in self.open[-1]:
                self.open.pop()
        elif column > max(self.open[-1]):
            unit = self.unit
            if not opened and self.steps and all(column - base != unit for base in self.open[-1]):
                self._uneven(start, column, (max(self.open[-1]), max(self.open[-1]) + unit))
                self.open[-1].add(column)
                return len(self.open) - 1, True
            self.steps.append((start, column, frozenset(self.open[-1])))
            self.open.append({column})
        else:
            self._misfit(column, start)
        return len(self.open) - 1, True

    def _misfit(self, column: int, start: int) -> None:
        """A column between those of the open suites."""
        deeper = self.open[-1]
        while self.open and min(self.open[-1]) > column:
            deeper = self.open.pop()
        if not self.open:
            self.open.append({column})
            return
        fitting = (max(self.open[-1]), min(deeper)) if deeper is not self.open[-1] else (max(deeper),)
        if deeper is not self.open[-1]:
            self.open.append(deeper)
        deeper.add(column)
        self._uneven(start, column, fitting)

    def _column(self, line_start: int, start: int) -> int:
        tabs = self.text.count("\t", line_start, start)
        return start - line_start + tabs * 3 if tabs else start - line_start

    def _uneven(self, start: int, column: int, fitting: tuple[int, ...]) -> None:
        if not self.tab_indents:
            self.found.add(mistakes.UnevenIndent(column, fitting), start - column, start)

    # ---- what is known when all lines are

    @property
    def unit(self) -> int:
        """The step by which most suites of the file are deeper than their headers."""
        steps = Counter(column - max(bases) for _, column, bases in self.steps)
        return steps.most_common(1)[0][0] if steps else 4

    def finish(self) -> None:
        """Reports suites that are deeper by another step than most, and tabs."""
        unit = self.unit
        for start, column, bases in self.steps:
            if all(column - base != unit for base in bases):
                self._uneven(start, column, (max(bases) + unit,))
        if self.tabs:
            self._report_tabs(unit)

    def _report_tabs(self, unit: int) -> None:
        first = self.tabs[0]
        spaces = " " * unit if self.tab_indents else " "
        span = self.found.source.span
        edits = tuple(Edit(span(at, at + 1), spaces) for at in self.tabs[:MOST_EDITS])
        mistake = mistakes.TabCharacter(self.tab_indents, len(self.tabs) - 1)
        self.found.add(mistake, first, first + 1, help=(Help("write spaces", edits=edits),))

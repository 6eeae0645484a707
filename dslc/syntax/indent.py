"""Which suite a line belongs to, from the columns at which lines begin."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from dslc.diagnostics.model import Applicability, Edit, Help
from dslc.syntax import mistakes
from dslc.syntax.text import MOST_FOUND, Found

MOST_EDITS = 1000


class _Line(NamedTuple):
    start: int  # of its first token
    column: int
    level: int
    tabbed: int | None = None  # where a line begins that tabs indent


class _Misfit(NamedTuple):
    at: int  # index of the line
    fitting: tuple[int, ...]  # columns that would do
    nested: bool  # the lines in its suite move with it


class Indentation:
    """The open suites, and what is wrong with their columns.

    A line at a column that fits no suite is reported and counted with the deeper one that it may belong to; that suite
    then has this column too, so that the lines after it are not reported again.
    """

    def __init__(self, found: Found, text: str) -> None:
        self.found = found
        self.text = text
        self.open: list[set[int]] = []
        self.lines: list[_Line] = []
        self.steps: list[tuple[int, frozenset[int]]] = []  # line that begins a suite, columns of its header
        self.counts: Counter[int] = Counter()
        self.misfits: list[_Misfit] = []
        self.tabs: list[int] = []
        self.tab_indents = False

    def level(self, line_start: int, start: int, opened: bool) -> tuple[int, bool]:
        """The level of a line whose first token is at `start`; false: it is the first line and is indented.

        `opened`: the line before it is one that may have lines under it.
        """
        column = start - line_start
        first = not self.open
        tabs = self.text.count("\t", line_start, start)
        if tabs:
            column = self._tabbed(column, tabs, opened)
        if first:
            self.open.append({column})
        elif any(column in columns for columns in self.open):
            while column not in self.open[-1]:
                self.open.pop()
        elif column > max(self.open[-1]):
            self._deeper(column, opened)
        else:
            self._between(column)
        level = len(self.open) - 1
        self.lines.append(_Line(start, column, level, line_start if tabs else None))
        return level, not first or column == 0

    def _deeper(self, column: int, opened: bool) -> None:
        header = self.open[-1]
        if not opened and self.counts and all(column - base != self.unit for base in header):
            self.misfits.append(_Misfit(len(self.lines), (max(header), max(header) + self.unit), False))
            header.add(column)
            return
        self.counts[column - max(header)] += 1
        self.steps.append((len(self.lines), frozenset(header)))
        self.open.append({column})

    def _between(self, column: int) -> None:
        deeper = None
        while self.open and min(self.open[-1]) > column:
            deeper = self.open.pop()
        if not self.open:
            self.open.append({column})
            return
        outer = self.open[-1]
        if deeper is None:
            self.misfits.append(_Misfit(len(self.lines), (max(outer),), False))
            outer.add(column)
            return
        self.misfits.append(_Misfit(len(self.lines), (max(outer), min(deeper)), False))
        deeper.add(column)
        self.open.append(deeper)

    def _tabbed(self, column: int, tabs: int, opened: bool) -> int:
        """The column that is meant by spaces and tabs: of 4 places each, but where only another width gives a suite."""
        column += tabs * 3
        if self.open:
            last = max(self.open[-1])
            if column > last and not opened:
                return last
            if column <= last < column + tabs * 4 and opened and self.lines[-1].tabbed is None:
                return column + tabs * 4
        return column

    # ---- what is known when all lines are

    @property
    def unit(self) -> int:
        """The step by which most suites of the file are deeper than their headers."""
        return self.counts.most_common(1)[0][0] if self.counts else 4

    def finish(self) -> None:
        """Reports tabs, lines that fit no suite, and suites that are deeper by another step than most."""
        if self.tabs:
            self._report_tabs()
        if self.tab_indents:
            return
        unit = self.unit
        for index, bases in self.steps:
            if all(self.lines[index].column - base != unit for base in bases):
                self.misfits.append(_Misfit(index, (max(bases) + unit,), True))
        for misfit in self.misfits[:MOST_FOUND]:
            self._report(misfit)

    def _report(self, misfit: _Misfit) -> None:
        start, column, level, _ = self.lines[misfit.at]
        nearest = min(misfit.fitting, key=lambda width: abs(width - column))
        edits: list[Edit] = []
        for line in islice(self.lines, misfit.at + 1, None):
            if line.level < level or len(edits) == MOST_EDITS:
                break
            if misfit.nested or (line.level == level and line.column == column):
                moved = " " * max(line.column + nearest - column, 0)
                edits.append(Edit(self.found.source.span(line.start - line.column, line.start), moved))
        help = Help(
            f"indent it by {nearest}", replace=" " * nearest, edits=tuple(edits), applicability=Applicability.MAYBE
        )
        self.found.add(mistakes.UnevenIndent(column, misfit.fitting), start - column, start, help=(help,))

    def _report_tabs(self) -> None:
        first = self.tabs[0]
        span = self.found.source.span
        edits = [*self._untabbed()] if self.tab_indents else []
        indents = {at for edit in edits for at in range(edit.span.start, edit.span.end)}
        for at in self.tabs:
            if at not in indents:
                begins = not self.text[self.text.rfind("\n", 0, at) + 1 : at].strip()  # a line within brackets
                edits.append(Edit(span(at, at + 1), " " * self.unit if begins else " "))
        edits = sorted(edits, key=lambda edit: edit.span.start)[:MOST_EDITS]
        mistake = mistakes.TabCharacter(self.tab_indents, len(self.tabs) - 1)
        self.found.add(mistake, first, first + 1, help=(Help("write spaces", edits=tuple(edits)),))

    def _untabbed(self) -> Iterator[Edit]:
        """Spaces for the indentation of each line that has tabs: as many as its suite's other lines have."""
        columns: list[int] = []
        for line in self.lines:
            same = len(columns) > line.level
            del columns[line.level + 1 :]
            if line.tabbed is None:
                column = line.column
            elif same:
                column = columns[line.level]
            else:
                column = columns[-1] + self.unit if columns else 0
            columns[line.level :] = [column]
            if line.tabbed is not None:
                yield Edit(self.found.source.span(line.tabbed, line.start), " " * column)

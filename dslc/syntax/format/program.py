"""`format_source`: the canonical text of a program.

Lines are indented by four spaces a level and, where the layout rules of the language allow it, at most 100 characters
wide, comments apart; empty lines stand around items that have lines under them, and elsewhere where the author put one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache

from dslc.collector import paused
from dslc.diagnostics.model import Sink
from dslc.source import Source
from dslc.syntax import text as rules
from dslc.syntax import tree
from dslc.syntax.dump import dump
from dslc.syntax.format.nodes import Gap, Remark, line_of
from dslc.syntax.format.place import UNIT, Placer
from dslc.syntax.format.rows import Writer
from dslc.syntax.layout import Layout, Line, Scanner, lay_out
from dslc.syntax.parser import parse
from dslc.syntax.shipped import load_tables
from dslc.syntax.text import Found

_CLOSE = re.compile(r"##?(?=[^\s#!])")  # a mark with its text right behind it; `#!` is for the system


class TooLong(ValueError):
    """The formatted text would be longer than a program that is read."""


class NotPreserved(RuntimeError):
    """The formatter's text is another program, or lacks comments: a bug of the formatter."""


def format_source(source: Source, sink: Sink) -> str | None:
    """The canonical text of a source; none if it cannot be read, with the reasons in the sink.

    Raises `TooLong` where indentation makes the text longer than a program may be, and `NotPreserved` where it would
    read as another program.
    """
    with paused():
        before = parse(source, sink)
        if sink.errors:
            return None
        found = Found(source)
        cleaned = rules.clean(found)
        text = _Formatter(cleaned, source, lay_out(_scanner(), found, cleaned)).text()
        if text == source.text:
            return text
        if len(text) > rules.LONGEST_FILE:
            raise TooLong(f"the formatted text of {source.path} has {len(text):,} characters")
        again = Sink()
        after = parse(Source(source.path, text), again)
        if again.errors or _said(before) != _said(after):
            raise NotPreserved(f"formatting {source.path} would change what it says")
        return text


@cache
def _scanner() -> Scanner:
    return Scanner(load_tables())


def _said(file: tree.File) -> tuple[str, list[str]]:
    return dump(file), [remark(comment.text) for comment in file.comments]


def remark(text: str) -> str:
    """The text of a comment, with a space behind its mark."""
    mark = _CLOSE.match(text)
    return f"{mark[0]} {text[mark.end() :]}" if mark else text


class _Formatter:
    """Writes the lines of a file in order, with the comments between them."""

    def __init__(self, text: str, source: Source, layout: Layout) -> None:
        self.source_text = text
        self.starts = source.line_starts
        self.lines = layout.lines
        self.comments = layout.comments
        self.next = 0  # the first comment that is not written
        self.at = 0  # up to where the source was read
        self.columns: list[int] = []  # of the last line at each level
        self.out = Writer()
        self.placer = Placer(self.out)

    def text(self) -> str:
        """The whole text."""
        for i, line in enumerate(self.lines):
            self._between(self.lines[i - 1] if i else None, line, i)
            deeper = i + 1 < len(self.lines) and self.lines[i + 1].level > line.level
            gaps = self._gaps(line)
            self.placer.line(line_of(line.tokens, gaps), line.level * UNIT, deeper)
            del self.columns[line.level :]
            self.columns.append(self._column(line.tokens[0].start))
        self._between(self.lines[-1] if self.lines else None, None, len(self.lines))
        self.out.end()
        return self.out.text()

    # ---- what stands between tokens

    def _remarks(self, end: int) -> list[Remark]:
        """The comments up to an offset; `self.at` is where what stands before them ends."""
        found = []
        while self.next < len(self.comments) and self.comments[self.next].span.start < end:
            comment = self.comments[self.next]
            start = comment.span.start
            blank = self._blank(start)
            found.append(Remark(remark(comment.text), self._column(start), start - self.at, comment.own_line, blank))
            self.at = comment.span.end
            self.next += 1
        return found

    def _blank(self, start: int) -> bool:
        """Whether an empty line stands between what was read and an offset."""
        return self.source_text.count("\n", self.at, start) > 1

    def _column(self, start: int) -> int:
        return start - self.starts[bisect_right(self.starts, start) - 1]

    def _gaps(self, line: Line) -> list[Gap | None]:
        """What stands before each token of a line."""
        gaps: list[Gap | None] = [None]
        self.at = line.tokens[0].end
        for token in line.tokens[1:]:
            gap = None
            if token.start - self.at > 0 and self.source_text.find("\n", self.at, token.start) >= 0:
                gap = Gap(self._remarks(token.start), True, self._blank(token.start))
            gaps.append(gap)
            self.at = token.end
        return gaps

    # ---- what stands between lines

    def _between(self, above: Line | None, line: Line | None, index: int) -> None:
        """Writes the comments before a line (none: the end of the file) and begins the line."""
        start = line.tokens[0].start if line is not None else len(self.source_text)
        remarks = self._remarks(start)
        blank = self._blank(start)
        if remarks and not remarks[0].own_line:
            self.out.comments([remarks.pop(0)], 0)
        level = line.level if line is not None else 0
        levels = self._levels(remarks, above.level if above is not None else 0, level, line is not None and not blank)
        blanks = [*(each.blank for each in remarks), blank]
        if above is None or level > above.level:
            blanks[0] = False
        elif level == 0:
            self._separate(blanks, [*levels, 0], above.level > 0, index)
        for each, deep, empty in zip(remarks, levels, blanks, strict=False):
            self.out.end()
            self.out.comment(each.text, deep * UNIT, empty)
        if line is not None:
            self.out.line(level * UNIT, blanks[-1])

    def _levels(self, remarks: list[Remark], above: int, below: int, joined: bool) -> list[int]:
        """How deep the comments between two lines stand: with the line below, or by their columns in a suite that
        ends there; `joined`: no empty line stands between the last one and the line.
        """
        levels = []
        level = above
        for each in remarks:
            while level > below and each.column < self.columns[level]:
                level -= 1
            levels.append(max(level, below) if above > below else below)
        if below == 0 and joined:
            i = len(remarks)
            while i > 0 and (i == len(remarks) or not remarks[i].blank):
                i -= 1
                if remarks[i].text.startswith("##"):
                    levels[i:] = [0] * (len(remarks) - i)
        return levels

    def _separate(self, blanks: list[bool], levels: list[int], deep: bool, index: int) -> None:
        """Puts empty lines around items with lines under them; `deep`: the item above is one."""
        if index == len(self.lines):
            return
        first = levels.index(0)
        if deep:
            blanks[first] = True
        elif index + 1 < len(self.lines) and self.lines[index + 1].level > 0:
            own = len(levels) - 1
            while own > first and not blanks[own]:
                own -= 1
            blanks[own] = True

"""The lines of text as they are written, and the comments at their ends."""

from __future__ import annotations

from itertools import groupby

from dslc.record import entity
from dslc.syntax.format.nodes import Gap, Remark

NEAREST = 2  # spaces between code and a comment behind it, at least


@entity
class Row:
    """A line of text: its code or a comment of its own, and a comment behind its code."""

    text: str
    remark: Remark | None = None
    code: bool = True


class Writer:
    """Writes one line of text after the other.

    Comments of lines on end that stood at one column stand at one column again; others as far behind their code as they
    did.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self._parts: list[str] = []
        self._begun = False

    def line(self, indent: int, blank: bool = False) -> None:
        """Begins a line of text, after an empty one if `blank`."""
        self.end()
        if blank:
            self.rows.append(Row("", code=False))
        self._parts = [" " * indent] if indent else []
        self._begun = True

    def put(self, text: str, space: bool) -> None:
        """Adds to the line."""
        if space:
            self._parts.append(" ")
        self._parts.append(text)

    def end(self) -> None:
        """Ends the line, if one was begun."""
        if self._begun:
            self.rows.append(Row("".join(self._parts)))
            self._begun = False

    def comments(self, remarks: list[Remark], indent: int) -> None:
        """Ends the line, with the first comment behind it if it stood so; the others get lines of their own."""
        self.end()
        for i, remark in enumerate(remarks):
            last = self.rows[-1] if self.rows else None
            if i == 0 and not remark.own_line and last is not None and last.code and last.remark is None:
                last.remark = remark
            else:
                self.comment(remark.text, indent, remark.blank)

    def comment(self, text: str, indent: int, blank: bool) -> None:
        """A comment on a line of its own."""
        if blank:
            self.rows.append(Row("", code=False))
        self.rows.append(Row(" " * indent + text, code=False))

    def next_line(self, gap: Gap | None, indent: int, inner: int | None = None) -> None:
        """Begins the line of a token with what stands before it; comments are indented by `inner`, if it is another."""
        if gap is not None and gap.remarks:
            self.comments(gap.remarks, indent if inner is None else inner)
        self.line(indent, gap is not None and gap.blank)

    def text(self) -> str:
        """All lines, with the comments behind their code."""
        for _, group in groupby(self.rows, lambda row: None if row.remark is None else row.remark.column):
            _align([(row, row.remark) for row in group if row.remark is not None])
        return "".join(f"{row.text}\n" for row in self.rows)


def _align(rows: list[tuple[Row, Remark]]) -> None:
    """Puts comments of lines on end behind their code, at one column."""
    if rows:
        distance = max(NEAREST, min(remark.distance for _, remark in rows))
        column = max(len(row.text) for row, _ in rows) + distance
        for row, remark in rows:
            row.text = row.text.ljust(column) + remark.text

"""Text of a program and places in it."""

from __future__ import annotations

from bisect import bisect_right
from functools import cached_property
from typing import ClassVar, Literal, TypeAlias

from dslc.record import frozen

Texts: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""The name of a program's main file, and name and text of each: paths from the main file's folder, with `/`. The main
file of a program that was given as text is the empty name. Files of std are not among them.
"""


Kind: TypeAlias = Literal["text", "file", "option"]
"""What a place is in: the text of a program, a file without text to point at, or what was given for an option."""


class Source:
    """One file (or string) of source text.

    `path` is its name, that of the library begins with `std/`; `file` is where it lies on disk, if that is another.
    """

    kind: ClassVar[Kind] = "text"

    def __init__(self, path: str, text: str, file: str | None = None) -> None:
        self.path = path
        self.text = text
        self.file = file

    @property
    def shown(self) -> str:
        """The path that messages show, which an editor can open."""
        return self.file or self.path

    def place(self, start: int) -> str:
        """An offset as messages show it."""
        line, column = self.position(start)
        return f"{self.shown}:{line}:{column}"

    def __repr__(self) -> str:
        return f"<Source {self.path}>"

    @property
    def is_library(self) -> bool:
        """Whether this is a file of std, which is not the user's to mend."""
        return self.path.startswith("std/")

    @cached_property
    def line_starts(self) -> list[int]:
        starts = [0]
        find = self.text.find
        at = find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = find("\n", at + 1)
        return starts

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line_text(self, line: int) -> str:
        """Text of a line (counted from 1) without its newline."""
        start = self.line_starts[line - 1]
        end = self.line_starts[line] - 1 if line < len(self.line_starts) else len(self.text)
        return self.text[start:end]

    def span(self, start: int, end: int) -> Span:
        return Span(self, start, end)


@frozen
class Span:
    """Half-open range of offsets in a source; line and column are computed when printed."""

    source: Source
    start: int
    end: int

    @property
    def text(self) -> str:
        return self.source.text[self.start : self.end]

    @property
    def line(self) -> int:
        return self.source.position(self.start)[0]

    def to(self, other: Span) -> Span:
        """The range from the start of this span to the end of `other`."""
        return Span(self.source, self.start, other.end)

    def __str__(self) -> str:
        return self.source.place(self.start)

"""Places of the protocol and offsets of a text.

The protocol counts columns in UTF-16 units (or what client and server agreed on), and ends lines at `\\n`, `\\r\\n` and
`\\r`; an offset counts characters.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import lru_cache
from pathlib import Path

from lsprotocol import types as lsp
from pygls import uris

from dslc.source import Source, Span
from dslc.vocabulary.std import std_folder

_BREAK = re.compile(r"\r\n|\n|\r")


class Lines:
    """The lines of one text; every place that a client may send has an offset."""

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        self.text = text
        self.encoding = encoding
        self.starts = [0, *(found.end() for found in _BREAK.finditer(text))]
        self.ends = [*(found.start() for found in _BREAK.finditer(text)), len(text)]

    def position(self, offset: int) -> lsp.Position:
        """The place of an offset; of one inside a line break, the end of the line."""
        offset = min(max(offset, 0), len(self.text))
        line = bisect_right(self.starts, offset) - 1
        start = self.starts[line]
        return lsp.Position(line, self._units(self.text[start : min(offset, self.ends[line])]))

    def offset(self, place: lsp.Position) -> int:
        """The offset of a place; of one beyond a line or the text, its end."""
        if place.line >= len(self.starts):
            return len(self.text)
        start, end = self.starts[place.line], self.ends[place.line]
        line = self.text[start:end]
        if line.isascii() or self.encoding == "utf-32":
            return min(start + place.character, end)
        units = 0
        for at, letter in enumerate(line):
            if units >= place.character:
                return start + at
            units += self._units(letter)
        return end

    def range(self, start: int, end: int) -> lsp.Range:
        """The range between two offsets."""
        return lsp.Range(self.position(start), self.position(end))

    def _units(self, text: str) -> int:
        if text.isascii() or self.encoding == "utf-32":
            return len(text)
        if self.encoding == "utf-8":
            return len(text.encode("utf-8", "surrogatepass"))
        return len(text) + sum(letter > "\uffff" for letter in text)


@lru_cache(maxsize=64)
def lines_of(text: str, encoding: str) -> Lines:
    """The lines of a text, kept for the texts that are asked about again and again."""
    return Lines(text, encoding)


def path_of(source: Source) -> Path:
    """Where a source lies on disk."""
    if source.is_library:
        return std_folder() / source.path.removeprefix("std/")
    return Path(source.shown).absolute()


def uri_of(source: Source) -> str:
    """The address of a source."""
    return uris.from_fs_path(str(path_of(source))) or ""


def range_of(span: Span, encoding: str) -> lsp.Range:
    """The range of a span in its own text."""
    return lines_of(span.source.text, encoding).range(span.start, span.end)


def location_of(span: Span, encoding: str) -> lsp.Location:
    """The place of a span with its file."""
    return lsp.Location(uri_of(span.source), range_of(span, encoding))

"""Text on a terminal: what is safe to print, how wide it is, and long lines broken at spaces outside of code."""

from __future__ import annotations

import re

WORD = r"(?:`[^`]*`|\[[^][`]*\]|[^\s`[]|[`[])+"
"""What stays on one line: a word, with code in back-ticks and shapes in brackets."""


def printable(text: str, tab: str = " ") -> str:
    """Text with nothing that could steer a terminal: controls and bidirectional marks become `<U+202E>`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if c.isprintable() else tab if c == "\t" else f"<U+{ord(c):04X}>" for c in text)


def screen_width(text: str) -> int:
    """Terminal columns of a text: two for wide characters of East Asian scripts, none for combining marks."""
    if text.isascii():
        return len(text)
    from unicodedata import combining, east_asian_width

    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)


def fold(text: str, width: int | None, first: int, indent: int) -> list[str]:
    """A text as lines of at most `width` columns, if words let it; none: one line.

    The first line begins at column `first`, the others are meant to stand at `indent`: neither is part of the lines.
    """
    if width is None or first + screen_width(text) <= width:
        return [text]
    lines: list[str] = []
    line, used = "", first
    for word in re.findall(WORD, text):
        size = screen_width(word)
        if line and used + 1 + size > width:
            lines.append(line)
            line, used = "", indent
        used += size + bool(line)
        line = f"{line} {word}" if line else word
    return [*lines, line]

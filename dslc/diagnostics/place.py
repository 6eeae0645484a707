"""Where a mistake is, if not in the text of a program: a file as a whole, or what was given for an option.

Every diagnostic has a place, and every place is a span of a source. `Source.kind` says of what kind it is; only a
program's text has lines and columns to show.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from dslc.bounds import shown
from dslc.record import replace
from dslc.source import Kind, Source, Span

LONGEST = 20
"""Items of a list that are shown."""


class WholeFile(Source):
    """A file, or a folder, that has no text to point at: it is missing, or wrong as a whole."""

    kind: ClassVar[Kind] = "file"

    def place(self, start: int) -> str:
        return self.shown


class Given(Source):
    """What was given for an argument of a function (`args`) or for an option of the command line (`--set`)."""

    kind: ClassVar[Kind] = "option"

    def place(self, start: int) -> str:
        return self.path


def whole_file(path: str) -> Span:
    """The place of a mistake about a whole file."""
    return WholeFile(path, "").span(0, 0)


def given(argument: str, text: str, part: str | None = None) -> Span:
    """The place of a mistake in `text`, which was given for an argument; `part` is what of the text is wrong."""
    start = max(text.find(part), 0) if part else 0
    return Given(argument, text).span(start, start + len(text if part is None else part))


def assigned(argument: str, name: str, value: object, wrong: str = "") -> Span:
    """The place of a mistake in one of the values by name that were given for an argument; `wrong`: its name."""
    return given(argument, f"{name}={said(value)}", wrong or None)


def said(value: object) -> str:
    """A value as programs and command lines write it, as far as a line shows it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        ends = "[]" if isinstance(value, list) else "()"
        return f"{ends[0]}{', '.join(map(said, value[:LONGEST]))}{', ...' * (len(value) > LONGEST)}{ends[1]}"
    return shown(value) if isinstance(value, int | float) else str(value)


def renamed(span: Span, options: Mapping[str, str]) -> Span:
    """A span in what was given for an argument, called by the option that stands for it; another one as it is."""
    option = options.get(span.source.path) if isinstance(span.source, Given) else None
    return span if option is None else replace(span, source=Given(option, span.source.text))

"""Comments that say which warnings are meant: `# dslc: allow(unused-use)` at a line, `allow-file(..)` for a file.

A comment behind code is about its line; one that has a line for itself is about the next line with code, so that
several can stand above one line. Errors are silenced by none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import field

from dslc.diagnostics.model import Diagnostic, Edit, Help, Severity
from dslc.record import entity, record
from dslc.source import Source, Span

MARK = "dslc:"


@record
class Allowed:
    """A name in such a comment: what it switches, where it stands, and the line it is about; none for the file.

    `rest` is what goes with the name: the comment if it is the only one.
    """

    switch: str
    span: Span
    rest: Span
    line: int | None


@record
class Comments:
    """What the comments of a file say, and what is wrong with them."""

    allowed: tuple[Allowed, ...]
    wrong: tuple[Diagnostic, ...]


@entity
class Meant:
    """Which warnings the comments of files silence, and which comments did."""

    read: dict[Source, Comments] = field(default_factory=dict)
    used: set[Allowed] = field(default_factory=set)

    def comments(self, source: Source) -> Comments:
        """What the comments of a file say; each is read once."""
        found = self.read.get(source)
        if found is None:
            found = self.read[source] = comments_of(source)
        return found

    def silences(self, diagnostic: Diagnostic) -> bool:
        """Whether a warning or note is meant, by a comment at its line or at one that led there."""
        if not diagnostic.mistake or diagnostic.mistake.severity is Severity.ERROR:
            return False
        names = {diagnostic.switch, f"{diagnostic.mistake.severity.value}s"}
        by = [
            allowed
            for span in (diagnostic.span, *(frame.call for frame in diagnostic.trail or ()))
            if MARK in span.source.text
            for allowed in self.comments(span.source).allowed
            if allowed.switch in names and allowed.line in (None, span.line)
        ]
        self.used.update(by)
        return bool(by)

    def unused(self, source: Source, looked_for: Callable[[str], bool]) -> Iterator[Diagnostic]:
        """A warning for each name in a file's comments that silenced nothing, if its warning was `looked_for`; whoever
        takes one may ask `silences`.
        """
        from dslc.diagnostics.errors import UnusedAllow

        last = UnusedAllow.switch  # what allows this warning itself is judged after all others
        for allowed in sorted(self.comments(source).allowed, key=lambda a: a.switch == last):
            if allowed not in self.used and looked_for(allowed.switch):
                yield UnusedAllow(allowed.span.text, allowed.line is None).at(
                    allowed.span, help=(left_out(allowed.rest),)
                )


def left_out(rest: Span) -> Help:
    """The proposal to do without a name in a comment."""
    return Help("leave it out", edits=(Edit(rest, ""),))


def comments_of(source: Source) -> Comments:
    """What the comments of a file say."""
    if MARK not in source.text:
        return Comments((), ())
    from dslc.diagnostics import comments

    return comments.comments_of(source)


def told(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """What is told of a program that compiled: all but what comments in it say is meant."""
    meant = Meant()
    return [d for d in diagnostics if not meant.silences(d)]

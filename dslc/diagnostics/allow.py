"""Comments that say which warnings are meant: `# dslc: allow(unused-use)` at a line, `allow-file(..)` for a file.

A comment behind code is about its line; one that has a line for itself is about the next line with code, so that
several can stand above one line. Errors are silenced by none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import field

from dslc.diagnostics.codes import GROUPS, UnknownSwitch, switch_of
from dslc.diagnostics.errors import UnknownAllow, UnusedAllow, WrongComment
from dslc.diagnostics.model import Diagnostic, Severity
from dslc.record import entity, record
from dslc.source import Source, Span

MARK = "dslc:"
COMMENT = re.compile(r'(?P<code>(?:[^#"\n\r]|"(?:[^"\\\n\r]|\\[^\n\r])*")*)(?P<comment>#[^\n\r]*)?')
"""A line of a program: its code, in which strings may hold a `#`, and its comment."""
ADDRESSED = re.compile(r"#+\s*dslc:\s*(?P<said>.*?)\s*$")
DIRECTIVE = re.compile(r"(?P<word>allow|allow-file)\s*\((?P<names>[^()]*)\)")
NAME = re.compile(r"[^,\s][^,]*?(?=\s*(?:,|$))")


@record
class Allowed:
    """A name in such a comment: what it switches, where it stands, and the line it is about; none for the file."""

    switch: str
    span: Span
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

    def unused(self, source: Source) -> Iterator[Diagnostic]:
        """A warning for each name in a file's comments that silenced nothing; whoever takes one may ask `silences`."""
        last = UnusedAllow.switch  # what allows this warning itself is judged after all others
        for allowed in sorted(self.comments(source).allowed, key=lambda a: a.switch == last):
            if allowed not in self.used:
                yield UnusedAllow(allowed.span.text, allowed.line is None).at(allowed.span)


def comments_of(source: Source) -> Comments:
    """What the comments of a file say."""
    if MARK not in source.text:
        return Comments((), ())
    allowed: list[Allowed] = []
    wrong: list[Diagnostic] = []
    waiting: list[tuple[str, Span]] = []  # of lines that are comments, about the next line with code
    begun = False
    for number, start in enumerate(source.line_starts, 1):
        line = COMMENT.match(source.text, start)
        assert line is not None
        code = line["code"].strip(" \t\ufeff")
        begun = begun or bool(code)
        for word, name, span in _said(source, line, begun, wrong):
            if word == "allow-file":
                allowed.append(Allowed(name, span, None))
            else:
                waiting.append((name, span))
        if code:
            allowed += (Allowed(name, span, number) for name, span in waiting)
            waiting.clear()
        elif line["comment"] is None and waiting:  # an empty line: they are about nothing
            allowed += (Allowed(name, span, 0) for name, span in waiting)
            waiting.clear()
    allowed += (Allowed(name, span, 0) for name, span in waiting)
    return Comments(tuple(allowed), tuple(wrong))


def _said(source: Source, line: re.Match[str], begun: bool, wrong: list[Diagnostic]) -> Iterator[tuple[str, str, Span]]:
    """What the comment of a line says: the word, what each name switches, and where the name stands."""
    found = ADDRESSED.match(line["comment"] or "")
    if found is None:
        return
    at = line.start("comment") + found.start("said")
    directive = DIRECTIVE.fullmatch(found["said"])
    late = directive is not None and directive["word"] == "allow-file" and begun
    if directive is None or late or not directive["names"].strip():
        mistake = WrongComment(f"dslc: {found['said']}", late)
        wrong.append(mistake.at(source.span(line.start("comment"), at + len(found["said"]))))
        return
    for name in NAME.finditer(directive["names"]):
        start = at + directive.start("names") + name.start()
        span = source.span(start, start + len(name[0]))
        if name[0] in GROUPS:
            yield directive["word"], name[0], span
            continue
        try:
            yield directive["word"], switch_of(name[0]), span
        except UnknownSwitch as unknown:
            wrong.append(UnknownAllow(unknown.name, unknown.error, unknown.near).at(span))

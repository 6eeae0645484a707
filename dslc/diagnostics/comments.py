"""Reads the comments that say which warnings are meant; imported only for a file that has one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dslc.diagnostics.allow import Allowed, Comments
from dslc.diagnostics.codes import GROUPS, UnknownSwitch, switch_of
from dslc.diagnostics.errors import UnknownAllow, WrongComment
from dslc.diagnostics.model import Diagnostic
from dslc.source import Source, Span

COMMENT = re.compile(r'(?P<code>(?:[^#"\n\r]|"(?:[^"\\\n\r]|\\[^\n\r])*")*)(?P<comment>#[^\n\r]*)?')
"""A line of a program: its code, in which strings may hold a `#`, and its comment."""
ADDRESSED = re.compile(r"#+\s*dslc:\s*(?P<said>.*?)\s*$")
DIRECTIVE = re.compile(r"(?P<word>allow|allow-file)\s*\((?P<names>[^()]*)\)")
NAME = re.compile(r"[^,\s][^,]*?(?=\s*(?:,|$))")


def comments_of(source: Source) -> Comments:
    """What the comments of a file say."""
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

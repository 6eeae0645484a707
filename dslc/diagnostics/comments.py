"""Reads the comments that say which warnings are meant; imported only for a file that has one."""

from __future__ import annotations

import re
from typing import TypeAlias

from dslc.diagnostics.allow import Allowed, Comments, left_out
from dslc.diagnostics.codes import GROUPS, UnknownSwitch, switch_of
from dslc.diagnostics.errors import UnknownAllow, WrongComment
from dslc.diagnostics.model import Diagnostic, Help
from dslc.source import Source, Span

COMMENT = re.compile(r'(?P<code>(?:[^#"\n\r]|"(?:[^"\\\n\r]|\\[^\n\r])*")*)(?P<comment>#[^\n\r]*)?')
"""A line of a program: its code, in which strings may hold a `#`, and its comment."""
ADDRESSED = re.compile(r"#+\s*dslc:\s*(?P<said>.*?)\s*$")
OTHER = re.compile(r"[\w-]+[ :=]*[(\[]?(?P<names>[^()\[\]]*)[)\]]?")
"""As other tools have it: `ignore(..)`, `noqa: ..`, `disable=..`."""
DIRECTIVE = re.compile(r"(?P<word>allow|allow-file)\s*\((?P<names>[^()]*)\)")
NAME = re.compile(r"[^,\s][^,]*?(?=\s*(?:,|$))")


Name: TypeAlias = tuple[str, Span, Span]
"""What a name switches, where it stands, and what goes with it."""


def comments_of(source: Source) -> Comments:
    """What the comments of a file say."""
    allowed: list[Allowed] = []
    wrong: list[Diagnostic] = []
    waiting: list[Name] = []  # of lines that are comments, about the next line with code
    begun = False
    for number, start in enumerate(source.line_starts, 1):
        line = COMMENT.match(source.text, start)
        assert line is not None
        code = line["code"].strip(" \t\ufeff")
        begun = begun or bool(code)
        word, names = _said(source, line, begun, wrong)
        if word == "allow-file":
            allowed += (Allowed(*name, None) for name in names)
        else:
            waiting += names
        if code or line["comment"] is None:  # above an empty line, they are about nothing
            allowed += (Allowed(*name, number if code else 0) for name in waiting)
            waiting.clear()
    allowed += (Allowed(*name, 0) for name in waiting)
    return Comments(tuple(allowed), tuple(wrong))


def _said(source: Source, line: re.Match[str], begun: bool, wrong: list[Diagnostic]) -> tuple[str, list[Name]]:
    """What the comment of a line says: the word, and its names."""
    found = ADDRESSED.match(line["comment"] or "")
    if found is None:
        return "", []
    at = line.start("comment") + found.start("said")
    comment = source.span(line.start("comment"), at + len(found["said"]))
    directive = DIRECTIVE.fullmatch(found["said"])
    late = directive is not None and directive["word"] == "allow-file" and begun
    if directive is None or late or not directive["names"].strip():
        meant = _meant(found["said"])
        help = () if late or meant is None else (Help(f"write `{meant}`", replace=f"# dslc: {meant}"),)
        wrong.append(WrongComment(f"dslc: {found['said']}", late, bool(help)).at(comment, help=help))
        return "", []
    at += directive.start("names")
    places = [source.span(at + name.start(), at + name.end()) for name in NAME.finditer(directive["names"])]
    names = []
    for i, span in enumerate(places):
        if len(places) == 1:
            rest = _whole(line, comment)
        elif i:
            rest = source.span(places[i - 1].end, span.end)
        else:
            rest = source.span(span.start, places[1].start)
        try:
            names.append((span.text if span.text in GROUPS else switch_of(span.text), span, rest))
        except UnknownSwitch as unknown:
            help = (left_out(rest),) if unknown.error else ()
            wrong.append(UnknownAllow(unknown.name, unknown.error, unknown.near).at(span, help=help))
    return directive["word"], names


def _whole(line: re.Match[str], comment: Span) -> Span:
    """A comment with what is left without it: the line, or the spaces before it."""
    text = comment.source.text
    if line["code"].strip():
        return comment.source.span(line.start() + len(line["code"].rstrip()), comment.end)
    end = text.find("\n", comment.end)
    return comment.source.span(line.start(), len(text) if end < 0 else end + 1)


def _meant(said: str) -> str | None:
    """What another word for `allow` was meant as, if all its names are of warnings."""
    found = OTHER.fullmatch(said)
    names = [name[0] for name in NAME.finditer(found["names"])] if found is not None else []
    try:
        known = [name if name in GROUPS else switch_of(name) for name in names]
    except UnknownSwitch:
        return None
    return f"allow({', '.join(known)})" if known else None

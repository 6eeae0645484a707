"""Diagnostics as text for people: carets under the smallest span, other places, the expansion trail, help.

Only this module decides how a message looks. It knows no terminal: the caller says whether to colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from dslc.diagnostics.fold import fold, printable, screen_width
from dslc.diagnostics.model import Diagnostic, Frame, Mistake, Severity
from dslc.diagnostics.paint import Paint
from dslc.record import frozen
from dslc.source import Source, Span

MAX_FRAMES = 3
MAX_WIDTH = 120
"""Columns of source text shown; a longer line is cut around its marks."""

NARROWEST = 40
"""Columns that messages take at least, however narrow the terminal is."""

INDENT = 4
"""Of the lines below the first of a message."""

LEAST_BESIDE = 24
"""Columns for words beside carets; with fewer they stand below."""

CUT = "..."

Key = tuple[str, str, str, int, int]


@frozen
class Mark:
    """An underlined stretch of one line; columns are offsets in the line's text."""

    line: int
    start: int
    end: int
    text: str
    primary: bool


def render(
    diagnostics: Iterable[Diagnostic],
    counts: Mapping[Key, int] | None = None,
    *,
    color: bool = False,
    width: int | None = None,
) -> str:
    """All diagnostics in the order given, an empty line between two; ends without a newline.

    `counts` says how often each key was found (`Sink.counts`); a missing key counts once. The first of each warning
    says by which name it is allowed. Lines of messages have at most `width` columns where one is given.
    """
    known = counts or {}
    parts = []
    named: set[str] = {""}
    for d in diagnostics:
        parts.append(render_one(d, known.get(d.key, 1), color=color, width=width, named=d.switch not in named))
        named.add(d.switch)
    return "\n\n".join(parts)


def render_one(
    diagnostic: Diagnostic, count: int = 1, *, color: bool = False, width: int | None = None, named: bool = False
) -> str:
    """One diagnostic, without a newline at the end; `named`: with the comment that allows a warning."""
    page = Page(Paint(color), None if width is None else max(width, NARROWEST), diagnostic.severity.value)
    code = f"[{diagnostic.code}]" if diagnostic.code else ""
    lines = page.message(f"{diagnostic.severity.value}{code}", diagnostic.message)
    lines += snippets(diagnostic, page)
    more = f" (and {count - 1} more like it)" if count > 1 else ""
    trail = trail_lines(diagnostic.trail, more)
    lines += trail
    if more and not trail:
        lines.append(f" {more}")
    for note in diagnostic.notes:
        lines += page.help(note, "note", "note")
    for h in diagnostic.help:
        lines += page.help(h.text)
    if named:
        lines += page.help(f"`# dslc: allow({diagnostic.switch})` on this line or the one above", "allow", "place")
    return "\n".join(lines)


def render_placeless(mistake: Mistake, *, color: bool = False, width: int | None = None) -> str:
    """A mistake that has no place in a program (`Failure`): its message, table and help."""
    page = Page(Paint(color), None if width is None else max(width, NARROWEST), mistake.severity.value)
    lines = page.message(f"{mistake.severity.value}[{mistake.code}]", mistake.message)
    lines += [printable(line) for line in mistake.table]
    for h in mistake.help:
        lines += page.help(h.text)
    return "\n".join(lines)


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`; empty for none. Notes are not counted."""
    found = [d.severity for d in diagnostics]
    parts = []
    for severity in (Severity.ERROR, Severity.WARNING):
        n = found.count(severity)
        if n:
            parts.append(f"{n} {severity.value}{'s' if n > 1 else ''}")
    return ", ".join(parts)


class Page:
    """How diagnostics are written: in which colours, and how wide."""

    __slots__ = ("hue", "paint", "width")

    def __init__(self, paint: Paint, width: int | None, hue: str) -> None:
        self.paint, self.width, self.hue = paint, width, hue

    def message(self, head: str, text: str) -> list[str]:
        """`error[E0304]: what is wrong`, and the lines below it where it is long."""
        first, *rest = fold(printable(text), self.width, len(head) + 2, INDENT)
        lines = [f"{self.paint(head, 'strong', self.hue)}{self.paint(': ' + first, 'strong')}"]
        return lines + [" " * INDENT + self.paint(line, "strong") for line in rest]

    def help(self, text: str, word: str = "help", hue: str = "help") -> list[str]:
        """`  help: a proposal`, the lines below it under its words."""
        indent = len(word) + 4
        first, *rest = fold(printable(text), self.width, indent, indent)
        return [f"  {self.paint(word, 'strong', hue)}: {first}", *(" " * indent + line for line in rest)]


def trail_lines(trail: Frame | None, more: str) -> list[str]:
    """The expansion trail, innermost first: at most three frames, then how many are left out."""
    if trail is None:
        return []
    lines = [f"  {step(frame)}, {place(frame.call)}" for frame in islice(trail, MAX_FRAMES)]
    lines[0] += more
    left_out = sum(1 for _ in trail) - len(lines)
    if left_out:
        lines.append(f"  ... and {left_out} more level{'s' if left_out > 1 else ''} up")
    return lines


def step(frame: Frame) -> str:
    """One step of a trail, in words."""
    what = f"`{printable(frame.what)}`"
    return f"in turn {what} of the `for`" if frame.turn else f"in expansion of {what}"


def place(span: Span) -> str:
    """`path:line:column`, safe to print."""
    return printable(str(span))


# ---- source text


def snippets(diagnostic: Diagnostic, page: Page) -> list[str]:
    """The places of a diagnostic, the primary file first; in a file by line."""
    by_source: dict[int, tuple[Source, list[Mark]]] = {}
    spans = [(diagnostic.span, diagnostic.label, True)]
    spans += [(label.span, label.text, False) for label in diagnostic.related]
    for span, text, primary in spans:
        entry = by_source.setdefault(id(span.source), (span.source, []))
        entry[1].append(mark(span, text, primary))
    gutter = max(len(str(m.line)) for _, marks in by_source.values() for m in marks)
    lines = []
    for source, marks in by_source.values():
        primary = any(m.primary for m in marks)
        first = next(m for m in marks if m.primary is primary)
        arrow = "-->" if primary else ":::"
        start = 0 if source.kind == "file" else source.line_starts[first.line - 1] + first.start
        lines.append(f"{' ' * (gutter + 1)}{page.paint(arrow, 'place')} {printable(source.place(start))}")
        if source.kind != "file":
            lines += marked_lines(source, marks, gutter, page)
    return lines


def mark(span: Span, text: str, primary: bool) -> Mark:
    """A span as a stretch of its first line: at least one column, to the end of that line at most."""
    line, column = span.source.position(span.start)
    length = len(span.source.line_text(line).rstrip())
    start = column - 1
    end = min(start + max(span.end - span.start, 1), max(length, start + 1))
    return Mark(line, start, end, text, primary)


def marked_lines(source: Source, marks: list[Mark], gutter: int, page: Page) -> list[str]:
    """The lines of a file that have marks, a row per mark under each, `...` where lines are left out."""
    lines: list[str] = []
    paint = page.paint
    blank = f" {' ' * gutter} {paint('|', 'place')}"
    room = MAX_WIDTH if page.width is None else min(MAX_WIDTH, page.width - gutter - 4 - 2 * len(CUT))
    last = 0
    for number in sorted({m.line for m in marks}):
        here = sorted((m for m in marks if m.line == number), key=lambda m: (not m.primary, m.start))
        text, columns = shown(source.line_text(number), here, room)
        if last and number > last + 1:
            lines.append(paint(CUT, "place"))
        last = number
        if not text and not any(m.text for m in here):
            continue
        count = str(number) if source.kind == "text" else ""
        row = f" {paint(count.rjust(gutter), 'place')} {paint('|', 'place')}"
        lines.append(f"{row} {text}".rstrip())
        for m in here:
            start, end = columns[m.start], max(columns[m.end], columns[m.start] + 1)
            sign = "^" if m.primary else "-"
            hue = page.hue if m.primary else "place"
            words, below = placed(
                printable(m.text), start, end, None if page.width is None else page.width - gutter - 4
            )
            lines.append(f"{blank} {' ' * start}{paint(sign * (end - start) + words, hue)}")
            lines += [f"{blank} {' ' * at}{paint(line, hue)}" for at, line in below]
    return lines


def placed(text: str, start: int, end: int, width: int | None) -> tuple[str, list[tuple[int, str]]]:
    """The words of a mark: what stands beside its signs, and the lines below with their columns."""
    if not text:
        return "", []
    if width is None or end + 1 + screen_width(text) <= width:
        return f" {text}", []
    if width - end > LEAST_BESIDE:
        first, *rest = fold(text, width, end + 1, end + 1)
        return f" {first}", [(end + 1, line) for line in rest]
    at = min(start, max(width - LEAST_BESIDE, 0))
    return "", [(at, line) for line in fold(text, width, at, at)]


def shown(text: str, marks: list[Mark], room: int = MAX_WIDTH) -> tuple[str, list[int]]:
    """A line as printed, and the column of each of its characters up to the end of the last mark.

    A long line is cut to a window of `room` columns around its marks, the first of which is the primary one: it
    begins a third of the room before the first of them in the line if all fit, else before the primary one.
    """
    text = text.rstrip()
    before = after = ""
    skipped = 0
    left, right = min(m.start for m in marks), max(m.end for m in marks)
    if len(text) > room:
        around = left if right - left <= room * 2 // 3 else marks[0].start
        skipped = min(max(0, around - room // 3), len(text) - room)
        before = CUT if skipped else ""
        after = CUT if skipped + room < len(text) else ""
        text = text[skipped : skipped + room]
    at = [len(before)]
    pieces = []
    for character in text:
        piece = printable(character, tab="    ")
        end = at[-1] + screen_width(piece)
        if end - len(before) > room:  # wide characters
            after = CUT
            break
        pieces.append(piece)
        at.append(end)
    columns = [0] * skipped + at
    columns += [at[-1] + 1] * (right + 1 - len(columns))
    return before + "".join(pieces) + after, columns

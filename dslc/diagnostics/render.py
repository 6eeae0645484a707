"""Diagnostics as text for people: carets under the smallest span, other places, the expansion trail, help.

Only this module decides how a message looks. It knows no terminal: the caller says whether to colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import islice

from dslc.diagnostics.model import Diagnostic, Frame, Mistake, Severity
from dslc.record import frozen
from dslc.source import Source, Span

MAX_FRAMES = 3
MAX_WIDTH = 120
"""Columns of source text shown; a longer line is cut around its marks."""

RESET = "\x1b[0m"
BOLD = "\x1b[1m"
BLUE = "\x1b[34m"
GREEN = "\x1b[32m"
COLORS = {Severity.ERROR: "\x1b[31m", Severity.WARNING: "\x1b[33m", Severity.NOTE: "\x1b[36m"}

Key = tuple[str, str, str, int, int]


@frozen
class Mark:
    """An underlined stretch of one line; columns are offsets in the line's text."""

    line: int
    start: int
    end: int
    text: str
    primary: bool


def render(diagnostics: Iterable[Diagnostic], counts: Mapping[Key, int] | None = None, *, color: bool = False) -> str:
    """All diagnostics in the order given, an empty line between two; ends without a newline.

    `counts` says how often each key was found (`Sink.counts`); a missing key counts once.
    """
    known = counts or {}
    return "\n\n".join(render_one(d, known.get(d.key, 1), color=color) for d in diagnostics)


def render_one(diagnostic: Diagnostic, count: int = 1, *, color: bool = False) -> str:
    """One diagnostic, without a newline at the end."""
    paint = Paint(color)
    hue = COLORS[diagnostic.severity]
    code = f"[{diagnostic.code}]" if diagnostic.code else ""
    head = paint(f"{diagnostic.severity.value}{code}", BOLD + hue)
    lines = [f"{head}{paint(': ' + printable(diagnostic.message), BOLD)}"]
    lines += snippets(diagnostic, paint, hue)
    more = f" (and {count - 1} more like it)" if count > 1 else ""
    trail = trail_lines(diagnostic.trail, more)
    lines += trail
    if more and not trail:
        lines.append(f" {more}")
    lines += [f"  {paint('note', BOLD + COLORS[Severity.NOTE])}: {printable(note)}" for note in diagnostic.notes]
    lines += [f"  {paint('help', BOLD + GREEN)}: {printable(h.text)}" for h in diagnostic.help]
    return "\n".join(lines)


def render_placeless(mistake: Mistake, *, color: bool = False) -> str:
    """A mistake that has no place in a program (`Failure`): its message, table and help."""
    paint = Paint(color)
    head = paint(f"{mistake.severity.value}[{mistake.code}]", BOLD + COLORS[mistake.severity])
    lines = [f"{head}{paint(': ' + printable(mistake.message), BOLD)}"]
    lines += [printable(line) for line in mistake.table]
    lines += [f"  {paint('help', BOLD + GREEN)}: {printable(h.text)}" for h in mistake.help]
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


class Paint:
    """Wraps text in colour codes, or leaves it alone."""

    __slots__ = ("on",)

    def __init__(self, on: bool) -> None:
        self.on = on

    def __call__(self, text: str, style: str) -> str:
        return f"{style}{text}{RESET}" if self.on and text else text


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


def snippets(diagnostic: Diagnostic, paint: Paint, hue: str) -> list[str]:
    """The places of a diagnostic, the primary file first; in a file by line."""
    by_source: dict[int, tuple[Source, list[Mark]]] = {}
    spans = [(diagnostic.span, diagnostic.label, True)]
    spans += [(label.span, label.text, False) for label in diagnostic.related]
    for span, text, primary in spans:
        entry = by_source.setdefault(id(span.source), (span.source, []))
        entry[1].append(mark(span, text, primary))
    width = max(len(str(m.line)) for _, marks in by_source.values() for m in marks)
    lines = []
    for source, marks in by_source.values():
        primary = any(m.primary for m in marks)
        first = next(m for m in marks if m.primary is primary)
        arrow = "-->" if primary else ":::"
        where = printable(f"{source.path}:{first.line}:{first.start + 1}")
        lines.append(f"{' ' * (width + 1)}{paint(arrow, BLUE)} {where}")
        lines += marked_lines(source, marks, width, paint, hue)
    return lines


def mark(span: Span, text: str, primary: bool) -> Mark:
    """A span as a stretch of its first line: at least one column, to the end of that line at most."""
    line, column = span.source.position(span.start)
    length = len(span.source.line_text(line).rstrip())
    start = column - 1
    end = min(start + max(span.end - span.start, 1), max(length, start + 1))
    return Mark(line, start, end, text, primary)


def marked_lines(source: Source, marks: list[Mark], width: int, paint: Paint, hue: str) -> list[str]:
    """The lines of a file that have marks, a row per mark under each, `...` where lines are left out."""
    lines: list[str] = []
    blank = f" {' ' * width} {paint('|', BLUE)}"
    last = 0
    for number in sorted({m.line for m in marks}):
        here = sorted((m for m in marks if m.line == number), key=lambda m: (not m.primary, m.start))
        text, columns = shown(source.line_text(number), here)
        if last and number > last + 1:
            lines.append(paint("...", BLUE))
        last = number
        if not text and not any(m.text for m in here):
            continue
        row = f" {paint(str(number).rjust(width), BLUE)} {paint('|', BLUE)}"
        lines.append(f"{row} {text}".rstrip())
        for m in here:
            start, end = columns[m.start], max(columns[m.end], columns[m.start] + 1)
            sign = "^" if m.primary else "-"
            words = f" {printable(m.text)}" if m.text else ""
            underline = paint(sign * (end - start) + words, hue if m.primary else BLUE)
            lines.append(f"{blank} {' ' * start}{underline}")
    return lines


def shown(text: str, marks: list[Mark]) -> tuple[str, list[int]]:
    """A line as printed, and the column of each of its characters up to the end of the last mark.

    A long line is cut to a window that begins a third of the width before its first mark.
    """
    text = text.rstrip()
    before = ""
    skipped = 0
    first_mark = min(m.start for m in marks)
    if len(text) > MAX_WIDTH:
        skipped = min(max(0, first_mark - MAX_WIDTH // 3), len(text) - MAX_WIDTH)
        after = "..." if skipped + MAX_WIDTH < len(text) else ""
        before = "..." if skipped else ""
        text = text[skipped : skipped + MAX_WIDTH] + after
    pieces = [printable(character, tab="    ") for character in text]
    at = [len(before)]
    for piece in pieces:
        at.append(at[-1] + screen_width(piece))
    columns = [0] * skipped + at
    columns += [at[-1] + 1] * (max(m.end for m in marks) + 1 - len(columns))
    return before + "".join(pieces), columns


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

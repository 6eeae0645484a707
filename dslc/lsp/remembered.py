"""What the check of one net does not tell: the mistakes of other nets, and what is only suspicious, as they were known
last. While somebody writes they stay, at the places where their lines stand now.
"""

from __future__ import annotations

from dataclasses import field

from dslc.analyse import Analysis
from dslc.analyse.shapes import same_lines
from dslc.diagnostics.model import Diagnostic, Frame, Severity
from dslc.record import entity, replace
from dslc.source import Source, Span


@entity
class Remembered:
    """Diagnostics of a text, each with the nets that tell it: none where rules do."""

    source: Source | None = None
    diagnostics: list[tuple[Diagnostic, frozenset[str]]] = field(default_factory=list)

    def others(self, found: Analysis, net: str | None, text: str) -> tuple[Diagnostic, ...]:
        """What is remembered beside a check of one net of a text, of lines that are as they were."""
        self._move(text)
        told = {(d.code, d.span.start) for d in found.diagnostics}
        return tuple(d for d, nets in self.diagnostics if net not in nets and (d.code, d.span.start) not in told)

    def renew(self, found: Analysis, text: str) -> tuple[Diagnostic, ...]:
        """All there is to tell after a check of all nets of a text.

        What such a check did not look for stays remembered: where the text cannot be read to its end, the mistakes of
        nets; beside a mistake, what is only suspicious.
        """
        self._move(text)
        read = found.program is not None and found.program.whole
        known = {d.key for d in found.diagnostics}
        stays = (
            []
            if found.ok
            else [
                (d, nets)
                for d, nets in self.diagnostics
                if d.key not in known and (not read or (not nets and d.severity is not Severity.ERROR))
            ]
        )
        self.source = found.source
        of_nets = [(d, frozenset(found.nets_of[d.key])) for d in found.diagnostics if d.key in found.nets_of]
        self.diagnostics = [*((replace(d, inputs=()), nets) for d, nets in of_nets), *stays]
        if self.source is None:
            self.diagnostics = []
        return (*found.diagnostics, *(d for d, _ in stays))

    def _move(self, text: str) -> None:
        """Bring what is remembered to another text; of lines that changed nothing is."""
        old = self.source
        if old is None or old.text == text:
            return
        self.source = Source(old.path, text, old.file)
        move = Move(old, self.source)
        found = [(move.diagnostic(d), nets) for d, nets in self.diagnostics]
        self.diagnostics = [(d, nets) for d, nets in found if d is not None]


class Move:
    """Places of one text in another, where the lines are the same."""

    def __init__(self, old: Source, new: Source) -> None:
        self.old, self.new = old, new
        self.head, tail = same_lines(old.text, new.text)
        self.tail = len(old.text) - tail
        self.by = len(new.text) - len(old.text)

    def span(self, span: Span) -> Span | None:
        """A place; none of a line that changed. Places in other files stay."""
        if span.source.path != self.old.path:
            return span
        if span.end <= self.head:
            return self.new.span(span.start, span.end)
        return self.new.span(span.start + self.by, span.end + self.by) if span.start >= self.tail else None

    def diagnostic(self, found: Diagnostic) -> Diagnostic | None:
        """A diagnostic, without its edits, which were tried with another text; none of a line that changed."""
        place = self.span(found.span)
        if place is None:
            return None
        related = tuple(replace(each, span=at) for each in found.related if (at := self.span(each.span)) is not None)
        help = tuple(replace(each, replace=None, edits=()) for each in found.help)
        return replace(found, span=place, related=related, trail=self._trail(found.trail), help=help, site=None)

    def _trail(self, frame: Frame | None) -> Frame | None:
        """The trail as far out as its lines are the same."""
        if frame is None or (call := self.span(frame.call)) is None:
            return None
        return replace(frame, call=call, parent=self._trail(frame.parent))

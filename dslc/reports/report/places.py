"""Where layers stand: lines of the program, and of the generated PyTorch."""

from __future__ import annotations

from dslc.diagnostics.model import Frame
from dslc.ir.model import Call, Instance, Model, Node
from dslc.reports.report.torch_lines import TorchLines
from dslc.reports.stats import Row
from dslc.source import Source, Span

Json = dict[str, object]

MOST = 8
"""Lines of the program that lead to one layer."""


class Places:
    """The texts of a report, each once, and which of their lines say a layer.

    `torch`: the generated module; `at` of a layer: its own line, then those that led to it, as `[text, line]`.
    """

    def __init__(self, model: Model, torch: str | None, sources: list[Source]) -> None:
        self.model = model
        self.sources = sources
        self.lines = None if torch is None else TorchLines(torch)

    def of(self, row: Row) -> Json:
        """The lines of one row."""
        found: Json = {}
        at = list(dict.fromkeys(self.place(span) for span in spans(row)))[:MOST]
        if at:
            found["at"] = [list(place) for place in at]
        lines = self.lines.of(row.path.partition("@")[0]) if self.lines is not None else ()
        if lines:
            found["torch"] = list(lines)
        return found

    def place(self, span: Span) -> tuple[int, int]:
        """Number of a text, and line in it."""
        return self.source(span.source), span.line

    def source(self, source: Source) -> int:
        """The number of a text."""
        for i, known in enumerate(self.sources):
            if known is source or (known.path, known.text) == (source.path, source.text):
                return i
        self.sources.append(source)
        return len(self.sources) - 1


def spans(row: Row) -> list[Span]:
    """The text that makes a layer, and the calls that led to it, innermost first; turns of loops are left out."""
    use = row.use
    if isinstance(use, Node | Call):
        return [use.span, *calls(use.frame)]
    if row.part is not None:
        return called(row.part)
    return []


def called(part: Instance) -> list[Span]:
    """Where a part is called, with what led there; a `seq` stands where it is written."""
    if part.kind == "seq":
        return [part.site, *calls(part.frame)]
    return [*calls(part.frame)] or [part.site]


def calls(frame: Frame | None) -> list[Span]:
    """The texts of a trail but for loops."""
    return [each.call for each in frame or () if not each.turn]

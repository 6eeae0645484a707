"""Where layers stand: lines of the program, and of the generated PyTorch."""

from __future__ import annotations

from dslc.ir.model import Model
from dslc.reports.origins import spans
from dslc.reports.stats import Row
from dslc.reports.torch_lines import TorchLines
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
        at = list(dict.fromkeys(self.place(span) for span in spans(row, self.model.params)))[:MOST]
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

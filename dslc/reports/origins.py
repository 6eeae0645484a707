"""Where the layers of a report come from: their own text, and the calls that led to it."""

from __future__ import annotations

from collections.abc import Mapping

from dslc.diagnostics.model import Frame
from dslc.ir.model import Call, Instance, Node, Param
from dslc.reports.stats import Row
from dslc.source import Span


def spans(row: Row, params: Mapping[str, Param]) -> list[Span]:
    """The text that makes a layer or a tensor, and the calls that led to it, innermost first, without turns of loops.

    `params`: the network's tensors by path.
    """
    use = row.use
    if isinstance(use, Node | Call):
        return [use.span, *calls(use.frame)]
    if row.part is not None:
        return called(row.part)
    param = params.get(row.path)
    if param is None or param.span is None:
        return []
    owner = param.owner
    return [param.span, *(called(owner) if isinstance(owner, Instance) and owner.parent is not None else [])]


def called(part: Instance) -> list[Span]:
    """Where a part is called, with what led there; a `seq` stands where it is written."""
    if part.kind == "seq":
        return [part.site, *calls(part.frame)]
    return [*calls(part.frame)] or [part.site]


def calls(frame: Frame | None) -> list[Span]:
    """The texts of a trail but for loops."""
    return [each.call for each in frame or () if not each.turn]

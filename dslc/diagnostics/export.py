"""Diagnostics as data, for tools: the JSON that `dslc check --format json` prints (docs/checking.md describes it).

The schema is stable: keys are only ever added. Lines and columns count from 1, offsets from 0 in characters;
an end is the place after the last character. Applying every edit of a help line makes the change it proposes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from itertools import islice

from dslc.diagnostics.model import Diagnostic, Edit, Help
from dslc.source import Span

VERSION = 1
MAX_TRAIL = 50
"""Frames of a trail that are exported, innermost first."""

PAGES = "docs/errors.md"
"""What explains every code, under an anchor of its name."""

Json = dict[str, object]
Key = tuple[str, str, str, int, int]


def to_json(diagnostics: Iterable[Diagnostic], counts: Mapping[Key, int] | None = None) -> str:
    """All diagnostics as one JSON document, in the order given."""
    known = counts or {}
    found = [diagnostic_record(d, known.get(d.key, 1)) for d in diagnostics]
    return json.dumps({"version": VERSION, "diagnostics": found}, indent=2, ensure_ascii=False)


def diagnostic_record(diagnostic: Diagnostic, count: int = 1) -> Json:
    """One diagnostic as plain data."""
    return {
        "code": diagnostic.code,
        "name": diagnostic.switch,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "label": diagnostic.label,
        "span": span_record(diagnostic.span),
        "related": [{"span": span_record(r.span), "text": r.text} for r in diagnostic.related],
        "trail": [
            {"what": frame.what, "span": span_record(frame.call)} for frame in islice(diagnostic.trail or (), MAX_TRAIL)
        ],
        "notes": list(diagnostic.notes),
        "help": [help_record(h, diagnostic.span) for h in diagnostic.help],
        "count": count,
        "url": f"{PAGES}#{diagnostic.code.lower()}",
    }


def help_record(help: Help, span: Span) -> Json:
    """A proposal with its edits, and whether they may be made unseen; words alone have none."""
    edits = [{"span": span_record(e.span), "text": e.text} for e in edits_of(help, span)]
    return {"text": help.text, "edits": edits, "applicability": help.applicability.value if edits else ""}


def edits_of(help: Help, span: Span) -> tuple[Edit, ...]:
    """The edits of a proposal; a replacement of the diagnostic's own text is an edit like any other."""
    own = () if help.replace is None else (Edit(span, help.replace),)
    return (*own, *help.edits)


def span_record(span: Span) -> Json:
    """A range of text with both ends as offset, line and column; of a whole file there is none."""
    place: Json = {"kind": span.source.kind, "path": span.source.shown}
    if span.source.kind != "file":
        place |= {"start": point_record(span, span.start), "end": point_record(span, span.end)}
    return place


def point_record(span: Span, offset: int) -> Json:
    """One place of a source."""
    line, column = span.source.position(offset)
    return {"offset": offset, "line": line, "column": column}

"""Diagnostics as SARIF 2.1.0, which code hosts and editors read: `dslc check --format sarif`.

OASIS, Static Analysis Results Interchange Format (SARIF) Version 2.1.0, section 3. Columns count characters, from 1.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from dslc.diagnostics.codes import REGISTRY, explain
from dslc.diagnostics.export import MAX_TRAIL, Json, edits_of
from dslc.diagnostics.model import Diagnostic, Help, Severity
from dslc.source import Source, Span

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def to_sarif(diagnostics: Sequence[Diagnostic], version: str) -> str:
    """All diagnostics as one run of the compiler of a version, with the rules that they break."""
    codes = sorted({d.code for d in diagnostics})
    run: Json = {
        "tool": {"driver": {"name": "dslc", "semanticVersion": version, "rules": [rule(code) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        "originalUriBaseIds": {"ROOT": {"uri": f"{Path.cwd().as_uri().rstrip('/')}/"}},
        "results": [result(d, codes.index(d.code)) for d in diagnostics],
    }
    return json.dumps({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2, ensure_ascii=False)


def rule(code: str) -> Json:
    """A code, with what `dslc explain` says of it."""
    mistake = REGISTRY[code]
    page = explain(code)
    title = page.partition("\n")[0].partition(": ")[2]
    found: Json = {
        "id": code,
        "shortDescription": {"text": title},
        "help": {"text": page, "markdown": page},
        "defaultConfiguration": {"level": LEVELS[mistake.severity]},
    }
    return found | ({"name": mistake.switch} if mistake.switch else {})


def result(diagnostic: Diagnostic, index: int) -> Json:
    """One diagnostic."""
    words = f"{diagnostic.message}; {diagnostic.label}" if diagnostic.label else diagnostic.message
    found: Json = {
        "ruleId": diagnostic.code,
        "ruleIndex": index,
        "level": LEVELS[diagnostic.severity],
        "message": {"text": words},
        "locations": [location(diagnostic.span)],
    }
    others = [(label.span, label.text) for label in diagnostic.related]
    others += [(frame.call, f"in expansion of `{frame.what}`") for frame in list(diagnostic.trail or ())[:MAX_TRAIL]]
    if others:
        found["relatedLocations"] = [location(span, text) for span, text in others]
    if fixes := [each for help in diagnostic.help if (each := fix(help, diagnostic.span))]:
        found["fixes"] = fixes
    return found


def location(span: Span, text: str = "") -> Json:
    """A place in a program; what was given for an option has a name only, and a whole file no region."""
    if span.source.kind == "option":
        found: Json = {"logicalLocations": [{"name": span.source.path, "fullyQualifiedName": span.source.text}]}
    else:
        physical: Json = {"artifactLocation": artifact(span.source)}
        if span.source.kind == "text":
            physical["region"] = region(span)
        found = {"physicalLocation": physical}
    return found | ({"message": {"text": text}} if text else {})


def artifact(source: Source) -> Json:
    """A file, by its path from the working directory if it lies below."""
    path = source.shown
    if os.path.isabs(path):
        return {"uri": Path(path).as_uri()}
    return {"uri": quote(Path(path).as_posix()), "uriBaseId": "ROOT"}


def region(span: Span) -> Json:
    """A range of text; its end is the place after the last character."""
    (line, column), (last, end) = span.source.position(span.start), span.source.position(span.end)
    return {"startLine": line, "startColumn": column, "endLine": last, "endColumn": end}


def fix(help: Help, span: Span) -> Json | None:
    """A proposal as changes of files; none for mere words."""
    changes: dict[Source, list[Json]] = {}
    for edit in edits_of(help, span):
        replaced: Json = {"deletedRegion": region(edit.span), "insertedContent": {"text": edit.text}}
        changes.setdefault(edit.span.source, []).append(replaced)
    files = [{"artifactLocation": artifact(source), "replacements": made} for source, made in changes.items()]
    if not files:
        return None
    properties = {"applicability": help.applicability.value}
    return {"description": {"text": help.text}, "artifactChanges": files, "properties": properties}

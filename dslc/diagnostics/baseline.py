"""What a project has already: warnings that a file remembers, so that a check tells of new ones alone.

A warning is known by its file, its code and the text of its line without spaces and comments, and how often that is
there: lines that move are the same, lines that change are new. Errors are never among them.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

from dslc.diagnostics.codes import REGISTRY
from dslc.diagnostics.comments import COMMENT
from dslc.diagnostics.model import Diagnostic, Severity

VERSION = 1

Entry: TypeAlias = tuple[str, str, str, str]
"""File (from the baseline's folder), code, name, text of the line."""

Counts: TypeAlias = Mapping[tuple[str, str, str, int, int], int]


class NoBaseline(ValueError):
    """A file that is no baseline, with the reason."""


def entry(diagnostic: Diagnostic, folder: Path) -> Entry:
    """What a warning is known by."""
    span = diagnostic.span
    line = COMMENT.match(span.source.line_text(span.line))
    text = re.sub(r"\s+", "", line["code"] if line is not None else "")
    path = Path(os.path.relpath(span.source.shown, folder)).as_posix()
    return path, diagnostic.code, diagnostic.switch, text


def known(diagnostic: Diagnostic) -> bool:
    """Whether a baseline may hold it: a warning, even one that is denied."""
    return diagnostic.code in REGISTRY and REGISTRY[diagnostic.code].severity is Severity.WARNING


def text_of(diagnostics: Iterable[Diagnostic], folder: Path) -> str:
    """A baseline of what was found, as it is written; `folder` is where it will lie."""
    counts = Counter(entry(d, folder) for d in diagnostics if known(d))
    names = ("file", "code", "name", "line")
    found = [dict(zip(names, one, strict=True)) | {"count": n} for one, n in sorted(counts.items())]
    return json.dumps({"version": VERSION, "warnings": found}, indent=1, ensure_ascii=False) + "\n"


def read(text: str) -> Counter[Entry]:
    """The warnings of a baseline. Raises `NoBaseline`."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NoBaseline(f"it is not JSON ({error})") from None
    if not isinstance(document, dict) or document.get("version") != VERSION:
        raise NoBaseline(f"it is no baseline of version {VERSION}")
    counts: Counter[Entry] = Counter()
    try:
        for one in document["warnings"]:
            counts[one["file"], one["code"], one["name"], one["line"]] += int(one["count"])
    except (KeyError, TypeError, ValueError):
        raise NoBaseline("its `warnings` are a list with `file`, `code`, `name`, `line` and `count`") from None
    return counts


def new(diagnostics: Iterable[Diagnostic], old: Counter[Entry], folder: Path) -> tuple[list[Diagnostic], int]:
    """The diagnostics that a baseline does not hold, and how many of the baseline's are no more."""
    left = Counter(old)
    found = []
    for diagnostic in diagnostics:
        if known(diagnostic) and left[one := entry(diagnostic, folder)] > 0:
            left[one] -= 1
        else:
            found.append(diagnostic)
    return found, sum(left.values())

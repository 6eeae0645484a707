"""docs/errors.md: every code with its page, as `dslc explain` prints it, under an anchor of its own."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

from dslc.diagnostics.codes import explain
from dslc.reports.catalogue import load_codes, title_of

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "errors.md"

RANGES = {
    "E01": "Text",
    "E02": "Names and files",
    "E03": "Layers and their tensors",
    "E04": "Sizes",
    "E05": "What a program asks for",
    "E06": "Files, weights, devices and exports",
    "E07": "Budgets",
    "W": "Warnings",
    "N": "Notes",
}

HEAD = """\
# Errors

Every code that dslc prints, as `dslc explain CODE` says it: why the rule is there, a program that breaks it and one
that keeps it. This page is written by `python -m dslc.reference`.
"""

CODE = re.compile(r"\b[EWN]\d{4}\b")


def part_of(code: str) -> str:
    """The heading that a code stands under."""
    return next(title for start, title in RANGES.items() if code.startswith(start))


def errors_text() -> str:
    """The page."""
    codes = load_codes()
    lines = [HEAD]
    for title, found in groupby(codes, part_of):
        lines.append(f"## {title}\n\n| code | |\n|---|---|")
        lines += [f"| [{code}](#{code.lower()}) | {title_of(codes[code])} |" for code in found]
        lines.append("")
    lines += [entry(code) for code in codes]
    return "\n".join(lines)


def entry(code: str) -> str:
    """A code's page under a heading that is nothing but the code, so that the anchor is too."""
    title, _, body = explain(code).partition("\n\n")
    before, related, after = body.rpartition("Related: ")
    linked = CODE.sub(lambda m: f"[{m[0]}](#{m[0].lower()})", after)
    return f"### {code}\n\n{title.partition(': ')[2]}.\n\n{before}{related}{linked}"


def write() -> None:
    """Write the page."""
    PAGE.write_text(errors_text(), encoding="utf-8")

"""docs/programs.md: the texts of the zoo and of the library, as the site shows them."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "programs.md"
HEAD = """\
# The programs

The texts of [the zoo](zoo.md) and of the library, as they come with dslc: `dslc zoo --copy resnet50` writes one to
start from, and `use std.conv: cba` takes a block from the library. This page is written by `python -m dslc.reference`.
"""
FOLDERS = {"examples": "The zoo", "stdlib": "The library"}


def page() -> str:
    """The whole page; Sphinx takes the programs from their files."""
    parts = [HEAD]
    for folder, title in FOLDERS.items():
        parts.append(f"## {title}\n")
        for path in sorted((ROOT / folder).glob("*.dl")):
            parts.append(
                f"### {folder}/{path.name}\n\n```{{literalinclude}} ../{folder}/{path.name}\n:language: dl\n```\n"
            )
    return "\n".join(parts)


def write() -> None:
    """Write it."""
    PAGE.write_text(page(), encoding="utf-8")

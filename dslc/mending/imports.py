"""Fixes for `use` lines: names that another file of std defines, and names that need no line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dslc.bind import language
from dslc.mending.ground import Candidate, Ground
from dslc.mending.rules import mends
from dslc.names.errors import ImportMissing, ImportUnknown
from dslc.syntax import tree
from dslc.vocabulary.std import core, homes


@mends(ImportUnknown, ImportMissing)
def elsewhere_in_std(g: Ground) -> Iterator[Candidate]:
    """`use std.transformer: encoder`, `use std.conv: residual`: another file of std has it, or all programs do."""
    use = next((i for i in g.outline.items if isinstance(i, tree.Use) and _holds(i, g)), None)
    if use is None or use.quoted:
        return
    kept: list[str] = []
    free: list[str] = []
    moved: dict[str, list[str]] = {}
    for there, here in use.names:
        name, text = there.name, there.span.to(here.span).text
        home = homes().get(name)
        if home is not None:
            moved.setdefault(home, []).append(text)
        elif here.name == name and (name in core() or language.kind_of(name) == "layer"):
            free.append(name)
        else:
            kept.append(text)
    if isinstance(g.diagnostic.mistake, ImportUnknown) and g.span.text not in [*free, *homes()]:
        return
    near = getattr(g.diagnostic.mistake, "near", None)
    if not (moved or free) or (isinstance(g.diagnostic.mistake, ImportMissing) and near and {near} >= moved.keys()):
        return  # nothing is elsewhere: the file's name is misspelt
    lines = [f"use {path}: {', '.join(texts)}" for path, texts in ({use.path: kept} | moved).items() if texts]
    end = use.span.end if lines else min(g.line_end(use.span.end) + 1, len(g.source.text))
    yield Candidate(_words(use.path, moved, free), (g.edit(use.span.start, end, "\n".join(lines)),), sole=True)


def _holds(use: tree.Use, g: Ground) -> bool:
    return use.span.start <= g.span.start < use.span.end


def _words(path: str, moved: dict[str, list[str]], free: Sequence[str]) -> str:
    there = [f"`use {home}: {', '.join(texts)}`" for home, texts in moved.items() if home != path]
    said = [f"std has it elsewhere: {' and '.join(there)}"] if there else []
    if free:
        names = " and ".join(f"`{name}`" for name in free)
        said.append(f"{names} need{'s' * (len(free) == 1)} no `use`")
    return "; ".join(said)

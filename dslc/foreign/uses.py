"""The line that makes a name of std known: an edit that puts it where `use` lines stand."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dslc.diagnostics.model import Edit
from dslc.foreign.rewrite import KindOf
from dslc.source import Span
from dslc.syntax import tree
from dslc.vocabulary.std import homes

_NAME = re.compile(r'"[^"]*"|(?<![\w.`])[A-Za-z_]\w*(?!\w*\s*=(?!=))')


def needed(text: str, kind_of: KindOf) -> tuple[str, ...]:
    """The names of std in a text that nothing defines, in order."""
    found = [match[0] for match in _NAME.finditer(text) if match[0] in homes() and kind_of(match[0]) is None]
    return tuple(dict.fromkeys(found))


def use_edits(file: tree.File, names: Iterable[str]) -> tuple[Edit, ...]:
    """The edits that bring names of std in: at the end of the `use` of their file, else as a line of their own."""
    wanted: dict[str, list[str]] = {}
    for name in names:
        wanted.setdefault(homes()[name], []).append(name)
    uses = {item.path: item for item in file.items if isinstance(item, tree.Use) and not item.quoted}
    edits: list[Edit] = []
    lines: list[str] = []
    for home, together in wanted.items():
        use = uses.get(home)
        if use is not None and use.names:
            end = use.names[-1][1].span.end
            edits.append(Edit(Span(file.source, end, end), "".join(f", {name}" for name in together)))
        else:
            lines.append(f"use {home}: {', '.join(together)}\n")
    if lines:
        edits.append(_new_lines(file, lines))
    return tuple(edits)


def _new_lines(file: tree.File, lines: list[str]) -> Edit:
    """After the last `use`, else before the first definition with the comments that belong to it."""
    text = file.source.text
    last = next((item for item in reversed(file.items) if isinstance(item, tree.Use)), None)
    if last is not None:
        end = text.find("\n", last.span.end)
        if end < 0:
            return Edit(Span(file.source, len(text), len(text)), "\n" + "".join(lines))
        return Edit(Span(file.source, end + 1, end + 1), "".join(lines))
    first = min((item.span.start for item in file.items), default=0)
    at = text.rfind("\n", 0, first) + 1
    while at:
        before = text.rfind("\n", 0, at - 1) + 1
        if not text.startswith("##", before):
            break
        at = before
    return Edit(Span(file.source, at, at), "".join(lines) + "\n")

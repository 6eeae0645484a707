"""Lines that begin with a dash or a star, as the items of a YAML list: branches, or the lines of a body.

They are read as what is meant, so that nothing else is said of them, and told once a suite, with an edit of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from dslc.diagnostics.model import Edit, Help
from dslc.syntax import mistakes
from dslc.syntax.layout import ITEM_WORDS, Line
from dslc.syntax.text import Found
from dslc.syntax.tokens import Token

MARKS: Final = frozenset(("MINUS", "TIMES", "PLUS"))
_JOINS: Final = frozenset(("concat", "add", "sum", "cat", "concatenate", "branches", "parallel", "multiply", "mul"))
"""Names of layers that join what the branches of their suite make, here and elsewhere."""


def check_bullets(found: Found, lines: Sequence[Line]) -> None:
    """Reads the marks of a list as bars of branches, or past them; says so once for each suite."""
    for owner, suite in _suites(lines):
        marked = [line for line in suite if _is_item(line)]
        if not marked or any(line.tokens[0].kind in MARKS and line not in marked for line in suite):
            continue
        among = any(line.tokens[0].kind == "VBAR" for line in suite)
        branches = among or (len(suite) > 1 and _joins(owner))
        if not among and (len(marked) < len(suite) or (len(suite) == 1 and _is_sign(suite[0]))):
            continue
        first = marked[0].tokens[0]
        edits = tuple(_edit(found, line, branches) for line in marked)
        text = found.source.text
        shown = " ".join(text[marked[0].tokens[1].start : marked[0].tokens[-1].end].split())
        said = f"`| {shown}`" if branches else f"`{shown}`"
        if len(marked) > 1:
            said += f", and so in the {'next line' if len(marked) == 2 else f'{len(marked) - 1} others'}"
        if not any(line.reported for line in marked):
            mistake = mistakes.ListMark(first.text, branches)
            found.add(mistake, first.start, first.end, help=(Help(f"write {said}", edits=edits),))
        for line in marked:
            mark = line.tokens[0]
            line.tokens[:1] = [Token("VBAR", "|", mark.start, mark.end)] if branches else []


def _suites(lines: Sequence[Line]) -> Iterator[tuple[Line, list[Line]]]:
    """Each line that ends with a colon, with the lines right under it."""
    for i, owner in enumerate(lines):
        below = lines[i + 1 : i + 2]
        if owner.tokens[-1].kind != "COLON" or not below or below[0].level <= owner.level:
            continue
        suite = []
        for line in lines[i + 1 :]:
            if line.level <= owner.level:
                break
            if line.level == below[0].level:
                suite.append(line)
        yield owner, suite


def _is_item(line: Line) -> bool:
    """Whether a line is an item of a list: `- conv(16, 3)`, and not `- [-1, 1, conv, [16]]`, `-3 + x` or `--`."""
    mark, *rest = line.tokens
    return mark.kind in MARKS and bool(rest) and not line.broken and rest[0].kind in ("NAME", "SEQ", "IT", "LPAR")


def _is_sign(line: Line) -> bool:
    """Whether a mark touches what follows, as the sign of a value does."""
    return line.tokens[0].end == line.tokens[1].start


def _joins(owner: Line) -> bool:
    """Whether the suite of a line is one of branches: of its last layer, `concat` or the like."""
    if owner.tokens[0].kind in ITEM_WORDS:
        return False
    depth = 0
    for token in reversed(owner.tokens[:-1]):
        depth += (token.kind in ("RPAR", "RSQB")) - (token.kind in ("LPAR", "LSQB"))
        if depth == 0 and token.kind == "NAME":
            return token.text in _JOINS
    return False


def _edit(found: Found, line: Line, branches: bool) -> Edit:
    mark, after = line.tokens[:2]
    return Edit(found.source.span(mark.start, after.start), "| " if branches else "")

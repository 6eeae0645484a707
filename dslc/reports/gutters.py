"""Tables that are lines of text already, made to fit a terminal: their columns are what blank columns lie between."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import groupby
from operator import or_

from dslc.reports.aligned import aligned
from dslc.reports.strips import GAP, Strip, blocks, total

COLUMN = re.compile(rf"1(?:0{{0,{GAP - 1}}}1)*")

FEWEST = 3
"""Columns of a table; a label and a sentence are two."""

MOST_KEYS = 2
"""Columns of words at the front of a table, which stand at the front of each part of it."""


def tables(lines: Sequence[str]) -> Iterator[tuple[bool, list[str]]]:
    """Lines in runs: whether a run is a table, several lines with the same columns, or text. Linear in the lines."""
    for words, found in groupby(lines, lambda line: bool(line) and (1 + line.startswith(" "))):
        run = list(found)
        width = max(map(len, run))
        start = 0
        while start < len(run):
            end, common = start + 1, inked(run[start], width)
            while words and end < len(run) and len(spans(more := common | inked(run[end], width), width)) >= FEWEST:
                end, common = end + 1, more
            yield end > start + 1, run[start:end]
            start = end


def inked(line: str, width: int) -> int:
    """Where a line has letters, as bits, the first column the highest of `width`."""
    return int("".join("0" if letter == " " else "1" for letter in line.ljust(width)) or "0", 2)


def spans(common: int, width: int) -> list[tuple[int, int]]:
    """Where the columns of lines begin and end, by what any of them has letters in: between them lie GAP blanks."""
    return [found.span() for found in COLUMN.finditer(f"{common:0{width}b}")]


def refitted(lines: Sequence[str], width: int) -> list[str]:
    """A table that is too wide, further to the left if that is enough, else in parts below each other."""
    indent = min(len(line) - len(line.lstrip(" ")) for line in lines)
    widest = max(map(len, lines))
    if widest <= width:
        return list(lines)
    pad = min(indent, GAP)
    if widest - indent + pad <= width:
        return [line[indent - pad :] for line in lines]
    strips = []
    common = reduce(or_, (inked(line, widest) for line in lines))
    for start, end in spans(common, widest):
        cells = [line[start:end] for line in lines]
        left = all(cell[:1] != " " for cell in cells if cell.strip())
        strips.append(Strip("", tuple(cell.strip() for cell in cells), left))
    keys = next((at for at, strip in enumerate(strips[:MOST_KEYS]) if not strip.left), min(MOST_KEYS, len(strips) - 1))
    while keys > 1 and total([strip.width for strip in strips[:keys]]) > width // 2:
        keys -= 1
    found: list[str] = []
    for block in blocks(strips, width - pad, max(1, keys)):
        rows = list(zip(*(strip.cells for strip in block), strict=True))
        found += ["", *aligned(rows, {at for at, strip in enumerate(block) if strip.left})]
    return [f"{' ' * pad}{line}".rstrip() for line in found[1:]]

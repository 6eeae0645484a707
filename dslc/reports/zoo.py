"""The networks that `dslc zoo` lists, from zoo.json, which `python -m dslc.reference` writes."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from textwrap import wrap

from dslc.record import frozen
from dslc.reports.numbers import short

DATA = Path(__file__).with_name("zoo.json")
WIDTH = 120
"""Columns of a line of words."""


@frozen
class Entry:
    """A network: its file, its inputs with default sizes, exact costs for one sample, and the paper."""

    net: str
    file: str
    input: str
    params: int
    macs: int
    source: str

    def data(self) -> dict[str, str | int]:
        """The fields by name, in order."""
        return {name: getattr(self, name) for name in FIELDS}


FIELDS = ("net", "file", "input", "params", "macs", "source")


def listed(words: Sequence[str] = ()) -> list[Entry]:
    """All networks in order; of each of `words`, those with a name or file that has it, best where a part begins so."""
    entries = [Entry(**row) for row in json.loads(DATA.read_text("utf-8"))]
    if not words:
        return entries
    wanted = [word.casefold().removeprefix("zoo:").removesuffix(".dl") for word in words]
    chosen: set[str] = set()
    for word in wanted:
        within = {e.net: [m.start() for m in re.finditer(re.escape(word), f"{e.net} {e.file[:-3]}")] for e in entries}
        names = {e.net: f" {e.net} {e.file[:-3]}".replace("_", " ") for e in entries}
        begun = {net for net, places in within.items() if any(names[net][place] == " " for place in places)}
        chosen |= begun or {net for net, places in within.items() if places}
    return [e for e in entries if e.net in chosen]


def text(entries: Sequence[Entry]) -> str:
    """A table for each paper, under its file."""
    columns = [(f"zoo:{e.net}", e.input, short(e.params), short(e.macs)) for e in entries]
    widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
    lines: list[str] = []
    at = 0
    for (file, source), group in groupby(entries, key=lambda e: (e.file, e.source)):
        head = f"{file}: {source}" if source else file
        lines += ["", *wrap(head, WIDTH, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)]
        for _ in group:
            name, ports, params, macs = columns[at]
            cells = (name.ljust(widths[0]), params.rjust(widths[2]), macs.rjust(widths[3]), ports)
            lines.append("  " + "  ".join(cells).rstrip())
            at += 1
    heads = (
        "network".ljust(widths[0]),
        "params".rjust(widths[2]),
        "MACs".rjust(widths[3]),
        "input",
    )
    return "\n".join(["  " + "  ".join(heads), *lines])


def markdown(entries: Sequence[Entry]) -> str:
    """One table."""
    lines = ["| network | file | input | params | MACs | source |", "|---|---|---|---:|---:|---|"]
    for e in entries:
        cells = (f"`zoo:{e.net}`", e.file, f"`{e.input}`", f"{e.params:,}", f"{e.macs:,}", e.source)
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines)


def csv_text(entries: Sequence[Entry]) -> str:
    """Comma-separated rows with exact numbers, headings first."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows(e.data().values() for e in entries)
    return out.getvalue().rstrip("\n")


def json_text(entries: Sequence[Entry]) -> str:
    """A list of objects with exact numbers."""
    return json.dumps([e.data() for e in entries], indent=2, ensure_ascii=False)

"""Amounts of memory on the command line: `--fit 24GB`."""

from __future__ import annotations

import re
from fractions import Fraction

import click

from dslc.diagnostics.codes import nearest

UNITS = {"B": 1} | {
    f"{letter}{ending}": base**power
    for power, letter in enumerate("kMGT", 1)
    for ending, base in (("B", 1000), ("iB", 1024))
}
_FORM = re.compile(r"(\d[\d_]*(?:\.\d+)?)\s*([A-Za-z]*)")


def parse_memory(text: str) -> int:
    """Bytes: `24GB` (24e9), `24GiB` (24 * 2**30), `1.5 TB`, or a plain number; a part of a byte is dropped.

    Units are read in any case. A click.BadParameter for anything else.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f"`{text}` is no amount of memory such as `24GB` or `24GiB`")
    number, unit = found.groups()
    known = {name.lower(): size for name, size in UNITS.items()}
    size = known.get(unit.lower(), known.get(f"{unit.lower()}b")) if unit else 1
    if size is None:
        raise click.BadParameter(
            f"`{text}`: `{unit}` is no unit of memory, write `{number}{nearest(unit, UNITS) or 'GB'}`"
        )
    count = int(Fraction(number.replace("_", "")) * size)
    if count < 1:
        raise click.BadParameter(f"`{text}` is no memory: write an amount such as `24GB`")
    return count


def memory_size(ctx: click.Context, option: click.Parameter, text: str | None) -> int | None:
    """`parse_memory` as the callback of an option that need not be given."""
    return None if text is None else parse_memory(text)

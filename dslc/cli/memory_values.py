"""Amounts of memory on the command line: `--fit 24GB`."""

from __future__ import annotations

import re

import click

from dslc.diagnostics.codes import nearest
from dslc.syntax.text import number

UNITS = ("B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB")
_FORM = re.compile(r"(\d[\d_]*(?:\.\d+)?)\s*([A-Za-z]*)")


def parse_memory(text: str) -> int:
    """Bytes: `24GB` (24e9), `24GiB` (24 * 2**30), `1.5 TB`, or a plain number; a part of a byte is dropped.

    Units are read in any case, and `24G` is `24GB`. A click.BadParameter for anything else.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f"`{text}` is no amount of memory such as `24GB` or `24GiB`")
    digits, word = found.groups()
    by_word = {form: unit for unit in UNITS for form in (unit.lower(), unit.lower().removesuffix("b"))}
    unit = by_word.get(word.lower())
    if unit is None:
        near = nearest(word, UNITS) or "GB"
        raise click.BadParameter(f"`{text}`: `{word}` is no unit of memory, write `{digits}{near}`")
    count = number(digits + unit)
    if count is None or count < 1:
        raise click.BadParameter(f"`{text}` is no memory: write an amount such as `24GB`")
    return int(count)


def memory_size(ctx: click.Context, option: click.Parameter, text: str | None) -> int | None:
    """`parse_memory` as the callback of an option that need not be given."""
    return None if text is None else parse_memory(text)

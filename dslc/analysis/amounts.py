"""What is written for an amount of memory, and for one of several words."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from operator import index
from typing import SupportsIndex

from dslc.diagnostics.codes import nearest
from dslc.syntax.text import number

UNITS = ("B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB")
_FORM = re.compile(r"(\d[\d_]*(?:\.\d+)?)\s*([A-Za-z]*)")


def bytes_of(text: str) -> int:
    """Bytes: `24GB` (24e9), `24GiB` (24 * 2**30), `1.5 TB`, or a plain number; a part of a byte is dropped.

    Units are read in any case, and `24G` is `24GB`. A ValueError for anything else.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"`{text}` is no amount of memory such as `24GB` or `24GiB`")
    digits, word = found.groups()
    by_word = {form: unit for unit in UNITS for form in (unit.lower(), unit.lower().removesuffix("b"))}
    unit = by_word.get(word.lower())
    if unit is None:
        near = nearest(word, UNITS) or "GB"
        raise ValueError(f"`{text}`: `{word}` is no unit of memory, write `{digits}{near}`")
    count = number(digits + unit)
    if count is None or count < 1:
        raise ValueError(f"`{text}` is no memory: write an amount such as `24GB`")
    return int(count)


def whole(option: str, given: object, least: int | None = 1) -> int:
    """A whole number, of at least 1 if not said otherwise, also one of numpy. A TypeError or ValueError for others."""
    if isinstance(given, bool) or not isinstance(given, SupportsIndex):
        raise TypeError(f"`{option}` is a whole number, not {given!r:.60}")
    number = index(given)
    if least is not None and number < least:
        raise ValueError(f"`{option}` is at least {least}, not {number}")
    return number


def words(option: str, given: str | Collection[str], known: Collection[str] | None = None) -> tuple[str, ...]:
    """Each word once, of a text with commas or of several; a ValueError for one that is not among those known."""
    if not isinstance(given, Iterable):
        raise TypeError(f"`{option}` is a text, or several, not {given!r:.60}")
    found = [part.strip() for part in given.split(",")] if isinstance(given, str) else list(given)
    for word in found:
        if word and known is not None and word not in known:
            near = nearest(str(word), known)
            hint = f"did you mean `{near}`?" if near else f"it takes {', '.join(known)}"
            raise ValueError(f"`{option}` knows no `{word}`: {hint}")
    return tuple(dict.fromkeys(word for word in found if word))

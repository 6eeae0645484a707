"""Units behind the numbers of a `budget`: `5 GFLOPs`, `1M params`. The language has prefixes, and `B` for bytes."""

from __future__ import annotations

import re

from dslc.diagnostics.model import Help

PREFIXES = {"kilo": "K", "mega": "M", "giga": "G", "tera": "T", "thousand": "K", "million": "M", "mio": "M"}
PREFIXES |= {"billion": "G", "bn": "G", "trillion": "T", "k": "K", "m": "M", "g": "G", "t": "T", "": ""}
UNIT = re.compile(
    r"(?P<prefix>kilo|mega|giga|tera|thousand|million|mio|billion|bn|trillion|[kmgt]?)(?P<binary>i?)[ _-]?"
    r"(?P<unit>flops?|flop/s|macs?|madds?|mults?|ops?|params?|parameters?|weights?|acts?|activations?|bytes?|b|)",
    re.IGNORECASE,
)
NUMBER = re.compile(r"(?P<digits>\d[\d_]*(?:\.\d+)?(?:[eE][+-]?\d+)?)(?P<rest>.*)", re.DOTALL)
BYTES = ("b", "byte", "bytes")

COUNTED = ("params", "macs", "flops", "acts", "receptive_field")
"""Quantities of budgets that are no memories."""


def plain(text: str) -> str | None:
    """A limit as the language writes it: `5G` of `5 GFLOPs`, `8MB` of `8 megabytes`; none for another text."""
    number = NUMBER.fullmatch(text.strip())
    found = UNIT.fullmatch(number["rest"].strip()) if number is not None else None
    if number is None or found is None:
        prefixed = re.fullmatch(r"(\d[\d_]*(?:\.\d+)?[KMGT])\s+(\S+)", text.strip())  # `25M params`
        unit = UNIT.fullmatch(prefixed[2]) if prefixed is not None else None
        if prefixed is None or unit is None or unit["prefix"]:
            return None
        return prefixed[1] + ("B" if unit["unit"].lower() in BYTES else "")
    prefix, unit_name = PREFIXES[found["prefix"].lower()], found["unit"].lower()
    if "e" in number["digits"].lower() and (prefix or unit_name in BYTES):
        return None
    ending = "B" if unit_name in BYTES else ""
    if found["binary"]:
        return f"{number['digits']}{prefix}iB" if prefix and ending else None
    return f"{number['digits']}{prefix}{ending}"


def is_unit(text: str) -> bool:
    """Whether a word is a unit or a prefix."""
    return bool(text) and UNIT.fullmatch(text) is not None


def advice(text: str, counted: bool = False) -> tuple[Help, ...]:
    """What a number with a unit is in the language, in its place; `counted`: of a quantity that has no bytes."""
    written = number(text, counted)
    return () if written is None else (Help(f"write `{written}`", replace=written),)


def number(text: str, counted: bool) -> str | None:
    """A number with a unit as the language has it; of what is counted, `1 MB` is `1M`."""
    written = plain(text)
    return written.removesuffix("B").removesuffix("i").replace("k", "K") if written and counted else written

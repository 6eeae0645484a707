"""What became of a network's totals since another look at it, in a line."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import TypeAlias

from dslc.analysis.metrics import QUANTITIES, Unit
from dslc.analysis.quantities import Numbers
from dslc.reports.memory import amount
from dslc.reports.numbers import number_text, short

Totals: TypeAlias = Mapping[str, int | Fraction | None]
"""Numbers of a network by their names in QUANTITIES."""


def totals_of(numbers: Numbers) -> Totals:
    """The numbers of a network."""
    return {name: quantity.value(numbers) for name, quantity in QUANTITIES.items()}


def since(before: Totals, after: Totals) -> str:
    """`params 25.857 M (+300.000 k), MACs 4.089 G (-1.000 k)`: what differs; empty where nothing does."""
    parts = []
    for name, quantity in QUANTITIES.items():
        old, new = before[name], after[name]
        if old == new:
            continue
        text = f"{quantity.title} {number(new, quantity.unit)}"
        if new is not None:
            text += f" ({change(new, old, quantity.unit) if old is not None else 'not known before'})"
        parts.append(text)
    return ", ".join(parts)


def number(value: int | Fraction | None, unit: Unit) -> str:
    """`25.857 M`, `4.014 MB`, `435`; `?` where it is not known."""
    if value is None:
        return "?"
    if unit == "places" or not isinstance(value, int):
        return number_text(value)
    return amount(value) if unit == "B" else short(value)


def change(new: int | Fraction, old: int | Fraction, unit: Unit) -> str:
    """`+300.000 k`, `-16`."""
    far = abs(Fraction(new) - Fraction(old))
    whole: int | Fraction = far.numerator if far.denominator == 1 else far
    return f"{'-' if new < old else '+'}{number(whole, unit)}"

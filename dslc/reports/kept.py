"""The budgets of a network on a terminal: what each limits, how much of it is used, and whether it is kept."""

from __future__ import annotations

from fractions import Fraction

from dslc.analysis.budget import broken
from dslc.analysis.errors import OpenBudget
from dslc.analysis.metrics import QUANTITIES, Unit, unit_text
from dslc.reports.numbers import bytes_text, number_text
from dslc.reports.screen import Screen
from dslc.reports.stats import Stats


def amount(value: int | Fraction, unit: Unit) -> str:
    """`219,311,104`, `1.2 MB`."""
    return (unit == "B" and bytes_text(value)) or f"{number_text(value)}{unit_text(unit)}"


def budget_lines(stats: Stats, screen: Screen) -> list[str]:
    """`budgets macs <= 300,000,000: kept, 219,311,104 (73.1%)`, a line for each budget of the program."""
    lines: list[str] = []
    for budget in stats.model.budgets:
        quantity = QUANTITIES.get(budget.name)
        if quantity is None:
            continue  # a mistake tells of it
        value = quantity.value(stats)
        mistake = broken(budget, stats)
        word = "open" if isinstance(mistake, OpenBudget) else "kept" if mistake is None else "broken"
        text = "?" if value is None else amount(value, quantity.unit)
        if value is not None and budget.limit and budget.op in ("<", "<="):
            text += f" ({float(value) / float(budget.limit):.1%})"
        label = "budgets" if not lines else ""
        limit = f"{budget.limit:,}" if isinstance(budget.limit, int) else str(budget.limit)
        first, *rest = screen.totals([f"{label:<7} {budget.name} {budget.op} {limit}: {word}, {text}"])
        role = {"open": "unknown"}.get(word, word)
        lines += [first.replace(f": {word},", f": {screen.paint(word, role)},", 1), *rest]
    return lines

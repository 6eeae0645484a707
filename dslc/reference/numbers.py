"""The table of every number in docs/numbers.md, from the records that the reports are made of."""

from __future__ import annotations

import re
from pathlib import Path

from dslc.analysis.metrics import METRICS, Metric

PAGE = Path(__file__).resolve().parent.parent.parent / "docs" / "numbers.md"
BEGIN = "<!-- every number: written by `python -m dslc.reference` -->"
END = "<!-- end of every number -->"
HEAD = ("number", "column", "unit", "budgets, sweeps", "is")


def metric_table() -> str:
    """A line for each number: its names, its unit, whether it can be limited and which of two is better."""
    rows = [HEAD, ("---",) * len(HEAD), *map(cells, METRICS.values())]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def cells(metric: Metric) -> tuple[str, ...]:
    """What a line says of a number."""
    name = f"`{metric.name}`" if metric.of_net is not None else ""
    column = f"`{metric.column}`" if metric.column else ""
    doc = f"{metric.doc}; with `--device`" if metric.device and "device" not in metric.doc else metric.doc
    return name, column, metric.unit, f"yes; {metric.better} is better" if metric.better else "", doc


def page_text() -> str:
    """The page with the table as it is now."""
    text = PAGE.read_text("utf-8")
    table = f"{BEGIN}\n\n{metric_table()}\n\n{END}"
    found, count = re.subn(f"{re.escape(BEGIN)}.*?{re.escape(END)}", lambda _: table, text, flags=re.DOTALL)
    assert count == 1, "docs/numbers.md has no place for the table"
    return found


def write() -> None:
    """Write the table into the page."""
    PAGE.write_text(page_text(), encoding="utf-8")

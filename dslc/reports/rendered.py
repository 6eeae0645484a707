"""`dslc stats` in each of its forms, for the command line and for Python; what not all need is imported on demand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dslc.diagnostics.codes import nearest
from dslc.reports import sections as parts
from dslc.reports import terminal
from dslc.reports.columns import COLUMNS, View, shown_columns
from dslc.reports.sections import Section
from dslc.reports.stats import Stats
from dslc.reports.table import Layout, csv_text

FORMATS = ("text", "json", "csv", "markdown")


def chosen_sections(
    stats: Stats,
    *,
    train: bool = False,
    fit: int | None = None,
    optimizer: Sequence[str] = (),
    precision: Sequence[str] = (),
    tool: str | None = None,
    verbose: bool = False,
) -> list[Section]:
    """The parts of the report that are there only where they are asked for; the roofline where there is a device."""
    found = []
    if verbose:
        found += [parts.sizes_section(stats), parts.pairs_section(stats)]
    if tool:
        found.append(parts.bridge_section(stats, tool))
    if train or fit:
        from dslc.analysis.training import OPTIMIZERS, PRECISIONS

        found.append(
            parts.training_section(stats, stats.batch, fit, optimizer or tuple(OPTIMIZERS), precision or PRECISIONS)
        )
    if stats.device is not None:
        found.append(parts.roofline_section(stats))
    return found


def wrong_column(name: str, device: bool, how: str) -> str:
    """What is wrong with a column's name: there is none such, or it needs a device; empty where nothing is."""
    if name not in COLUMNS:
        near = nearest(name, COLUMNS)
        hint = f"did you mean `{near}`?" if near else f"choose from {', '.join(COLUMNS)}"
        return f"there is no column `{name}`; {hint}"
    return f"the column `{name}` needs {how}" if COLUMNS[name].device and not device else ""


def rendered(
    stats: Stats,
    found: Sequence[Section],
    *,
    form: str = "text",
    columns: Sequence[str] = (),
    depth: int | None = None,
    sort: str | None = None,
    fold: bool = True,
    symbolic: bool = False,
) -> str:
    """The report in one of FORMATS, without a newline at its end; columns are such of COLUMNS."""
    if form == "json":
        from dslc.reports.json import stats_json

        return stats_json(stats, found)
    every = (column for column in COLUMNS.values() if stats.device is not None or not column.device)
    chosen = tuple(COLUMNS[name] for name in columns)
    shown = chosen or (tuple(every) if form == "csv" else shown_columns(stats))
    layout = Layout(shown, depth, COLUMNS[sort] if sort else None, fold and form != "csv")
    view = View(stats, symbolic=symbolic)
    if form == "csv":
        return csv_text(view, layout)
    render: Any = terminal.render_markdown if form == "markdown" else terminal.render_stats
    text: str = render(view, layout, found)
    return text

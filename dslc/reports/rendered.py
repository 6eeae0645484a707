"""`dslc stats` in each of its forms, for the command line and for Python; what not all need is imported on demand."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.levels import DEFAULT, Levels
from dslc.lints.facts import NOTHING, Facts
from dslc.reports import sections as parts
from dslc.reports import terminal
from dslc.reports.attributes import attribute_names, column_of
from dslc.reports.columns import COLUMNS, Column, View, shown_columns
from dslc.reports.groups import DEFAULT as SUMS
from dslc.reports.groups import group_csv, groups
from dslc.reports.screen import PLAIN, Screen
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
    facts: Facts = NOTHING,
    levels: Levels = DEFAULT,
) -> list[Section]:
    """The parts of the report that are there only where they are asked for; the roofline where there is a device.

    `facts` and `levels` are for the rules whose suspicions are counted.
    """
    found = [parts.lints_section(stats, facts, levels)]
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


def wrong_column(name: str, stats: Stats, how: str) -> str:
    """What is wrong with a column's name: there is none such, or it needs a device; empty where nothing is."""
    column = column_of(name, stats)
    if column is None:
        near = nearest(name, [*COLUMNS, *attribute_names(stats)])
        hint = f"did you mean `{near}`?" if near else f"choose from {', '.join(COLUMNS)}, or an attribute of a layer"
        return f"there is no column `{name}`; {hint}"
    return f"the column `{name}` needs {how}" if column.device and stats.device is None else ""


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
    top: int | None = None,
    idle: bool = False,
    by: str | None = None,
    screen: Screen = PLAIN,
) -> str:
    """The report in one of FORMATS, without a newline at its end; as text it fits the `screen`.

    Columns are such of COLUMNS or attributes of layers; `top` needs none to sort by, it takes the multiply-adds, or
    the parameters where there are none of those.
    """
    view = View(stats, symbolic=symbolic)
    grouped = groups(view, by, tuple(columns) or SUMS) if by else None
    if form == "json":
        from dslc.reports.json import stats_json

        chosen = [(name, found_column(name, stats)) for name in columns]
        return stats_json(stats, found, columns=dict(chosen) if by is None else {}, grouped=grouped)
    if grouped is not None and form == "csv":
        return group_csv(grouped)
    every = (column for column in COLUMNS.values() if stats.device is not None or not column.device)
    asked = tuple(found_column(name, stats) for name in columns) if by is None else ()
    shown = asked or (tuple(every) if form == "csv" else shown_columns(stats))
    if top is not None and sort is None:
        sort = "macs" if stats.cost.macs else "params"
    key = found_column(sort, stats) if sort else None
    layout = Layout(shown, depth, key, fold and form != "csv", top, idle or form == "csv" or by is not None)
    if form == "csv":
        return csv_text(view, layout)
    if form == "markdown":
        return terminal.render_markdown(view, layout, found, grouped)
    return terminal.render_stats(view, layout, found, grouped, screen, bool(columns))


def found_column(name: str, stats: Stats) -> Column:
    """A column that is known to be there."""
    column = column_of(name, stats)
    assert column is not None, f"no column `{name}`"
    return column

"""`dslc stats`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from dslc.cli.columns import columns, sort_column
from dslc.cli.options import net_options, source_argument

if TYPE_CHECKING:
    from dslc.reports.columns import View
    from dslc.reports.table import Layout

FORMATS = ["text", "json", "csv", "markdown"]


@click.command()
@source_argument
@net_options
@click.option("--columns", "-c", multiple=True, metavar="NAME,..", callback=columns, help="which columns (see below)")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="close parts N levels deep: show their sums")
@click.option("--sort", metavar="NAME", callback=sort_column, help="layers alone, the greatest in this column first")
@click.option("--fold/--no-fold", default=True, help="equal parts one after the other as one, with x12")
@click.option("--symbolic", is_flag=True, help="sizes and counts as expressions in the input's sizes")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="how to print")
def stats(source: str, **options: Any) -> None:
    """Print shapes, parameters, multiply-adds and receptive fields, layer by layer, and the totals.

    Columns: op, output, params, buffers, train_only, weights, macs, core_flops, flops, acts, memory, saved, share,
    field, rf_local, stride, padding, centre, spread, smallest, status; with --device also intensity, bound, time.
    """
    from pathlib import Path

    from dslc.api import compile_model
    from dslc.reports.stats import stats as analyse

    chosen = {name: options[name] for name in ("net", "args", "sizes", "max_ops")}
    found = analyse(compile_model(Path(source), **chosen))
    if options["form"] == "json":
        from dslc.reports.json import stats_json

        click.echo(stats_json(found))
        return
    view, layout = presentation(found, options)
    click.echo(written(view, layout, options["form"]))


def presentation(stats: Any, options: dict[str, Any]) -> tuple[View, Layout]:
    """The view and the layout that the options ask for."""
    from dslc.reports.columns import COLUMNS, DEFAULT, View
    from dslc.reports.table import Layout

    names = options["columns"] or (tuple(COLUMNS) if options["form"] == "csv" else DEFAULT)
    if options["form"] == "csv" and not options["columns"]:
        names = tuple(name for name in names if not COLUMNS[name].device)
    fold = options["fold"] and options["form"] != "csv"
    sort = COLUMNS[options["sort"]] if options["sort"] else None
    layout = Layout(tuple(COLUMNS[name] for name in names), options["depth"], sort, fold)
    return View(stats, symbolic=options["symbolic"]), layout


def written(view: View, layout: Layout, form: str) -> str:
    """The report as text in one of FORMATS, json apart."""
    if form == "csv":
        import csv
        import io

        from dslc.reports.table import chosen, csv_rows

        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows(csv_rows(chosen(view, layout), view, layout))
        return text.getvalue().rstrip("\n")
    from dslc.reports.terminal import render_markdown, render_stats

    return render_markdown(view, layout) if form == "markdown" else render_stats(view, layout)

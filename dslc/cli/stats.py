"""`dslc stats`."""

from __future__ import annotations

import click

from dslc.cli.options import net_options, source_argument


@click.command()
@source_argument
@net_options
@click.option("--symbolic", is_flag=True, help="sizes and counts as expressions in the input's sizes")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="how to print")
def stats(
    source: str,
    net: str | None,
    args: dict[str, object],
    sizes: dict[str, int],
    max_ops: int,
    symbolic: bool,
    form: str,
) -> None:
    """Print shapes, parameters, multiply-adds and receptive fields, layer by layer, and the totals."""
    from pathlib import Path

    from dslc.api import compile_model
    from dslc.reports.stats import stats as analyse

    found = analyse(compile_model(Path(source), net, args=args, sizes=sizes, max_ops=max_ops))
    if form == "json":
        from dslc.reports.json import stats_json

        click.echo(stats_json(found))
        return
    from dslc.reports.terminal import render_stats

    click.echo(render_stats(found, symbolic=symbolic))

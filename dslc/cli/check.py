"""`dslc check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dslc.cli.budgets import budgets
from dslc.cli.options import dtype_option, net_options, source_argument

if TYPE_CHECKING:
    from pathlib import Path

    from dslc.ir.model import Budget
    from dslc.types.tensor import DType


@click.command()
@source_argument
@net_options
@click.option("--budget", "limits", multiple=True, metavar='"macs<=300M"', callback=budgets, help="a limit to keep")
@dtype_option
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="how to print findings")
@click.option("-v", "--verbose", is_flag=True, help="notes too: where a size becomes a condition")
@click.pass_context
def check(
    ctx: click.Context,
    source: str | Path,
    net: str | None,
    args: dict[str, object],
    sizes: dict[str, int],
    max_ops: int,
    limits: tuple[Budget, ...],
    dtype: DType | None,
    form: str,
    verbose: bool,
) -> None:
    """Say what is wrong with a program: every independent mistake in one run.

    Without --net, every net that has defaults for all its parameters is checked.
    """
    from dslc.check import check_file

    result = check_file(source, net, args=args, sizes=sizes, max_ops=max_ops, budgets=limits, dtype=dtype)
    found = result.diagnostics if verbose else result.without_notes
    if form == "json":
        from dslc.diagnostics.export import to_json

        click.echo(to_json(result.diagnostics, result.counts))
    else:
        from dslc.cli.show import show_diagnostics

        show_diagnostics(found, result.counts, footer=bool(result.errors))
        if not result.errors:
            nets = f"{', '.join(result.nets)}: no errors"
            click.echo(f"{source}: {nets if result.nets else 'no errors; no net is complete without arguments'}")
    ctx.exit(1 if result.errors else 0)

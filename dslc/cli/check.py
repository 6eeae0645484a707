"""`dslc check`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dslc.cli.budgets import budgets
from dslc.cli.options import Program, dtype_option, net_options
from dslc.cli.values import switches

if TYPE_CHECKING:
    from dslc.diagnostics.levels import Level
    from dslc.ir.model import Budget
    from dslc.types.tensor import DType

FORMATS = ["text", "json", "sarif", "github"]


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=Program())
@net_options
@click.option("--budget", "limits", multiple=True, metavar='"macs<=300M"', callback=budgets, help="a limit to keep")
@dtype_option
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="how to print findings")
@click.option("-v", "--verbose", is_flag=True, help="notes too: where a size becomes a condition")
@click.option("--allow", multiple=True, metavar="NAME,..", callback=switches, help="warnings not to tell of")
@click.option("--warn", multiple=True, metavar="NAME,..", callback=switches, help="warnings or notes to tell of")
@click.option("--deny", multiple=True, metavar="NAME,..", callback=switches, help="warnings that are errors: "
              "`warnings` for all")  # fmt: skip
@click.option("--baseline", metavar="FILE", help="tell of no warning that FILE holds")
@click.option("--write-baseline", metavar="FILE", help="write the warnings there are to FILE")
@click.option("--fix", is_flag=True, help="make the changes that messages propose, where one alone is proposed")
@click.option("--diff", "show", is_flag=True, help="print what --fix would change, and write nothing")
@click.option("--stdin-name", metavar="NAME", help="the path of the program on stdin, for messages and imports")
@click.pass_context
def check(
    ctx: click.Context,
    files: tuple[str | Path, ...],
    net: str | None,
    args: dict[str, object],
    sizes: dict[str, int],
    max_ops: int,
    limits: tuple[Budget, ...],
    dtype: DType | None,
    form: str,
    verbose: bool,
    allow: tuple[str, ...],
    warn: tuple[str, ...],
    deny: tuple[str, ...],
    baseline: str | None,
    write_baseline: str | None,
    fix: bool,
    show: bool,
    stdin_name: str | None,
) -> None:
    """Say what is wrong with programs: every independent mistake in one run.

    FILE is a program, a folder (all .dl files below it), or - to read a program from stdin. Without --net, every net
    that has defaults for all its parameters is checked. docs/checking.md describes warnings and formats.
    """
    from dslc.cli.checking import Request, Run

    request = Request(net, args, sizes, max_ops, limits, dtype, levels(allow, warn, deny))
    run = Run.of(files, request, stdin_name)
    if run.several and (net or args or sizes):
        raise click.UsageError("--net, --set and --size are about one program, and several are named")
    if fix and form != "text" and run.stdin is not None:
        raise click.UsageError(f"--fix writes the program to stdout, where --format {form} would go too")
    if fix or show:
        run.fix()
    run.check()
    if write_baseline is not None:
        run.write_baseline(write_baseline)
    elif baseline is not None:
        run.take_baseline(baseline)
    if show:
        run.show_difference()
    elif fix:
        run.write_fixed()
    run.print(form, verbose, show)
    ctx.exit(run.status or int(show and bool(run.fixed)))


def levels(allow: tuple[str, ...], warn: tuple[str, ...], deny: tuple[str, ...]) -> dict[Level, tuple[str, ...]]:
    """What the options say of warnings. Raises `BadParameter` for one in two of them."""
    if not (allow or warn or deny):
        return {}
    from dslc.diagnostics.levels import Level, Levels

    found = {Level.ALLOW: allow, Level.WARN: warn, Level.DENY: deny}
    try:
        Levels.of(found)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    return found

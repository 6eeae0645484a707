"""`dslc lint`."""

from __future__ import annotations

from pathlib import Path

import click

from dslc.cli.check import FORMATS, levels
from dslc.cli.options import Program, net_options
from dslc.cli.values import facts, switches
from dslc.lints.facts import Facts


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=Program())
@net_options
@click.option("--fact", "stated", multiple=True, metavar="NAME=VALUE", callback=facts, help="what the program does not "
              "hold: `batch=32`, `loss=cross_entropy`, `object_size=16`, ..")  # fmt: skip
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="how to print findings")
@click.option("-v", "--verbose", is_flag=True, help="name the rules that lack a fact")
@click.option("--allow", multiple=True, metavar="NAME,..", callback=switches, help="what not to tell of")
@click.option("--warn", multiple=True, metavar="NAME,..", callback=switches, help="notes to warn of")
@click.option("--deny", multiple=True, metavar="NAME,..", callback=switches, help="warnings and notes that are errors: "
              "`warnings` or `notes` for all")  # fmt: skip
@click.option("--baseline", metavar="FILE", help="tell of nothing that FILE holds")
@click.option("--write-baseline", metavar="FILE", help="write what there is to FILE")
@click.option("--stdin-name", metavar="NAME", help="the path of the program on stdin, for messages and imports")
@click.pass_context
def lint(
    ctx: click.Context,
    files: tuple[str | Path, ...],
    net: str | None,
    args: dict[str, object],
    sizes: dict[str, int],
    max_ops: int,
    stated: Facts,
    form: str,
    verbose: bool,
    allow: tuple[str, ...],
    warn: tuple[str, ...],
    deny: tuple[str, ...],
    baseline: str | None,
    write_baseline: str | None,
    stdin_name: str | None,
) -> None:
    """Say what is suspicious in programs that are right: what the field knows of gradients, norms, fields and costs.

    FILE is a program, a folder (all .dl files below it), or - to read a program from stdin. `dslc check` tells of the
    warnings among it that need no more than the program; docs/lints.md describes all rules.
    """
    from dslc.cli.checking import Request, Run

    request = Request(net, args, sizes, max_ops, (), None, levels(allow, warn, deny), stated, advice=True)
    run = Run.of(files, request, stdin_name)
    if run.several and (net or args or sizes):
        raise click.UsageError("--net, --set and --size are about one program, and several are named")
    run.check()
    if write_baseline is not None:
        run.write_baseline(write_baseline)
    elif baseline is not None:
        run.take_baseline(baseline)
    run.print(form, verbose, False)
    ctx.exit(run.status)

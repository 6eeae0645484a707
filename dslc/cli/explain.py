"""`dslc explain`."""

from __future__ import annotations

import sys

import click

from dslc.cli.terminal import is_terminal


@click.command()
@click.argument("code", required=False)
@click.pass_context
def explain(ctx: click.Context, code: str | None) -> None:
    """Say what an error code means: why it happens, a failing example and a mended one.

    Without CODE, list all codes.
    """
    from dslc.diagnostics import codes
    from dslc.reports.catalogue import code_table, load_codes

    if code is None:
        click.echo(code_table())
        return
    load_codes()
    try:
        page = codes.explain(code)
    except KeyError:
        near = codes.near_codes(code)
        hint = f"; did you mean {' or '.join(f'`{c}`' for c in near)}?" if near else ""
        raise click.BadArgumentUsage(f"no error code `{code}`{hint}", ctx) from None
    if is_terminal(sys.stdout):
        from rich.console import Console
        from rich.markdown import Markdown

        Console().print(Markdown(page))
        return
    click.echo(page, nl=False)

"""`dslc doctor`."""

from __future__ import annotations

import click


@click.command()
@click.pass_context
def doctor(ctx: click.Context) -> None:
    """Print versions and onnxruntime's providers; exit with 1 where something is in the way."""
    from dslc.doctor import examine

    found = examine()
    width = max(len(f.name) for f in found)
    for finding in found:
        sign = "!" if finding.problem else " "
        click.echo(f"{sign} {finding.name.ljust(width)}  {finding.text}")
    ctx.exit(1 if any(f.problem for f in found) else 0)

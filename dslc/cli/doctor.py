"""`dslc doctor`."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.pass_context
def doctor(ctx: click.Context, folder: Path | None) -> None:
    """Print versions and onnxruntime's providers; exit with 1 where something is in the way.

    With a FOLDER that `dslc build` wrote into, also whether the files of each network in it are of one build. Without
    one, `build` is looked into where it is there.
    """
    from dslc.doctor import examine
    from dslc.stamp import builds

    usual = Path("build")
    found = examine(folder=folder or (usual if usual.is_dir() and builds(usual) else None))
    width = max(len(f.name) for f in found)
    for finding in found:
        sign = "!" if finding.problem else " "
        click.echo(f"{sign} {finding.name.ljust(width)}  {finding.text}")
    ctx.exit(1 if any(f.problem for f in found) else 0)

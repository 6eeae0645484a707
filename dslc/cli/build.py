"""`dslc build`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dslc.cli.options import checkpoint_of, dtype_option, net_options, source_argument, weights_options
from dslc.cli.progress import progress
from dslc.cli.values import Choices, names, packages
from dslc.types.tensor import DType

if TYPE_CHECKING:
    from dslc.build import Built
    from dslc.names.loader import Loader


@click.command()
@source_argument
@net_options
@click.option("-o", "--output", "folder", default="build", show_default=True, metavar="DIR", help="where to write")
@click.option("--target", "targets", type=Choices("torch", "onnx"), default="torch,onnx", help="what to write")
@click.option(
    "--dynamic",
    multiple=True,
    metavar="N,H,W",
    callback=names,
    help="sizes that stay open in the ONNX graph",
)
@dtype_option
@click.option("--no-fold", is_flag=True, help="keep batch norms in the ONNX graph")
@click.option("--seed", default=0, show_default=True, help="for the declared initialisers")
@weights_options
@click.option("--check", "checks", type=Choices("parity", "onnx", "placement"), default="", help="prove before writing")
@click.option(
    "--allow-extern",
    multiple=True,
    metavar="PACKAGE,..",
    callback=packages,
    help="packages whose classes an `extern block` may import; default: those your pyproject.toml names",
)
@click.option("--embed", is_flag=True, help="write the program into the PyTorch file too, so that it exports alone")
@click.option("--watch", "again", is_flag=True, help="build anew whenever a file of the program changes, until Ctrl-C")
@click.option("-v", "--verbose", is_flag=True, help="notes too: where a size becomes a condition")
def build(
    source: str | Path,
    net: str | None,
    args: dict[str, object],
    sizes: dict[str, int],
    max_ops: int,
    folder: str,
    targets: tuple[str, ...],
    dynamic: tuple[str, ...],
    dtype: DType | None,
    no_fold: bool,
    seed: int,
    weights: str | None,
    part: str | None,
    skip: tuple[str, ...],
    names_map: str | None,
    adapt: tuple[str, ...],
    checks: tuple[str, ...],
    allow_extern: tuple[str, ...],
    embed: bool,
    again: bool,
    verbose: bool,
) -> None:
    """Write a network as a PyTorch module and as an ONNX graph, with the weights both start from.

    With --watch it stays and looks at the program and all that it imports. A program with mistakes changes no file.
    """
    from dslc.analysis.notes import size_notes
    from dslc.build import build as write
    from dslc.cli.show import show_notes, show_weights
    from dslc.kept import Kept

    given = checkpoint_of(weights, part, skip, names_map, adapt)

    def once(loader: Loader | None) -> Built:
        kept = Kept.read(source, loader)
        model = kept.compile(net, args=args, sizes=sizes, max_ops=max_ops)
        show_notes((*model.notes, *size_notes(model)), verbose)
        with progress("building"):
            built = write(
                model,
                folder,
                targets=targets,
                dynamic=dynamic,
                fold=not no_fold,
                seed=seed,
                weights=given,
                checks=checks,
                dtype=dtype,
                allow_extern=allow_extern or None,
                embed=kept.texts if embed else None,
            )
        show_weights(built.notes)
        for line in built.checks:
            click.echo(line)
        return built

    if again:
        from dslc.cli.watching import watch

        watch(lambda loader: f"built {', '.join(str(path) for path, _ in once(loader).files)}")
    click.echo(once(None).listing)

"""`dslc run`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dslc.cli.options import checkpoint_of, dtype_option, net_options, source_argument, weights_options
from dslc.cli.progress import progress

if TYPE_CHECKING:
    from dslc.backends.onnx.run import Device
    from dslc.types.tensor import DType


@click.command()
@source_argument
@net_options
@click.option("--image", metavar="FILE", help="a picture, scaled to the input's size")
@click.option("--input", "arrays", multiple=True, metavar="FILE", help="a .npy array for each input, in order")
@weights_options
@dtype_option
@click.option("--seed", default=0, show_default=True, help="for the declared initialisers")
@click.option("--device", type=click.Choice(["auto", "cpu", "cuda"]), default="auto", show_default=True)
@click.option("--top", default=5, show_default=True, metavar="K", help="how many classes to print")
@click.option("--repeat", default=10, show_default=True, metavar="N", help="timed runs after the first")
def run(
    source: str | Path,
    net: str | None,
    args: dict[str, object],
    sizes: dict[str, int],
    max_ops: int,
    image: str | None,
    arrays: tuple[str, ...],
    weights: str | None,
    part: str | None,
    skip: tuple[str, ...],
    names_map: str | None,
    adapt: tuple[str, ...],
    dtype: DType | None,
    seed: int,
    device: Device,
    top: int,
    repeat: int,
) -> None:
    """Build a network in memory, run it in onnxruntime, and print shapes, the best classes and the time."""
    if bool(image) == bool(arrays):
        raise click.UsageError("give --image, or an --input for each input")
    given = checkpoint_of(weights, part, skip, names_map, adapt)
    from dslc.api import compile_model
    from dslc.cli.show import show_notes, show_weights
    from dslc.inference import infer, report

    model = compile_model(source, net, args=args, sizes=sizes, max_ops=max_ops)
    show_notes(model.notes, verbose=False)
    with progress("running"):
        found = infer(
            model, image=image, arrays=arrays, weights=given, dtype=dtype, seed=seed, device=device, repeat=repeat
        )
    show_weights(found.notes)
    click.echo(report(found, top))

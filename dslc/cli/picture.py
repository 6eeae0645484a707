"""`dslc picture`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from dslc.cli.options import net_options, source_argument

if TYPE_CHECKING:
    from pathlib import Path


@click.command()
@source_argument
@net_options
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="close parts N levels deep: one box each")
@click.option("--fold/--no-fold", default=True, help="equal parts one after the other as one, in a frame with x12")
@click.option(
    "-o", "--output", "target", metavar="FILE", help="a .svg .html .png .mmd or .dot file; without it, .svg on stdout"
)
@click.option(
    "--scale", type=click.FloatRange(0.1, 10), metavar="N", help="pixels of a .png for each of the .svg's; default: 2"
)
@click.option(
    "--heat", type=click.Choice(("params", "macs", "memory")), help="write that number on each box, and colour it so"
)
def picture(
    source: str | Path,
    net: str | None,
    args: dict[str, object],
    sizes: dict[str, int],
    max_ops: int,
    depth: int | None,
    fold: bool,
    target: str | None,
    scale: float | None,
    heat: str | None,
) -> None:
    """Draw a network: a box for each layer, a line for each tensor, with branches and joins.

    The picture is an .svg file, which browsers, GitHub and LaTeX's svg package show, or what the file's name says: a
    page (.html), pixels (.png, which needs pip install 'dslc[picture]'), a Mermaid flowchart (.mmd), a Graphviz graph
    (.dot). A box under the pointer says its whole path.
    Shapes are at the default sizes of the input; what only training computes has dashed lines. Equal parts one after
    the other are drawn once, in a frame that says how many they are and what they cost. Large networks are drawn part
    by part: --depth 1 shows the first level alone, each part as one box.
    """
    from dslc import output
    from dslc.api import compile_model
    from dslc.reports.drawing import TooManyBoxes, content, draw
    from dslc.reports.graph_text import WRITERS, writer
    from dslc.reports.png import TooManyPixels

    write = writer(target or ".svg")
    if write is None:
        ends = " ".join(WRITERS)
        raise click.BadParameter(
            f"`{target}` is no file of a picture; its name ends with one of {ends}", param_hint="-o"
        )
    if scale is not None and not (target or "").endswith(".png"):
        raise click.BadParameter("it is for a file that ends with .png", param_hint="--scale")
    model = compile_model(source, net, args=args, sizes=sizes, max_ops=max_ops, budgets=None)
    try:
        text = draw(model, write, depth=depth, fold=fold, heat=heat)
    except TooManyBoxes as wrong:
        raise click.BadParameter(wrong.told("`--depth {}`"), param_hint="--depth") from None
    if target is None:
        click.echo(text, nl=False)
    else:
        try:
            output.write_all([output.data(target, (content(target, text, scale),))])
        except TooManyPixels as wrong:
            raise click.BadParameter(f"{wrong}; take a smaller one, or --depth", param_hint="--scale") from None

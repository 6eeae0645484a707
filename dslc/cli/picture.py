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
@click.option(
    "-o", "--output", "target", metavar="FILE", help="a .svg, .html, .mmd or .dot file; without it, .svg on stdout"
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
    target: str | None,
    heat: str | None,
) -> None:
    """Draw a network: a box for each layer, a line for each tensor, with branches and joins.

    The picture is an .svg file, which browsers, GitHub and LaTeX's svg package show, or what the file's name says: a
    page (.html), a Mermaid flowchart (.mmd), a Graphviz graph (.dot). A box under the pointer says its whole path.
    Shapes are at the default sizes of the input; what only training computes has dashed lines. Large networks are drawn
    part by part: --depth 1 shows the first level alone, each part as one box.
    """
    from dslc import output
    from dslc.api import compile_model
    from dslc.reports.graph_text import WRITERS, writer
    from dslc.reports.heat import warm
    from dslc.reports.picture import MOST_BOXES, Graph, fitting_depth

    write = writer(target or ".svg")
    if write is None:
        ends = " ".join(WRITERS)
        raise click.BadParameter(
            f"`{target}` is no file of a picture; its name ends with one of {ends}", param_hint="-o"
        )
    model = compile_model(source, net, args=args, sizes=sizes, max_ops=max_ops, budgets=None)
    graph = Graph(model, depth)
    if len(graph.boxes) > MOST_BOXES:
        fits = fitting_depth(model, MOST_BOXES)
        raise click.BadParameter(
            f"{len(graph.boxes):,} boxes are more than a picture can show ({MOST_BOXES:,})"
            + (f"; close parts with `--depth {fits}`" if fits is not None and fits != depth else ""),
            param_hint="--depth",
        )
    if heat is not None:
        warm(graph, heat)
    text = write(graph)
    if target is None:
        click.echo(text, nl=False)
    else:
        output.write_all([output.text(target, text)])

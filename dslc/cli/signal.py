"""`dslc signal`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dslc.cli.options import Program, checkpoint_of, weights_options
from dslc.cli.progress import progress
from dslc.cli.values import assignments, sizes

if TYPE_CHECKING:
    from dslc.analysis.signal.result import NetworkSignal
    from dslc.ir.model import Model


def print_schema(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Print the schema of the JSON and end."""
    if wanted:
        from importlib.resources import files

        click.echo((files("dslc.reports") / "signal.schema.json").read_text("utf-8"), nl=False)
        ctx.exit()


@click.command()
@click.argument("files", metavar="FILE [FILE]", nargs=-1, required=True, type=Program())
@click.option("--net", "nets", multiple=True, metavar="NAME", help="which net of the file; given twice, two of them "
              "beside each other")  # fmt: skip
@click.option("--set", "args", multiple=True, metavar="NAME=VALUE", callback=assignments, help="an argument of the net")
@click.option(
    "--size", "given", multiple=True, metavar="H=384,W=384", callback=sizes, help="default sizes of the input"
)
@click.option("--max-ops", default=100_000, show_default=True, metavar="N", help="stop when a net has more ops")
@click.option("--batch", type=click.IntRange(1, 10**9), default=16, show_default=True, metavar="N", help="samples of a "
              "training step, which batch norms see")  # fmt: skip
@click.option("--loss", type=click.Choice(["independent", "cross_entropy", "mse"]), default="independent",
              show_default=True, help="whose gradient results have; independent: mean square 1 each")  # fmt: skip
@weights_options
@click.option("--clip", type=click.FloatRange(min=0, min_open=True), metavar="NORM", help="with --loss: the share of a "
              "step that is left when the gradient's norm is kept within this")  # fmt: skip
@click.option("--what-if", "remedies", multiple=True, metavar="REMEDY", help="act=relu, init=kaiming_normal, norm=bn, "
              "residual, scale=0.1 (of residual branches), depth=0.5 (of the turns of loops), gates=lstm (for rnn): "
              "the same network with it; several are made one after the other; all: each usual one alone")  # fmt: skip
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="close parts N levels deep; without "
              "it as deep as 60 lines allow")  # fmt: skip
@click.option("--all", "every", is_flag=True, help="a line for each layer, constants and the identity too")
@click.option("--plot", metavar="FILE", help="a picture over depth, .png or .svg")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", help="how to print")
@click.option("--schema", is_flag=True, is_eager=True, expose_value=False, callback=print_schema, help="print the JSON "
              "schema of --format json")  # fmt: skip
def signal(
    files: tuple[str | Path, ...],
    nets: tuple[str, ...],
    args: dict[str, object],
    given: dict[str, int],
    max_ops: int,
    batch: int,
    loss: str,
    weights: str | None,
    part: str | None,
    skip: tuple[str, ...],
    names_map: str | None,
    adapt: tuple[str, ...],
    clip: float | None,
    remedies: tuple[str, ...],
    depth: int | None,
    every: bool,
    plot: str | None,
    form: str,
) -> None:
    """Say how values and gradients go through a network before it is trained, and whether that makes it hard to train.

    The numbers are root mean squares over all draws of the declared initial weights, for inputs of unit variance:
    nothing is drawn, and no torch is needed. |g|/|w| is a weight's gradient over its size; 1 - c the part of a result
    that depends on the input; flat and dead the shares of an activation's units with little slope and with none.
    With --weights the means and variances of trained weights stand for the initial ones. The line of a closed part has
    what leaves it, the median |g|/|w| of its weights and the largest flat and dead. docs/gradients.md says what they
    mean.
    """
    from dslc import output
    from dslc.analysis.signal.analyse import signal as analysed
    from dslc.analysis.signal.remedies import remedied, usual
    from dslc.api import compile_model
    from dslc.reports.plot import suffix
    from dslc.reports.signal import pair_text, remedies_text, signal_json, signal_text
    from dslc.reports.signal_plot import signal_picture

    if len(files) > 2 or len(nets) > 2:
        raise click.UsageError("two networks are the most that stand beside each other")
    two = len(files) == 2 or len(nets) == 2
    if clip is not None and loss == "independent":
        raise click.UsageError("--clip needs --loss: the norm of a gradient depends on what is differentiated")
    if clip is not None and (two or form == "json" or "all" in remedies):
        raise click.UsageError("--clip is of the text about one network; the JSON has the gradient of each tensor")
    if two and remedies:
        raise click.UsageError("--what-if is about one network, and two are named")
    if depth is not None and every:
        raise click.UsageError("--depth closes parts, and --all opens all: one of the two")
    if (depth is not None or every) and (two or form == "json" or "all" in remedies):
        raise click.UsageError(f"{'--all' if every else '--depth'} is of the table by layer, which is not printed here")
    if plot is not None and suffix(plot) is None:
        raise click.BadParameter(f"`{plot}` ends in neither .png nor .svg", param_hint="--plot")

    def model(place: int) -> Model:
        net = nets[min(place, len(nets) - 1)] if nets else None
        return compile_model(
            files[min(place, len(files) - 1)], net, args=args, sizes=given, max_ops=max_ops, budgets=None
        )

    if "all" in remedies and (len(remedies) > 1 or plot is not None):
        raise click.UsageError("--what-if all stands alone, without --plot")
    checkpoint = checkpoint_of(weights, part, skip, names_map, adapt)
    if checkpoint is not None and (two or remedies):
        raise click.UsageError("--weights is about one network as it is: neither two nor --what-if go with it")
    first, laws = model(0), None
    notes: tuple[str, ...] = ()
    if checkpoint is not None:
        from dslc.weights.moments import laws as laws_of

        laws, notes = laws_of(checkpoint, first.params)
    with progress("analysing"):
        found = analysed(first, batch=batch, loss=loss, laws=laws, notes=notes)
    if remedies == ("all",):
        with progress("analysing each remedy"):
            each = list(usual(lambda: model(0), batch, loss))
        text = signal_json(str(files[0]), found, each=each) if form == "json" else remedies_text(found, each)
        click.echo(text, nl=form == "json")
        return
    other: NetworkSignal | None = None
    change = ", ".join(remedies)
    if two:
        other = analysed(model(1), batch=batch, loss=loss)
    elif remedies:
        try:
            other = remedied(model(0), remedies, batch, loss)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="--what-if") from None
    names = (found.name, f"with {change}")
    if two and other is not None:
        names = names_of(files, (found, other))
    if plot is not None:
        networks = [(names[0], found)] if other is None else [(names[0], found), (names[1], other)]
        output.write_all([signal_picture(networks, plot)])
    if two and other is not None:
        second = (str(files[-1]), other)
        text = signal_json(str(files[0]), found, second=second) if form == "json" else pair_text(found, other, names)
        click.echo(text, nl=form == "json")
    elif form == "json":
        click.echo(signal_json(str(files[0]), found, other, change))
    else:
        click.echo(signal_text(found, other, change, depth=depth, every=every, clip=clip), nl=False)


def names_of(files: tuple[str | Path, ...], found: tuple[NetworkSignal, NetworkSignal]) -> tuple[str, str]:
    """What two networks are called: their nets' names, or where these are the same their files'."""
    first, second = found[0].name, found[1].name
    if first == second and len(files) == 2:
        return str(files[0]), str(files[1])
    return first, second

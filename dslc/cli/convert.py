"""`dslc convert`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dslc.cli.options import net_options, source_argument
from dslc.names.zoo import is_zoo

if TYPE_CHECKING:
    from dslc.convert.program import Converted
    from dslc.output import Output


@click.command()
@source_argument
@net_options
@click.option("--fully-convolutional", is_flag=True, help="make flatten and linear layers of heads convolutions")
@click.option("-o", "--output", "target", metavar="FILE", help="where to write the program; without it, stdout")
@click.option("--in-place", is_flag=True, help="write the program over the old one")
@click.option("--weights", metavar="FILE", help="a file of weights of the old program, to be converted too")
@click.option("--weights-out", metavar="FILE", help="where to write the converted weights")
def convert(
    source: str | Path,
    net: str | None,
    args: dict[str, object],
    sizes: dict[str, int],
    max_ops: int,
    fully_convolutional: bool,
    target: str | None,
    in_place: bool,
    weights: str | None,
    weights_out: str | None,
) -> None:
    """Rewrite a program into one with the same weights; comments and layout stay.

    With --fully-convolutional a classifier that reads images of one size becomes a network that reads any size,
    and gives a map of scores. Without --net, every net that has defaults for all its parameters is converted.
    """
    if in_place and is_zoo(source):
        raise click.UsageError(f"`{source}` is part of dslc and stays as it is: give -o")
    _check_options(fully_convolutional, target, in_place, weights, weights_out)
    from dslc import output
    from dslc.cli.show import show_notes
    from dslc.convert.program import fully_convolutional as run
    from dslc.convert.report import summary

    converted = run(source, net, args=args, sizes=sizes, max_ops=max_ops)
    files = []
    if weights is not None and weights_out is not None:
        files.append(_weights(converted, weights, weights_out))
    if in_place or target is not None:
        files.append(output.text(source if in_place else str(target), converted.text))
    output.write_all(files)
    show_notes(converted.kept, verbose=False)
    for line in summary(converted):
        click.echo(line, err=True)
    if not in_place and target is None:
        click.echo(converted.text, nl=False)


def _check_options(
    chosen: bool, target: str | None, in_place: bool, weights: str | None, weights_out: str | None
) -> None:
    """Options that need each other, or exclude each other."""
    if not chosen:
        raise click.UsageError("say what to convert to: `--fully-convolutional`")
    if in_place and target is not None:
        raise click.UsageError("`--in-place` and `-o` name two places for the program: give one")
    if (weights is None) != (weights_out is None):
        given, lacking = ("--weights", "--weights-out") if weights_out is None else ("--weights-out", "--weights")
        raise click.UsageError(f"`{given}` needs `{lacking}`: weights are read from one file and written to another")


def _weights(converted: Converted, path: str, target: str) -> Output:
    """The converted weights of the one net that was converted, as a file to be written."""
    from dslc.cli.show import show_weights
    from dslc.convert.weights import converted_weights
    from dslc.weights.store import output

    if len(converted.after) > 1:
        raise click.BadParameter(
            f"say whose weights they are: --net {' or '.join(converted.after)}", param_hint="--net"
        )
    (name, after), *_ = converted.after.items()
    taken = converted_weights(path, converted.before[name], after)
    show_weights(taken.notes)
    return output(target, taken.state)

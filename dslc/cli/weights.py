"""`dslc weights`: look into files of weights, compare them, and write them as other files."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import click

from dslc.cli.options import dtype_option, net_options
from dslc.cli.values import Choices

if TYPE_CHECKING:
    from dslc.ir.model import Model
    from dslc.types.tensor import DType
    from dslc.weights.checkpoint import Checkpoint
    from dslc.weights.look import Row
    from dslc.weights.tensors import Tensors

FORMATS = ("text", "json")

Net: TypeAlias = tuple[str | None, dict[str, object], dict[str, int], int]
"""Which net of a program, its arguments, its sizes, and the most ops it may have."""

part_option = click.option("--part", metavar="NAME", help="which state dict of the file, or what its names begin with")
map_option = click.option("--map", "names_map", metavar="MAP", help="a map of names between file and network")
adapt_option = click.option(
    "--adapt",
    type=Choices("channels", "positions"),
    default="",
    help="bring what is of another size to the network's: channels of images, tables of positions",
)
form_option = click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="how to print")


@click.group()
def weights() -> None:
    """Look into files of weights, compare and convert them.

    A FILE is a .safetensors file, a checkpoint of PyTorch (.pth, .pt, .bin, .ckpt; read by
    torch.load(weights_only=True)), an index of shards, or a folder that holds one of these. Where a NET may stand, it
    is a program (.dl, or zoo:NAME), and stands for the tensors that the network expects.
    """


@weights.command()
@click.argument("source", metavar="FILE|NET")
@net_options
@part_option
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="modules N levels deep as one row")
@click.option("--fold/--no-fold", default=True, help="tensors whose names differ in numbers alone as one row")
@form_option
def inspect(
    source: str,
    net: str | None,
    args: dict[str, object],
    sizes: dict[str, int],
    max_ops: int,
    part: str | None,
    depth: int | None,
    fold: bool,
    form: str,
) -> None:
    """Print names, shapes, types, bytes, and the norm, mean, spread, ends, NaN and infinities of the numbers.

    Of a NET: the names, shapes and types that it expects, and its initialisers.
    """
    _of_a_network(net, args, sizes, is_program(source))
    from dslc.reports.weights import inspected, inspected_json, text_of
    from dslc.weights.look import closed, folded

    printed: list[str] = []
    records: list[dict[str, object]] = []
    for title, rows, notes in _looked(source, (net, args, sizes, max_ops), part):
        shown = closed(rows, depth) if depth is not None else folded(rows) if fold and form == "text" else rows
        printed.append(inspected(shown, title + "".join(f"; {note}" for note in notes)))
        records.append(inspected_json(shown, title, notes))
    click.echo("\n\n".join(printed) if form == "text" else text_of(records[0] if len(records) == 1 else records))


def _of_a_network(net: str | None, args: dict[str, object], sizes: dict[str, int], there: bool) -> None:
    """Raises `UsageError` for options about a network where there is none."""
    if not there and (net is not None or args or sizes):
        raise click.UsageError("`--net`, `--set` and `--size` are about a network, and there is none")


def _looked(source: str, net: Net, part: str | None) -> Iterator[tuple[str, list[Row], tuple[str, ...]]]:
    """What a file or a network holds: a title, the rows and notes of each of its state dicts."""
    from dslc.weights.look import rows_of, rows_of_net
    from dslc.weights.sources import opened

    if is_program(source):
        model = compiled(source, net)
        yield model.entry, rows_of_net(model.params), ()
        return
    with opened(source) as parts:
        from dslc.weights.containers import named

        for name, tensors in (named(parts, part) if part is not None else parts).items():
            yield f"{source}{f', {name}' if name else ''}", rows_of(tensors), tensors.notes


def is_program(source: str) -> bool:
    """Whether what is named is a network and not a file of weights."""
    from dslc.names.zoo import is_zoo

    return is_zoo(source) or Path(source).suffix == ".dl"


def compiled(source: str, net: Net) -> Model:
    """The network that the options mean."""
    from dslc.api import compile_model
    from dslc.names.zoo import is_zoo

    name, args, sizes, max_ops = net
    place = source if is_zoo(source) else Path(source)
    return compile_model(place, name, args=args, sizes=sizes, max_ops=max_ops)


@weights.command()
@click.argument("first", metavar="A")
@click.argument("second", metavar="B")
@net_options
@part_option
@map_option
@click.option("--all", "every", is_flag=True, help="all rows of each part")
@click.option("--exit-code", is_flag=True, help="end with status 1 if they differ")
@form_option
def diff(
    first: str,
    second: str,
    net: str | None,
    args: dict[str, object],
    sizes: dict[str, int],
    max_ops: int,
    part: str | None,
    names_map: str | None,
    every: bool,
    exit_code: bool,
    form: str,
) -> None:
    """Compare two files of weights, or a network and a file: names, shapes, types, and numbers.

    Prefixes and dictionaries around one side's tensors are taken off where its names are then the other's, and said.
    The largest differences come first; `relative` is to the largest number of the tensor in A. --part is of each file
    that has it.
    """
    if is_program(second):
        if is_program(first):
            raise click.UsageError("give a file of weights: `dslc diff` compares two networks")
        raise click.UsageError(f"give the network first: `dslc weights diff {second} {first}`")
    _of_a_network(net, args, sizes, is_program(first))
    if names_map is not None and not is_program(first):
        raise click.UsageError("`--map` leads to the names of a network: A is none")
    from dslc.cli.show import show_weights
    from dslc.reports.weights import differences, differences_json, text_of
    from dslc.weights.checkpoint import Checkpoint, opened
    from dslc.weights.look import compared, specs_of_net

    if is_program(first):
        model = compiled(first, (net, args, sizes, max_ops))
        with opened(Checkpoint(second, part, (), names_map), model.params) as tensors:
            notes = tensors.notes
            found = compared(specs_of_net(model.params), tensors.specs)
    else:
        with _pair(first, second, part) as (a, b):
            notes = tuple(dict.fromkeys((*a.notes, *b.notes)))
            found = compared(a, b)
    show_weights(notes)
    if form == "text":
        click.echo(differences(found, first, second, every))
    else:
        click.echo(text_of(differences_json(found, first, second)))
    if exit_code and found.differ:
        sys.exit(1)


@contextmanager
def _pair(first: str, second: str, part: str | None) -> Iterator[tuple[Tensors, Tensors]]:
    """Two files, the second's tensors under the first's names where only what is around them differs."""
    from dslc.weights.containers import pick
    from dslc.weights.errors import UnknownPart, WeightsError
    from dslc.weights.sources import opened

    lacking: list[WeightsError] = []

    def taken(parts: Mapping[str, Tensors], wanted: Mapping[str, tuple[int, ...]] | None) -> Tensors:
        try:
            return pick(parts, wanted, part)
        except WeightsError as error:
            if not isinstance(error.mistakes[0], UnknownPart):
                raise
            lacking.append(error)
            return pick(parts, wanted)

    with opened(first) as one, opened(second) as other:
        a = taken(one, None)
        b = taken(other, {name: spec.shape for name, spec in a.specs.items()})
        if len(lacking) == 2:
            raise lacking[1]
        yield a, b


@weights.command()
@click.argument("source", metavar="FILE")
@click.option("-o", "--output", "target", required=True, metavar="OUT", help="a .safetensors file, or .pth by torch")
@part_option
@dtype_option
@click.option("--for", "program", metavar="NET", help="write what this network takes, under its names")
@map_option
@adapt_option
@net_options
def convert(
    source: str,
    target: str,
    part: str | None,
    dtype: DType | None,
    program: str | None,
    names_map: str | None,
    adapt: tuple[str, ...],
    net: str | None,
    args: dict[str, object],
    sizes: dict[str, int],
    max_ops: int,
) -> None:
    """Write the tensors of a file of weights as another file, one at a time.

    Without --for the names stay, but for what torch puts before them (`module.`, `_orig_mod.`); with it the tensors
    must be the network's, and are written under its names. --dtype turns all floats into one type.
    """
    from dslc.weights.rewriting import PICKLED, SAFE

    if Path(target).suffix not in (SAFE, *PICKLED):
        raise click.BadParameter(f"`{target}` is named neither {SAFE} nor {' nor '.join(PICKLED)}", param_hint="-o")
    if program is None and (names_map is not None or adapt or net is not None or args or sizes):
        words = "`--map`, `--adapt`, `--net`, `--set` and `--size` need `--for`: they are about a network"
        raise click.UsageError(words)
    from dslc import output
    from dslc.cli.show import show_weights
    from dslc.reports.numbers import bytes_text
    from dslc.weights.checkpoint import Checkpoint
    from dslc.weights.init import numpy_type
    from dslc.weights.rewriting import Cast, rewritten

    given = Checkpoint(source, part, (), names_map, adapt)
    with _meant(given, program, (net, args, sizes, max_ops)) as tensors:
        made = tensors if dtype is None else Cast(tensors, numpy_type(dtype))
        output.write_all([rewritten(Path(target), made)])
    show_weights(made.notes)
    size = sum(spec.nbytes for spec in made.specs.values())
    click.echo(f"{target}  {len(made.specs):,} tensors, {bytes_text(size) or '0 B'}")


@contextmanager
def _meant(given: Checkpoint, program: str | None, net: Net) -> Iterator[Tensors]:
    """The tensors that are to be written; for a network, once they are known to fit."""
    if program is None:
        from dslc.weights.containers import pick
        from dslc.weights.sources import opened as parts_of

        with parts_of(given.path) as parts:
            yield pick(parts, None, given.part)
        return
    from dslc.weights.checkpoint import opened
    from dslc.weights.store import take

    params = compiled(program, net).params
    with opened(given, params) as tensors:
        take(tensors, params, keep=False)
        yield tensors


@weights.command()
@click.argument("source", metavar="FILE")
@click.argument("program", metavar="NET")
@click.option("-o", "--output", "target", metavar="MAP", help="where to write the map; default: print it")
@part_option
@net_options
def match(
    source: str,
    program: str,
    target: str | None,
    part: str | None,
    net: str | None,
    args: dict[str, object],
    sizes: dict[str, int],
    max_ops: int,
) -> None:
    """Propose a map from the names of a file to those of a network, for review.

    Shapes, kinds of tensors, repeated blocks, order and names are compared. What they do not decide begins with `?`:
    such a map is refused until somebody has decided.
    """
    if is_program(source) or not is_program(program):
        raise click.UsageError("give the file of weights first, and then the network: `dslc weights match FILE NET.dl`")
    from dslc import output
    from dslc.weights.containers import pick
    from dslc.weights.maps.propose import proposal
    from dslc.weights.sources import opened

    model = compiled(program, (net, args, sizes, max_ops))
    wanted = {name: param.spec.shape for name, param in model.params.items() if param.spec.kind != "const"}
    with opened(source) as parts:
        found = {name: spec.shape for name, spec in pick(parts, None, part).specs.items()}
    text, matching = proposal(found, wanted, f"From {Path(source).name} to {model.entry}.")
    if target is None:
        click.echo(text, nl=False)
        return
    output.write_all([output.text(Path(target), text)])
    sure = sum(pair.sure for pair in matching.pairs)
    undecided = sum(line.startswith("?") for line in text.splitlines())
    more = f", {undecided} lines to decide" if undecided else ""
    click.echo(f"{target}  {sure} of {len(wanted)} tensors{more}")

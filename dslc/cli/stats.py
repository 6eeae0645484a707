"""`dslc stats`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dslc.cli.columns import NamesNumbers, check_columns, columns, sort_column
from dslc.cli.device_values import device
from dslc.cli.memory_values import memory_size
from dslc.cli.options import RateType, net_options, source_argument
from dslc.cli.sweeping import pair, sweep_axes
from dslc.cli.terminal import screen

if TYPE_CHECKING:
    from dslc.ir.model import Model
    from dslc.reports.stats import Stats

FORMATS = ["text", "json", "csv", "markdown"]
TOOLS = ["torchvision", "fvcore", "thop", "ptflops"]
OPTIMIZERS = ["sgd", "momentum", "adam", "adamw"]
PRECISIONS = ["fp32", "mixed"]
GROUPINGS = ["kind", "block"]
OPTION = {"tool": "as", "idle": "all", "again": "watch"}
TYPES = ["fp32", "tf32", "fp16", "bf16", "int8"]


def print_schema(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    """Print the schema of the JSON and end."""
    if wanted:
        from dslc.reports.schema import schema_text

        click.echo(schema_text())
        ctx.exit()


@click.command(cls=NamesNumbers)
@source_argument
@net_options
@click.option("--columns", "-c", multiple=True, metavar="NAME,..", callback=columns, help="which columns (see above)")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="close parts N levels deep: show their sums")
@click.option("--sort", metavar="NAME", callback=sort_column, help="layers alone, the greatest in this column first")
@click.option("--top", type=click.IntRange(min=1), metavar="N", help="the N greatest layers alone, by --sort or MACs")
@click.option("--by", type=click.Choice(GROUPINGS), help="totals by kind of layer or by block, for the layers")
@click.option("--all", "idle", is_flag=True, help="layers that do nothing too: the identity, dropout with p = 0")
@click.option("--fold/--no-fold", default=True, help="equal parts one after the other as one, with x12")
@click.option("--symbolic", is_flag=True, help="sizes and counts as expressions in the input's sizes")
@click.option("-v", "--verbose", is_flag=True, help="which sizes are used well; every result's field in every input")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", help="how to print")
@click.option("--as", "tool", type=click.Choice(TOOLS), help="what another tool counts, and the bridge to it")
@click.option("--batch", type=click.IntRange(1, 10**9), default=1, metavar="N", help="batch of memory and time")
@click.option("--inplace/--no-inplace", default=True, help="whether ops may overwrite an input nothing reads later")
@click.option("--train", is_flag=True, help="memory of training")
@click.option("--optimizer", multiple=True, type=click.Choice(OPTIMIZERS), help="with --train: one of these alone")
@click.option("--precision", multiple=True, type=RateType(PRECISIONS), help="with --train: one of these alone")
@click.option("--fit", metavar="24GB", callback=memory_size, help="the largest training batch in this memory")
@click.option("--device", metavar="NAME", callback=device, help="least time on H200, A100, T4, cpu-core, phone-npu, "
              "this (measured), or peak=10T,bandwidth=100G")  # fmt: skip
@click.option("--dtype", type=RateType(TYPES), default="fp32", help="with --device: element type")
@click.option("--sweep", "axes", multiple=True, metavar="NAME=V,..", callback=sweep_axes, help="the net at many values "
              "of a parameter or size")  # fmt: skip
@click.option("--plot", metavar="FILE", help="with --sweep: a picture, .png or .svg")
@click.option("--front", "over", metavar="X,Y", callback=pair, help="with --sweep: the picture's two quantities")
@click.option("--schema", is_flag=True, is_eager=True, expose_value=False, callback=print_schema, help="print the JSON "
              "schema of --format json")  # fmt: skip
@click.option("--strict", is_flag=True, help="fail where some number is only a lower bound")
@click.option("--watch", "again", is_flag=True, help="draw anew whenever a file of the program changes, until Ctrl-C")
def stats(source: str | Path, **options: Any) -> None:
    """Print shapes, parameters, costs, memory and receptive fields, layer by layer, and the totals.

    Columns: {columns}; with --device also {on_device}. Every attribute of a layer is a column too: k, s, g, d, heads,
    eps. With --by: those that add up, {adding}. With --sweep: {quantities}.
    """
    check_options(options)
    if options["axes"]:
        from dslc.cli.sweeping import run_sweep

        names = ("net", "args", "sizes", "max_ops", "axes", "plot", "form", "columns", "over")
        run_sweep(source, **{name: options[name] for name in names})
        return
    chosen = {name: options[name] for name in ("net", "args", "sizes", "max_ops")}
    if options["again"]:
        from dslc.cli.live_stats import watch_stats

        watch_stats(
            source,
            chosen,
            numbers=lambda model: numbers(model, options),
            printer=lambda found: printer(found, options),
            check=lambda found: check(found, options["strict"]),
            fit=not any(options[name] for name in ("depth", "sort", "top", "by")),
        )
    from dslc.api import compile_model

    found = numbers(compile_model(source, **chosen, budgets=None), options)
    click.echo(printer(found, options)(None), color=True)
    check(found, options["strict"])


def numbers(model: Model, options: dict[str, Any]) -> Stats:
    """The numbers of a network that are asked for. Raises `BadParameter` for columns that it has not."""
    from dslc.reports.stats import Stats

    view = {name: options[name] for name in ("batch", "inplace", "device", "dtype")}
    found = Stats(model, **view)
    check_columns(found, options["columns"], options["sort"], options["by"])
    return found


def printer(found: Stats, options: dict[str, Any]) -> Callable[[int | None], str]:
    """What gives the report that is asked for, its parts closed so many levels deep where that is not asked for too."""
    from dslc.reports.rendered import chosen_sections, rendered
    from dslc.settings import project_facts, project_levels

    extra = {name: options[name] for name in ("train", "fit", "optimizer", "precision", "tool", "verbose")}
    extra |= {"facts": project_facts(Path()), "levels": project_levels(Path())}
    layout = {name: options[name] for name in ("form", "columns", "sort", "fold", "symbolic", "top", "idle", "by")}
    sections = [] if options["form"] == "csv" else chosen_sections(found, **extra)
    return lambda depth: rendered(found, sections, **layout, depth=options["depth"] or depth, screen=screen())


def check_options(options: dict[str, Any]) -> None:
    """Options that mean nothing without another are refused."""
    for name, needed in (("plot", "axes"), ("over", "axes"), ("optimizer", "train"), ("precision", "train")):
        given = options[name] not in (None, ())
        if given and not (options[needed] or (needed == "train" and options["fit"])):
            option = {"over": "front"}.get(name, name)
            raise click.UsageError(f"--{option} needs --{'sweep' if needed == 'axes' else 'train'}")
    if options["device"] is not None:
        from dslc.cli.device_values import rate_of

        rate_of(options["device"], options["dtype"])
    elif options["dtype"] != "fp32":
        raise click.UsageError("--dtype needs --device")
    if options["axes"]:
        refuse(
            options,
            "--sweep",
            "strict",
            "train",
            "fit",
            "device",
            "tool",
            "symbolic",
            "verbose",
            "depth",
            "sort",
            "top",
            "by",
            "idle",
            "again",
        )
        if options["batch"] != 1 or not options["inplace"]:
            raise click.UsageError("--batch and --no-inplace mean nothing with --sweep")
        return
    if options["form"] == "csv":
        refuse(options, "--format csv", "train", "fit", "tool", "verbose", "symbolic")
    if options["form"] != "text":
        refuse(options, f"--format {options['form']}", "again")
    if options["by"]:
        refuse(options, "--by", "depth", "sort", "top", "symbolic", "idle")


def refuse(options: dict[str, Any], beside: str, *names: str) -> None:
    """Refuse options that would be ignored."""
    for name in names:
        if options[name] not in (None, False):
            raise click.UsageError(f"--{OPTION.get(name, name)} means nothing with {beside}")


def check(stats: Stats, strict: bool) -> None:
    """Raise a CompileError for budgets that the network does not keep, and `strict`, for numbers that are bounds."""
    if not strict and not stats.model.budgets:
        return
    from dslc.analysis.budget import check_budgets, check_complete
    from dslc.diagnostics.model import Sink

    sink = Sink()
    check_budgets(stats.model, sink)
    if strict:
        check_complete(stats, sink)
    sink.finish(None)

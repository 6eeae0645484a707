"""`dslc report`."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dslc.cli.device_values import device
from dslc.cli.options import Program, net_options
from dslc.cli.progress import progress
from dslc.cli.sweeping import sweep_axes
from dslc.cli.values import facts
from dslc.lints.facts import Facts

if TYPE_CHECKING:
    from dslc.analysis.devices import Device
    from dslc.analysis.sensitivity import Axis


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=Program())
@net_options
@click.option("--sweep", "axes", multiple=True, metavar="NAME=V,..", callback=sweep_axes, help="parameters to move: "
              "the net at each of these values")  # fmt: skip
@click.option("--device", metavar="NAME", callback=device, help="the device that the page begins with: H200, A100, T4, "
              "cpu-core, phone-npu, this (measured), or peak=10T,bandwidth=100G")  # fmt: skip
@click.option("--fact", "stated", multiple=True, metavar="NAME=VALUE", callback=facts, help="what the program does not "
              "hold, for the rules: `batch=32`, `loss=cross_entropy`, ..")  # fmt: skip
@click.option("-o", "--output", "target", default="report.html", show_default=True, metavar="FILE", help="the page")
@click.pass_context
def report(
    ctx: click.Context,
    files: tuple[str | Path, ...],
    net: str | None,
    args: dict[str, object],
    sizes: dict[str, int],
    max_ops: int,
    axes: tuple[Axis, ...],
    device: Device | None,
    stated: Facts,
    target: str,
) -> None:
    """Write networks as one page to look at: it needs no network and no server, and prints.

    It has a picture whose parts open and close, with shapes, search and heat; each layer with its numbers, its line of
    the program and of the PyTorch module, and what it sees of an image; memory over the run, the roofline, signal and
    gradients over depth, what the rules say, budgets. Sliders for the sizes of the input recompute every number in the
    page. Of a program with mistakes it shows these, and the networks that are right.
    """
    from dslc import __version__, output
    from dslc.cli.show import show_diagnostics
    from dslc.diagnostics.model import CompileError
    from dslc.report import MOST, asked, report
    from dslc.reports.report.page import page
    from dslc.settings import project_facts

    if len(files) > 1 and (args or sizes or axes):
        raise click.UsageError("--set, --size and --sweep are about one program, and several are named")
    if (count := prod(len(axis.values) for axis in axes)) > MOST:
        raise click.UsageError(f"--sweep: {count:,} networks are more than one page holds ({MOST})")
    wanted = asked(files, net, args, sizes, axes)
    with progress("reporting"):
        found = report(wanted, max_ops=max_ops, device=device, facts=stated.over(project_facts(Path())))
    if found.unread:
        raise CompileError(found.mistakes)
    text = page(found.document, found.title, __version__)
    output.write_all([output.text(target, text)])
    if found.mistakes:
        show_diagnostics(found.mistakes)
    names = ", ".join(dict.fromkeys(found.names)) or "no network"
    click.echo(f"{target}  {names}, {len(text.encode()) // 1000:,} kB")
    ctx.exit(max((each.status for each in found.mistakes), default=0))

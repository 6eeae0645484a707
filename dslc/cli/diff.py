"""`dslc diff`."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dslc.cli.progress import progress
from dslc.cli.terminal import color_wanted
from dslc.cli.values import Choices, assignments, sizes
from dslc.names.zoo import is_zoo

if TYPE_CHECKING:
    from dslc.analysis.compare import Comparison
    from dslc.diff import Side

FORMATS = ("text", "json", "markdown", "csv")
COMMANDLINE = click.core.ParameterSource.COMMANDLINE
TEXT_OPTIONS = {
    "columns": "--columns", "only": "--only", "every": "--every", "depth": "--depth", "form": "--format",
}  # fmt: skip
"""Parameters that say what of the layers is printed."""


def counts() -> Iterable[str]:
    """The numbers that are compared layer by layer."""
    from dslc.analysis.metrics import COMPARED

    return COMPARED


@click.command()
@click.argument("files", metavar="[REV:]FILE [[REV:]FILE]", nargs=-1, required=True)
@click.option("--net", "nets", multiple=True, metavar="NAME", help="the net of both sides; given twice, of each")
@click.option("--rev", "revisions", multiple=True, metavar="REV", help="git revision to compare FILE with; or two")
@click.option("--set", "args", multiple=True, metavar="NAME=VALUE", callback=assignments, help="argument of both nets")
@click.option("--set-a", multiple=True, metavar="NAME=VALUE", callback=assignments, help="argument of the first net")
@click.option("--set-b", multiple=True, metavar="NAME=VALUE", callback=assignments, help="argument of the second net")
@click.option(
    "--size", "both", multiple=True, metavar="H=384,W=384", callback=sizes, help="default input sizes of both"
)
@click.option("--size-a", multiple=True, metavar="H=384", callback=sizes, help="default input sizes of the first")
@click.option("--size-b", multiple=True, metavar="H=384", callback=sizes, help="default input sizes of the second")
@click.option(
    "--columns", type=Choices(later=counts), default="params,macs", show_default=True, help="what to count by layer"
)
@click.option("--only", type=click.Choice(["changed"]), help="leave out layers and numbers that are the same")
@click.option("--every", is_flag=True, help="a line for every layer, nothing folded")
@click.option(
    "--depth", type=click.IntRange(min=1), metavar="N", help="how deep to go into parts  [default: to the end]"
)
@click.option("--exit-code", is_flag=True, help="end with status 1 if the networks differ")
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="how to print")
@click.option("--html", is_flag=True, help="write a page that shows both beside each other, with what changed marked")
@click.option("-o", "--output", "target", metavar="FILE", help="the page of --html  [default: diff.html]")
@click.option("--max-ops", default=100_000, show_default=True, metavar="N", help="stop when a net has more ops")
@click.pass_context
def diff(
    ctx: click.Context,
    files: tuple[str, ...],
    nets: tuple[str, ...],
    revisions: tuple[str, ...],
    args: dict[str, object],
    set_a: dict[str, object],
    set_b: dict[str, object],
    both: dict[str, int],
    size_a: dict[str, int],
    size_b: dict[str, int],
    columns: tuple[str, ...],
    only: str | None,
    every: bool,
    depth: int | None,
    exit_code: bool,
    form: str,
    html: bool,
    target: str | None,
    max_ops: int,
) -> None:
    """Compare two networks: layer by layer, in total, and whether weights of the first load into the second.

    \b
    dslc diff a.dl b.dl                          two files
    dslc diff net.dl --net small --net large     two nets of one file
    dslc diff net.dl --set-b width=0.5           one net with two arguments
    dslc diff net.dl --rev HEAD~1                a git revision and the working tree
    dslc diff net.dl --rev v1.0 --rev v2.0       two revisions
    dslc diff HEAD~1:old.dl new.dl               two files, each at a revision of its own
    dslc diff a.dl b.dl --html                   as a page to look at, beside each other
    """
    if target is not None and not html:
        raise click.UsageError("-o FILE is where --html writes: give --html as well")
    said = [option for name, option in TEXT_OPTIONS.items() if ctx.get_parameter_source(name) is COMMANDLINE]
    if html and said:
        raise click.UsageError(f"--html shows all layers and numbers: leave out {' and '.join(said)}")
    options = [({**args, **set_a}, {**both, **size_a}), ({**args, **set_b}, {**both, **size_b})]
    a, b = both_sides(files, nets, revisions, options)

    from dslc.diff import diff as compared
    from dslc.settings import project_facts, project_levels

    folder = Path()
    with progress("comparing"):
        found = compared(a, b, max_ops, project_facts(folder), project_levels(folder))
    changed = only is not None
    if html:
        write_page(found, target or "diff.html")
    elif form == "text":
        from dslc.reports.diff import render_diff

        color = color_wanted(sys.stdout)
        text = render_diff(found, columns=columns, only_changed=changed, every=every, levels=depth, color=color)
        click.echo(text, color=color)
    elif form == "markdown":
        from dslc.reports.diff import markdown_diff

        click.echo(markdown_diff(found, columns=columns, only_changed=changed, every=every, levels=depth))
    else:
        from dslc.reports.diff_data import diff_csv, diff_json

        click.echo((diff_json if form == "json" else diff_csv)(found, only_changed=changed))
    if exit_code and found.differ:
        sys.exit(1)


def write_page(found: Comparison, target: str) -> None:
    """Both networks beside each other, as one file of HTML."""
    from dslc import __version__, output
    from dslc.report import difference
    from dslc.reports.report.page import page

    title = f"{found.a.model.entry} → {found.b.model.entry}"
    text = page(difference(found), title, __version__, "diff")
    output.write_all([output.text(target, text)])
    click.echo(f"{target}  {title}, {len(text.encode()) // 1000:,} kB")


def both_sides(
    files: tuple[str, ...],
    nets: tuple[str, ...],
    revisions: tuple[str, ...],
    options: list[tuple[dict[str, object], dict[str, int]]],
) -> tuple[Side, Side]:
    """The two networks that a command line means; `UsageError` where it does not name two."""
    from dslc.diff import Side, place

    for what, given in (("files", files), ("--net", nets), ("--rev", revisions)):
        if len(given) > 2:
            raise click.UsageError(f"{what}: at most two can be compared, not {len(given)}")
    try:
        places = [place(file) for file in files]
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="FILE") from None
    if len(files) == 1 and len(nets) < 2 and not revisions and options[0] == options[1]:
        text = "one network cannot be compared: give a second FILE, a second --net, --rev HEAD, or --set-b NAME=VALUE"
        raise click.UsageError(text)
    if revisions and any(revision is not None for revision, _ in places):
        raise click.UsageError("give revisions as REV:FILE or with --rev, not both")
    if revisions and any(is_zoo(path) for _, path in places):
        raise click.UsageError("the zoo is part of dslc and has no revisions: leave out --rev")
    both = (places * 2)[:2]
    asked = [*revisions, None][:2] if revisions else [revision for revision, _ in both]
    names = (nets * 2)[:2] or (None, None)
    a, b = (
        Side(path, net, revision, arguments, default)
        for (_, path), net, revision, (arguments, default) in zip(both, names, asked, options, strict=True)
    )
    return a, b

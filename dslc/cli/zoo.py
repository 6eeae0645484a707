"""`dslc zoo`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Sequence

FORMATS = ("text", "json", "csv", "markdown")


@click.command()
@click.argument("words", metavar="[NAME]...", nargs=-1)
@click.option("--format", "form", type=click.Choice(FORMATS), default="text", show_default=True, help="how to print")
@click.option(
    "--copy", "copied", metavar="NAME", help="write the program of a network, and those it uses, to start from"
)
@click.option("-o", "--output", "folder", default=".", show_default=True, metavar="DIR", help="with --copy: where to")
@click.pass_context
def zoo(ctx: click.Context, words: tuple[str, ...], form: str, copied: str | None, folder: str) -> None:
    """List the networks that come with dslc, with their costs; NAME: those whose name or file contains it.

    \b
    dslc stats zoo:resnet50                      wherever a FILE is taken, zoo:NAME is a network of the zoo
    dslc zoo vit --format markdown               some of them, as a table
    dslc zoo --copy resnet50 -o nets             the program, to be changed

    Parameters and multiply-adds are those of one sample at the sizes shown.
    """
    if copied is not None:
        if words or form != "text":
            raise click.UsageError("--copy writes one program: neither NAME nor --format goes with it")
        for path in copy(copied, folder):
            click.echo(path)
        return
    if ctx.get_parameter_source("folder") is not click.core.ParameterSource.DEFAULT:
        raise click.UsageError("-o needs --copy")
    from dslc.reports import zoo as report

    entries = report.listed(words)
    if not entries:
        refuse(words)
    writers = {"text": report.text, "json": report.json_text, "csv": report.csv_text, "markdown": report.markdown}
    click.echo(writers[form](entries))


def copy(name: str, folder: str) -> list[Path]:
    """Write the program of a network and those it uses into a folder; their places.

    One that is there already stays. Raises `CompileError` for an unknown name, and `OutputError` where a file that
    holds something else has the name of one of them: then nothing is written.
    """
    from dslc import output
    from dslc.api import load_program
    from dslc.diagnostics.model import Sink
    from dslc.names.zoo import PREFIX, files

    sink = Sink()
    program = sink.finish(load_program(f"{PREFIX}{name.removeprefix(PREFIX)}", sink))
    used = {Path(folder) / path.name: path.read_text("utf-8") for path in files().values() if path in program.files}
    for target in used:
        if target.exists() and (not target.is_file() or target.read_bytes() != used[target].encode()):
            raise output.OutputError(output.CannotWrite(str(target), "it is there already, and is not the zoo's"))
    output.write_all([output.text(path, used[path]) for path in used], output.make_folder(folder))
    return [*used]


def refuse(words: Sequence[str]) -> None:
    """Raise `Failure` for words that are in no network's name."""
    from dslc.diagnostics.codes import nearest
    from dslc.diagnostics.model import Failure
    from dslc.names.errors import NotInZoo
    from dslc.reports.zoo import listed

    names = [name for e in listed() for name in (e.net, e.file.removesuffix(".dl"))]
    raise Failure(*(NotInZoo(word, nearest(word, names)) for word in words))

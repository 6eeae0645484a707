"""`dslc fmt`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dslc.cli.programs import count_of, difference, paths, read_stdin, stdin_alone
from dslc.cli.progress import progress
from dslc.names.zoo import is_zoo

if TYPE_CHECKING:
    from dslc.diagnostics.model import Sink
    from dslc.source import Source


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@click.option("--check", is_flag=True, help="write nothing; end with status 1 if a file would change")
@click.option("--diff", "show", is_flag=True, help="write nothing; print what would change")
@click.pass_context
def fmt(ctx: click.Context, files: tuple[str, ...], check: bool, show: bool) -> None:
    """Write programs in one style; what they say, their comments and their lines that fit stay.

    FILE is a program, a folder (all .dl files below it), or - to read a program from stdin and write it to stdout.
    A file with syntax errors is left as it is.
    """
    from dslc.diagnostics.model import Sink
    from dslc.output import text as to_file
    from dslc.output import write_all

    sink, stdin = Sink(), stdin_alone(files)
    changed = []
    read = 0
    sources = list(_sources(files, stdin, sink))
    with progress("formatting", len(sources)) as step:
        for source in sources:
            step(source.path)
            text = _formatted(source, sink)
            if text is None:
                continue
            read += 1
            if stdin and not check and not show:
                click.echo(text.encode(), nl=False)
            elif text != source.text:
                changed.append((source, text))
    if show:
        for source, text in changed:
            click.echo(difference(source.path, source.text, text, "formatted"), nl=False)
    elif check:
        for source, _ in changed:
            click.echo(f"{source.path}: would change")
    else:
        write_all([to_file(source.path, text) for source, text in changed])
        for source, _ in changed:
            click.echo(f"{source.path}: formatted")
    if read and not stdin:
        click.echo(_summary(read, len(changed), check or show), err=True)
    if sink.errors:
        from dslc.cli.show import show_diagnostics

        show_diagnostics(sink.diagnostics, sink.counts, footer="")
    ctx.exit(1 if sink.errors or (check and changed) else 0)


def _sources(files: tuple[str, ...], stdin: bool, sink: Sink) -> Iterator[Source]:
    """The programs, each once; what cannot be read goes to the sink. Raises `BadParameter`."""
    from dslc.diagnostics.model import Reject
    from dslc.names.loader import Loader, file_diagnostic
    from dslc.source import Source

    if stdin:
        try:
            yield Source("<stdin>", read_stdin("<stdin>"))
        except Reject as error:
            sink.add(file_diagnostic(error.mistake, "<stdin>"))
        return
    for file in filter(is_zoo, files):
        raise click.BadParameter(f"`{file}` is part of dslc and stays as it is", param_hint="FILE")
    for path in dict.fromkeys(path for file in files for path in paths(Path(file))):
        try:
            yield Loader().main(path)
        except Reject as error:
            sink.add(file_diagnostic(error.mistake, str(path)))


def _formatted(source: Source, sink: Sink) -> str | None:
    """The text of a program; none if it cannot be read, or would be too long to be read, which goes to the sink."""
    from dslc.diagnostics.model import Sink
    from dslc.names.errors import FileProblem
    from dslc.names.loader import MAX_BYTES, file_diagnostic
    from dslc.syntax.format.program import TooLong, format_source

    own = Sink()
    try:
        text = format_source(source, own)
        for diagnostic in own.diagnostics:
            sink.add(diagnostic)
        if text is None or len(text.encode()) <= MAX_BYTES:
            return text
    except TooLong:
        pass
    why = f"formatted, it would have more than {MAX_BYTES:,} bytes"
    sink.add(file_diagnostic(FileProblem(source.path, why, content=True), source.path))
    return None


def _summary(files: int, changed: int, dry: bool) -> str:
    if not changed:
        return f"{count_of(files)}, none to change"
    return f"{changed} of {count_of(files)} {'would change' if dry else 'changed'}"

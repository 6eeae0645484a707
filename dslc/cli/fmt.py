"""`dslc fmt`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dslc.names.zoo import is_zoo

if TYPE_CHECKING:
    from dslc.diagnostics.model import Sink
    from dslc.source import Source

STDIN = "-"


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

    sink = Sink()
    changed = []
    read = 0
    for source in list(_sources(files, sink)):
        text = _formatted(source, sink)
        if text is None:
            continue
        read += 1
        if files == (STDIN,) and not check and not show:
            click.echo(text.encode(), nl=False)
        elif text != source.text:
            changed.append((source, text))
    if show:
        for source, text in changed:
            click.echo(_difference(source, text), nl=False)
    elif check:
        for source, _ in changed:
            click.echo(f"{source.path}: would change")
    else:
        write_all([to_file(source.path, text) for source, text in changed])
        for source, _ in changed:
            click.echo(f"{source.path}: formatted")
    if read and files != (STDIN,):
        click.echo(_summary(read, len(changed), check or show), err=True)
    if sink.errors:
        from dslc.cli.show import show_diagnostics

        show_diagnostics(sink.diagnostics, sink.counts, footer=True)
    ctx.exit(1 if sink.errors or (check and changed) else 0)


def _sources(files: tuple[str, ...], sink: Sink) -> Iterator[Source]:
    """The programs, each once; what cannot be read goes to the sink. Raises `BadParameter`."""
    from dslc.diagnostics.model import Reject
    from dslc.names.loader import Loader, file_diagnostic

    if STDIN in files:
        if files != (STDIN,):
            raise click.BadParameter("`-` (stdin) stands alone", param_hint="FILE")
        yield from _stdin(sink)
        return
    for file in filter(is_zoo, files):
        raise click.BadParameter(f"`{file}` is part of dslc and stays as it is", param_hint="FILE")
    for path in dict.fromkeys(path for file in files for path in _paths(Path(file))):
        try:
            yield Loader().main(path)
        except Reject as error:
            sink.add(file_diagnostic(error.mistake, str(path)))


def _paths(path: Path) -> list[Path]:
    """A file, or the programs in a folder and those in it, hidden ones apart."""
    if not path.is_dir():
        return [path]
    below = [each for each in path.rglob("*.dl") if not _hidden(each.relative_to(path)) and each.is_file()]
    if not below:
        raise click.BadParameter(f"there is no .dl file in the folder `{path}`", param_hint="FILE")
    return sorted(below)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _stdin(sink: Sink) -> Iterator[Source]:
    from dslc.names.errors import FileProblem
    from dslc.names.loader import MAX_BYTES, file_diagnostic
    from dslc.source import Source

    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    try:
        if len(data) > MAX_BYTES:
            raise ValueError(f"it has more than {MAX_BYTES:,} bytes")
        yield Source("<stdin>", data.decode("utf-8"))
    except UnicodeDecodeError as error:
        sink.add(file_diagnostic(FileProblem("<stdin>", f"it is not UTF-8 text at offset {error.start}"), "<stdin>"))
    except ValueError as error:
        sink.add(file_diagnostic(FileProblem("<stdin>", str(error)), "<stdin>"))


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
    sink.add(file_diagnostic(FileProblem(source.path, why), source.path))
    return None


def _difference(source: Source, text: str) -> str:
    """A unified diff of a program and its text."""
    from difflib import unified_diff

    before, after = (each.splitlines(keepends=True) for each in (source.text, text))
    lines = unified_diff(before, after, source.path, f"{source.path} (formatted)")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def _summary(files: int, changed: int, dry: bool) -> str:
    if not changed:
        return f"{_files(files)}, none to change"
    return f"{changed} of {_files(files)} {'would change' if dry else 'changed'}"


def _files(count: int) -> str:
    return f"{count} file{'' if count == 1 else 's'}"

"""`dslc build --watch`: build again whenever a file of the program changes."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from pathlib import Path

    from dslc.names.loader import Loader

EVERY = 0.25
"""Seconds between two looks at the files."""

INTERRUPTED = 130
"""Exit status of a command that Ctrl-C ended."""


def watch(build: Callable[[Loader], Sequence[Path]]) -> NoReturn:
    """Build, and build anew when what was read has changed, until Ctrl-C; a line for each build, or its mistakes.

    `build` compiles with a loader and gives the files written. Imports are followed anew each time. A program that
    cannot be read at the start is the mistake that it always is; one that is removed later may come back.
    """
    from dslc.cli.show import show_diagnostics, show_failure
    from dslc.diagnostics.model import CompileError, Failure
    from dslc.names.loader import MAX_BYTES, Loader
    from dslc.watch import Files

    begun = False
    try:
        while True:
            loader, start = Loader(), time.perf_counter()
            try:
                files = build(loader)
            except CompileError as error:
                if not begun and not any(text is not None for text in loader.read_texts.values()):
                    raise
                show_diagnostics(error.mended, error.counts, footer="")
            except Failure as failure:
                show_failure(failure)
            else:
                said(f"built {', '.join(map(str, files))} in {time.perf_counter() - start:.2f} s")
            if not begun:
                said("watching; Ctrl-C ends it", error=True)
            begun = True
            gc.collect()  # a command collects no garbage by itself
            Files(loader.read_texts, MAX_BYTES).wait(EVERY)
    except KeyboardInterrupt:
        click.echo(err=True)
        sys.exit(INTERRUPTED)


def said(words: str, error: bool = False) -> None:
    """A line with the time of the day."""
    click.echo(f"{time.strftime('%H:%M:%S')} {words}", err=error)

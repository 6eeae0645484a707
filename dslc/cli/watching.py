"""`--watch`: do something again whenever a file of the program changes."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NoReturn

import click

if TYPE_CHECKING:
    from dslc.names.loader import Loader

EVERY = 0.25
"""Seconds between two looks at the files."""

INTERRUPTED = 130
"""Exit status of a command that Ctrl-C ended."""


def nothing() -> None:
    """What is done beside the messages of a program with mistakes, if nothing is."""


def watch(once: Callable[[Loader], str], mistaken: Callable[[], None] = nothing) -> NoReturn:
    """Do something, and do it anew when what was read has changed, until Ctrl-C; a line for each time, or its mistakes.

    `once` compiles with a loader and says what was done; `mistaken` is called before mistakes are shown. Imports are
    followed anew each time. A program that cannot be read at the start is the mistake that it always is, and so are
    options that it does not fit; one that is removed later may come back.
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
                done = once(loader)
            except CompileError as error:
                if not begun and not any(text is not None for text in loader.read_texts.values()):
                    raise
                mistaken()
                show_diagnostics(error.mended, error.counts, footer="")
            except Failure as failure:
                mistaken()
                show_failure(failure)
            except click.UsageError as error:  # such as a column that no layer has any more
                if not begun:
                    raise
                mistaken()
                click.echo(f"Error: {error.format_message()}", err=True)
            else:
                said(f"{done} in {time.perf_counter() - start:.2f} s")
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
    click.echo(f"{clock()} {words}", err=error)


def clock() -> str:
    """The time of the day."""
    return time.strftime("%H:%M:%S")

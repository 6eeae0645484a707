"""How far a command is, in a line of the terminal, where it takes more than a second.

The line is on stderr, goes away when the work is done, and is in no pipe and no file. `rich` draws it, and is imported
only then.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from dslc.cli.terminal import is_terminal

PATIENCE: Final = 1.0
"""Seconds before anything is said."""

Step = Callable[[str], None]
"""Called at the beginning of each of the steps, with its name."""


@contextmanager
def progress(title: str, total: int | None = None) -> Iterator[Step]:
    """Says how many of `total` steps are done (none: not known) while the body runs, if it takes long enough.

    Nothing is to be printed in the body.
    """
    if not shown():
        yield lambda name: None
        return
    line = Line(title, total)
    timer = threading.Timer(PATIENCE, line.begin)
    timer.daemon = True
    timer.start()
    try:
        yield line.step
    finally:
        timer.cancel()
        line.end()


def shown() -> bool:
    """Whether stderr is a terminal that can take a line back."""
    return is_terminal(sys.stderr) and os.environ.get("TERM") != "dumb"


class Line:
    """The line, which is drawn from another thread."""

    def __init__(self, title: str, total: int | None) -> None:
        self.title, self.total = title, total
        self.name, self.done = "", 0
        self.lock = threading.Lock()
        self.over = False
        self.bar: Any = None
        self.task: Any = None

    def begin(self) -> None:
        """Draw it. That it cannot be drawn is no mistake of what is done."""
        with suppress(Exception):
            from rich.console import Console
            from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

            count = [BarColumn(), MofNCompleteColumn()] if self.total is not None else [BarColumn()]
            columns = (TextColumn("{task.description}"), *count, TimeElapsedColumn(), TextColumn("{task.fields[name]}"))
            bar = Progress(*columns, console=Console(stderr=True), transient=True)
            with self.lock:
                if self.over:
                    return
                self.task = bar.add_task(self.title, total=self.total, completed=self.done, name=self.name)
                bar.start()
                self.bar = bar

    def step(self, name: str) -> None:
        """A step begins: those before it are done."""
        with self.lock:
            self.done += bool(self.name)
            self.name = name
            if self.bar is not None:
                self.bar.update(self.task, completed=self.done, name=escaped(name))

    def end(self) -> None:
        """Take it away."""
        with self.lock:
            self.over = True
            if self.bar is not None:
                self.bar.stop()


def escaped(name: str) -> str:
    """A name as text: brackets are no markup, controls no commands."""
    from dslc.diagnostics.fold import printable

    return printable(name).replace("[", "\\[")

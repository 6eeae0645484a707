"""`dslc stats --watch`: the report as it is now, what changed in the totals, mistakes below the last good report."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from dslc.cli.terminal import is_terminal, lines, screen
from dslc.cli.watching import clock, watch

if TYPE_CHECKING:
    from dslc.names.loader import Loader
    from dslc.reports.since import Totals
    from dslc.reports.stats import Stats

CLEAR = "\x1b[H\x1b[2J"
BELOW = 5
"""Lines of a terminal that what stands below a report takes."""


class LiveStats:
    """A report that is drawn again and again.

    `read` gives the numbers of the program; `printer` what gives their report, its parts closed so many levels deep;
    `check` raises what is wrong with numbers. `fit`: parts are closed until the terminal is high enough.
    """

    def __init__(
        self,
        read: Callable[[Loader], Stats],
        printer: Callable[[Stats], Callable[[int | None], str]],
        check: Callable[[Stats], None],
        fit: bool,
    ) -> None:
        self.read, self.printer, self.check, self.fit = read, printer, check, fit
        self.text = self.when = ""  # the last good report, and the time of it
        self.totals: Totals = {}
        self.fresh = False  # whether that is on the screen

    def draw(self, loader: Loader) -> str:
        """Read the program and draw its report."""
        from dslc.reports.since import since, totals_of

        self.fresh = False
        found = self.read(loader)
        text, totals = self.fitting(found), totals_of(found)
        words, what = "", since(self.totals, totals) if self.when else ""
        if self.when:
            words = f"since {self.when}: {what}" if what else f"no total changed since {self.when}"
        self.text, self.totals, self.when, self.fresh = text, totals, clock(), True
        clear()
        click.echo(text, color=True)
        if words:
            self.say(words, "changed" if what else "quiet")
        self.check(found)
        return found.model.name

    def stale(self) -> None:
        """Draw the last good report again, and say that it is one, unless it is that of the program as it is."""
        if self.fresh:
            return
        clear()
        if self.text:
            click.echo(self.text, color=True)
            self.say(f"these are the numbers of {self.when}, before the mistakes below", "warning")

    def say(self, words: str, role: str) -> None:
        """A sentence below the report."""
        where = screen()
        click.echo("\n" + "\n".join(where.paint(line, role) for line in where.folded(words)), color=True)

    def fitting(self, found: Stats) -> str:
        """The report; its parts closed as deep as the terminal is high, where that was not chosen."""
        render, high = self.printer(found), lines()
        text = render(None)
        if not self.fit or high is None or text.count("\n") + BELOW < high:
            return text
        for depth in range(max((row.depth for row in found.rows), default=0), 0, -1):
            text = render(depth)
            if text.count("\n") + BELOW + 1 < high or depth == 1:
                break
        return f"{text}\n{screen().paint(f'parts are closed {depth} deep: `--depth` opens more', 'quiet')}"


def clear() -> None:
    """Begin at the top of the terminal; what is piped goes on below."""
    if is_terminal(sys.stdout) and os.environ.get("TERM") != "dumb":
        click.echo(CLEAR, nl=False, color=True)


def watch_stats(
    source: str | Path,
    chosen: Mapping[str, Any],
    numbers: Callable[[Any], Stats],
    printer: Callable[[Stats], Callable[[int | None], str]],
    check: Callable[[Stats], None],
    fit: bool,
) -> NoReturn:
    """Draw the report of a program at each change of its files, until Ctrl-C; `chosen` is what its net is given."""
    from dslc.kept import Kept

    def read(loader: Loader) -> Stats:
        return numbers(Kept.read(source, loader).compile(**chosen, budgets=None))

    live = LiveStats(read, printer, check, fit)
    watch(live.draw, live.stale)

"""What the terminal can show: colours, and how many columns."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

import click

if TYPE_CHECKING:
    from dslc.reports.screen import Screen

CHOICES = ("auto", "always", "never")


def keep_choice(ctx: click.Context, option: click.Parameter, value: str) -> None:
    """Keep what `--color` says for this command and for what is shown after it."""
    if value != "auto":
        ctx.color = ctx.find_root().color = value == "always"


def color_option() -> click.Option:
    """--color, which every command has."""
    return click.Option(
        ["--color"],
        type=click.Choice(CHOICES),
        default="auto",
        expose_value=False,
        is_eager=True,
        callback=keep_choice,
        help="colours: on a terminal, or as NO_COLOR and FORCE_COLOR say; always; never",
    )


def is_terminal(stream: TextIO | None) -> bool:
    """Whether a stream is a terminal; one that was closed before the command began is none."""
    return stream is not None and stream.isatty()


def color_wanted(stream: TextIO | None = None) -> bool:
    """Whether to colour what is written to a stream, stderr if none is given.

    `--color` decides, else NO_COLOR (no-color.org), else FORCE_COLOR (force-color.org): by being set, to whatever but
    the empty text. Else a terminal that is not dumb has colours.
    """
    ctx = click.get_current_context(silent=True)
    if ctx is not None and ctx.color is not None:
        return ctx.color
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return os.environ.get("TERM") != "dumb" and is_terminal(stream or sys.stderr)


def columns(stream: TextIO | None = None) -> int | None:
    """How wide messages may be: COLUMNS, else that of the terminal on stderr or `stream`; none where neither says."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said[:9]) > 0:
        return int(said[:9])
    stream = stream or sys.stderr
    if not is_terminal(stream):
        return None
    try:
        return os.get_terminal_size(stream.fileno()).columns or None
    except (OSError, ValueError):
        return None


def lines() -> int | None:
    """How many lines the terminal on stdout has: LINES, else what it says; none where it is no terminal."""
    if not is_terminal(sys.stdout):
        return None
    said = os.environ.get("LINES", "")
    if said.isdecimal() and int(said[:9]) > 0:
        return int(said[:9])
    try:
        return os.get_terminal_size(sys.stdout.fileno()).lines or None
    except (OSError, ValueError):
        return None


def screen() -> Screen:
    """The terminal on stdout; of a pipe or a file nothing is known but that colours may be wanted there."""
    from dslc.diagnostics.paint import Paint
    from dslc.reports.screen import NARROWEST, Screen

    width = columns(sys.stdout) if is_terminal(sys.stdout) else None
    return Screen(None if width is None else max(width, NARROWEST), Paint(color_wanted(sys.stdout)))

"""Printing of diagnostics to the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

import click

from dslc.diagnostics.model import Diagnostic, Failure, Severity
from dslc.diagnostics.render import Key, printable, render, render_placeless, summary


def color_wanted() -> bool:
    """Colours on a terminal, unless NO_COLOR is set (no-color.org) or the terminal is dumb."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return sys.stderr.isatty()


def show_diagnostics(
    diagnostics: Sequence[Diagnostic], counts: Mapping[Key, int] | None = None, *, footer: bool = False
) -> None:
    """All diagnostics on stderr; `footer` adds how many there are and where to read more."""
    if not diagnostics:
        return
    click.echo(render(diagnostics, counts, color=color_wanted()), err=True, color=True)
    if footer:
        code = next(d.code for d in diagnostics)
        click.echo(f"\n{summary(diagnostics)}; `dslc explain {code}` says more", err=True)


def show_failure(failure: Failure) -> None:
    """Mistakes without a place in a program, on stderr."""
    for mistake in failure.mistakes:
        click.echo(render_placeless(mistake, color=color_wanted()), err=True, color=True)


def show_notes(diagnostics: Sequence[Diagnostic], verbose: bool) -> None:
    """Warnings of a program that compiled; notes too where they are wanted."""
    show_diagnostics([d for d in diagnostics if verbose or d.severity is not Severity.NOTE])


def show_weights(notes: Sequence[str]) -> None:
    """What was done to a file of weights to get a network's, on stderr."""
    for note in notes:
        click.echo(f"weights: {printable(note)}", err=True)

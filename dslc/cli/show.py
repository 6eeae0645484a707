"""Printing of diagnostics to the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import click

from dslc.cli.terminal import color_wanted, columns
from dslc.diagnostics.fold import printable
from dslc.diagnostics.model import CompileError, Diagnostic, Failure, Severity
from dslc.diagnostics.place import renamed
from dslc.diagnostics.render import Key, render, render_placeless, summary
from dslc.record import replace

OPTIONS = {"args": "--set", "sizes": "--size", "net": "--net", "axes": "--sweep"}
"""Arguments of functions, by the options that stand for them."""


def show_diagnostics(
    diagnostics: Sequence[Diagnostic], counts: Mapping[Key, int] | None = None, *, footer: str | None = None
) -> None:
    """All diagnostics on stderr; `footer`: then how many there are, what it says, and where to read more."""
    if not diagnostics:
        return
    text = render(list(map(of_options, diagnostics)), counts, color=color_wanted(), width=columns())
    click.echo(text, err=True, color=True)
    if footer is not None:
        click.echo(f"\n{summary(diagnostics)}{footer}; `dslc explain {diagnostics[0].code}` says more", err=True)


def show_error(error: CompileError) -> int:
    """What is wrong with a program, or with what was asked of it, on stderr; the exit status."""
    show_diagnostics(error.mended, error.counts, footer="")
    return max(1, *(d.status for d in error.diagnostics))


def of_options(diagnostic: Diagnostic) -> Diagnostic:
    """A diagnostic about an argument of a function, at the option that stands for it."""
    span = renamed(diagnostic.span, OPTIONS)
    return diagnostic if span is diagnostic.span else replace(diagnostic, span=span)


def show_failure(failure: Failure) -> None:
    """Mistakes without a place in a program, on stderr."""
    for mistake in failure.mistakes:
        click.echo(render_placeless(mistake, color=color_wanted(), width=columns()), err=True, color=True)


def show_notes(diagnostics: Sequence[Diagnostic], verbose: bool) -> None:
    """Warnings of a program that compiled, but those that it says are meant; notes too where they are wanted."""
    from dslc.diagnostics.allow import told

    show_diagnostics([d for d in told(diagnostics) if verbose or d.severity is not Severity.NOTE])


def show_weights(notes: Sequence[str]) -> None:
    """What was done to a file of weights to get a network's, on stderr."""
    for note in notes:
        click.echo(f"weights: {printable(note)}", err=True)

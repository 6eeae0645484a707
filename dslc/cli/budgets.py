"""Budgets given on the command line: `--budget "macs<=300M, peak_memory<=8MB"`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dslc.ir.model import Budget


def budgets(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[Budget, ...]:
    """The limits of all options, in order; each text is shown as a line of a file called `--budget`."""
    if not texts:
        return ()
    from dslc.analysis.limits import limits

    try:
        return limits(texts, "--budget")
    except ValueError as error:
        raise click.BadParameter(str(error)) from None

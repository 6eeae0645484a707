"""Amounts of memory on the command line: `--fit 24GB`."""

from __future__ import annotations

import click

from dslc.analysis.amounts import bytes_of


def memory_size(ctx: click.Context, option: click.Parameter, text: str | None) -> int | None:
    """`bytes_of` as the callback of an option that need not be given."""
    try:
        return None if text is None else bytes_of(text)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None

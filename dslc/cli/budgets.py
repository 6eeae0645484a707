"""Budgets given on the command line: `--budget "macs<=300M, peak_memory<=8MB"`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dslc.ir.model import Budget

LIMIT = re.compile(r"\s*([A-Za-z_]\w*)\s*(<=|>=|==|!=|<|>)\s*([\d_.]+[A-Za-z]*|[\d_.]+[eE][+-]?\d+)\s*")


def budgets(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[Budget, ...]:
    """The limits of all options, in order; each text is shown as a line of a file called `--budget`."""
    from dslc.ir.model import Budget
    from dslc.source import Source
    from dslc.syntax.text import number

    found = []
    for text in texts:
        source, start = Source("--budget", text), 0
        for part in text.split(","):
            match = LIMIT.fullmatch(part)
            limit = number(match[3]) if match is not None and NUMBER.fullmatch(match[3]) else None
            if match is None or limit is None:
                raise click.BadParameter(f"`{part.strip()}` is not a limit such as `macs<=300M` or `peak_memory<=8MB`")
            found.append(Budget(match[1], match[2], limit, source.span(start + match.start(1), start + match.end(3))))
            start += len(part) + 1
    return tuple(found)


NUMBER = re.compile(r"\d[\d_]*(\.\d+)?([eE][+-]?\d+)?([KMGT](i?B)?|kB|B)?")

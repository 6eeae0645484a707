"""Names of columns given on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from dslc.reports.stats import Stats


class NamesNumbers(click.Command):
    """A command whose help names columns and quantities: what they are is asked of the reports only then."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The help, with the names in the place of `{columns}` and the like."""
        from dslc.analysis.metrics import QUANTITIES
        from dslc.reports.columns import COLUMNS, summable

        listed = {
            "columns": [name for name, column in COLUMNS.items() if not column.device],
            "on_device": [name for name, column in COLUMNS.items() if column.device],
            "adding": summable(device=True),
            "quantities": list(QUANTITIES),
        }
        for what, names in listed.items():
            self.help = (self.help or "").replace(f"{{{what}}}", ", ".join(names))
        super().format_help_text(ctx, formatter)


def columns(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Names with commas between them, each once. What they may be depends on the other options: `check_columns`."""
    return tuple(dict.fromkeys(part.strip() for text in texts for part in text.split(",")))


def sort_column(ctx: click.Context, option: click.Parameter, text: str | None) -> str | None:
    """The name of one column."""
    return None if text is None else text.strip()


def check_columns(stats: Stats, names: Sequence[str], sort: str | None, by: str | None) -> None:
    """Refuse a name that is no column's, with the nearest one, and a column that needs a device without one."""
    from dslc.reports.groups import wrong_grouping
    from dslc.reports.rendered import wrong_column

    for name, option in (*((name, "--columns") for name in names), *([(sort, "--sort")] if sort else [])):
        if said := wrong_column(name, stats, "--device, such as `--device A100`"):
            raise click.BadParameter(said, param_hint=option)
    if by and (said := wrong_grouping(names, stats.device is not None)):
        raise click.BadParameter(said, param_hint="--columns")

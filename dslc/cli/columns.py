"""Names of columns given on the command line."""

from __future__ import annotations

import click


def columns(ctx: click.Context, option: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    """Names with commas between them, each once; an unknown one is refused with the nearest."""
    parts = [part.strip() for text in texts for part in text.split(",")]
    for part in parts:
        known(part)
    return tuple(dict.fromkeys(parts))


def sort_column(ctx: click.Context, option: click.Parameter, text: str | None) -> str | None:
    """The name of one column."""
    if text is not None:
        known(text)
    return text


def known(name: str) -> None:
    """Refuse a name that is no column's."""
    from dslc.diagnostics.codes import nearest
    from dslc.reports.columns import COLUMNS

    if name not in COLUMNS:
        near = nearest(name, COLUMNS)
        hint = f"did you mean `{near}`?" if near else f"choose from {', '.join(COLUMNS)}"
        raise click.BadParameter(f"there is no column `{name}`; {hint}")

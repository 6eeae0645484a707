"""Options that several commands share: which net of which file, with which arguments and sizes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from dslc.cli.values import assignments, sizes

F = TypeVar("F", bound=Callable[..., Any])


def source_argument(command: F) -> F:
    """FILE: the program. Whether it can be read is the loader's to say."""
    return click.argument("source", metavar="FILE", type=click.Path(path_type=str))(command)


def net_options(command: F) -> F:
    """--net, --set, --size, --max-ops: which network is meant."""
    for option in (
        click.option("--max-ops", default=100_000, show_default=True, metavar="N", help="stop when a net has more ops"),
        click.option(
            "--size",
            "sizes",
            multiple=True,
            metavar="H=384,W=384",
            callback=sizes,
            help="default sizes of the input",
        ),
        click.option(
            "--set",
            "args",
            multiple=True,
            metavar="NAME=VALUE",
            callback=assignments,
            help="an argument of the net",
        ),
        click.option("--net", metavar="NAME", help="which net of the file, if it has several"),
    ):
        command = option(command)
    return command

"""Options that several commands share: which net of which file, with which arguments and sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from dslc.cli.values import assignments, sizes
from dslc.names.zoo import is_zoo
from dslc.types.tensor import DType

F = TypeVar("F", bound=Callable[..., Any])


class Program(click.Path):
    """A program: `zoo:NAME` as it is, anything else as a path. Whether it can be read is the loader's to say."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str | Path:
        return program(str(value))


def program(text: str) -> str | Path:
    """A program named on the command line, as the compiler takes it."""
    return text if is_zoo(text) else Path(text)


def source_argument(command: F) -> F:
    """FILE: the program."""
    return click.argument("source", metavar="FILE", type=Program())(command)


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


FLOATS = {kind.value: kind for kind in (DType.FLOAT32, DType.FLOAT16, DType.BFLOAT16)} | {
    "fp32": DType.FLOAT32,
    "fp16": DType.FLOAT16,
    "bf16": DType.BFLOAT16,
}


def dtype_option(command: F) -> F:
    """--dtype: what the network's own `float` is, as a DType; none where the inputs are to say."""

    def chosen(_ctx: click.Context, _param: click.Parameter, value: str | None) -> DType | None:
        return None if value is None else FLOATS[value]

    words = "the type of weights and plain inputs, `float`; default: that of the inputs"
    return click.option("--dtype", type=click.Choice([*FLOATS]), callback=chosen, help=words)(command)

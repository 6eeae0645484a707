"""Options that several commands share: which net of which file, with which arguments and sizes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dslc.cli.values import Choices, assignments, paths_of_names, sizes
from dslc.names.zoo import is_zoo
from dslc.types.dtypes import FLOATS, float_type, rate_type
from dslc.types.tensor import DType

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from dslc.weights.checkpoint import Checkpoint

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


class FloatType(click.ParamType[DType]):
    """What the network's own `float` is, by any of its names."""

    name = "dtype"

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        return f"[{'|'.join(FLOATS)}]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> DType:
        try:
            found = float_type(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        assert found is not None
        return found

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(name) for name in FLOATS if name.startswith(incomplete)]


class RateType(click.Choice[str]):
    """Element types of rates and precisions, by any of their names."""

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert(rate_type(str(value)), param, ctx)


def dtype_option(command: F) -> F:
    """--dtype: what the network's own `float` is, as a DType; none where the inputs are to say."""
    words = "the type of weights and plain inputs, `float`; default: that of the inputs"
    return click.option("--dtype", type=FloatType(), help=words)(command)


def weights_options(command: F) -> F:
    """--weights, --part, --map, --skip, --adapt: a file of weights, and what of it is meant (`checkpoint_of`)."""
    for option in (
        click.option(
            "--adapt",
            type=Choices("channels", "positions"),
            default="",
            help="bring what is of another size to the network's: channels of images, tables of positions",
        ),
        click.option(
            "--skip",
            multiple=True,
            metavar="NAME,..",
            callback=paths_of_names,
            help="tensors or modules that keep the network's own initial values",
        ),
        click.option(
            "--map",
            "names_map",
            metavar="MAP",
            help="names of another library, `timm`, `hf` or one of its maps, or a file of names",
        ),
        click.option("--part", metavar="NAME", help="which state dict of the file, or what its names begin with"),
        click.option("--weights", metavar="FILE", help="weights: .safetensors, .pth, an index of shards, or a folder"),
    ):
        command = option(command)
    return command


def checkpoint_of(
    weights: str | None, part: str | None, skip: tuple[str, ...], names_map: str | None, adapt: tuple[str, ...]
) -> Checkpoint | None:
    """What the options name; none without --weights, which the others need."""
    if weights is None:
        for given, option in ((part, "--part"), (skip, "--skip"), (names_map, "--map"), (adapt, "--adapt")):
            if given:
                raise click.UsageError(f"`{option}` needs `--weights`")
        return None
    from dslc.weights.checkpoint import Checkpoint

    return Checkpoint(weights, part, skip, names_map, adapt)

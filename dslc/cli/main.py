"""The `dslc` command; each subcommand's module is imported only when it is used."""

from __future__ import annotations

import atexit
import codecs
import errno
import gc
import sys
from importlib import import_module
from inspect import cleandoc
from typing import Any

import click

from dslc.cli.terminal import color_option
from dslc.collector import paused
from dslc.diagnostics.model import CompileError, Failure

COMMANDS = {
    "build": "write a PyTorch module and an ONNX graph",
    "check": "say what is wrong with a program",
    "lint": "say what is suspicious in a program that is right",
    "fmt": "write programs in one style",
    "signal": "how values and gradients go through a network before it is trained",
    "stats": "shapes, parameters, multiply-adds and receptive fields, layer by layer",
    "report": "write networks as one page to look at, with sliders for the sizes of the input",
    "picture": "draw a network as an .svg file",
    "diff": "what changed between two networks, layer by layer",
    "convert": "rewrite a program: a fully convolutional one from one with a flattened head",
    "weights": "look into files of weights, compare and convert them",
    "run": "run a network on an image or an array",
    "zoo": "the networks that come with dslc, with their costs",
    "explain": "what an error code means, with examples",
    "lsp": "serve editors: mistakes, shapes and costs while a program is written",
    "playground": "serve a page in which networks are written and seen",
    "doctor": "versions, onnxruntime's providers, and what is missing",
    "completion": "print a script that completes commands and options in your shell",
    "version": "print the version",
}

atexit.register(gc.freeze)  # or the interpreter, as it ends, looks for garbage among all that a compile made


BLOCKS = "█▉▊▋▌▍▎▏▁▂▃▄▅▆▇…"
"""What bars are drawn with, and the sign of a cut; `#` stands for them where an encoding has none."""

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What writing to stdout may end with, beside a closed pipe."""


def without_blocks(error: UnicodeError) -> tuple[str, int]:
    """`#` for a part of a bar and an escape such as `\\u2603` for any other letter that an encoding has not."""
    assert isinstance(error, UnicodeEncodeError)
    letters = error.object[error.start : error.end]
    texts = ("#" if c in BLOCKS else c.encode("ascii", "backslashreplace").decode("ascii") for c in letters)
    return "".join(texts), error.end


codecs.register_error("dslc", without_blocks)


def stop_output(error: OSError) -> None:
    """Say that stdout cannot be written to, and keep the interpreter from trying once more as it ends."""
    import os

    from dslc.cli.show import show_failure
    from dslc.output import CannotWrite, OutputError

    show_failure(OutputError(CannotWrite("stdout", (error.strerror or str(error)).lower())))
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, sys.stdout.fileno())


class Commands(click.Group):
    """The group of subcommands: imports one only to run it, and shows mistakes as messages."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = getattr(import_module(f"dslc.cli.{cmd_name}"), cmd_name)
        assert isinstance(command, click.Command)
        if command.help is None and command.callback is not None:
            from dslc.docs import docstring

            command.help = cleandoc(docstring(command.callback))
        if not any(param.name == "color" for param in command.params):
            command.params.append(color_option())
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in COMMANDS and not args[0].startswith("-"):
            from dslc.diagnostics.codes import nearest

            near = nearest(args[0], COMMANDS)
            ctx.fail(f"no command `{args[0]}`" + (f"; did you mean `{near}`?" if near else ""))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        if getattr(sys.stdout, "errors", "") == "strict" and hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="dslc")
        try:
            with paused():  # what a compile makes lives until the process ends
                return super().invoke(ctx)
        except CompileError as error:
            from dslc.cli.show import show_error

            return ctx.exit(show_error(error))
        except Failure as failure:
            from dslc.cli.show import show_failure

            show_failure(failure)
            return ctx.exit(failure.status)
        except OSError as error:
            if error.errno not in FULL:
                raise
            stop_output(error)
        return ctx.exit(1)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    help="A declarative language for neural networks, compiled to readable PyTorch and to ONNX.",
)
def main() -> None:
    """The command line."""

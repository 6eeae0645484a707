"""The Python API's `compile`."""

from __future__ import annotations

from pathlib import Path

from dslc.api import compile_model
from dslc.ir.model import Model


def compile(
    source: str | Path, net: str | None = None, *, sizes: dict[str, int] | None = None, **args: object
) -> Model:
    """Check a program and give its network.

    `source` is a path, or the text of a program (a str with a newline or ending otherwise than `.dl`). `net`
    is needed where the file has several; `args` are arguments of that net; `sizes` are default sizes of its
    input (`sizes={"H": 384}`). Raises `CompileError`, whose text is what the command line would print.
    """
    return compile_model(source, net, args=args, sizes=sizes)

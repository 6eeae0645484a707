"""The Python API's `compile`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dslc.api import compile_model
from dslc.ir.model import Model

if TYPE_CHECKING:
    from dslc.reports.tables import NetworkStats


class Network(Model):
    """A checked network, as `dslc.compile` gives it."""

    __slots__ = ()

    def stats(self) -> NetworkStats:
        """Its numbers as typed tables: shapes, parameters, costs, memory and receptive fields. Needs no torch."""
        from dslc.reports.tables import NetworkStats

        return NetworkStats(self)


def compile(
    source: str | Path, net: str | None = None, *, sizes: dict[str, int] | None = None, **args: object
) -> Network:
    """Check a program and give its network.

    `source` is a path, or the text of a program (a str with a newline or ending otherwise than `.dl`). `net`
    is needed where the file has several; `args` are arguments of that net; `sizes` are default sizes of its
    input (`sizes={"H": 384}`). Raises `CompileError`, whose text is what the command line would print.
    """
    model = compile_model(source, net, args=args, sizes=sizes)
    return Network(**{name: getattr(model, name) for name in model.__match_args__})

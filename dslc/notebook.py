"""`%load_ext dslc`: cells that begin with `%%dl` are programs, and their nets are then variables of the notebook.

Nothing here imports IPython: the shell is what it hands over.
"""

from __future__ import annotations

import sys
from typing import Any

from dslc.diagnostics.model import CompileError
from dslc.python import Network, compile


def networks(text: str) -> tuple[dict[str, Network], list[str]]:
    """The nets of a program by name, and the names of those that need arguments. Raises `CompileError`."""
    from dslc.api import nets

    ready = nets(text, complete=True)
    found = {name: compile(text, name) for name in ready}
    return found, [name for name in nets(text) if name not in found]


def attach(shell: Any) -> None:
    """Give a shell of IPython the magic `%%dl`."""

    def dl(line: str, cell: str) -> Network | None:
        """Compile the cell: each net becomes a variable, a `dslc.Network`. `%%dl NAME` binds the program's text too."""
        text = cell if cell.endswith("\n") else cell + "\n"
        name = line.strip()
        if name and not name.isidentifier():
            print(f"`{name}` is no name of a variable: `%%dl NAME` binds the text of the cell", file=sys.stderr)
            return None
        try:
            found, open_ = networks(text)
        except CompileError as error:
            print(error, file=sys.stderr)
            return None
        shell.push({**found, **({name: text} if name else {})})
        for net in open_:
            print(f"`{net}` needs arguments: `%%dl text`, then `dslc.compile(text, net={net!r}, ..)`")
        return next(iter(found.values())) if len(found) == 1 else None

    shell.register_magic_function(dl, magic_kind="cell", magic_name="dl")

"""`dslc lsp`."""

from __future__ import annotations

from importlib.util import find_spec

import click


@click.command()
def lsp() -> None:
    """Serve editors: the language server protocol on stdin and stdout.

    An editor starts it (docs/editors.md says how): it shows mistakes with fixes, shapes and costs while a program is
    written. It needs pip install 'dslc[lsp]'.
    """
    from dslc.diagnostics.model import Failure
    from dslc.errors import NotInstalled

    missing = [package for package in ("pygls", "lsprotocol") if find_spec(package) is None]
    if missing:
        raise Failure(NotInstalled(missing[0], "lsp", "the language server"))
    from dslc.lsp.server import serve

    serve()

"""The playground's files, served to this machine alone."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

SITE: Final = Path(__file__).with_name("site")
"""Where `npm run build` in playground/ puts the page."""

HOST: Final = "127.0.0.1"
TYPES: Final = {".js": "text/javascript", ".mjs": "text/javascript", ".wasm": "application/wasm"}
"""What browsers insist on, whatever the system's own table says."""


class Handler(SimpleHTTPRequestHandler):
    """Files of one folder, for requests that name this machine: a site whose name leads here gets none."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | TYPES

    def send_head(self) -> Any:
        name = (self.headers.get("Host") or "").rpartition(":")[0]
        if name not in (HOST, "localhost"):
            return self.send_error(403, "not for this host")
        return super().send_head()

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        super().end_headers()

    def copyfile(self, source: Any, outputfile: Any) -> None:
        with suppress(ConnectionError):  # the browser went to another page
            super().copyfile(source, outputfile)

    def list_directory(self, path: Any) -> None:
        self.send_error(404, "no such file")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: the terminal is for the address."""


def built(site: Path = SITE) -> bool:
    """Whether the page is there, all of it."""
    return all((site / name).is_file() for name in ("index.html", "main.js", "dslc.zip", "pyodide/pyodide.mjs"))


def server(port: int, site: Path = SITE) -> ThreadingHTTPServer:
    """A server of the page on the loopback interface; port 0 takes a free one. An OSError where it is taken."""
    return ThreadingHTTPServer((HOST, port), partial(Handler, directory=str(site)))

"""`dslc playground`: the page's files, to this machine alone; without them, the command that builds them."""

from __future__ import annotations

import http.client
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from dslc.playground import serve
from tests.cli.running import run


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    """Where a page of four files is served."""
    site = tmp_path / "site"
    (site / "pyodide").mkdir(parents=True)
    for name in ("index.html", "main.js", "dslc.zip", "pyodide/pyodide.mjs"):
        (site / name).write_text(name)
    (tmp_path / "secret").write_text("secret")
    assert serve.built(site)
    with serve.server(0, site) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def got(port: int, path: str, host: str | None = None) -> tuple[int, str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host or f"127.0.0.1:{port}"})
        reply = connection.getresponse()
        return reply.status, reply.getheader("Content-Type") or "", reply.read()
    finally:
        connection.close()


def test_files_with_the_types_that_browsers_insist_on(port: int) -> None:
    assert got(port, "/") == (200, "text/html", b"index.html")
    assert got(port, "/main.js") == (200, "text/javascript", b"main.js")
    assert got(port, "/pyodide/pyodide.mjs")[1] == "text/javascript"
    assert got(port, "/index.html", f"localhost:{port}")[0] == 200


@pytest.mark.parametrize(
    "path", ["/../secret", "/%2e%2e/secret", "/pyodide/../../secret", "//secret", "/pyodide/", "/gone"]
)
def test_nothing_else(port: int, path: str) -> None:
    status, _, body = got(port, path)
    assert status == 404 and body != b"secret"


def test_a_site_whose_name_leads_here_gets_nothing(port: int) -> None:
    for host in ("evil.example", f"evil.example:{port}", "127.0.0.1.evil.example:80", ""):
        assert got(port, "/", host or ":")[0] == 403


def test_without_the_page_it_says_what_builds_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "SITE", tmp_path)
    done = run("playground")
    assert done.exit_code == 1 and "npm ci && npm run build" in done.stderr and "E0665" in done.stderr

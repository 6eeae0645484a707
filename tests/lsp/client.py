"""A client of the language server: what an editor does, over the real protocol."""

from __future__ import annotations

import asyncio
import sys
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

T = TypeVar("T")


class Client:
    """A server in a process of its own, and its client in a thread.

    `diagnostics` has the last of each file, `log` what the server wrote on stderr.
    """

    def __init__(self, options: dict[str, object] | None = None) -> None:
        self.diagnostics: dict[str, list[lsp.Diagnostic]] = {}
        self.messages: list[str] = []
        self.log: list[str] = []
        self.arrived: dict[tuple[str, int | None], float] = {}  # when those of a version came first
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.ask = LanguageClient("editor", "1")
        self.versions: dict[str, int] = {}

        def published(params: lsp.PublishDiagnosticsParams) -> None:
            self.diagnostics[params.uri] = list(params.diagnostics)
            self.arrived.setdefault((params.uri, params.version), time.perf_counter())

        def shown(params: lsp.ShowMessageParams) -> None:
            self.messages.append(params.message)

        self.ask.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(published)
        self.ask.feature(lsp.WINDOW_SHOW_MESSAGE)(shown)
        self.done(self.ask.start_io(sys.executable, "-m", "dslc", "lsp"))
        asyncio.run_coroutine_threadsafe(self._read_log(), self.loop)
        self.abilities = self.done(
            self.ask.initialize_async(
                lsp.InitializeParams(lsp.ClientCapabilities(), None, initialization_options=options)
            )
        ).capabilities
        self.ask.initialized(lsp.InitializedParams())

    async def _read_log(self) -> None:
        server: Any = getattr(self.ask, "_server", None)
        async for line in server.stderr:
            self.log.append(line.decode("utf-8", "replace"))

    def close(self) -> None:
        """End the server and the client."""
        self.done(self.ask.shutdown_async(None))
        self.ask.exit(None)
        stop: Any = self.ask.stop
        self.done(stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)
        self.loop.close()

    def done(self, answer: Coroutine[Any, Any, T]) -> T:
        """An answer, once it is there."""
        return asyncio.run_coroutine_threadsafe(answer, self.loop).result(60)

    def answer(self, method: str, params: object) -> Any:
        """The answer to a request by its name."""

        async def asked() -> Any:
            return await self.ask.protocol.send_request_async(method, params)

        return self.done(asked())

    # ---- documents

    def open(self, path: Path, text: str) -> lsp.TextDocumentIdentifier:
        """Open a document."""
        return self.open_at(path.as_uri(), text)

    def open_at(self, uri: str, text: str) -> lsp.TextDocumentIdentifier:
        """Open a document that is perhaps no file."""
        self.versions[uri] = 1
        self.ask.text_document_did_open(lsp.DidOpenTextDocumentParams(lsp.TextDocumentItem(uri, "dslc", 1, text)))
        return lsp.TextDocumentIdentifier(uri)

    def change(self, doc: lsp.TextDocumentIdentifier, text: str) -> None:
        """Write another text."""
        self.versions[doc.uri] += 1
        self.ask.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                lsp.VersionedTextDocumentIdentifier(self.versions[doc.uri], doc.uri),
                [lsp.TextDocumentContentChangeWholeDocument(text)],
            )
        )

    def told(self, doc: lsp.TextDocumentIdentifier, message: str) -> lsp.Diagnostic:
        """The diagnostic with a message, once it is there."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            for found in self.diagnostics.get(doc.uri, []):
                if message in found.message:
                    return found
            time.sleep(0.005)
        raise AssertionError([d.message for d in self.diagnostics.get(doc.uri, [])])

    def silent(self, doc: lsp.TextDocumentIdentifier) -> None:
        """Wait until nothing is said."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            if self.diagnostics.get(doc.uri) == []:
                return
            time.sleep(0.005)
        raise AssertionError([d.message for d in self.diagnostics.get(doc.uri, [])])


def at(text: str, word: str, inside: int = 0) -> lsp.Position:
    """The place of a word, in UTF-16 units."""
    before = text[: text.index(word) + inside]
    line = before.rsplit("\n", 1)[-1]
    return lsp.Position(before.count("\n"), len(line.encode("utf-16-le")) // 2)


def applied(text: str, edits: list[lsp.TextEdit]) -> str:
    """A text after edits, whose columns are those of ASCII."""
    lines = text.split("\n")
    starts = [sum(len(line) + 1 for line in lines[:n]) for n in range(len(lines) + 1)]
    for e in sorted(edits, key=lambda e: (e.range.start.line, e.range.start.character), reverse=True):
        start, end = (starts[p.line] + p.character for p in (e.range.start, e.range.end))
        text = text[:start] + e.new_text + text[end:]
    return text

"""The server: what the protocol asks is put to what is known of the document. Every answer is given at once or soon."""

from __future__ import annotations

import asyncio
import logging
import sys
import threading
from pathlib import Path
from typing import Any, Final

from lsprotocol import types as lsp
from pygls import uris
from pygls.lsp.server import LanguageServer

import dslc
from dslc.bind.table import Symbol, Use
from dslc.lsp import completion, names, outline
from dslc.lsp.commands import OUTPUTS, run_command
from dslc.lsp.documents import Document, Stage, Worker
from dslc.lsp.hover import hover
from dslc.lsp.lens import lenses
from dslc.lsp.places import Lines, lines_of
from dslc.lsp.problems import actions, problems
from dslc.lsp.rename import refused, rename, workspace_edit
from dslc.lsp.workspace import importers, normal, symbol_place

log = logging.getLogger("dslc.lsp")

PATIENCE: Final = 1.0
"""Seconds that a request waits at most for the analysis of the newest text."""
SETTINGS: Final = {"hints": "words", "cursorLine": False, "lens": True, "commands": False}
"""What a client may set (docs/editors.md), and the defaults."""


class Server(LanguageServer):
    """The language server with its documents and the thread that analyses them."""

    def __init__(self) -> None:
        super().__init__("dslc", dslc.__version__, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self.worker = Worker(self._told)
        self.settings: dict[str, object] = dict(SETTINGS)
        self.cursors: dict[str, int] = {}
        self.loop: asyncio.AbstractEventLoop | None = None

    @property
    def encoding(self) -> str:
        """How client and server count columns."""
        return str(getattr(self.workspace.position_encoding, "value", self.workspace.position_encoding) or "utf-16")

    @property
    def folders(self) -> list[Path]:
        """The folders of the workspace."""
        return [Path(path) for f in self.workspace.folders.values() if (path := uris.to_fs_path(f.uri))]

    def document(self, uri: str) -> Document | None:
        """An open document."""
        return self.worker.documents.get(uri)

    def lines(self, document: Document) -> Lines:
        """The lines of a document's text."""
        return lines_of(document.text, self.encoding)

    def open(self, uri: str, text: str, revision: int | None) -> None:
        """A document was opened."""
        path = normal(Path(uris.to_fs_path(uri) or "untitled.dl"))
        self.worker.put(Document(uri, path, text, revision=revision))

    def change(self, uri: str, text: str, revision: int | None) -> None:
        """A document has another text."""
        document = self.document(uri)
        if document is None:
            return self.open(uri, text, revision)
        document.revision = revision
        if text != document.text:
            document.line = changed_line(document.text, text)
            document.typed = True
            document.text = text
            for other in list(self.worker.documents.values()):
                if other is not document and other.imports(document.path):
                    self.worker.put(other)
        return self.worker.put(document)

    async def known(self, uri: str, *, newest: bool = True) -> Document | None:
        """A document, with the analysis of its newest text where that takes not too long; any, if not `newest`."""
        document = self.document(uri)
        if document is None:
            return None
        until = asyncio.get_running_loop().time() + PATIENCE
        while document.focus is None if not newest else document.known != document.version:
            if asyncio.get_running_loop().time() > until:
                break
            await asyncio.sleep(0.004)
        return document if document.focus is not None else None

    def report_server_error(self, error: Exception, source: object) -> None:
        """What failed is in the log. Pygls would tell the client, and where that is gone fail again without end."""

    def set(self, given: object) -> None:
        """Settings of the client; what is none of them is passed over."""
        section = given.get("dslc", given) if isinstance(given, dict) else {}
        if isinstance(section, dict):
            self.settings |= {k: v for k, v in section.items() if k in SETTINGS and type(v) is type(SETTINGS[k])}

    # ---- in the worker's thread

    def _told(self, document: Document, stage: Stage) -> None:
        if self.loop is None or self.loop.is_closed() or self.worker.closed:
            return
        sent = threading.Event()

        def send(version: int = document.version) -> None:
            try:
                self.publish(document, stage, version)
            finally:
                sent.set()

        self.loop.call_soon_threadsafe(send)
        sent.wait(PATIENCE)  # further work here would hold it up

    # ---- in the server's

    def publish(self, document: Document, stage: Stage, version: int) -> None:
        """Send what was found, where nobody has written meanwhile."""
        if self.worker.closed or document.version != version or self.document(document.uri) is not document:
            return
        if stage != "rest":
            found = problems(document, self.encoding)
            for uri in document.published - found.keys():
                self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))
            for uri, each in found.items():
                revision = document.revision if uri == document.uri else None
                self.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, each, revision))
            document.published = set(found)
        self.refresh(stage)

    def refresh(self, stage: Stage) -> None:
        """Ask the client to ask again."""
        able = self.client_capabilities.workspace
        if able is None:
            return
        if able.inlay_hint is not None and able.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)
        if stage != "rest" and able.semantic_tokens is not None and able.semantic_tokens.refresh_support:
            self.workspace_semantic_tokens_refresh(None)
        if stage == "whole" and able.code_lens is not None and able.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)


def changed_line(old: str, new: str) -> int:
    """The line, from 0, at which two texts begin to differ."""
    before, after = old.split("\n"), new.split("\n")
    same = 0
    while same < min(len(before), len(after)) and before[same] == after[same]:
        same += 1
    return min(same, len(after) - 1)


def make() -> Server:
    """The server with all that it answers."""
    server = Server()
    _documents(server)
    _answers(server)
    _names(server)
    return server


def _documents(server: Server) -> None:
    @server.feature(lsp.INITIALIZED)
    def initialized(_: lsp.InitializedParams) -> None:
        server.loop = asyncio.get_event_loop()
        server.worker.start()

    @server.feature(lsp.INITIALIZE)
    def initialize(params: lsp.InitializeParams) -> None:
        server.set(params.initialization_options)

    @server.feature(lsp.SHUTDOWN)
    def shutdown(_: None) -> None:
        server.worker.close()

    @server.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: lsp.DidOpenTextDocumentParams) -> None:
        server.open(params.text_document.uri, params.text_document.text, params.text_document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: lsp.DidChangeTextDocumentParams) -> None:
        text = server.workspace.get_text_document(params.text_document.uri).source
        server.change(params.text_document.uri, text, params.text_document.version)

    @server.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    def saved(params: lsp.DidSaveTextDocumentParams) -> None:
        for document in list(server.worker.documents.values()):
            server.worker.put(document)

    @server.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: lsp.DidCloseTextDocumentParams) -> None:
        document = server.document(params.text_document.uri)
        server.worker.drop(params.text_document.uri)
        for uri in document.published if document is not None else ():
            server.text_document_publish_diagnostics(lsp.PublishDiagnosticsParams(uri, []))

    @server.feature(lsp.WORKSPACE_DID_CHANGE_CONFIGURATION)
    def configured(params: lsp.DidChangeConfigurationParams) -> None:
        server.set(params.settings)
        server.refresh("whole")

    @server.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(params: lsp.DidChangeWatchedFilesParams) -> None:
        for document in list(server.worker.documents.values()):
            server.worker.put(document)

    @server.feature("dslc/cursor")
    def cursor(params: Any) -> None:
        """Where the cursor stands: `{uri, line}`; on that line no shape is shown."""
        server.cursors[str(params.uri)] = int(params.line)
        document = server.document(str(params.uri))
        if document is not None and not document.typed:
            document.line = int(params.line)


def _answers(server: Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions([lsp.CodeActionKind.QuickFix]))
    async def code_actions(params: lsp.CodeActionParams) -> list[lsp.CodeAction]:
        document = await server.known(params.text_document.uri)
        if document is None:
            return []
        for _ in range(200):  # fixes are tried when no key was pressed for a while
            if document.stage == "done":
                break
            await asyncio.sleep(0.01)
        return actions(document, params.range, server.encoding)

    @server.feature(lsp.TEXT_DOCUMENT_INLAY_HINT)
    async def inlay(params: lsp.InlayHintParams) -> list[lsp.InlayHint]:
        document = await server.known(params.text_document.uri)
        shown = str(server.settings["hints"])
        if document is None or shown == "off":
            return []
        for _ in range(100):
            if document.stage != "rest":
                break
            await asyncio.sleep(0.004)
        cursor = None if server.settings["cursorLine"] else server.cursors.get(document.uri)
        return outline.hints(document, params.range, server.lines(document), cursor, shown)

    @server.feature(lsp.TEXT_DOCUMENT_CODE_LENS)
    async def lens(params: lsp.CodeLensParams) -> list[lsp.CodeLens]:
        document = await server.known(params.text_document.uri)
        if document is None or not server.settings["lens"]:
            return []
        return lenses(document, server.encoding, bool(server.settings["commands"]))

    @server.feature(lsp.TEXT_DOCUMENT_FORMATTING)
    def formatting(params: lsp.DocumentFormattingParams) -> list[lsp.TextEdit]:
        document = server.document(params.text_document.uri)
        return [] if document is None else outline.formatted(str(document.path), document.text, server.encoding)

    @server.feature(lsp.TEXT_DOCUMENT_FOLDING_RANGE)
    def folding(params: lsp.FoldingRangeParams) -> list[lsp.FoldingRange]:
        document = server.document(params.text_document.uri)
        return [] if document is None else outline.folds(document.text)

    @server.feature(lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def symbols(params: lsp.DocumentSymbolParams) -> list[lsp.DocumentSymbol]:
        document = await server.known(params.text_document.uri)
        found = None if document is None or document.focus is None else document.focus.tree
        return outline.symbols(found, server.encoding)

    @server.feature(lsp.WORKSPACE_SYMBOL)
    def workspace_symbols(params: lsp.WorkspaceSymbolParams) -> list[lsp.WorkspaceSymbol]:
        return outline.workspace_symbols(server.folders, params.query, server.worker.texts(), server.encoding)

    @server.feature(
        lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL,
        lsp.SemanticTokensLegend(list(names.TYPES), list(names.MODIFIERS)),
    )
    async def tokens(params: lsp.SemanticTokensParams) -> lsp.SemanticTokens:
        document = await server.known(params.text_document.uri)
        if document is None:
            return lsp.SemanticTokens([])
        return lsp.SemanticTokens(names.tokens(document.focus, server.lines(document)))

    @server.command("dslc.focus")
    def focus(uri: str, net: str) -> None:
        """Show the shapes of another net."""
        document = server.document(uri)
        if document is not None:
            server.worker.refocus(document, net)

    @server.command("dslc.run")
    async def run(word: str, uri: str, net: str) -> str | None:
        """Build, picture or report a net; where it was written."""
        document = server.document(uri)
        if document is None or word not in OUTPUTS:
            return None
        failed, said = await run_command(word, document.path, net)
        kind = lsp.MessageType.Error if failed else lsp.MessageType.Info
        server.window_show_message(lsp.ShowMessageParams(kind, said))
        return None if failed else said


def _names(server: Server) -> None:
    @server.feature(lsp.TEXT_DOCUMENT_HOVER)
    async def hovered(params: lsp.HoverParams) -> lsp.Hover | None:
        document = await server.known(params.text_document.uri)
        if document is None:
            return None
        return hover(document, server.lines(document).offset(params.position), server.encoding)

    @server.feature(lsp.TEXT_DOCUMENT_DEFINITION)
    async def definition(params: lsp.DefinitionParams) -> lsp.Location | None:
        document = await server.known(params.text_document.uri)
        if document is None:
            return None
        return names.definition(document.focus, server.lines(document).offset(params.position), server.encoding)

    @server.feature(lsp.TEXT_DOCUMENT_REFERENCES)
    async def references(params: lsp.ReferenceParams) -> list[lsp.Location]:
        document = await server.known(params.text_document.uri)
        if document is None:
            return []
        offset = server.lines(document).offset(params.position)

        def others(symbol: Symbol) -> list[Use]:
            place = symbol_place(symbol)
            if place is None:
                return []
            found = importers(place[0], symbol.name, server.folders, server.worker.texts())
            return [use for program in found for use in program.uses(place)]

        declared = params.context.include_declaration
        return await asyncio.to_thread(names.references, document, offset, declared, others, server.encoding)

    @server.feature(lsp.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepare(params: lsp.PrepareRenameParams) -> lsp.Range | None:
        document = await server.known(params.text_document.uri)
        if document is None:
            return None
        offset = server.lines(document).offset(params.position)
        use = names.use_at(document.focus, offset)
        if use is None:
            return None
        if (why := refused(document, offset)) is not None:
            server.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, why))
            return None
        return server.lines(document).range(use.span.start, use.span.end)

    @server.feature(lsp.TEXT_DOCUMENT_RENAME, lsp.RenameOptions(prepare_provider=True))
    async def renamed(params: lsp.RenameParams) -> lsp.WorkspaceEdit | None:
        document = await server.known(params.text_document.uri)
        if document is None:
            return None
        offset, texts = server.lines(document).offset(params.position), server.worker.texts()
        found = await asyncio.to_thread(
            rename, document, offset, params.new_name, server.folders, texts, server.encoding
        )
        if isinstance(found, str):
            server.window_show_message(lsp.ShowMessageParams(lsp.MessageType.Warning, found))
            return None
        return workspace_edit(found, server.worker.documents.values())

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions(trigger_characters=[".", ":", ">", "(", ","]))
    async def complete(params: lsp.CompletionParams) -> lsp.CompletionList:
        document = await server.known(params.text_document.uri, newest=False)
        if document is None:
            return lsp.CompletionList(False, [])
        lines = server.lines(document)
        offset = lines.offset(params.position)
        found = completion.completions(document.text, offset, document.program, lines)
        return lsp.CompletionList(False, found)

    @server.feature(lsp.TEXT_DOCUMENT_SIGNATURE_HELP, lsp.SignatureHelpOptions(["(", ","]))
    async def signature(params: lsp.SignatureHelpParams) -> lsp.SignatureHelp | None:
        document = await server.known(params.text_document.uri, newest=False)
        if document is None:
            return None
        offset = server.lines(document).offset(params.position)
        return completion.signature_help(document.text, offset, document.program)


def serve() -> None:
    """Answer on stdin and stdout until the client ends it."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    sys.setrecursionlimit(12_000)  # as a compile asks for: two threads would set it back for each other
    sys.setswitchinterval(0.0002)  # a key is read while a net is analysed: in some six turns of two threads
    server = make()
    try:
        server.start_io()
    finally:
        server.worker.close()

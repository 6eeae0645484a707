"""The server survives whatever is written, wherever it is asked, and files that vanish: no error, no traceback, and
what is right afterwards is answered as ever.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import pytest
from lsprotocol import types as lsp

from tests.lsp.client import Client

EXAMPLES = Path(__file__).parents[2] / "examples"

MAIN = """use "part.dl": part

## A \U0001d54atage of two convolutions.
block stage(out: int, s: int = 1) on x[N, C, H, W]:
    conv(out, 3, s=s) as `first{out}` -> bn -> relu
    for i in range(2):
        residual: conv(out, 3) -> bn
    part(out)

net small(classes: int = 10) on image[N, 3, H=32, W=32] -> [N, classes]:
    budget params <= 100K
    stage(16) -> stage(32, s=2)
    gap -> flatten -> linear(classes)
"""
PART = "block part(out: int) on x[N, C, H, W]:\n    conv(out, 1) -> relu\n"
BASES: Final = (MAIN, PART, *((EXAMPLES / name).read_text("utf-8") for name in ("lenet.dl", "text_lstm.dl", "nin.dl")))
ODD: Final = (
    "\x00", "\ud800", "\udfff", "\ufeff", "\u2028", "\r\n", "\r", "\t", "\x0c", "\U0001f600", "e\u0301", "((((", ")",
    "]", "`", '"', "#", "##", ":\n", "\n        ", "->", "->\n", "= =", "9" * 400, "1e999", "-", "net ",
    "block f on x[", "use ", 'use "../../x.dl": y', "\\", "{", "{{x}}", "it", "let x = 2**2**9", "x" * 5_000,
    "\n" * 300, "budget macs <= 1",
)  # fmt: skip


def spoilt(rng: random.Random, text: str) -> str:
    """A text after some edits."""
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(text) + 1)
        end = min(len(text), at + rng.choice((0, 0, 1, 3, 30, 400)))
        other = rng.choice(BASES)
        cut = rng.randrange(len(other))
        new = rng.choice((rng.choice(ODD), other[cut : cut + rng.choice((2, 20, 200))], ""))
        text = text[:at] + new + text[end:]
    return text[:20_000].replace("\n", "\r\n") if rng.random() < 0.1 else text[:20_000]


def place(rng: random.Random, text: str) -> lsp.Position:
    """A place in a text, or past its end."""
    if rng.random() < 0.1:
        return lsp.Position(rng.choice((0, 1, 10**6, 2**31 - 1)), rng.choice((0, 7, 10**6, 2**31 - 1)))
    lines = text.split("\n")
    line = rng.randrange(len(lines))
    return lsp.Position(line, rng.randint(0, len(lines[line]) * 2 + 2))


def area(rng: random.Random, text: str) -> lsp.Range:
    return lsp.Range(place(rng, text), place(rng, text))


Ask = Callable[[random.Random, lsp.TextDocumentIdentifier, str], Any]

ASKS: Final[dict[str, Ask]] = {
    lsp.TEXT_DOCUMENT_HOVER: lambda r, d, t: lsp.HoverParams(d, place(r, t)),
    lsp.TEXT_DOCUMENT_DEFINITION: lambda r, d, t: lsp.DefinitionParams(d, place(r, t)),
    lsp.TEXT_DOCUMENT_REFERENCES: lambda r, d, t: lsp.ReferenceParams(
        lsp.ReferenceContext(r.random() < 0.5), d, place(r, t)
    ),
    lsp.TEXT_DOCUMENT_PREPARE_RENAME: lambda r, d, t: lsp.PrepareRenameParams(d, place(r, t)),
    lsp.TEXT_DOCUMENT_RENAME: lambda r, d, t: lsp.RenameParams(
        d, place(r, t), r.choice(("width", "out", "relu", "", "1", "é", "\ud800", "x" * 99))
    ),
    lsp.TEXT_DOCUMENT_COMPLETION: lambda r, d, t: lsp.CompletionParams(d, place(r, t)),
    lsp.TEXT_DOCUMENT_SIGNATURE_HELP: lambda r, d, t: lsp.SignatureHelpParams(d, place(r, t)),
    lsp.TEXT_DOCUMENT_INLAY_HINT: lambda r, d, t: lsp.InlayHintParams(d, area(r, t)),
    lsp.TEXT_DOCUMENT_CODE_LENS: lambda r, d, t: lsp.CodeLensParams(d),
    lsp.TEXT_DOCUMENT_FORMATTING: lambda r, d, t: lsp.DocumentFormattingParams(d, lsp.FormattingOptions(4, True)),
    lsp.TEXT_DOCUMENT_FOLDING_RANGE: lambda r, d, t: lsp.FoldingRangeParams(d),
    lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL: lambda r, d, t: lsp.DocumentSymbolParams(d),
    lsp.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL: lambda r, d, t: lsp.SemanticTokensParams(d),
    lsp.WORKSPACE_SYMBOL: lambda r, d, t: lsp.WorkspaceSymbolParams(r.choice(("", "sta", "\ud800", "(" * 9))),
    lsp.WORKSPACE_EXECUTE_COMMAND: lambda r, d, t: r.choice(
        (
            lsp.ExecuteCommandParams("dslc.focus", [d.uri, r.choice(("small", "no", "", "\ud800"))]),
            lsp.ExecuteCommandParams("dslc.run", [r.choice(("", "rm", "check")), d.uri, "small"]),
            lsp.ExecuteCommandParams("dslc.focus", ["file:///nowhere.dl", "small"]),
        )
    ),
}  # fmt: skip
SLOW: Final = {
    lsp.TEXT_DOCUMENT_CODE_ACTION: lambda r, d, t: lsp.CodeActionParams(d, area(r, t), lsp.CodeActionContext([]))
}


class Player:
    """Somebody who writes anything in two files that import each other's parts, and asks anything."""

    def __init__(self, client: Client, folder: Path, seed: int) -> None:
        self.client, self.folder, self.rng = client, folder, random.Random(seed)
        (folder / "pyproject.toml").touch()
        self.paths = (folder / "main.dl", folder / "part.dl")
        self.bases = (MAIN, PART)
        self.texts: dict[str, str] = {}
        self.restore()
        for path, text in zip(self.paths, self.bases, strict=True):
            self._open(path, text)

    def restore(self) -> None:
        """Files as they should be."""
        for path, text in zip(self.paths, self.bases, strict=True):
            if path.is_dir():
                shutil.rmtree(path)
            path.write_text(text, "utf-8")

    def step(self) -> None:
        """One thing that a user does."""
        rng = self.rng
        path = rng.choice(self.paths)
        doc = lsp.TextDocumentIdentifier(path.as_uri())
        what = rng.random()
        if what < 0.3:
            base = rng.choice((*self.bases, self.texts.get(doc.uri) or MAIN, rng.choice(BASES)))
            self._write(doc, spoilt(rng, base) if rng.random() < 0.9 else rng.choice(("", base)))
        elif what < 0.36:
            self._vanish(path)
        elif what < 0.4:
            self._close(doc)
        elif what < 0.43:
            self._odd(doc)
        else:
            self._ask(doc, *rng.choice(list(ASKS.items())))

    def end(self) -> None:
        """All is right again, and is answered."""
        self.restore()
        docs = [lsp.TextDocumentIdentifier(path.as_uri()) for path in self.paths]
        for doc, text in zip(docs, self.bases, strict=True):
            self._write(doc, text.replace("relu\n    for", "rleu\n    for"))
        assert self.client.told(docs[0], "`rleu`").range.start.line == 4
        self._write(docs[0], MAIN)
        self.client.ask.text_document_did_save(lsp.DidSaveTextDocumentParams(docs[0]))
        self.client.silent(docs[0])
        found = self._ask(docs[0], lsp.TEXT_DOCUMENT_INLAY_HINT, lambda r, d, t: lsp.InlayHintParams(d, WHOLE))
        assert "[N, 10]" in [hint.label for hint in found]
        for doc in docs:
            self._close(doc)
        assert not self.client.log, "".join(self.client.log)

    def _ask(self, doc: lsp.TextDocumentIdentifier, method: str, make: Ask) -> Any:
        asked = make(self.rng, doc, self.texts.get(doc.uri, ""))
        return self.client.answer(method, asked)

    def _open(self, path: Path, text: str) -> None:
        self.texts[path.as_uri()] = text
        self.client.open(path, text)

    def _write(self, doc: lsp.TextDocumentIdentifier, text: str) -> None:
        if doc.uri not in self.texts:
            self._open(next(path for path in self.paths if path.as_uri() == doc.uri), text)
        self.texts[doc.uri] = text
        self.client.change(doc, text)

    def _close(self, doc: lsp.TextDocumentIdentifier) -> None:
        if self.texts.pop(doc.uri, None) is not None:
            self.client.ask.text_document_did_close(lsp.DidCloseTextDocumentParams(doc))

    def _vanish(self, path: Path) -> None:
        """A file becomes another, none, or a folder; the server is told or not."""
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
        match self.rng.randrange(4):
            case 0:
                path.mkdir()
            case 1:
                path.write_bytes(self.rng.randbytes(60))
            case 2:
                path.write_text(spoilt(self.rng, PART), "utf-8", "surrogatepass")
        if self.rng.random() < 0.7:
            change = lsp.FileEvent(path.as_uri(), lsp.FileChangeType.Deleted)
            self.client.ask.workspace_did_change_watched_files(lsp.DidChangeWatchedFilesParams([change]))

    def _odd(self, doc: lsp.TextDocumentIdentifier) -> None:
        """Notifications and settings that are not as they should be."""
        settings: Any = self.rng.choice(({}, {"dslc": None}, {"dslc": {"hints": ["words"]}}, [], 3, None))
        self.client.ask.workspace_did_change_configuration(lsp.DidChangeConfigurationParams(settings))
        cursor: Any = self.rng.choice(({"uri": doc.uri, "line": 3}, {"uri": doc.uri, "line": -5}, {"uri": "x"}, {}, []))
        self.client.ask.protocol.notify("dslc/cursor", cursor)


WHOLE: Final = lsp.Range(lsp.Position(0, 0), lsp.Position(10**6, 0))


def play(folder: Path, seed: int, steps: int) -> None:
    client = Client()
    try:
        player = Player(client, folder, seed)
        for _ in range(steps):
            player.step()
        player.end()
    finally:
        client.close()


def test_anything_is_answered(tmp_path: Path) -> None:
    play(tmp_path, 1, 250)


def test_each_request_is_answered_of_each_text(tmp_path: Path) -> None:
    client = Client()
    try:
        player = Player(client, tmp_path, 2)
        doc = lsp.TextDocumentIdentifier(player.paths[0].as_uri())
        for odd in ODD:
            player._write(doc, MAIN.replace("bn", odd, 1))
            for method, make in ASKS.items():
                player._ask(doc, method, make)
        player.end()
    finally:
        client.close()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10, 22))
def test_anything_is_answered_for_long(tmp_path: Path, seed: int) -> None:
    ASKS.update(SLOW)
    play(tmp_path, seed, 1_500)

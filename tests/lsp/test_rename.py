"""Another name, in all files of the workspace that name it."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types as lsp

from dslc.lsp.documents import Document, Worker
from dslc.lsp.rename import rename, workspace_edit
from tests.lsp.client import applied

FILES = {
    "a.dl": """## A part.
block part(out: int) on x[N, C]:
    linear(out)

net own on x[N, 8]:
    part(4)
""",
    "b.dl": """use "a.dl": part as piece

net f on x[N, 8]:
    piece(out=8) -> piece(8)
""",
    "deep/c.dl": """use "../a.dl": part

net g on x[N, 8]:
    part(out=8) -> `part`(8)
""",
    "d.dl": """block part on x[N, C]:
    relu

net h on x[N, 8]:
    part
""",
    "e.dl": """use "a.dl": part

block other on x[N, C]:
    relu

net k on x[N, 8]:
    part(3) -> other
""",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "deep").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, "utf-8")
    return tmp_path


def opened(path: Path, text: str | None = None) -> Document:
    """A document that was analysed."""
    document = Document(path.as_uri(), path, path.read_text("utf-8") if text is None else text)
    worker = Worker(lambda document, stage: None)
    worker.documents[document.uri] = document
    document.stage = worker._stage(document, document.version, "focus")
    return document


def texts(documents: list[Document]) -> dict[Path, str]:
    return {document.path: document.text for document in documents}


def after(folder: Path, documents: list[Document], word: str, name: str) -> dict[str, str] | str:
    """The new text of each file that changes, of a rename at a word of the first document."""
    first = documents[0]
    found = rename(first, first.text.index(word) + 1, name, [folder], texts(documents), "utf-16")
    if isinstance(found, str):
        return found
    held = texts(documents)
    return {
        path.relative_to(folder).as_posix(): applied(held.get(path) or path.read_text("utf-8"), edits)
        for path, edits in found.items()
    }


def test_a_block_is_renamed_in_files_that_import_it(folder: Path) -> None:
    found = after(folder, [opened(folder / "a.dl")], "part(out", "unit")
    assert found == {
        "a.dl": FILES["a.dl"].replace("part(", "unit("),
        "b.dl": FILES["b.dl"].replace("part", "unit"),
        "deep/c.dl": FILES["deep/c.dl"].replace("part", "unit"),
        "e.dl": FILES["e.dl"].replace("part", "unit"),
    }


def test_it_can_begin_in_a_file_that_imports_it_and_open_texts_count(folder: Path) -> None:
    other = opened(folder / "e.dl", FILES["e.dl"].replace("part(3)", "part(3) -> part(3)"))
    found = after(folder, [opened(folder / "deep/c.dl"), other], "part(out", "unit")
    assert isinstance(found, dict) and set(found) == {"a.dl", "b.dl", "deep/c.dl", "e.dl"}
    assert found["e.dl"] == other.text.replace("part", "unit") and found["b.dl"].startswith('use "a.dl": unit as piece')


def test_a_parameter_is_renamed_where_calls_name_it(folder: Path) -> None:
    found = after(folder, [opened(folder / "a.dl")], "out: int", "width")
    assert found == {
        "a.dl": FILES["a.dl"].replace("out", "width"),
        "b.dl": FILES["b.dl"].replace("out", "width"),
        "deep/c.dl": FILES["deep/c.dl"].replace("out", "width"),
    }


def test_another_name_by_as_is_the_importers_own(folder: Path) -> None:
    assert after(folder, [opened(folder / "b.dl")], "piece(out", "unit") == {
        "b.dl": FILES["b.dl"].replace("piece", "unit")
    }


@pytest.mark.parametrize(
    ("file", "word", "name", "words"),
    [
        ("a.dl", "part(out", "other", "`other` means something else at one of these places (in e.dl)"),
        ("a.dl", "part(out", "own", "`own` means something else at one of these places (in a.dl)"),
        ("a.dl", "part(out", "linear", "`linear` is a name of the language"),
        ("a.dl", "part(out", "2nd", "`2nd` is no name: a letter, then letters, digits and `_`"),
        ("a.dl", "part(out", "", "`` is no name: a letter, then letters, digits and `_`"),
        ("a.dl", "part(out", "net", "`net` means something else at one of these places (in a.dl)"),
        ("a.dl", "linear(out", "dense", "`linear` is a name of the language"),
        ("a.dl", " A part", "x", "there is no name here"),
    ],
)
def test_what_cannot_be_says_why(folder: Path, file: str, word: str, name: str, words: str) -> None:
    assert after(folder, [opened(folder / file)], word, name) == words


def test_a_name_of_std_is_not_changed(folder: Path) -> None:
    (folder / "s.dl").write_text("use std.conv: cba\n\nnet s on x[N, 3, 8, 8]:\n    cba(8)\n", "utf-8")
    found = after(folder, [opened(folder / "s.dl")], "cba(8)", "mine")
    assert found == "`cba` is a name of std, which is not this program's to change"


def test_files_that_vanish_or_cannot_be_read_are_passed_over(folder: Path) -> None:
    document = opened(folder / "a.dl")
    (folder / "b.dl").write_bytes(b'use "a.dl": part \xff')
    (folder / "e.dl").unlink()
    (folder / "e.dl").mkdir()
    found = after(folder, [document], "part(out", "unit")
    assert isinstance(found, dict) and set(found) == {"a.dl", "deep/c.dl"}
    (folder / "a.dl").unlink()
    found = after(folder, [document], "part(out", "unit")
    assert isinstance(found, dict) and "a.dl" in found


def test_edits_have_the_address_that_the_client_uses(folder: Path) -> None:
    edits: dict[Path, list[lsp.TextEdit]] = {folder / "a.dl": [], folder / "b.dl": []}
    own = Document("file:///as/it/says.dl", folder / "a.dl", "")
    changes = workspace_edit(edits, [own]).changes
    assert changes is not None and set(changes) == {own.uri, (folder / "b.dl").as_uri()}

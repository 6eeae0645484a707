"""The kept tables: made once, read afterwards, and made anew whenever something is wrong with them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dslc.syntax import cache, tables
from dslc.syntax.tables import Tables

GRAMMAR = tables.grammar_path().read_text(encoding="utf-8")
KEY = cache.cache_key(GRAMMAR)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file in which the tables are kept, in a cache directory of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    path = cache.cache_path(KEY)
    assert path is not None and path.is_relative_to(tmp_path / "dslc")
    return path


@pytest.fixture
def no_lark(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(grammar: str) -> Tables:
        raise AssertionError("the tables are made again")

    monkeypatch.setattr(cache, "build", refuse)


def test_kept_tables_are_the_same(kept: Path) -> None:
    made = cache.load_tables()
    assert kept.exists()
    assert cache.load_tables() == made


@pytest.mark.usefixtures("no_lark")
def test_kept_tables_are_read(kept: Path) -> None:
    with pytest.raises(AssertionError):
        cache.load_tables()
    made = tables.build(GRAMMAR)
    cache._store(kept, KEY, made)
    assert cache.load_tables() == made


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:1000],
        lambda data: data[:-1],
        lambda data: data.replace(b"1", b"2", 1),
        lambda data: data.replace(b"binary", b"binarx", 1),
        lambda data: b"\x80\x04\x95 no text",
        lambda data: b"{}",
        lambda data: b"\n{}",
        lambda data: data + b" ",
    ],
)
def test_damaged_tables_are_made_anew(kept: Path, damage: object) -> None:
    made = cache.load_tables()
    whole = kept.read_bytes()
    assert callable(damage)
    kept.write_bytes(damage(whole))
    assert cache.load_tables() == made
    assert cache._load(kept.read_bytes(), KEY) == made


def test_no_place_to_keep_them(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dslc").write_text("a file where the folder should be")
    assert cache.load_tables().rules
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "dslc" / "below"))
    assert cache.load_tables().rules
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    assert cache.cache_path(KEY) is None
    assert cache.load_tables().rules


def test_a_folder_in_its_place(kept: Path) -> None:
    kept.mkdir(parents=True)
    assert cache.load_tables().rules
    assert [p.name for p in kept.parent.iterdir()] == [kept.name], "no temporary file is left"


def test_another_grammar_is_kept_elsewhere(kept: Path) -> None:
    key = cache.cache_key(GRAMMAR + "// changed\n")
    assert cache.cache_path(key) != kept


@pytest.mark.usefixtures("no_lark")
def test_tables_of_another_key_in_its_place_are_not_read(kept: Path) -> None:
    cache._store(kept, cache.cache_key(GRAMMAR + "// changed\n"), tables.build(GRAMMAR))
    with pytest.raises(AssertionError, match="made again"):
        cache.load_tables()


def test_a_relative_cache_home_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "here")
    path = cache.cache_path(KEY)
    assert path is not None and path.is_relative_to(Path.home() / ".cache")


def run(code: str, home: Path) -> str:
    env = {**os.environ, "XDG_CACHE_HOME": str(home)}
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([sys.executable, "-c", code], env=env, cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_lark_is_imported_only_to_make_them(tmp_path: Path) -> None:
    code = (
        "import sys; from dslc.source import Source; from dslc.syntax.parser import parse;"
        "from dslc.diagnostics.model import Sink; before = 'lark' in sys.modules;"
        "file = parse(Source('a', 'let a = 3\\n'), Sink()); print(before, 'lark' in sys.modules, len(file.items),"
        "'dslc.syntax.mistakes.text' in sys.modules)"
    )
    assert run(code, tmp_path) == "False True 1 False"
    assert run(code, tmp_path) == "False False 1 False"

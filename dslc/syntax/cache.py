"""Keeps the LALR tables between processes, in the user's cache directory.

Making them takes a quarter of a second with Lark's import; reading them takes milliseconds. The file is JSON and its name
holds a hash of all it depends on. A cache that cannot be read or written is as good as none: nothing is said.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
from pathlib import Path

from dslc.syntax.tables import STARTS, Tables, build, grammar_path

FORMAT = 1  # of the data itself; changes with tables.py


def load_tables() -> Tables:
    """The tables of the grammar file, from the cache if it has them."""
    grammar = grammar_path().read_text("utf-8")
    path = cache_path(grammar)
    if path is not None:
        try:
            return Tables.from_data(json.loads(path.read_bytes()))
        except Exception:
            pass  # whatever is wrong with the file, it is made anew
    tables = build(grammar)
    if path is not None:
        _store(path, tables)
    return tables


def cache_path(grammar: str) -> Path | None:
    """Where the tables of this grammar are kept; none if there is no place for them."""
    try:
        root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    except RuntimeError:
        return None
    return Path(root) / "dslc" / f"grammar-{_key(grammar)}.json"


def _key(grammar: str) -> str:
    parts = (FORMAT, lark_version(), sys.version, STARTS, grammar)
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]


def lark_version() -> str:
    """Lark's version without importing it."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("lark")
    except PackageNotFoundError:
        return ""


def _store(path: Path, tables: Tables) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    except OSError:
        return
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(tables.to_data(), file, separators=(",", ":"))
        os.replace(temporary, path)
    except OSError:
        Path(temporary).unlink(missing_ok=True)

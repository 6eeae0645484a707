"""Keeps the LALR tables between processes, in the user's cache directory.

Making them takes a tenth of a second and more; reading them takes a few milliseconds. The file's name holds
a hash of all it depends on, its first line one of the JSON below it. A cache that cannot be read or written
is as good as none: nothing is said.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from dslc.syntax.tables import STARTS, Tables, build, grammar_path

FORMAT = 1  # of the data itself; changes with tables.py


def load_tables() -> Tables:
    """The tables of the grammar file, from the cache if it has them."""
    grammar = grammar_path().read_text("utf-8")
    path = cache_path(grammar)
    if path is not None:
        try:
            return _load(path.read_bytes())
        except (OSError, ValueError):
            pass
    tables = build(grammar)
    if path is not None:
        _store(path, tables)
    return tables


def _load(data: bytes) -> Tables:
    check, _, body = data.partition(b"\n")
    if check != _hash(body):
        raise ValueError("not what was written")
    return Tables.from_data(json.loads(body))


def _hash(data: bytes) -> bytes:
    return hashlib.sha256(data).hexdigest()[:32].encode()


def cache_path(grammar: str) -> Path | None:
    """Where the tables of this grammar are kept; none if there is no place for them."""
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME", ""))
        if not root.is_absolute():
            root = Path.home() / ".cache"
    except RuntimeError:
        return None
    return root / "dslc" / f"grammar-{_key(grammar)}.json"


def _key(grammar: str) -> str:
    parts = (FORMAT, _lark(), sys.version, STARTS, grammar)
    return _hash(repr(parts).encode()).decode()


def _lark() -> bytes:
    """The file that states Lark's version; importing Lark or asking for its metadata takes longer than all
    the rest.
    """
    spec = find_spec("lark")
    return Path(spec.origin).read_bytes() if spec is not None and spec.origin is not None else b""


def _store(path: Path, tables: Tables) -> None:
    import tempfile

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    except OSError:
        return
    try:
        body = json.dumps(tables.to_data(), separators=(",", ":")).encode()
        with os.fdopen(handle, "wb") as file:
            file.write(_hash(body) + b"\n" + body)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)

"""Keeps the LALR tables between processes, in the user's cache directory.

Making them takes a tenth of a second and more; reading them takes a millisecond. The file holds a checksum of
what follows, all it depends on (its key, of which its name has a checksum as well), and the tables as `marshal`
writes them: as in Python's own .pyc files, only the Python that wrote them reads them. A cache that cannot be read
or written is as good as none: nothing is said.
"""

from __future__ import annotations

import marshal
import os
import sys
from binascii import crc32
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from dslc.syntax.tables import STARTS, Tables, build, grammar_path

FORMAT = 2  # of the data itself; changes with tables.py


def load_tables() -> Tables:
    """The tables of the grammar file, from the cache if it has them."""
    grammar = grammar_path().read_text("utf-8")
    key = cache_key(grammar)
    path = cache_path(key)
    if path is not None:
        try:
            return _load(path.read_bytes(), key)
        except (OSError, ValueError):
            pass
    tables = build(grammar)
    if path is not None:
        _store(path, key, tables)
    return tables


def _load(data: bytes, key: bytes) -> Tables:
    head = _check(data[8:]) + key
    if not data.startswith(head):
        raise ValueError("not what was written, or for another key")
    return Tables.from_data(marshal.loads(data[len(head) :]))


def _check(data: bytes) -> bytes:
    """Eight letters that accidents change."""
    return b"%08x" % crc32(data)


def cache_path(key: bytes) -> Path | None:
    """Where the tables of this key are kept; none if there is no place for them."""
    folder = user_cache()
    return None if folder is None else folder / f"grammar-{_check(key).decode()}.tables"


def user_cache() -> Path | None:
    """The folder in which this project keeps what it can make anew; none if there is no place for it."""
    try:
        root = Path(os.environ.get("XDG_CACHE_HOME", ""))
        if not root.is_absolute():
            root = Path.home() / ".cache"
    except RuntimeError:
        return None
    return root / "dslc"


def cache_key(grammar: str) -> bytes:
    """All that the tables depend on."""
    return repr((FORMAT, _lark(), sys.version, STARTS, grammar)).encode()


def _lark() -> bytes:
    """The file that states Lark's version; importing Lark or asking for its metadata takes longer than all
    the rest.
    """
    spec = find_spec("lark")
    return Path(spec.origin).read_bytes() if spec is not None and spec.origin is not None else b""


def _store(path: Path, key: bytes, tables: Tables) -> None:
    import tempfile

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".tmp")
    except OSError:
        return
    try:
        body = key + marshal.dumps(tables.to_data())
        with os.fdopen(handle, "wb") as file:
            file.write(_check(body) + body)
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)

"""Writing results: several files together, each to a temporary name in its own folder, then renamed.

Nobody ever sees a half-written file, and a run that fails leaves what was there before. A target that is no
regular file (`/dev/stdout`, a pipe) cannot be renamed over; it is written directly.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from dslc.diagnostics.model import Failure, Help, Mistake
from dslc.record import frozen

Writer: TypeAlias = Callable[[Path], object]
"""Writes a file's whole content to the path it is given; raises OSError where that fails."""

Buffer: TypeAlias = bytes | bytearray | memoryview


@frozen
class Output:
    """One file to write."""

    path: Path
    write: Writer


class CannotWrite(Mistake, code="E0601"):
    """A result cannot be written: the disk is full, the folder is missing or read-only, or the name is taken.

    Every result is written under a temporary name beside its target and renamed when all of them are
    complete, so the files that were there before are untouched. Free some space, or name another place:

    ```sh
    dslc build net.dl -o build/
    ```
    """

    path: str
    reason: str

    @property
    def message(self) -> str:
        return f"cannot write `{self.path}`: {self.reason}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("nothing was changed; name another place, or make room in this one"),)


class OutputError(Failure):
    """A result could not be written; no target was changed."""


def text(path: str | Path, content: str) -> Output:
    """A file of UTF-8 text."""
    return data(path, (content.encode(),))


def data(path: str | Path, chunks: Iterable[Buffer]) -> Output:
    """A binary file made of chunks, which are written as they come and never joined."""

    def write(target: Path) -> None:
        with open(target, "wb", buffering=0) as file:
            for chunk in chunks:
                _write_fully(file.fileno(), chunk)

    return Output(Path(path), write)


def make_folder(path: str | Path) -> Path:
    """The folder, made with those above it where it is missing. Raises `OutputError`."""
    with _reported(Path(path)):
        Path(path).mkdir(parents=True, exist_ok=True)
    return Path(path)


def write_all(outputs: Sequence[Output]) -> None:
    """Write all files, or none: raises `OutputError` with the system's reason and leaves the targets as they
    were.
    """
    staged: list[tuple[Path, Path]] = []
    try:
        for output in outputs:
            with _reported(output.path):
                target = Path(os.path.realpath(output.path))
                if _is_special(target):
                    output.write(target)
                    continue
                staged.append((_reserve(target), target))
                output.write(staged[-1][0])
        _publish(staged)
    finally:
        for temporary, _ in staged:
            with suppress(OSError):
                temporary.unlink()


def _write_fully(descriptor: int, chunk: Buffer) -> None:
    # Linux writes at most 2 GiB in one call and says how much it took.
    rest = memoryview(chunk).cast("B") if not isinstance(chunk, bytes) else memoryview(chunk)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _is_special(target: Path) -> bool:
    """Whether the target exists and is neither a regular file nor a folder. A folder raises
    IsADirectoryError.
    """
    try:
        mode = target.stat().st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(None, "is a directory", str(target))
    return not stat.S_ISREG(mode)


def _reserve(target: Path) -> Path:
    """A new empty file beside the target, with the target's permissions where it exists."""
    temporary = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.tmp")
    try:
        mode = stat.S_IMODE(target.stat().st_mode)
    except FileNotFoundError:
        mode = None
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    try:
        if mode is not None and hasattr(os, "fchmod"):
            os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
    return temporary


def _publish(staged: list[tuple[Path, Path]]) -> None:
    """Rename every temporary file; where one cannot be renamed, put back what the earlier ones replaced."""
    undo: list[tuple[Path, Path | None]] = []
    try:
        for temporary, target in staged:
            with _reported(target):
                existed = target.exists()
                kept = _keep(target) if existed else None
                if kept is not None or not existed:
                    undo.append((target, kept))
                os.replace(temporary, target)
    except OutputError:
        for target, kept in reversed(undo):
            with suppress(OSError):
                target.unlink() if kept is None else os.replace(kept, target)
        raise
    finally:
        for _, kept in undo:
            if kept is not None:
                with suppress(OSError):
                    kept.unlink()


def _keep(target: Path) -> Path | None:
    """A second name of the old file, so that it can be put back; none where the disk has no hard links."""
    kept = target.with_name(f".{target.name[:100]}.{secrets.token_hex(6)}.old")
    try:
        os.link(target, kept)
    except OSError:
        return None
    return kept


class _reported:
    """Turns the system's errors inside into an `OutputError` that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            reason = (error.strerror or str(error)).lower()
            raise OutputError(CannotWrite(str(self.path), reason)) from error

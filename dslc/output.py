"""Writing results: several files together, each to a temporary name in its own folder, then renamed.

Nobody ever sees a half-written file, a run that fails leaves what was there before, and what a run that was killed
leaves under temporary names the next one removes. A target that is no
regular file (`/dev/stdout`, a pipe) cannot be renamed over; it is written directly.
"""

from __future__ import annotations

import io
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from dslc.diagnostics.model import Failure, Help, Mistake
from dslc.record import entity, frozen

if TYPE_CHECKING:
    from typing_extensions import TypeIs

Writer: TypeAlias = Callable[[Path], object]
"""Writes a file's whole content to the path it is given; raises OSError where that fails."""

Buffer: TypeAlias = bytes | bytearray | memoryview


class Stream(Protocol):
    """What takes bytes: `io.BytesIO()`, a file opened with `"wb"`, one of gzip."""

    def write(self, data: bytes, /) -> object: ...


Target: TypeAlias = str | os.PathLike[str] | Stream
"""Where a result goes: a path, or a stream of bytes such as `io.BytesIO()` or a file opened with `"wb"`."""


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

    Related: E0216, E0637.
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


def is_path(target: Target) -> TypeIs[str | os.PathLike[str]]:
    """Whether a target is a path; a stream otherwise. Raises `TypeError` for what is neither."""
    if isinstance(target, str | os.PathLike):
        return True
    if not callable(getattr(target, "write", None)):
        raise TypeError(f"a target is a path, or a stream of bytes such as `io.BytesIO()`, not {target!r:.60}")
    return False


def write_stream(stream: Stream, chunks: Sequence[Buffer]) -> None:
    """Write all chunks to a stream, which stays open.

    Raises `TypeError` for a stream of text, and `OutputError` where it takes no more.
    """
    to: Any = stream
    name = getattr(to, "name", None)
    called = name if isinstance(name, str) else f"<{type(to).__name__}>"
    if isinstance(to, io.TextIOBase) or hasattr(to, "encoding"):
        raise TypeError(f'`{called}` is open for text: open it with mode "wb"')
    with _reported(Path(called)):
        if getattr(to, "closed", False):
            raise OSError("it is closed")
        if not getattr(to, "writable", lambda: True)():
            raise OSError("it is not open for writing")
        for chunk in chunks:
            rest = bytes(chunk)  # a copy, since a stream may keep what it is given, and weights change
            while rest:
                taken = to.write(rest)  # a stream without a buffer may take a part, and says how much
                rest = rest[taken:] if type(taken) is int else b""


def make_folder(path: str | Path) -> Path:
    """The folder, made with those above it where it is missing. Raises `OutputError`."""
    with _reported(Path(path)):
        Path(path).mkdir(parents=True, exist_ok=True)
    return Path(path)


def write_all(outputs: Sequence[Output], folder: Path | None = None) -> None:
    """Write all files, or none: raises `OutputError` with the system's reason and leaves the targets as they
    were.

    With a `folder`, nothing is written outside of it, wherever links in it lead, and no file beside another one whose
    name differs in case alone: many disks take both for one. What killed runs left behind is removed.
    """
    run = Run()
    try:
        for output in outputs:
            with _reported(output.path):
                target = _place(output.path)
                if folder is not None:
                    _check_place(output.path, target, folder)
                if _is_special(target):
                    output.write(target)
                else:
                    output.write(run.stage(target))
        run.publish()
    finally:
        run.close()


def _place(path: Path) -> Path:
    """Where a file goes, links followed. Raises `OSError` for a name that no file can have and a folder not there."""
    if "\0" in str(path):
        raise OSError("its name holds what no file's can")
    target = Path(os.path.realpath(path))
    if not target.parent.exists():
        raise OSError(f"there is no folder `{path.parent}`")
    return target


def _check_place(path: Path, target: Path, folder: Path) -> None:
    """Raises `OSError` where a file of a folder would be written elsewhere, or over one of another case."""
    if target.parent != Path(os.path.realpath(folder)):
        raise OSError(f"it is a link that leads out of `{folder}`")
    wanted = path.name.casefold()
    near = next((name for name in os.listdir(target.parent) if name != path.name and name.casefold() == wanted), None)
    if near is not None:
        raise OSError(f"`{near}` is there, and many disks take both names for one file")


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


MARK = re.compile(r"\.(?:.+\.)?([0-9a-f]{12})\.dslc")
"""Names of a run's own files, with its token: those on their way, old ones, and one that is locked while it lives."""

STALE_SECONDS = 24 * 3600
"""Age of a run's files where the system has no locks that tell whether it still lives."""


@entity
class Run:
    """Files written together: first all under temporary names, then renamed."""

    token: str = field(default_factory=lambda: os.urandom(6).hex())
    staged: list[tuple[Path, Path]] = field(default_factory=list)
    locks: dict[Path, int | None] = field(default_factory=dict)  # by path; none where an open file cannot be removed

    def stage(self, target: Path) -> Path:
        """A new empty file beside the target, with the target's permissions where it exists."""
        self._claim(target.parent)
        try:
            mode = stat.S_IMODE(target.stat().st_mode)
        except FileNotFoundError:
            mode = None
        temporary = self._name(target, f"{len(self.staged)}.new")
        descriptor = _create(temporary)
        self.staged.append((temporary, target))
        try:
            if mode is not None and hasattr(os, "fchmod"):
                os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)
        return temporary

    def _name(self, target: Path, kind: str) -> Path:
        return target.with_name(f".{target.name[:100]}.{kind}.{self.token}.dslc")

    def _claim(self, folder: Path) -> None:
        """Remove what killed runs left in a folder, and hold a lock there that says that this one lives."""
        path = folder / f".{self.token}.dslc"
        while path not in self.locks:
            remove_leftovers(folder)
            descriptor = _create(path)
            _lock(descriptor)
            if not os.fstat(descriptor).st_nlink:  # another run took it for a leftover before it was locked
                os.close(descriptor)
                continue
            self.locks[path] = descriptor
            if sys.platform == "win32":
                os.close(descriptor)
                self.locks[path] = None

    def publish(self) -> None:
        """Rename every temporary file; where one cannot be renamed, put back what the earlier ones replaced."""
        undo: list[tuple[Path, Path | None]] = []
        try:
            for number, (temporary, target) in enumerate(self.staged):
                with _reported(target):
                    existed = target.exists()
                    kept = self._keep(target, number) if existed else None
                    if kept is not None or not existed:
                        undo.append((target, kept))
                    os.replace(temporary, target)
        except BaseException:
            for target, kept in reversed(undo):
                with suppress(OSError):
                    target.unlink() if kept is None else os.replace(kept, target)
            raise
        finally:
            for _, kept in undo:
                if kept is not None:
                    with suppress(OSError):
                        kept.unlink()

    def _keep(self, target: Path, number: int) -> Path | None:
        """A second name of the old file, so that it can be put back; none where the disk has no hard links."""
        kept = self._name(target, f"{number}.old")
        try:
            os.link(target, kept)
        except OSError:
            return None
        return kept

    def close(self) -> None:
        """Remove what was not published, and last the locks."""
        for temporary, _ in self.staged:
            with suppress(OSError):
                temporary.unlink()
        for path, descriptor in self.locks.items():
            with suppress(OSError):
                path.unlink()
            if descriptor is not None:
                os.close(descriptor)


def remove_leftovers(folder: Path) -> None:
    """Remove the files of runs that were killed: those whose lock nobody holds."""
    runs: dict[str, list[Path]] = {}
    for name in os.listdir(folder):
        if (found := MARK.fullmatch(name)) is not None:
            runs.setdefault(found[1], []).append(folder / name)
    for token, paths in runs.items():
        if not _lives(folder / f".{token}.dslc", paths):
            for path in paths:
                with suppress(OSError):  # another run may have found it too
                    path.unlink()


def _lives(lock: Path, files: Sequence[Path]) -> bool:
    """Whether a process holds the lock of a run; by the age of its files, where locks do not tell."""
    if lock not in files:
        return False
    with suppress(OSError):
        descriptor = os.open(lock, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            free = _lock(descriptor)
            return time.time() - os.fstat(descriptor).st_mtime < STALE_SECONDS if free is None else not free
        finally:
            os.close(descriptor)
    return False


def _lock(descriptor: int) -> bool | None:
    """Lock a file until it is closed; false if another process holds it, none where there are no locks."""
    if sys.platform == "win32":
        return None
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def _create(path: Path) -> int:
    """A new empty file, open to be written."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)


class _reported:
    """Turns the system's errors inside into an `OutputError` that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise OutputError(CannotWrite(str(self.path), reason[:1].lower() + reason[1:])) from error

"""The only reader of program files."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dslc.diagnostics.model import Diagnostic, Mistake, Reject
from dslc.names.errors import FileProblem, ImportMissing, ImportOutside
from dslc.source import Source

MAX_BYTES: Final = 4_000_000
PROJECT_FILES: Final = (".git", "pyproject.toml", "dslc.toml")


def std_folder() -> Path:
    """Where std lives: inside the installed package, else at the top of the checkout."""
    packaged = Path(__file__).parent.parent / "_stdlib"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent.parent / "stdlib"


def project_folder(path: Path) -> Path:
    """The folder imports may not leave: the nearest one above that holds a project file, else the file's own."""
    start = path.parent
    for folder in (start, *start.parents):
        if any((folder / name).exists() for name in PROJECT_FILES):
            return folder
    return start


@dataclass(slots=True)
class Loader:
    """Reads the main file, what it imports, and std. `folder` is none for a program given as text."""

    folder: Path | None = None
    shown: dict[Path, str] = field(default_factory=dict)

    def main(self, path: Path) -> Source:
        """The main file. A Reject where it cannot be read."""
        self.folder = project_folder(path.absolute())
        return self._read(path, str(path))

    def std(self, module: str) -> Path | None:
        """The file of `std.module`."""
        name = module.removeprefix("std.")
        path = std_folder() / f"{name}.dl"
        return path if name.replace("_", "").isalnum() and path.is_file() else None

    def std_modules(self) -> list[str]:
        """The names of std's files, for near-name search."""
        return [f"std.{p.stem}" for p in std_folder().glob("*.dl") if p.stem != "core"]

    def beside(self, text: str, user: Path) -> Path:
        """The file of `use "text"` written in the file `user`; a Reject where it is missing or outside the project."""
        assert self.folder is not None
        target = Path(os.path.normpath(user.absolute().parent / text))
        real = target.resolve()
        inside = target.is_relative_to(self.folder) and real.is_relative_to(self.folder.resolve())
        if os.path.isabs(text) or not inside:
            raise Reject(ImportOutside(text, str(self.folder.name or self.folder)))
        if not target.is_file():
            raise Reject(ImportMissing(text, _near_file(target)))
        return target

    def read(self, path: Path) -> Source:
        """An imported file. A Reject where it cannot be read."""
        if path.is_relative_to(std_folder()):
            return self._read(path, f"std/{path.name}")
        return self._read(path, os.path.relpath(path))

    def _read(self, path: Path, shown: str) -> Source:
        try:
            if path.is_dir():
                raise Reject(FileProblem(shown, "it is a folder"))
            size = path.stat().st_size
            if size > MAX_BYTES:
                raise Reject(FileProblem(shown, f"it has {size:,} bytes, and a program at most {MAX_BYTES:,}"))
            return Source(shown, path.read_bytes().decode("utf-8"))
        except UnicodeDecodeError as error:
            why = f"it is not UTF-8 text: byte {error.object[error.start]:#04x} at offset {error.start}"
            raise Reject(FileProblem(shown, why)) from None
        except OSError as error:
            raise Reject(FileProblem(shown, (error.strerror or str(error)).lower())) from None


def _near_file(target: Path) -> str | None:
    from dslc.diagnostics.codes import nearest

    if not target.parent.is_dir():
        return None
    return nearest(target.name, [p.name for p in target.parent.glob("*.dl")])


def file_diagnostic(mistake: Mistake, shown: str) -> Diagnostic:
    """A mistake about a whole file, which has no text to point at."""
    return mistake.at(Source(shown, "").span(0, 0))

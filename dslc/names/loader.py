"""The only reader of program files."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Diagnostic, Mistake, Reject
from dslc.diagnostics.place import whole_file
from dslc.names.errors import FileProblem, ImportMissing, ImportOutside
from dslc.reading import content
from dslc.record import entity, replace
from dslc.source import Source
from dslc.vocabulary.std import std_folder

if TYPE_CHECKING:
    from dslc.names.revision import Revision

MAX_BYTES: Final = 4_000_000
PROJECT_FILES: Final = (".git", "pyproject.toml", "dslc.toml")

FAR: Final = 2
"""Folders up, at most, in a path from the working directory."""


def project_folder(path: Path, revision: Revision | None = None) -> Path:
    """The folder imports may not leave: the nearest one above that holds a project file, else the file's own.

    At a revision, what it holds is what counts, and the repository's own folder holds `.git`.
    """
    start = path.parent
    for folder in (start, *start.parents):
        if any((folder / name).exists() if revision is None else revision.has(folder / name) for name in PROJECT_FILES):
            return folder
        if revision is not None and revision.key(folder) in (".", None):
            return folder
    return start


@entity
class Loader:
    """Reads the main file, what it imports, and std. `folder` is none for a program given as text.

    `revision`: the user's files are read as they were at that commit; std is that of this compiler. `texts` stands
    in for what files hold, by absolute path: an edited program that has not been written. `read_texts` is what the
    user's files held, none of one that could not be read: what a result depends on, by absolute path.
    `sealed`: `texts` are all the user's files there are, and the disk is asked for none.
    """

    folder: Path | None = None
    revision: Revision | None = None
    shown: dict[Path, str] = field(default_factory=dict)
    texts: Mapping[Path, str] = field(default_factory=dict)
    read_texts: dict[Path, str | None] = field(default_factory=dict)
    sealed: bool = False

    def edited(self, texts: Mapping[str, str]) -> Loader:
        """A loader of the same files, of which some hold another text: by the paths that messages show."""
        places = {shown: path for path, shown in self.shown.items()}
        held: dict[Path, str] = {}
        for shown, text in texts.items():
            path = places.get(shown) or Path(shown).absolute()
            held |= {
                path: text,
                Path(os.path.normpath(path)): text,
            }  # as the main file is asked for, and as imports are
        return replace(self, texts={**self.texts, **held}, read_texts={})

    def main(self, path: Path) -> Source:
        """The main file. A Reject where it cannot be read."""
        if not self.sealed:
            folder = project_folder(path.absolute(), self.revision)
            self.folder = Path(os.path.normpath(folder))  # as imports are, where the path has `..`
        return self._read(path, self.shown.get(path) or str(path))

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
        target = Path(os.path.normpath(user.absolute().parent / text))
        if self.sealed:
            if target not in self.texts:
                raise Reject(ImportMissing(text, None))
            return target
        try:
            return self._beside(text, target)
        except (OSError, ValueError, RuntimeError):  # a name that no file can have, or links that lead in a circle
            raise Reject(ImportMissing(text, None)) from None

    def _beside(self, text: str, target: Path) -> Path:
        assert self.folder is not None
        inside = target.is_relative_to(self.folder)
        if self.revision is None:  # a link at a revision is not followed
            inside = inside and target.resolve().is_relative_to(self.folder.resolve())
        if os.path.isabs(text) or not inside:
            raise Reject(ImportOutside(text, str(self.folder.name or self.folder)))
        if not (target.is_file() if self.revision is None else self.revision.has(target)):
            self.read_texts[target] = None
            raise Reject(ImportMissing(text, _near_file(target, self.revision)))
        return target

    def read(self, path: Path) -> Source:
        """An imported file. A Reject where it cannot be read."""
        if path.is_relative_to(std_folder()):
            return self._read(path, f"std/{path.name}", openable(path))
        return self._read(path, self.shown.get(path) or os.path.relpath(path))

    def _read(self, path: Path, shown: str, file: str | None = None) -> Source:
        if self.revision is not None and not path.is_relative_to(std_folder()):
            shown = f"{self.revision.name}:{shown}"
            return Source(shown, _text(self._at_revision(path, shown, self.revision), shown))
        if (text := self.texts.get(path.absolute())) is not None:
            return Source(shown, text, file)
        own = not path.is_relative_to(std_folder())
        if own:
            self.read_texts[path.absolute()] = None
        try:
            if path.is_dir():
                raise Reject(FileProblem(shown, "it is a folder", _programs_of(path)))
            _check_size(path.stat().st_size, shown)
            text = _text(content(path, MAX_BYTES), shown)
        except FileNotFoundError as error:
            raise Reject(FileProblem(shown, (error.strerror or str(error)).lower(), _near_path(path))) from None
        except OSError as error:
            raise Reject(FileProblem(shown, (error.strerror or str(error)).lower())) from None
        except ValueError:
            raise Reject(FileProblem(shown, "its name holds what no file's can")) from None
        if own:
            self.read_texts[path.absolute()] = text
        return Source(shown, text, file)

    def _at_revision(self, path: Path, shown: str, revision: Revision) -> bytes:
        _check_size(revision.size(path), shown)
        return revision.read(path)


def _check_size(size: int, shown: str) -> None:
    if size > MAX_BYTES:
        raise Reject(FileProblem(shown, f"it has {size:,} bytes, and a program at most {MAX_BYTES:,}", content=True))


def _text(data: bytes, shown: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        why = f"it is not UTF-8 text: byte {error.object[error.start]:#04x} at offset {error.start}"
        raise Reject(FileProblem(shown, why, content=True)) from None


def openable(path: Path) -> str:
    """A path as messages show it, which an editor can open: from the working directory, unless that is far away."""
    try:
        near = os.path.relpath(path)
    except ValueError:  # on another disk
        return str(path)
    return str(path) if near.count(f"{os.pardir}{os.sep}") > FAR else near


def _programs_of(folder: Path) -> str | None:
    """The first program in a folder, to name one that could be meant."""
    found = sorted(str(path) for path in folder.glob("*.dl"))
    return found[0] if found else None


def _like(name: str, there: Iterable[str]) -> str | None:
    """The file most like a name: letters that changed places count, as in a name of the language they do not."""
    from difflib import get_close_matches  # for a missing file alone

    folded = {each.casefold(): each for each in there}
    found = get_close_matches(name.casefold(), folded, n=1)
    return folded[found[0]] if found else None


def _near_path(path: Path) -> str | None:
    """The program, or the network of the zoo, that a path which leads nowhere is most like."""
    from dslc.names import zoo

    folder, missing = path.parent, [path.name]
    while not folder.is_dir() and folder != folder.parent:
        folder, missing = folder.parent, [folder.name, *missing]
    for name in missing:
        last = name == missing[-1]
        with suppress(OSError):
            there = [p.name for p in folder.iterdir() if p.is_dir() or (last and p.suffix == ".dl")]
            near = f"{name}.dl" if last and f"{name}.dl" in there else _like(name, there)
            if near is not None:
                folder /= near
                continue
        break
    else:
        if folder.is_file():
            return str(folder)
    known = zoo.nets(zoo.files()) if len(missing) == 1 else {}
    name = path.name.removesuffix(".dl")
    return f"{zoo.PREFIX}{name}" if name in known else None


def _near_file(target: Path, revision: Revision | None) -> str | None:
    if revision is not None:
        return _near(target.name, revision.beside(target.parent))
    if not target.parent.is_dir():
        return None
    return _near(target.name, [p.name for p in target.parent.glob("*.dl")])


def _near(name: str, files: Iterable[str]) -> str | None:
    """The program whose name is most like this one, with or without its ending."""
    stems = {Path(file).stem: file for file in files}
    found = nearest(Path(name).stem, stems)
    return None if found is None else stems[found]


def file_diagnostic(mistake: Mistake, shown: str) -> Diagnostic:
    """A mistake about a whole file, which has no text to point at."""
    return mistake.at(whole_file(shown))

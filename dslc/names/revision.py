"""The files of a git repository as they were at a commit, read with `git` and without touching the working tree."""

from __future__ import annotations

import os
import subprocess
from dataclasses import field
from pathlib import Path

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Failure, Reject
from dslc.names.errors_revision import NoRevision, NotInRevision
from dslc.record import entity

LINK = "120000"
"""Mode of a symbolic link in a git tree (git-fast-import, filemodify); its content is the link's target."""


@entity
class Revision:
    """One commit. `name` is what was asked for, `top` the repository's folder.

    `files` has the mode and the object of each file by its path under `top`; submodules are not among them.
    """

    name: str
    top: Path
    files: dict[str, tuple[str, str]]
    known: dict[Path, str | None] = field(default_factory=dict)

    def key(self, path: Path) -> str | None:
        """The path of a file in the repository, with `/`; none where it lies outside."""
        if path not in self.known:
            real = Path(os.path.realpath(path.absolute().parent)) / path.name
            inside = real.is_relative_to(self.top)
            self.known[path] = real.relative_to(self.top).as_posix() if inside else None
        return self.known[path]

    def has(self, path: Path) -> bool:
        """Whether there was such a file."""
        return self.key(path) in self.files

    def size(self, path: Path) -> int:
        """Bytes of a file; a Reject as `read` gives."""
        return int(self._git("cat-file", "-s", self._object(path)))

    def read(self, path: Path) -> bytes:
        """A file's content. A Reject where it was not there or was a symbolic link."""
        return self._git("cat-file", "blob", self._object(path))

    def beside(self, folder: Path) -> list[str]:
        """The names of the programs in a folder, for near-name search."""
        return [Path(k).name for k in self.programs() if self.top / Path(k).parent == Path(os.path.realpath(folder))]

    def programs(self) -> list[str]:
        """The paths of all programs."""
        return [key for key in self.files if key.endswith(".dl")]

    def _object(self, path: Path) -> str:
        key = self.key(path)
        shown = os.path.relpath(path)
        if key is None:
            raise Reject(NotInRevision(shown, self.name, f"it is outside the repository `{self.top.name}`"))
        if key not in self.files:
            here = {os.path.relpath(self.top / other, os.path.realpath(".")): other for other in self.programs()}
            near = nearest(shown, here) or next((p for p, k in here.items() if Path(k).name == path.name), None)
            raise Reject(NotInRevision(shown, self.name, near=near))
        mode, name = self.files[key]
        if mode == LINK:
            raise Reject(NotInRevision(shown, self.name, "it is a symbolic link there"))
        return name

    def _git(self, *words: str) -> bytes:
        return git(self.top, self.name, *words)


def find_revision(name: str, path: Path) -> Revision:
    """The commit called `name` in the repository that `path` lies in.

    Raises `Failure` where git is not installed, the folder is in no repository, or it knows no such commit.
    """
    folder = next((f for f in path.absolute().parents if f.is_dir()), Path.cwd())
    top = Path(os.fsdecode(git(folder, name, "rev-parse", "--show-toplevel")).rstrip("\n"))
    try:
        found = git(folder, name, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except Failure:
        raise Failure(NoRevision(name, "git knows no such commit", near_revision(top, name))) from None
    listed = git(top, name, "ls-tree", "-r", "-z", "--full-tree", found.decode().strip())
    files = {}
    for entry in listed.split(b"\0")[:-1]:
        facts, _, key = entry.partition(b"\t")
        mode, kind, object_name = facts.decode().split(" ")
        if kind == "blob":
            files[os.fsdecode(key)] = (mode, object_name)
    return Revision(name, Path(os.path.realpath(top)), files)


def near_revision(top: Path, name: str) -> str:
    """A proposal: the branch or tag most like an unknown name, else how to list commits."""
    refs = git(top, name, "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags", "refs/remotes")
    near = nearest(name, ["HEAD", *refs.decode(errors="replace").splitlines()])
    return f"did you mean `{near}`?" if near else "`git log --oneline` lists commits"


def git(folder: Path, revision: str, *words: str) -> bytes:
    """What a git command prints; a `Failure` that names the revision where it fails."""
    # A repository may name a program that fetches what it lacks: nothing is fetched.
    environment = {**os.environ, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_NO_LAZY_FETCH": "1"}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise Failure(NoRevision(revision, "the program `git` is not installed or not on the PATH")) from None
    except OSError as error:
        raise Failure(NoRevision(revision, f"git cannot be run: {(error.strerror or str(error)).lower()}")) from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        why = said[0].removeprefix("fatal: ") if said else f"git ended with {done.returncode}"
        if why.startswith("not a git repository"):
            why = f"`{os.path.relpath(folder)}` is in no git repository"
        raise Failure(NoRevision(revision, why))
    return done.stdout

"""Mistakes in naming a revision of a git repository."""

from __future__ import annotations

from typing import ClassVar

from dslc.diagnostics.model import Help, Mistake


class NoRevision(Mistake, code="E0221"):
    """A revision of a program was asked for, and git cannot give it.

    The program must lie in a git repository, `git` must be installed, and the revision must be one that `git
    rev-parse` knows: a commit, a branch, a tag, `HEAD~1`, and so on. `git log --oneline -- FILE` lists the commits
    that changed a program.

    ```sh
    git log --oneline net.dl
    dslc diff HEAD~1:net.dl net.dl
    ```

    Related: E0216, E0222.
    """

    of_command: ClassVar[bool] = True

    revision: str
    why: str
    hint: str = ""

    @property
    def message(self) -> str:
        return f"cannot read the revision `{self.revision}`: {self.why}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(self.hint),) if self.hint else ()


class NotInRevision(Mistake, code="E0222"):
    """A file that is not there in the revision of the repository that was asked for.

    The path is relative to the current folder, as for a file on disk. A file that was renamed or is new since then
    is not found by its name of today: `git log --follow` tells what it was called. The file must have been
    committed; what lies in the working tree alone has no revision.

    ```sh
    git ls-tree -r --name-only HEAD~1
    dslc diff HEAD~1:net.dl net.dl
    ```

    Related: E0216, E0221.
    """

    path: str
    revision: str
    why: str = "there is no such file in it"
    near: str | None = None

    @property
    def message(self) -> str:
        return f"cannot read `{self.path}` at the revision `{self.revision}`: {self.why}"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help(f"did you mean `{self.revision}:{self.near}`?"),) if self.near else ()

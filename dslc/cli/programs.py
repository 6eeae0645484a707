"""Programs named on a command line: files, all of a folder, stdin; and what differs between two texts of one."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from dslc.diagnostics.model import Reject
from dslc.names.errors import FileProblem
from dslc.names.loader import MAX_BYTES

STDIN = "-"


def paths(path: Path) -> list[Path]:
    """A file, or the programs in a folder and those in it, hidden ones apart. Raises `BadParameter` for no program."""
    if not path.is_dir():
        return [path]
    below = [each for each in path.rglob("*.dl") if not _hidden(each.relative_to(path)) and each.is_file()]
    if not below:
        raise click.BadParameter(f"there is no .dl file in the folder `{path}`", param_hint="FILE")
    return sorted(below)


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def stdin_alone(files: Sequence[str]) -> bool:
    """Whether the program comes from stdin. Raises `BadParameter` where others are named beside it."""
    if STDIN in files and len(files) > 1:
        raise click.BadParameter("`-` (stdin) stands alone", param_hint="FILE")
    return STDIN in files


def read_stdin(name: str) -> str:
    """The program on stdin, which messages call by a name; a Reject where it cannot be read."""
    data = sys.stdin.buffer.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise Reject(FileProblem(name, f"it has more than {MAX_BYTES:,} bytes", content=True))
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Reject(FileProblem(name, f"it is not UTF-8 text at offset {error.start}", content=True)) from None


def difference(path: str, before: str, after: str, what: str) -> str:
    """A unified diff of two texts of a program; `what` is said of the second."""
    from difflib import unified_diff

    old, new = (text.splitlines(keepends=True) for text in (before, after))
    lines = unified_diff(old, new, path, f"{path} ({what})")
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def count_of(count: int, word: str = "file") -> str:
    """`1 file`, `3 files`."""
    return f"{count} {word}{'' if count == 1 else 's'}"

"""The zoo: the networks of examples/, which every copy of the compiler carries and `zoo:NAME` names.

A `str` that begins so is never a file; a file of such a name is `./zoo:NAME`, or a `Path`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeGuard

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Reject
from dslc.names.errors import NotInZoo

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX: Final = "zoo:"
HEADER = r"(?m)^net[ \t]+(\w+)"


def is_zoo(source: object) -> TypeGuard[str]:
    """Whether a source names a network of the zoo."""
    return isinstance(source, str) and source.startswith(PREFIX) and "\n" not in source


def folder() -> Path:
    """Where the zoo lives: inside the installed package, else at the top of the checkout."""
    packaged = Path(__file__).parent.parent / "_examples"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent.parent / "examples"


def files() -> dict[str, Path]:
    """The programs of the zoo by name, in order."""
    return {path.stem: path for path in sorted(folder().glob("*.dl"))}


def nets(programs: Mapping[str, Path]) -> dict[str, Path]:
    """The file of each net. Headers are found without parsing: all files take under two milliseconds."""
    return {name: path for path in programs.values() for name in re.findall(HEADER, path.read_text("utf-8"))}


def find(source: str) -> tuple[Path, str | None]:
    """The file that `zoo:NET`, `zoo:FILE/NET` or `zoo:FILE` means, and its net; a Reject where there is none.

    A net goes before a file of the same name.
    """
    programs = files()
    known = nets(programs)
    file, sign, name = source.removeprefix(PREFIX).rpartition("/")
    if name in known and (not sign or programs.get(file) == known[name]):
        return known[name], name
    if not sign and name in programs:
        return programs[name], None
    raise Reject(NotInZoo(source, _near(source.removeprefix(PREFIX), name, [*known, *programs])))


def _near(asked: str, name: str, names: list[str]) -> str | None:
    """What was meant: the name without its file or ending, or the one most like it."""
    plain = name.removesuffix(".dl")
    near = plain if plain in names and plain != asked else nearest(plain, names)
    return None if near is None else f"{PREFIX}{near}"

"""The programs around a document: which there are, and where they name what it defines."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from dslc.api import load_program
from dslc.bind.table import Symbol, Use
from dslc.diagnostics.model import CompileError, Reject, Sink
from dslc.lsp.places import path_of
from dslc.names.loader import Loader
from dslc.names.resolve import Program
from dslc.record import entity
from dslc.source import Span

MOST_FILES: Final = 2_000
"""Programs of a workspace that are looked through."""
_USE: Final = re.compile(r'^[ \t]*use[ \t]+"', re.MULTILINE)

Place = tuple[Path, int]
"""A file and an offset in it, by which programs that each read it know a name."""


@entity
class Loaded:
    """A program that was read and bound, and how many errors there are in it."""

    path: Path
    program: Program
    errors: int

    def uses(self, symbol: Place) -> list[Use]:
        """All places of it that name a symbol, by its own name."""
        table = self.program.table
        return [
            use
            for use in (table.all_uses() if table is not None else ())
            if use.symbol.span is not None
            and use.span.text.strip("`") == use.symbol.name
            and place_of(use.symbol.span) == symbol
        ]


def programs(folders: Iterable[Path]) -> Iterator[Path]:
    """The files of programs in folders, but for those in hidden ones."""
    count = 0
    for folder in folders:
        for path in folder.rglob("*.dl"):
            if not any(part.startswith(".") for part in path.relative_to(folder).parts):
                yield path
                count += 1
                if count >= MOST_FILES:
                    return


def load(path: Path, texts: Mapping[Path, str]) -> Loaded | None:
    """A program, read and bound; none of a file that cannot be."""
    sink = Sink()
    try:
        program = load_program(path, sink, Loader(texts=texts))
    except CompileError:
        return None
    return Loaded(path, program, sink.errors + program.told.errors)


def importers(path: Path, name: str, folders: Iterable[Path], texts: Mapping[Path, str]) -> list[Loaded]:
    """The programs of the workspace, and those beside a file, that import files and hold a name."""
    beside = sorted(path.parent.glob("*.dl"))
    found = []
    for each in dict.fromkeys(map(normal, (*texts, *programs(folders), *beside))):
        text = texts.get(each) if each in texts else _text(each)
        if each == normal(path) or text is None or name not in text or _USE.search(text) is None:
            continue
        loaded = load(each, texts)
        if loaded is not None:
            found.append(loaded)
    return found


def symbol_place(symbol: Symbol) -> Place | None:
    """Where a symbol is declared; none of the language's."""
    return None if symbol.span is None else place_of(symbol.span)


def place_of(span: Span) -> Place:
    """The file and offset of a span."""
    return normal(path_of(span.source)), span.start


def normal(path: Path) -> Path:
    """A path by which the same file is the same."""
    return Path(os.path.normpath(path.absolute()))


def _text(path: Path) -> str | None:
    try:
        return Loader().read(path).text
    except (Reject, OSError):  # a file that vanished, or is none
        return None

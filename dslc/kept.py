"""A program kept in memory: read once, and compiled again whatever becomes of its files."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import dslc
from dslc.api import MAX_OPS, compile_program, load_program
from dslc.diagnostics.model import Diagnostic, Sink
from dslc.ir.model import Budget, Model
from dslc.names.loader import MAX_BYTES, Loader
from dslc.names.resolve import Program
from dslc.record import entity
from dslc.source import Texts
from dslc.vocabulary.std import std_folder
from dslc.watch import Files


@entity
class Kept:
    """A program in memory, for any of its nets.

    All its files but those of std were read when it was made (`names.resolve` follows every import at once), so that
    editing or deleting one, or another working directory, changes nothing.
    """

    program: Program
    found: tuple[Diagnostic, ...]  # warnings and notes of reading it
    files: Files | None = None

    @classmethod
    def read(cls, source: str | Path, loader: Loader | None = None) -> Kept:
        """A program from a path, or from its text, as `dslc.compile` takes it. Raises `CompileError`."""
        if not isinstance(source, str | os.PathLike):
            raise TypeError(f'a program is a path, a text, or a name such as "zoo:resnet50", not {source!r:.60}')
        return cls._load(source, loader or Loader())

    @classmethod
    def of(cls, texts: Texts) -> Kept:
        """A program from the texts of another's files."""
        main, files = texts
        if not main:
            return cls._load(files[0][1], Loader())
        depth = max(name.split("/").count("..") for name, _ in files)
        folder = Path(os.path.abspath(os.sep)).joinpath(*["_"] * depth)
        places = {Path(os.path.normpath(folder / name)): name for name, _ in files}
        held = {path: dict(files)[name] for path, name in places.items()}
        return cls._load(folder / main, Loader(texts=held, shown=places, sealed=True))

    @classmethod
    def _load(cls, source: str | Path, loader: Loader) -> Kept:
        sink = Sink()
        program = sink.finish(load_program(source, sink, loader))
        return cls(program, sink.diagnostics)

    def compile(
        self,
        net: str | None = None,
        *,
        args: Mapping[str, object] | None = None,
        sizes: Mapping[str, int] | None = None,
        max_ops: int = MAX_OPS,
        budgets: Sequence[Budget] | None = (),
    ) -> Model:
        """The checked model of a net, as `dslc.api.compile_model` gives it. Raises `CompileError`."""
        if not isinstance(net, str | None):
            raise TypeError(f"`net` is the name of a net, not {net!r:.60}")
        sink = Sink()
        for diagnostic in self.found:
            sink.add(diagnostic)
        return compile_program(self.program, net, args=args, sizes=sizes, max_ops=max_ops, budgets=budgets, sink=sink)

    def changed(self) -> bool:
        """Whether a file that was read holds something else now."""
        if self.files is None:
            self.files = Files(self.program.loader.read_texts, MAX_BYTES)
        return self.files.changed()

    @property
    def texts(self) -> Texts:
        """What its files held when they were read."""
        main = self.program.main
        assert main is not None
        if main.path is None:
            return "", (("", main.tree.source.text),)
        folder = main.path.absolute().parent
        found = {
            os.path.relpath(path, folder).replace(os.sep, "/"): file.tree.source.text
            for path, file in self.program.files.items()
            if not path.is_relative_to(std_folder())
        }
        return main.path.name, tuple(sorted(found.items()))


def key(texts: Texts, net: str, args: Mapping[str, object], sizes: Mapping[str, int]) -> str:
    """What tells two networks apart: the same for a program by whatever path, and for its text alone."""
    main, files = texts
    held = tuple(("" if name == main else name, text) for name, text in files)
    given = tuple((name, _plain(value)) for name, value in sorted(args.items()))
    return repr((dslc.__version__, sorted(held), net, given, tuple(sorted(sizes.items()))))


def _plain(value: object) -> object:
    """An argument with its lists as tuples, as the language takes both."""
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value

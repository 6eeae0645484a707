"""Names of files: each file's definitions and imports as a scope, std behind it, cycles found.

A scope binds names to `Binding("definition", Definition item or Import)`; none in its place is a name of which a
mistake leaves nothing known: what reads it stays silent. Imports of std are looked up when first
asked for, so that a program pays only for the files of std it uses; those of a user's files at once.
"""

from __future__ import annotations

from dataclasses import field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from dslc.diagnostics.codes import nearest, slip_of
from dslc.diagnostics.model import Label, Mistake, Reject, Sink
from dslc.names.errors import DefinedTwice, HidesLayer, ImportCycle, ImportMissing, ImportUnknown
from dslc.names.loader import Loader
from dslc.record import entity
from dslc.source import Source, Span
from dslc.syntax import tree
from dslc.syntax.parser import parse
from dslc.types.const import Binding, Scope

if TYPE_CHECKING:
    from dslc.bind.table import Table


@entity
class FileNames:
    """A loaded file: its tree, its scope, its place on disk."""

    tree: tree.File
    scope: Scope
    path: Path | None


@entity
class Defined:
    """A definition of a file and the scope its body is read in."""

    item: tree.Definition
    scope: Scope


@entity
class Import:
    """A name that another file defines; `core` ones were not asked for by the user."""

    program: Program
    file: Path
    name: str
    span: Span
    core: bool
    target: Defined | None = None
    failed: bool = False


@entity
class Program:
    """The main file with all it reaches."""

    loader: Loader
    sink: Sink
    reserved: frozenset[str]
    files: dict[Path, FileNames] = field(default_factory=dict)
    loading: list[Path] = field(default_factory=list)
    damaged: set[Path] = field(default_factory=set)  # files with mistakes: what they lack may be there
    core: Scope | None = None
    main: FileNames | None = None
    listed: dict[str, tree.Block | tree.NetAlias] | None = None
    asked: str | None = None  # the net that the program's own name says, as `zoo:resnet50` does
    table: Table | None = None  # what its names and calls mean, once it is bound
    told: Sink = field(default_factory=Sink)  # what binding found: mistakes that need no net to be seen

    @property
    def whole(self) -> bool:
        """Whether all files were read to their ends: in what is left out there may be any definition."""
        files = (*self.files.values(), *((self.main,) if self.main is not None else ()))
        return all(file.tree.whole for file in files)

    @property
    def nets(self) -> dict[str, tree.Block | tree.NetAlias]:
        """The nets of the main file by name, in order."""
        if self.listed is None:
            assert self.main is not None
            items = self.main.tree.items
            nets = (i for i in items if isinstance(i, tree.NetAlias) or (isinstance(i, tree.Block) and i.kind == "net"))
            self.listed = {}
            for item in nets:
                self.listed.setdefault(item.name, item)
        return self.listed


def resolve(
    source: Source, path: Path | None, loader: Loader, sink: Sink, reserved: frozenset[str] = frozenset()
) -> Program:
    """Parse the main file and bind its names; mistakes go to the sink."""
    program = Program(loader, sink, reserved)
    program.core = _core(program)
    if path is not None:
        program.loading.append(path.absolute())
    program.main = _bind(program, parse(source, sink), path, program.core)
    program.loading.clear()
    if path is not None:
        program.files[path.absolute()] = program.main
    return program


def lookup(binding: Binding) -> tuple[tree.Definition, Scope] | None:
    """The definition behind a name of a file, imports followed; none where one failed."""
    found = _defined(binding)
    return None if found is None else (found.item, found.scope)


def is_core(binding: Binding) -> bool:
    """Whether a name comes from std's core list, which a program may use for its own."""
    return isinstance(binding.value, Import) and binding.value.core


def _parsed(program: Program, source: Source) -> tree.File:
    """The tree of an imported file; that of a file of std, which is right, is kept for the next program."""
    return _of_std(source.path, source.text, source.file) if source.is_library else parse(source, program.sink)


@lru_cache(maxsize=64)
def _of_std(path: str, text: str, file: str | None) -> tree.File:
    return parse(Source(path, text, file), Sink())


def _core(program: Program) -> Scope:
    scope = Scope("file", None)
    path = program.loader.std("core")
    if path is None:
        return scope
    parsed = _parsed(program, program.loader.read(path))
    for item in parsed.items:
        if isinstance(item, tree.Use):
            target = program.loader.std(item.path)
            assert target is not None, f"std/core.dl uses {item.path}, which is not there"
            for there, here in item.names:
                imported = Import(program, target, there.name, here.span, core=True)
                scope.names[here.name] = Binding("definition", imported, here.span)
    return scope


def _bind(program: Program, parsed: tree.File, path: Path | None, outer: Scope | None) -> FileNames:
    scope = Scope("file", outer)
    for item in parsed.items:
        if isinstance(item, tree.Use):
            _use(program, item, scope, path)
            continue
        if isinstance(item, tree.InitialItem):
            scope.initial += item.settings
            continue
        if isinstance(item, tree.LostItem):
            _lose(program, scope, [(name, item.span) for name in item.names])
            continue
        assert isinstance(item, tree.LetItem | tree.Fn | tree.Block | tree.NetAlias | tree.Extern)
        if isinstance(item, tree.LetItem):
            _add(program, scope, item.target.name, item.target.span, Defined(item, scope))
        else:
            _add(program, scope, item.name, item.name_span, Defined(item, scope))
    return FileNames(parsed, scope, path)


def _add(program: Program, scope: Scope, name: str, span: Span, value: object) -> None:
    before = scope.names.get(name)
    if before is not None:
        program.sink.add(DefinedTwice(name).at(span, None, [Label(before.span, "first defined here")]))
        if not (_is_net(before.value) and _is_net(value)):
            before.value = None  # which of them is meant is not known
    elif name in program.reserved:
        program.sink.add(HidesLayer(name).at(span))
        scope.names[name] = Binding("definition", None, span)
    else:
        scope.names[name] = Binding("definition", value, span)


def _is_net(value: object) -> bool:
    return isinstance(value, Defined) and isinstance(value.item, tree.Block) and value.item.kind == "net"


def _lose(program: Program, scope: Scope, names: list[tuple[str, Span]]) -> None:
    """Bind names of which nothing is known; those of the language keep their meaning."""
    for name, span in names:
        if name not in program.reserved:
            scope.names.setdefault(name, Binding("definition", None, span))


def _use(program: Program, item: tree.Use, scope: Scope, path: Path | None) -> None:
    """Bind what a `use` names; its file is loaded at once, so that mistakes in it are found."""
    try:
        target: Path | None = _target(program, item, path)
    except Reject as reject:
        program.sink.add(reject.mistake.at(item.path_span))
        target = _meant(program, item, reject.mistake)
    found = target is not None and (
        (path is not None and _is_std(program, path)) or _load(program, target, item.path_span) is not None
    )
    if target is None or not found:
        _lose(program, scope, [(here.name, here.span) for _, here in item.names])
        return
    for there, here in item.names:
        imported = Import(program, target, there.name, there.span, core=False)
        if path is None or not _is_std(program, path):
            _follow(imported)
        _add(program, scope, here.name, here.span, imported)


def _target(program: Program, item: tree.Use, path: Path | None) -> Path:
    if not item.quoted:
        found = program.loader.std(item.path) if item.path.startswith("std.") else None
        if found is None:
            raise Reject(ImportMissing(item.path, nearest(item.path, program.loader.std_modules())))
        return found
    if path is None:
        raise Reject(ImportMissing(item.path, None))
    return program.loader.beside(item.path, path)


def _meant(program: Program, item: tree.Use, mistake: Mistake) -> Path | None:
    """The file of std that a misspelt path stands for: one that has all the names; none where that is not sure."""
    near = mistake.near if isinstance(mistake, ImportMissing) and not item.quoted else None
    path = None if near is None else program.loader.std(near)
    file = None if path is None else _load(program, path, item.path_span)
    return path if file is not None and all(there.name in file.scope.names for there, _ in item.names) else None


def _is_std(program: Program, path: Path) -> bool:
    core = program.loader.std("core")
    return core is not None and path.parent == core.parent


def _load(program: Program, path: Path, span: Span) -> FileNames | None:
    """A file, parsed and bound once; none where it takes part in a cycle or cannot be read."""
    known = program.files.get(path)
    if known is not None:
        return known
    if path in program.loading:
        chain = program.loading[program.loading.index(path) :]
        program.sink.add(ImportCycle(tuple(p.name for p in (*chain, path))).at(span))
        return None
    try:
        source = program.loader.read(path)
    except Reject as reject:
        program.sink.add(reject.mistake.at(span))
        return None
    program.loading.append(path)
    before = program.sink.errors
    loaded = _bind(program, _parsed(program, source), path, program.core)
    program.loading.pop()
    if program.sink.errors > before:
        program.damaged.add(path)
    program.files[path] = loaded
    return loaded


def _follow(imported: Import) -> Defined | None:
    """The definition an import names; reports once where there is none."""
    if imported.target is not None or imported.failed:
        return imported.target
    program = imported.program
    loaded = _load(program, imported.file, imported.span)
    binding = loaded.scope.names.get(imported.name) if loaded is not None else None
    if loaded is None or binding is None:
        imported.failed = True
        if loaded is not None and imported.file not in program.damaged:
            near = nearest(imported.name, loaded.scope.names)
            of = f"std.{imported.file.stem}" if _is_std(program, imported.file) else imported.file.name
            program.sink.add(ImportUnknown(of, imported.name, near).at(imported.span))
            meant = slip_of(imported.name, loaded.scope.names)
            if meant is not None:  # so that what reads it is checked in the same run
                imported.target = _defined(loaded.scope.names[meant])
        return imported.target
    imported.target = _defined(binding)
    return imported.target


def _defined(binding: Binding) -> Defined | None:
    """The definition that a name of a file stands for; none where nothing is known of it."""
    value = binding.value
    if isinstance(value, Import):
        return _follow(value)
    assert value is None or isinstance(value, Defined)
    return value


__all__ = ["Defined", "FileNames", "Import", "Program", "is_core", "lookup", "resolve"]

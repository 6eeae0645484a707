"""Generated source as a real module: registered, readable by `inspect`, and the same for the same text."""

from __future__ import annotations

import ast
import linecache
import re
import sys
from abc import ABCMeta
from contextlib import suppress
from hashlib import sha256
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from pathlib import Path
from types import ModuleType

from dslc import output
from dslc.reading import content

PREFIX = "dslc_generated_"

META = "__loaded__"
"""The name by which a text's class statements find their metaclass while it runs."""


class Loaded(ABCMeta):
    """The class of the classes of a loaded program: what is pickled by way of its type needs one of its own.

    Such classes can be derived from beside abstract ones: a metaclass of another line would not mix with theirs.
    """


class TextLoader(InspectLoader):
    """Loads a module from a text that is in no file; `inspect` and tracebacks read it through `get_source`.

    `meta`: its classes are made by `Loaded`, but for those that have a metaclass of their own (`NamedTuple`).
    """

    def __init__(self, text: str, filename: str, meta: bool) -> None:
        self.text = text
        self.filename = filename
        self.meta = meta

    def get_source(self, fullname: str) -> str:
        return self.text

    def exec_module(self, module: ModuleType) -> None:
        tree = ast.parse(self.text, self.filename)
        if self.meta:
            for item in tree.body:
                if isinstance(item, ast.ClassDef) and "NamedTuple" not in map(ast.unparse, item.bases):
                    item.keywords.append(ast.keyword("metaclass", ast.Name(META, ast.Load())))
                    ast.fix_missing_locations(item)
            module.__dict__[META] = Loaded
        exec(compile(tree, self.filename, "exec", dont_inherit=True), module.__dict__)
        module.__dict__.pop(META, None)


def module_from_text(text: str, name: str, key: str = "", file: Path | None = None) -> ModuleType:
    """The module of a generated text; `name` is for people, a digest makes the module's name unique.

    The digest is of `key` where one is given, which then stands for the text: a program by whatever path gives the same
    module. Else it is of the text. `file` is where the text is written too, so that debuggers find its lines; where it
    cannot be, and without one, they are in memory alone.
    """
    full = module_name(name, key or text)
    known = sys.modules.get(full)
    if known is not None:
        return known
    filename = f"<dslc {full.removeprefix(PREFIX)[:-13]} {full[-12:]}>"
    if file is not None and written(file, text):
        filename = str(file)
    spec = ModuleSpec(full, TextLoader(text, filename, meta=bool(key)), origin=filename)
    module = module_from_spec(spec)
    module.__file__ = filename
    if filename.startswith("<"):
        linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    sys.modules[full] = module
    try:
        assert spec.loader is not None
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[full]
        raise
    return module


def written(file: Path, text: str) -> bool:
    """Whether a file has a text, which is written to it as a whole unless Python is to write no caches."""
    data = text.encode()
    with suppress(OSError):
        if content(file, len(data)) == data:
            return True
    if sys.dont_write_bytecode or (file.exists() and not file.is_file()):
        return False
    try:
        output.write_all([output.data(file, [data])], output.make_folder(file.parent))
    except output.OutputError:
        return False
    return True


def module_name(name: str, key: str) -> str:
    """The name of a generated module in `sys.modules`."""
    plain = re.sub(r"\W", "_", name)
    return f"{PREFIX}{plain}_{sha256(key.encode()).hexdigest()[:12]}"


def own_classes(module: ModuleType) -> list[type]:
    """The classes that a module defines, in order."""
    return [value for value in vars(module).values() if isinstance(value, type) and value.__module__ == module.__name__]


def root_class(module: ModuleType) -> str:
    """The name of the network's own class: the last one of the file, since each class stands before its
    users.
    """
    return own_classes(module)[-1].__name__

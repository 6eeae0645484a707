"""Generated source as a real module: registered, readable by `inspect`, and the same for the same text."""

from __future__ import annotations

import linecache
import re
import sys
from hashlib import sha256
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from types import ModuleType

PREFIX = "dslc_generated_"


class TextLoader(InspectLoader):
    """Loads a module from a text that is in no file; `inspect` and tracebacks read it through `get_source`."""

    def __init__(self, text: str, filename: str) -> None:
        self.text = text
        self.filename = filename

    def get_source(self, fullname: str) -> str:
        return self.text

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self.text, self.filename, "exec"), module.__dict__)


def module_from_text(text: str, name: str) -> ModuleType:
    """The module of a generated text; `name` is for people, a hash of the text makes the module's name
    unique.

    The name depends on the text alone, so that a pickle made in one process loads in another that has loaded
    the same network.
    """
    plain = re.sub(r"\W", "_", name)
    full = f"{PREFIX}{plain}_{sha256(text.encode()).hexdigest()[:12]}"
    known = sys.modules.get(full)
    if known is not None:
        return known
    filename = f"<dslc {plain} {full[-12:]}>"
    spec = ModuleSpec(full, TextLoader(text, filename), origin=filename)
    module = module_from_spec(spec)
    module.__file__ = filename
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    sys.modules[full] = module
    try:
        assert spec.loader is not None
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[full]
        raise
    return module


def root_class(module: ModuleType) -> str:
    """The name of the network's own class: the last one of the file, since each class stands before its
    users.
    """
    classes = [
        name for name, value in vars(module).items() if isinstance(value, type) and value.__module__ == module.__name__
    ]
    return classes[-1]

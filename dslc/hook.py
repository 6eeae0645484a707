"""`import dslc.hook`: from then on, `import` finds programs as it finds modules of Python.

    import dslc.hook
    from nets import resnet                # nets/resnet.dl, in a package or along sys.path
    net = resnet.resnet50(classes=10)      # a net of the file: the class that dslc.load gives

A module of a program has its nets as attributes, by their names and by those of their classes (`resnet.Resnet50`), and
is called as the net of its own name: `from nets import lenet; net = lenet()`. What Python itself finds goes first:
`resnet.py` or a folder `resnet` beside `resnet.dl`. In a notebook, `%load_ext dslc.hook` also imports anew, before each
cell, what has changed.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import cache_from_source, spec_from_file_location
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dslc.kept import Kept
    from dslc.module import Module

ENDING = ".dl"


class Finder(MetaPathFinder):
    """Finds `name.dl` where Python looks for `name.py`. It stands last in `sys.meta_path`, and asks the disk alone."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        name = fullname.rpartition(".")[2] + ENDING
        folders: Sequence[object] = sys.path if path is None else path
        for folder in folders:
            place = os.path.abspath(os.path.join(folder, name)) if isinstance(folder, str) else ""
            if os.path.isfile(place) and _as_written(place):
                return spec_from_file_location(fullname, place, loader=ProgramLoader(Path(place)))
        return None


def _as_written(place: str) -> bool:
    """Whether a file's name has this case: some disks take `Net.dl` and `net.dl` for one, and Python does not."""
    return sys.platform not in ("win32", "darwin") or os.path.basename(place) in os.listdir(os.path.dirname(place))


class ProgramLoader(Loader):
    """Makes the module of a program. A mistake in it is raised as the `CompileError` that names its place."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return Program(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        assert isinstance(module, Program)
        module._read(self.path)


class Program(ModuleType):
    """The module of a program: its nets are attributes, each compiled when it is first asked for.

    All of them come from the texts that the files held when it was imported. A program with one net that needs no
    argument is compiled at once, so that its mistakes are found at the import; the module then has all classes of the
    generated source.
    """

    _kept: Kept
    _classes: dict[str, str]  # names of classes that are no net's, each with its net
    _bound: set[str]  # attributes that a reload takes away
    _lock: RLock
    __all__: list[str]

    def _read(self, path: Path) -> None:
        """Read the program, for the first time or anew. Raises `CompileError`, and then the module is as it was."""
        from dslc.api import nets_of
        from dslc.backends.torch.text import class_name
        from dslc.diagnostics.model import CompileError
        from dslc.generated import own_classes
        from dslc.kept import Kept

        try:
            kept = Kept.read(path)
            complete = nets_of(kept.program, complete=True)
            made = {name: _loaded(kept, path, name) for name in complete[:1] if len(complete) == 1}
        except CompileError as error:
            raise error.with_traceback(None) from None
        for name in self.__dict__.get("_bound", ()):
            del self.__dict__[name]
        nets = nets_of(kept.program)
        found = {class_name(net): net for net in reversed(nets)}
        self.__dict__.update(
            _kept=kept,
            _classes={name: net for name, net in found.items() if name not in nets},
            _bound=set(),
            _lock=RLock(),
            __all__=complete,
        )
        for name, cls in made.items():
            self._bind({part.__name__: part for part in own_classes(sys.modules[cls.__module__])})
            self._keep(name, cls)

    def _keep(self, net: str, cls: type[Module]) -> None:
        names = [net, *(name for name, other in self._classes.items() if other == net)]
        self._bind(dict.fromkeys(names, cls))

    def _bind(self, found: Mapping[str, type]) -> None:
        self.__dict__.update(found)
        self._bound.update(found)

    def __call__(self, *values: Any, **named: Any) -> Any:
        """An instance of the net that has the module's name, else of the only one that needs no argument."""
        own = self.__name__.rpartition(".")[2]
        nets = [own] if own in self._kept.program.nets else self.__all__
        if len(nets) != 1:
            raise TypeError(f"the program `{self.__name__}` has {len(nets)} nets: call one of {', '.join(nets)}")
        return getattr(self, nets[0])(*values, **named)

    def __getattr__(self, name: str) -> Any:
        kept = self.__dict__.get("_kept")
        net = self.__dict__.get("_classes", {}).get(name, name)
        if kept is None or net not in kept.program.nets:
            raise AttributeError(self._lacks(name, kept))
        with self._lock:
            if name not in self.__dict__:
                assert self.__file__ is not None
                self._keep(net, _loaded(kept, Path(self.__file__), net))
        return self.__dict__[name]

    def _lacks(self, name: str, kept: Kept | None) -> str:
        from dslc.diagnostics.codes import nearest

        near = nearest(name, kept.program.nets) if kept is not None and not name.startswith("_") else None
        return f"the program `{self.__name__}` has no net `{name}`" + (f"; did you mean `{near}`?" if near else "")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.__dict__.get("__all__", ())})


def _loaded(kept: Kept, path: Path, net: str) -> type[Module]:
    """The class of a net, its source in a file beside the program where that can be written."""
    from dslc.loading import load_kept, require_torch

    require_torch()
    file = Path(cache_from_source(str(path))).with_name(f"{path.name}.{net}.py")
    return load_kept(kept, path, net, {}, {}, None, file)


# ---- programs that change


def changed(module: Program) -> bool:
    """Whether a file of an imported program no longer holds what it held."""
    kept = module.__dict__.get("_kept")
    return kept is not None and kept.changed()


def reload_changed(*_: object) -> None:
    """Import anew what has changed; mistakes are printed, and the module stays as it was."""
    from dslc.diagnostics.model import CompileError, Failure

    for module in [found for found in sys.modules.values() if isinstance(found, Program)]:
        if changed(module):
            try:
                importlib.reload(module)
            except (CompileError, Failure) as error:
                print(f"{module.__name__} stays as it was:\n{error}", file=sys.stderr)


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext dslc.hook`."""
    shell.events.register("pre_run_cell", reload_changed)


def unload_ipython_extension(shell: Any) -> None:
    """`%unload_ext dslc.hook`."""
    shell.events.unregister("pre_run_cell", reload_changed)


FINDER = Finder()

if FINDER not in sys.meta_path:
    sys.meta_path.append(FINDER)

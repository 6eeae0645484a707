"""Classes of live modules: what of a class decides results, who has changed it, and what stands in for it."""

from __future__ import annotations

import os
from dataclasses import field
from dis import get_instructions
from itertools import pairwise
from types import CodeType, FunctionType, ModuleType
from typing import Any
from weakref import WeakKeyDictionary

from torch import nn

from dslc.record import entity

CALLED = ("forward", "_call_impl", "_wrapped_call_impl", "_slow_forward", "__call__", "__getattr__", "__getattribute__")
"""Names of `nn.Module` through which a call of a module goes."""

AT_FIRST = frozenset({"__init__", "reset_parameters", "_reset_parameters", "extra_repr", "__repr__", "__setstate__"})
"""Methods that make a module or show it: what they did is seen in what they made."""

DROP_PATH = "DropPath"
"""The class that a generated file has for what torch lacks among dropouts."""

NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)

ATTRIBUTES = ("LOAD_ATTR", "LOAD_METHOD", "STORE_ATTR", "DELETE_ATTR")

TORCH = os.path.dirname(os.path.dirname(os.path.dirname(nn.modules.module.__file__)))


@entity
class Kinds:
    """The classes of a live network beside those of the same text untouched.

    `own` is the module that the network's class is of; `clean` is its text run again, in which nobody set anything.
    """

    own: ModuleType
    clean: ModuleType
    checked: dict[type, list[str]] = field(default_factory=dict)

    def clean_kind(self, kind: type) -> type:
        """A class of the text as the untouched one of its name; any other as it is."""
        if kind.__module__ != self.own.__name__:
            return kind
        found = vars(self.clean).get(kind.__qualname__)
        return found if isinstance(found, type) else kind

    def known(self, kind: type) -> bool:
        """Whether a class is torch's or of the text. One of an `extern` block may hold anything, and is in no graph."""
        return kind.__module__.partition(".")[0] == "torch" or kind.__module__ == self.own.__name__

    def lineage(self, kind: type) -> tuple[type, ...]:
        """The bases of a class in their order, those of the text as the untouched ones."""
        return tuple(map(self.clean_kind, kind.__mro__))

    def stands_in(self, kind: type, wanted: type) -> bool:
        """Whether modules of a class compute in evaluation what those of another do, with the same attributes."""
        if self.clean_kind(kind) is wanted or (self.passes(kind) and idle(wanted)):
            return True
        if kind is nn.SyncBatchNorm and wanted in NORMS:
            return True
        return wanted in self.lineage(kind) and not self.overrides(kind, wanted)

    def passes(self, kind: type) -> bool:
        """Whether a layer passes evaluation through, for sure: a class derived from a dropout may do anything."""
        if not idle(kind):
            return False
        if kind.__name__ == DROP_PATH:
            return self.clean_kind(kind) is not kind or kind.__module__ == "timm.layers.drop"
        return not self.overrides(kind, next(klass for klass in kind.__mro__ if klass.__module__.startswith("torch.")))

    def overrides(self, kind: type, wanted: type) -> list[str]:
        """What a derived class takes from elsewhere than the other, among the names that decide that one's results."""
        found = []
        for name in deciding(wanted) - AT_FIRST:
            owner = next((klass for klass in kind.__mro__ if name in vars(klass)), None)
            if owner is not None and self.clean_kind(owner) not in wanted.__mro__:
                found.append(name)
        return sorted(found)

    def patched(self, kind: type) -> list[str]:
        """What somebody set on a class or its bases, as `Conv2d.forward`. Asked anew in each comparison."""
        if kind not in self.checked:
            bases = kind.__mro__[: kind.__mro__.index(nn.Module) + 1]
            self.checked[kind] = [f"{klass.__name__}.{name}" for klass in bases for name in self._patches(klass)]
        return self.checked[kind]

    def _patches(self, klass: type) -> list[str]:
        if klass.__module__.partition(".")[0] == "torch":
            names = CALLED if klass is nn.Module else tuple(vars(klass))
            return [name for name in names if name not in AT_FIRST and _foreign(klass, name)]
        clean = self.clean_kind(klass)
        if clean is klass:
            return []  # a class of the user's: what it overrides is seen by its names
        names = tuple((vars(clean).keys() | (vars(klass).keys() & deciding(clean))) - AT_FIRST)
        return [name for name in names if not _same_member(name, vars(klass).get(name), vars(clean).get(name))]

    def patched_globals(self) -> list[str]:
        """Names of the live module that no longer stand for what its text gives them: `F`, or a function."""
        found = []
        for name, value in vars(self.clean).items():
            if name.startswith("__") or isinstance(value, type):
                continue
            live = vars(self.own).get(name)
            if live is not value and not _same_member(name, live, value):
                found.append(name)
        return found


def idle(kind: type) -> bool:
    """Whether a layer passes evaluation through: torch's, and DropPath of generated files."""
    return issubclass(kind, nn.Identity | nn.modules.dropout._DropoutNd) or kind.__name__ == DROP_PATH


def plain(module: nn.Module) -> type[nn.Module]:
    """The class of a module, but for what torch derives from it while it works.

    torch.nn.utils.parametrize and torch.distributed (`fully_shard`, `replicate`) give a module a class made for it
    alone, of which the module's own is the last base.
    """
    kind = type(module)
    while (kind.__name__.startswith("Parametrized") and "parametrizations" in module._modules) or (
        len(kind.__bases__) == 2 and kind.__bases__[0].__module__.startswith("torch.distributed.")
    ):
        kind = kind.__bases__[-1]
    return kind


DECIDING: WeakKeyDictionary[type, frozenset[str]] = WeakKeyDictionary()


def deciding(kind: type) -> frozenset[str]:
    """The names that calls of a class read, of it or of an instance; names that only make one are not among them."""
    known = DECIDING.get(kind)
    if known is not None:
        return known
    found = set(CALLED)
    for klass in kind.__mro__[: kind.__mro__.index(nn.Module)]:
        for name, value in vars(klass).items():
            if name not in AT_FIRST and isinstance(value, FunctionType):
                found.add(name)
                found |= reads(value.__code__, value.__code__.co_varnames[0]) if value.__code__.co_argcount else set()
    DECIDING[kind] = frozenset(found)
    return DECIDING[kind]


def reads(code: CodeType, own: str) -> set[str]:
    """Names that a method, and the functions within it, read of its own object, which it calls `own`.

    Where the object goes elsewhere than to one of its attributes, as to `getattr`, all names and words of the code
    count.
    """
    found: set[str] = set()
    for step, after in pairwise(get_instructions(code)):
        if step.opname.startswith("LOAD_") and step.opname != "LOAD_CLOSURE" and own in step.argrepr:
            if step.argval != own or after.opname not in ATTRIBUTES:
                found |= {*code.co_names, *(word for word in code.co_consts if isinstance(word, str))}
                break
            found.add(after.argval)
    return found.union(*(reads(const, own) for const in code.co_consts if isinstance(const, CodeType)))


def _foreign(klass: type, name: str) -> bool:
    """Whether what a class of torch has by a name is from elsewhere, of another class of torch too."""
    value: Any = vars(klass).get(name)
    if value is None or (name.startswith("__") and name not in CALLED):
        return False
    code = code_of(value)
    if code is None:
        return name in CALLED
    owner = code.co_qualname.rpartition(".")[0]  # of decorated ones it is no class
    of_another = owner not in ("", klass.__qualname__) and not owner.endswith("<locals>")
    return of_another or not code.co_filename.startswith(TORCH)


def code_of(value: Any) -> CodeType | None:
    """The code that a method runs; what `torch.compile` made of a function is that function."""
    value = getattr(value, "_torchdynamo_orig_callable", value)
    if isinstance(value, staticmethod | classmethod):
        value = value.__func__
    elif isinstance(value, property):
        value = value.fget
    return value.__code__ if isinstance(value, FunctionType) else None


def _same_member(name: str, live: Any, clean: Any) -> bool:
    """Whether two classes, or modules, have the same by a name, functions by their code."""
    if live is clean or (name.startswith("__") and name not in CALLED):
        return True
    ours, theirs = code_of(live), code_of(clean)
    if ours is None or theirs is None:
        return type(live) is type(clean) and not isinstance(live, ModuleType | type)
    same = getattr(live, "__defaults__", None) == getattr(clean, "__defaults__", None)
    return same and same_code(ours, theirs)


def same_code(a: CodeType, b: CodeType) -> bool:
    """Whether two codes do the same, wherever they stand: as after another formatter's layout."""
    if (a.co_code, a.co_names, a.co_varnames, a.co_freevars) != (b.co_code, b.co_names, b.co_varnames, b.co_freevars):
        return False
    if len(a.co_consts) != len(b.co_consts):
        return False
    for ours, theirs in zip(a.co_consts, b.co_consts, strict=True):
        codes = isinstance(ours, CodeType), isinstance(theirs, CodeType)
        if codes == (True, True):
            if not same_code(ours, theirs):
                return False
        elif repr(ours) != repr(theirs):
            return False
    return True

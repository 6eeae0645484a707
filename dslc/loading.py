"""`dslc.load`: a program as the nn.Module class of its generated source."""

from __future__ import annotations

import copyreg
import sys
from collections.abc import Callable, Collection, Mapping
from functools import wraps
from importlib import import_module
from inspect import signature
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeAlias

from dslc.diagnostics.model import Failure
from dslc.errors import NotInstalled
from dslc.generated import Loaded, module_from_text, module_name, own_classes, root_class
from dslc.module import METHODS, Module
from dslc.origin import Origin

if TYPE_CHECKING:
    from torch import nn

    from dslc.kept import Kept

ORIGIN = "__dslc__"
"""Where a generated module keeps its `Carried`, and its network's class its `Origin`."""

REDUCE = "__reduce__"
"""The method by which instances of a class are pickled."""

MAKING = RLock()
"""Held while a module is looked for and made: another thread would find it half made."""

Carried: TypeAlias = tuple[str, str, str, tuple[Any, ...]]
"""What a pickle holds of a loaded program: the generated text, the net, the key of its module, and its origin."""


def load(
    source: str | Path,
    net: str | None = None,
    *,
    sizes: Mapping[str, int] | None = None,
    allow_extern: str | Collection[str] | None = None,
    weights: str | Path | None = None,
    part: str | None = None,
    map: str | None = None,
    skip: str | Collection[str] = (),
    adapt: str | Collection[str] = (),
    **args: object,
) -> type[Module]:
    """The class of the PyTorch module that is generated for a network.

    - `source`, `net`, `sizes`, `args`: as for `dslc.compile`
    - `allow_extern`: the packages whose classes the program may import by `extern block`; by default those that the
      pyproject.toml of the working directory names
    - `weights`: a file that instances start from, in place of the declared initialisers
    - `part`, `map`, `skip`, `adapt`: with `weights`, what of it is meant, as for `load_weights` of an instance, which
      each calls

    The class is an ordinary one of an ordinary module: `inspect.getsource` shows it, it and its instances pickle, into
    other processes too, and copy, and the same program gives the same class by whatever path. Its constructor takes the
    net's arguments. `__dslc__` on it says where it came from; the program is kept in memory, so that its files may
    change or go. An instance has `to_onnx` and `load_weights` besides, and `isinstance(net, dslc.Module)` tells one.

    Raises `CompileError` for a program that is wrong or imports what it may not, and `Failure` where torch is missing.

    ```python
    Small = dslc.load("net.dl", net="small")
    net = Small(classes=100)
    net.to_onnx("small.onnx", dynamic={"image": {0: "N"}})
    ```
    """
    require_torch()
    from dslc.kept import Kept

    cls = load_kept(Kept.read(source), source, net, args, sizes or {}, allow_extern)
    return beginning(cls, weights, {"part": part, "map": map, "skip": skip, "adapt": adapt})


def require_torch(purpose: str = "`dslc.load`") -> None:
    """Raise `Failure` where torch, which generated sources import, is not installed."""
    try:
        import_module("torch")
    except ImportError as error:
        raise Failure(NotInstalled("torch", "torch", purpose)) from error


def load_kept(
    kept: Kept,
    source: str | Path,
    net: str | None,
    args: Mapping[str, object],
    sizes: Mapping[str, int],
    allow_extern: str | Collection[str] | None,
    file: Path | None = None,
) -> type[Module]:
    """As `load`, of a program that was read; `file` is where the generated source is kept too."""
    from dslc.backends.torch.emit import emit
    from dslc.kept import key
    from dslc.trust import permitted, require_classes
    from dslc.types.arguments import arguments, sizes_of

    model = kept.compile(net, args=args, sizes=sizes)
    given, asked = arguments(args), sizes_of(sizes)
    imported = permitted(model, allow_extern)
    if imported:
        require_classes(imported)
    texts = kept.texts
    name = key(texts, model.entry, given, asked)
    with MAKING:
        module = sys.modules.get(module_name(model.entry, name))
        if module is None:
            origin = Origin(source, model.entry, given, asked, texts, kept, {"[]": model})
            module = equipped(emit(model), name, origin, file)
    cls: type[Module] = getattr(module, root_class(module))
    return cls


def equipped(text: str, key: str, origin: Origin, file: Path | None = None) -> ModuleType:
    """The module of a generated text, whose classes pickle, and whose network knows where it came from."""
    module = module_from_text(text, origin.net, key, file)
    cls = getattr(module, root_class(module))
    added = {ORIGIN: origin, "__init__": recorded(cls.__init__), **METHODS}
    for name, value in added.items():
        setattr(cls, name, value)
    main = origin.texts[0]
    carried: Carried = (text, origin.net, key, (main, dict(origin.args), dict(origin.sizes), origin.texts))
    setattr(module, ORIGIN, carried)
    for made in own_classes(module):
        if not isinstance(made, Loaded):  # a NamedTuple
            setattr(made, REDUCE, reduced_tuple)
    return module


class Started(Loaded):
    """The type of a class whose instances start from a file: they are instances of the class that it derives from."""

    def __instancecheck__(cls, instance: object) -> bool:
        return isinstance(instance, vars(cls).get(GIVEN, ())[:1]) or super().__instancecheck__(instance)


GIVEN = "__given__"
"""Where a class that `started` made keeps what it was made of: first the class that its instances are of."""


def beginning(plain: type[Module], weights: str | Path | None, options: Mapping[str, Any]) -> type[Module]:
    """A class whose instances start from a file, if there is one. Raises `ValueError` for what means nothing then."""
    if weights is not None:
        return started(plain, weights, options)
    if any(options.values()):
        raise ValueError("`part`, `map`, `skip` and `adapt` mean nothing without `weights`")
    return plain


def started(plain: type[Module], weights: str | Path, options: Mapping[str, Any]) -> type[Module]:
    """A class as `plain` whose instances start from a file. They are of `plain` itself, to copy, pickle and export."""

    def __init__(self: Module, *values: Any, **named: Any) -> None:
        plain.__init__(self, *values, **named)
        self.load_weights(weights, **options)
        if type(self) is cls:
            self.__class__ = plain

    given = (plain, weights, options)
    made = {"__init__": wraps(plain.__init__)(__init__), GIVEN: given, "__module__": plain.__module__}
    cls: type[Module] = Started(plain.__name__, (plain,), made)  # type: ignore[assignment]
    cls.__doc__ = plain.__doc__
    return cls


def recorded(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that keeps its arguments, so that the network can be compiled again for them."""
    shape = signature(init)

    @wraps(init)
    def __init__(self: nn.Module, *values: object, **named: object) -> None:
        init(self, *values, **named)
        given = dict(shape.bind(self, *values, **named).arguments)
        given.pop(next(iter(shape.parameters)))
        self.__dict__["_dslc_arguments"] = given

    return __init__


# ---- pickles


def reduced(cls: type) -> str | tuple[Callable[..., object], tuple[object, ...]]:
    """How a class is pickled: one of a loaded program with its text, one derived from it by its name as any other.

    The text is one object for all classes of a program, so that a pickle holds it once.
    """
    module = sys.modules.get(cls.__module__)
    carried = vars(module).get(ORIGIN) if module is not None else None
    if carried is None or vars(module).get(cls.__name__) is not cls:
        return cls.__qualname__
    return revived, (carried, cls.__name__)


def reduced_tuple(self: tuple[object, ...]) -> tuple[Callable[..., object], tuple[object, ...]]:
    """How a result of a loaded network is pickled: its class is no `Loaded`, so by way of the instance."""
    cls = type(self)
    return made_tuple, (vars(sys.modules[cls.__module__])[ORIGIN], cls.__name__, tuple(self))


def revived(carried: Carried, name: str) -> type:
    """The class of a pickle: that of this process, where it has loaded the program, else made of the pickle's text."""
    text, net, key, (main, args, sizes, texts) = carried
    with MAKING:
        module = sys.modules.get(module_name(net, key)) or equipped(text, key, Origin(main, net, args, sizes, texts))
    cls: type = getattr(module, name)
    return cls


def made_tuple(carried: Carried, name: str, values: tuple[object, ...]) -> object:
    """The result of a network from its pickle."""
    return revived(carried, name)(*values)


def reduced_started(cls: type) -> str | tuple[Callable[..., object], tuple[object, ...]]:
    """How a class is pickled whose instances start from a file; one derived from it by its name as any other."""
    return (started, vars(cls)[GIVEN]) if GIVEN in vars(cls) else cls.__qualname__


copyreg.pickle(Started, reduced_started)  # type: ignore[arg-type]
copyreg.pickle(Loaded, reduced)  # type: ignore[arg-type] # typeshed knows no classes of classes

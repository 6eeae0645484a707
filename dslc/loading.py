"""`dslc.load`: a program as the nn.Module class of its generated source."""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial, wraps
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

from dslc.api import compile_model
from dslc.backends.torch.emit import emit
from dslc.diagnostics.model import Failure
from dslc.errors import NotInstalled
from dslc.generated import module_from_text, root_class
from dslc.module import METHODS, Module
from dslc.trust import permitted, require_classes

if TYPE_CHECKING:
    from torch import nn


def load(
    source: str | Path,
    net: str | None = None,
    *,
    sizes: dict[str, int] | None = None,
    allow_extern: Collection[str] | None = None,
    **args: object,
) -> type[Module]:
    """The generated class of a network; `source`, `net`, `sizes` and `args` as `dslc.compile` takes them.

    `allow_extern` names the packages whose classes the program may import by `extern block`; without it they are those
    that the pyproject.toml of the working directory names.

    The class is an ordinary one of an ordinary module: `inspect.getsource` shows it, instances pickle and
    copy, and the same program gives the same class. `__dslc__` on it says where it came from; `to_onnx(path,
    ...)` on an instance writes that instance's weights (see `dslc.export_onnx`). Raises `CompileError`.
    """
    try:
        import torch  # noqa: F401 - the generated source imports it
    except ImportError as error:
        raise Failure(NotInstalled("torch", "torch", "`dslc.load`")) from error
    model = compile_model(source, net, args=args, sizes=sizes)
    imported = permitted(model, allow_extern)
    if imported:
        require_classes(imported)
    module = module_from_text(emit(model), model.entry)
    cls: type[Module] = getattr(module, root_class(module))
    if "__dslc__" not in vars(cls):
        again = partial(compile_model, source, net, sizes=sizes)
        origin = {
            "source": source,
            "net": model.entry,
            "args": args,
            "sizes": sizes or {},
            "model": model,
            "compile": lambda given: again(args={**args, **given}),
        }
        added = {"__dslc__": origin, "__init__": recorded(cls.__init__), **METHODS}
        for name, value in added.items():
            setattr(cls, name, value)
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

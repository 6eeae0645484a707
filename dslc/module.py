"""`dslc.Module`: what `dslc.load` gives, as a type checker and `isinstance` see it."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch.nn import Module as Base

    from dslc.backends.onnx.dynamic import Dynamic
    from dslc.origin import Origin
    from dslc.output import Target
    from dslc.types.dtypes import DTypeLike
else:
    Base = object  # nothing inherits from `Module` when it runs, so that `import dslc` needs no torch


class Loaded(type):
    """The type of `Module`, which stands for the classes that `dslc.load` made and for those derived from them."""

    def __instancecheck__(cls, instance: object) -> bool:
        return issubclass(type(instance), cls)

    def __subclasscheck__(cls, subclass: type) -> bool:
        return subclass is cls or hasattr(subclass, "__dslc__")


class Module(Base, metaclass=Loaded):
    """A network of a program: an `nn.Module`, with what `dslc.load` adds to its class.

    The class of a network is the ordinary one of its generated source, which derives from `nn.Module` alone, and a type
    checker cannot know it; `Module` stands for all of them. It takes their arguments, gives their layers as
    attributes, and `isinstance(net, dslc.Module)` tells an instance of a loaded class, or of one derived from it.

    A type checker takes no variable for a base class. A class derived from a loaded one is written for it so:

    ```python
    from typing import TYPE_CHECKING

    if TYPE_CHECKING:
        from dslc import Module as Small
    else:
        Small = dslc.load("net.dl", net="small")


    class Mine(Small):
        pass
    ```
    """

    if TYPE_CHECKING:
        __dslc__: Origin

        def __getattr__(self, name: str) -> Any: ...

    else:

        def __new__(cls, *values: object, **named: object) -> Module:
            raise TypeError("`dslc.Module` stands for the classes that `dslc.load` gives, and makes no network itself")

        def __init_subclass__(cls) -> None:
            raise TypeError("derive from a class that `dslc.load` gives: `dslc.Module` only stands for them")

    def to_onnx(
        self,
        target: Target,
        *,
        dynamic: Dynamic | None = (),
        fold: bool = True,
        dtype: DTypeLike | None = None,
        check: bool = False,
    ) -> list[Path]:
        """Write this module with its present weights as ONNX: `dslc.export_onnx` of it.

        - `target`, `dynamic`, `fold`, `dtype`, `check`: as for `dslc.export_onnx`

        ```python
        net = dslc.load("net.dl", net="small")()
        net.to_onnx("small.onnx", dynamic=("N", "H", "W"))
        ```
        """
        from dslc.live.export import export_onnx

        return export_onnx(self, target, dynamic=dynamic, fold=fold, dtype=dtype, check=check)

    def load_weights(
        self,
        weights: str | Path,
        *,
        part: str | None = None,
        map: str | None = None,
        skip: str | Collection[str] = (),
        adapt: str | Collection[str] = (),
    ) -> tuple[str, ...]:
        """Copy the tensors of a file into this module, on its devices and in its types: all of them, or none.

        - `weights`: a .safetensors file, .pth, an index of shards, or a folder that holds one
        - `part`: which state dict of the file, or what its names begin with
        - `map`: names of another library, `"timm"`, `"hf"` or one of its maps, or a file of names
        - `skip`: tensors or modules that stay as they are: `"head"`
        - `adapt`: what is brought to the network's size where it has another: `"channels"` of images, `"positions"`

        The result says what was done to the file. Raises `Failure` with one table of all that does not fit, and for a
        module that has no longer the tensors of its program.

        ```python
        import torch

        Small = dslc.load("net.dl", net="small")
        torch.save(Small().state_dict(), "small.pth")
        net = Small(classes=5)
        net.load_weights("small.pth", skip="head")
        ```
        """
        from dslc.analysis.amounts import words
        from dslc.weights.checkpoint import ADAPTED, Checkpoint
        from dslc.weights.live import load_into

        params = type(self).__dslc__.compile(vars(self).get("_dslc_arguments", {})).params
        given = Checkpoint(weights, part, words("skip", skip), map, words("adapt", adapt, ADAPTED))
        return load_into(self, given, params)


METHODS = {name: value for name, value in vars(Module).items() if not name.startswith("_")}
"""What `dslc.load` adds to a generated class."""

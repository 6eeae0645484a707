"""ONNX from a live module: the network that its program makes, with the module's own weights."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from dslc.backends.onnx.dynamic import Dynamic, open_sizes
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.file import save
from dslc.backends.onnx.model import OnnxModel
from dslc.diagnostics.model import CompileError
from dslc.generated import root_class
from dslc.origin import keep
from dslc.output import Target
from dslc.types.dtypes import DTypeLike, float_type
from dslc.weights.init import value_of
from dslc.weights.memory import Array
from dslc.weights.store import fit

if TYPE_CHECKING:
    from torch import nn

    from dslc.ir.model import Model
    from dslc.live.compare import Comparison
    from dslc.live.describe import Fresh
    from dslc.origin import Origin


def export_onnx(
    module: nn.Module,
    target: Target,
    *,
    dynamic: Dynamic | None = (),
    fold: bool = True,
    dtype: DTypeLike | None = None,
    check: bool = False,
) -> list[Path]:
    """Write a module that `dslc.load` or a built file made, in evaluation mode, with its present weights.

    Returns the files written: the target, and beside a path the same with `.data` where the weights are large; none
    for a stream. The module may train and lie on any device, and is left as it is. It may be held by
    DistributedDataParallel, DataParallel, `torch.compile` or an averaged copy; of one that `fully_shard` has sharded,
    every rank must call this. What is written is the program's network, so the module is compared with what the
    program makes, and refused where it is another network by now.

    - `module`: an instance of a loaded or built class, or what holds one
    - `target`: a path, or a stream of bytes such as `io.BytesIO()`
    - `dynamic`: the sizes that stay open in the graph: `"N,H"`, `("N", "H")`, or axes by input, as torch's exporters
      take them: `{"image": {0: "N", 2: "H"}}`, `{"image": [0, 2]}`. One size is open wherever it stands
    - `fold`: merge batch norms into the linear maps before them
    - `dtype`: the element type of the graph's floats: `"fp16"`, `torch.bfloat16`, `"float32"`; none: the module's own
    - `check`: run the module, and the graph in onnxruntime, once each on the same input before anything is written

    Weights above 1 GB go to a second file beside the first, `NAME.onnx.data`.

    Raises `ExportError` for a module of another origin, one that was modified, and one whose results differ from its
    graph's, `Failure` for a size that cannot stay open, `WeightsError` for weights that are no numbers, `OutputError`
    where the file cannot be written, and `CompileError` for what has no form in ONNX, such as an `extern block`, or
    numbers that 16 bits do not hold; nothing is written then.

    ```python
    import io

    net = dslc.load("net.dl", net="small")()
    stream = io.BytesIO()
    dslc.export_onnx(net, stream, dynamic={"image": [0]}, dtype="fp16")
    ```
    """
    return save(to_model(module, dynamic=dynamic, fold=fold, dtype=dtype, check=check), target)


def to_model(
    module: nn.Module,
    *,
    dynamic: Dynamic | None = (),
    fold: bool = True,
    dtype: DTypeLike | None = None,
    check: bool = False,
) -> OnnxModel:
    """The graph that `export_onnx` writes. Its weights are the module's own memory until it is written."""
    from dslc.live.errors import ExportError, ModifiedModule
    from dslc.live.state import HALVES, OWN, arrays, own_type
    from dslc.live.unwrap import network

    asked = float_type(dtype)
    net = network(module)
    cls, origin = source(net)
    given = given_to(net, cls, origin)
    model = origin.compile(given)
    opened = open_sizes(model, dynamic)
    found = compared(net, cls, origin, given)
    if found.found:
        advice = (*others(net, cls, origin, given), *found.advice)
        raise ExportError(ModifiedModule(tuple(found.found), advice))
    own = own_type({**found.tensors, **found.unsaved}, model.params, asked)
    kind = asked or (OWN[own] if own in HALVES else None)
    taken = {name: tensor for name, tensor in found.tensors.items() if name in model.params}  # no `extern` block's
    graph = emit(model, fit(arrays(taken), model.params), dynamic=opened, fold=fold, dtype=kind)
    if check:
        from dslc.live.check import check_outputs

        check_outputs(net, model, graph, own, kind or model.float)
    return graph


def compared(net: nn.Module, cls: type[nn.Module], origin: Origin, given: Mapping[str, Any]) -> Comparison:
    """A module beside what its program makes with these arguments."""
    from dslc.live.classes import Kinds
    from dslc.live.compare import Comparison

    fresh, model = fresh_of(origin, cls, given), origin.compile(given)
    found = Comparison(fresh, Kinds(sys.modules[cls.__module__], fresh.clean), lambda name: constant(model, name))
    found.run(net)
    return found


def others(net: nn.Module, cls: type[nn.Module], origin: Origin, given: Mapping[str, Any]) -> list[str]:
    """Advice for a module that its program makes with other arguments, as one with a new head often is."""
    try:
        read = {**given, **read_from(net, cls, origin)}
        if read == given or compared(net, cls, origin, read).found:
            return []
    except (CompileError, RuntimeError, ValueError, TypeError):  # no arguments of this network
        return []
    call = ", ".join(f"{name}={value!r}" for name, value in read.items())
    return [f"the program makes it by `{cls.__name__}({call})`: make one so, and load this one's state dict into it"]


def constant(model: Model, name: str) -> Array | None:
    """The numbers of a constant tensor that the program declares; none for one that it does not."""
    param = model.params.get(name)
    return None if param is None else value_of(param)


def source(net: nn.Module) -> tuple[type[nn.Module], Origin]:
    """The network's class that a module is of, or is derived from, and where it came from."""
    from dslc.live.built import built_class, origin_of

    cls = next((kind for kind in type(net).__mro__ if "__dslc__" in vars(kind)), None)
    if cls is not None:
        return cls, vars(cls)["__dslc__"]
    cls = built_class(type(net))
    assert cls is not None
    return cls, origin_of(cls)


def given_to(net: nn.Module, cls: type[nn.Module], origin: Origin) -> Mapping[str, Any]:
    """The arguments of a module's constructor: a loaded class keeps them, of a built one they are found out."""
    if "__dslc__" in vars(cls):
        found: dict[str, Any] = vars(net).get("_dslc_arguments", {})
        return found
    return read_from(net, cls, origin)


def read_from(net: nn.Module, cls: type[nn.Module], origin: Origin) -> dict[str, Any]:
    """The arguments that a module looks to have been made with."""
    from dslc.live.built import arguments
    from dslc.live.describe import make

    clean = fresh_of(origin, cls, {}).clean
    return arguments(net, cls, lambda given: make(clean, getattr(clean, root_class(clean)), given).root)


def fresh_of(origin: Origin, cls: type[nn.Module], given: Mapping[str, Any]) -> Fresh:
    """What a network's program makes with these arguments; made once.

    Its classes are those of the program's text run once more, in which nobody has changed anything.
    """
    from dslc.live.describe import make

    key = repr(sorted(given.items()))
    known: dict[str, Fresh] = origin.known
    if key not in known:
        clean = next((fresh.clean for fresh in known.values()), None) or again(origin, cls)
        keep(known, key, make(clean, getattr(clean, root_class(clean)), given))
    return known[key]


def again(origin: Origin, cls: type[nn.Module]) -> ModuleType:
    """The text of a class's module, run in a module that nobody else sees; of a built file, as it was generated."""
    from dslc.backends.torch.emit import emit as generated

    module = sys.modules[cls.__module__]
    loader: Any = module.__loader__
    text: str = loader.get_source(module.__name__) if "__dslc__" in vars(cls) else generated(origin.model)
    twin = ModuleType(module.__name__)
    exec(compile(text, f"<{module.__name__}, as its program makes it>", "exec", dont_inherit=True), twin.__dict__)
    return twin

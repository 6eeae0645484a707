"""ONNX from a live module: the network its class was generated from, with the module's own weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dslc.backends.onnx.dynamic import Dynamic, open_sizes
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.file import save
from dslc.backends.onnx.graph import Array
from dslc.backends.onnx.model import OnnxModel
from dslc.output import Target
from dslc.types.dtypes import DTypeLike, float_type
from dslc.weights.store import fit

if TYPE_CHECKING:
    from torch import nn

    from dslc.ir.model import Model


def export_onnx(
    module: nn.Module,
    target: Target,
    *,
    dynamic: Dynamic | None = (),
    fold: bool = True,
    dtype: DTypeLike | None = None,
) -> list[Path]:
    """Write a module that `dslc.load` made, in evaluation mode, with its present weights; the files written.

    `dynamic`, `fold` and `dtype` (`"float16"`) are those of `dslc build`. Weights may lie on any device.
    Raises `TypeError` for a module of another origin, `WeightsError` where its state dict is no longer the
    class's, and `OutputError` where the file cannot be written.
    """
    return save(to_model(module, dynamic=dynamic, fold=fold, dtype=dtype), target)


def to_model(
    module: nn.Module, *, dynamic: Dynamic | None = (), fold: bool = True, dtype: DTypeLike | None = None
) -> OnnxModel:
    """The graph of a module that `dslc.load` made. Its weights are the module's own memory until it is written."""
    origin = getattr(type(module), "__dslc__", None)
    if origin is None:
        raise TypeError(f"{type(module).__name__} is no class that dslc.load made")
    given = vars(module).get("_dslc_arguments", {})
    model: Model = origin["compile"](given) if given else origin["model"]
    kind = float_type(dtype)
    opened = open_sizes(model, dynamic)
    return emit(model, fit(state_of(module), model.params), dynamic=opened, fold=fold, dtype=kind)


def state_of(module: nn.Module) -> dict[str, Array]:
    """The state dict as numpy arrays; on the CPU they share the tensors' memory."""
    found: dict[str, Array] = {}
    for name, tensor in module.state_dict().items():
        host = tensor.detach().cpu()
        found[name] = (host.float() if str(host.dtype) == "torch.bfloat16" else host).numpy()
    return found

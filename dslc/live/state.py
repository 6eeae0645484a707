"""The tensors of a live module as arrays, and the element type that they say it runs in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from dslc.live.errors import ExportError, WrongElements
from dslc.types.tensor import DType
from dslc.weights.memory import Array

if TYPE_CHECKING:
    from dslc.ir.model import Param

OWN = {torch.float32: DType.FLOAT32, torch.float16: DType.FLOAT16, torch.bfloat16: DType.BFLOAT16}
"""Element types that a graph can have."""

HALVES = (torch.float16, torch.bfloat16)
"""Those that a graph has because its module does. One in float32 is written in its inputs' type."""

MEMORY = (
    'give all of it memory and numbers: `net.to_empty(device="cpu")`, then `reset_parameters` of every part that has '
    "it, then load weights"
)


def own_type(tensors: Mapping[str, Tensor], params: Mapping[str, Param], asked: DType | None) -> torch.dtype:
    """The element type of a module's own floats; float32 where it has none. `asked` is what the graph's is to be.

    Tensors that the program gives a type must have it. Raises `ExportError` for others, for those that are of several
    types, or of one that no graph has.
    """
    kinds: dict[str, torch.dtype] = {}
    for name, tensor in tensors.items():
        if tensor.is_meta:
            reason = f"`{name}` has no numbers: it lies on the device meta"
            raise ExportError(WrongElements(reason, MEMORY))
        if not tensor.is_floating_point():
            continue
        declared = params[name].spec.dtype if name in params else DType.FLOAT
        if declared is DType.FLOAT:
            kinds[name] = tensor.dtype
        elif str(tensor.dtype) != f"torch.{declared.value}":
            reason = f"`{name}` is {word(tensor.dtype)}, and {declared.value} in the program"
            raise ExportError(WrongElements(reason, f"`module.{name}.data = module.{name}.data.{declared.value}()`"))
    if not kinds:
        return torch.float32
    counts = Counter(kinds.values())
    common = counts.most_common(1)[0][0]
    if len(counts) > 1:
        others = [name for name, kind in kinds.items() if kind is not common]
        more = f", and {len(others) - 1} more," if len(others) > 1 else ""
        reason = f"`{others[0]}`{more} is {word(kinds[others[0]])}, and the other tensors are {word(common)}"
        raise ExportError(WrongElements(reason, "move the whole module to one type: `net.float()` or `net.half()`"))
    if common not in OWN and (common is not torch.float64 or asked is None):
        words = f"this module is in {word(common)}, and a graph in float32, float16 or bfloat16"
        raise ExportError(WrongElements(words, 'round it: `net.float()`, or `dtype="float32"`'))
    return common


def word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def arrays(tensors: Mapping[str, Tensor]) -> dict[str, Array]:
    """Tensors as numpy arrays; on the CPU they share the tensors' memory.

    By way of DLPack: `Tensor.numpy` would mark their memory as such that is never given up, which `fully_shard` does
    in the next step of training.
    """
    found: dict[str, Array] = {}
    for name, tensor in tensors.items():
        host = whole(tensor).cpu().resolve_neg()  # DLPack has no word for a negative view
        found[name] = np.from_dlpack(host.float() if host.dtype is torch.bfloat16 else host)
    return found


def whole(tensor: Tensor) -> Tensor:
    """A tensor without its gradient; one that is sharded is gathered, which every rank must ask for."""
    found: Any = tensor.detach()
    if hasattr(found, "full_tensor"):
        found = found.full_tensor()
    assert isinstance(found, Tensor)
    return found

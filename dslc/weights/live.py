"""Weights put into a module of PyTorch: all are looked at before one is changed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np

from dslc.weights.checkpoint import Checkpoint, opened, skipped
from dslc.weights.containers import listed
from dslc.weights.errors import NoMemory, OtherModule, WeightsError
from dslc.weights.memory import Array
from dslc.weights.pickled import BITS
from dslc.weights.store import take

if TYPE_CHECKING:
    from torch import Tensor, nn

    from dslc.ir.model import Param


def load_into(module: nn.Module, given: Checkpoint, params: Mapping[str, Param]) -> tuple[str, ...]:
    """Copy the tensors of a file into a module of a network, on its devices and in its types; what was done.

    All are read and held to the network first, so that an error changes nothing. Tensors that are skipped stay as they
    are. Raises `WeightsError` as `checkpoint.read` does, where the module's state is no longer the network's, and where
    it is on the device meta.
    """
    import torch

    with opened(given, params) as tensors:
        kept = skipped(params, given.skip)
        state = take(tensors, {name: param for name, param in params.items() if name not in kept})
    own: dict[str, Tensor] = module.state_dict()
    _check(own, {name: param for name, param in params.items() if param.spec.kind != "const"})
    if empty := [name for name in state if own[name].is_meta]:
        raise WeightsError(NoMemory(listed(empty)))
    with torch.no_grad():
        for name in [*state]:
            own[name].copy_(tensor(state.pop(name)))
    return (*tensors.notes, *((f"{listed(list(kept))} stayed as they were",) if kept else ()))


def _check(own: Mapping[str, Tensor], params: Mapping[str, Param]) -> None:
    """Raises `WeightsError` where a module has other tensors than its program."""
    apart: Collection[str] = [
        name
        for name in dict.fromkeys((*params, *own))
        if name not in own or name not in params or tuple(own[name].shape) != params[name].spec.shape
    ]
    if apart:
        raise WeightsError(OtherModule(listed(apart)))


def tensor(array: Array) -> Tensor:
    """A tensor of an array of any type that files have, with the array's own memory where it may be written to."""
    import torch

    array = np.require(array, requirements=["C", "W"]).reshape(array.shape)
    if array.dtype.isbuiltin == 1:
        return torch.from_numpy(array)
    bits: Tensor = torch.from_numpy(array.view(BITS[array.dtype.itemsize]))
    return bits.view(getattr(torch, array.dtype.name))

"""Weights put into a module of PyTorch: all are looked at before one is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from dslc.weights.memory import Array
from dslc.weights.pickled import BITS

if TYPE_CHECKING:
    from torch import Tensor


def tensor(array: Array) -> Tensor:
    """A tensor of an array of any type that files have, with the array's own memory where it may be written to."""
    import torch

    array = np.require(array, requirements=["C", "W"]).reshape(array.shape)
    if array.dtype.isbuiltin == 1:
        return torch.from_numpy(array)
    bits: Tensor = torch.from_numpy(array.view(BITS[array.dtype.itemsize]))
    return bits.view(getattr(torch, array.dtype.name))

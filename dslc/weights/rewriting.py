"""A file of weights written again: in another kind of file, in another type."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from dslc.output import Output, data
from dslc.types.errors_numbers import UnheldNumber
from dslc.weights.errors import UnwrittenTensor, WeightsError
from dslc.weights.init import is_float
from dslc.weights.live import tensor
from dslc.weights.memory import Array
from dslc.weights.store import chunks, writable
from dslc.weights.tensors import Tensors, TensorSpec

SAFE = ".safetensors"
PICKLED = (".pth", ".pt", ".bin", ".ckpt")


class Cast(Tensors):
    """The tensors of another set with all floats in one type."""

    def __init__(self, of: Tensors, dtype: np.dtype[Any]) -> None:
        self.of = of
        self.notes = of.notes
        self.specs = {n: TensorSpec(s.shape, dtype if is_float(s.dtype) else s.dtype) for n, s in of.specs.items()}

    def read(self, name: str) -> Array:
        """Raises `WeightsError` for a finite number that the type does not hold."""
        array, dtype = self.of.read(name), self.specs[name].dtype
        if array.dtype == dtype:
            return array
        with np.errstate(over="ignore"):
            made = array.astype(dtype)
        odd = ~np.isfinite(made.astype(np.float32, copy=False))
        lost = array[odd][np.isfinite(array[odd].astype(np.float64))] if odd.any() else made.reshape(-1)[:0]
        if lost.size:
            raise WeightsError(UnheldNumber(name, float(lost[0]), str(dtype)))
        return made

    def origin(self, name: str) -> str:
        return self.of.origin(name)


def rewritten(path: Path, tensors: Tensors) -> Output:
    """The tensors as a file of the kind that its name says. Raises `WeightsError` for a type that it cannot hold."""
    if path.suffix == SAFE:
        wrong = [name for name, spec in tensors.specs.items() if not writable(spec.dtype)]
        if wrong:
            raise WeightsError(*(UnwrittenTensor(name, str(tensors.specs[name].dtype), SAFE) for name in wrong[:5]))
        return data(path, chunks(tensors, {"format": "pt"}))

    def write(target: Path) -> None:
        import torch

        state = {name: tensor(tensors.read(name)) for name in tensors.specs}
        with open(target, "wb") as file:  # by a path, torch would write the temporary name into the file
            torch.save(state, file)

    return Output(path, write)

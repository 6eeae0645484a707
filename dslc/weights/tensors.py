"""The one view of a set of tensors: names with shapes and types at once, the numbers of each when they are asked for.

Every source of weights has it (a .safetensors file, shards, a checkpoint of PyTorch, arrays in memory), and every step
between a file and a network wraps one in another: a prefix taken off, a map of names, tensors made from others.
Nothing is read before all shapes are known to fit, and a step holds one tensor at a time.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dslc.weights.memory import Array


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What is known of a tensor before it is read: its shape and its element type, as they stand in the file."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]  # a type of numpy, or of `ml_dtypes` for bfloat16 and 8-bit floats

    @property
    def count(self) -> int:
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.count * self.dtype.itemsize


class Tensors:
    """A set of tensors by name, in the order of the file.

    `notes` are sentences about what was done to get them (a container opened, a prefix taken off), for the user to
    read: lower case, no full stop.
    """

    specs: Mapping[str, TensorSpec]
    notes: tuple[str, ...] = ()

    def read(self, name: str) -> Array:
        """The numbers of one tensor, in the shape and type of its spec; not to be written to.

        Raises `OSError` or `WeightsError` where the file fails.
        """
        raise NotImplementedError(f"{type(self).__name__}.read")

    def read_into(self, name: str, place: Array) -> None:
        """Put the numbers of one tensor where they belong, an array of its shape and type. Raises as `read` does."""
        place[...] = self.read(name)

    def origin(self, name: str) -> str:
        """Where a tensor comes from, as a message says it: the name it has there, and the file."""
        raise NotImplementedError(f"{type(self).__name__}.origin")


class Arrays(Tensors):
    """Tensors in memory."""

    def __init__(self, arrays: Mapping[str, Array], where: str = "the state dict") -> None:
        self.arrays = arrays
        self.where = where
        self.specs = {name: TensorSpec(array.shape, array.dtype) for name, array in arrays.items()}

    def read(self, name: str) -> Array:
        return self.arrays[name]

    def origin(self, name: str) -> str:
        return f"`{name}` of {self.where}"


class Renamed(Tensors):
    """Some of the tensors of another set, under other names: `names` gives the old name of each new one."""

    def __init__(self, of: Tensors, names: Mapping[str, str], *notes: str) -> None:
        self.of = of
        self.names = dict(names)
        self.specs = {new: of.specs[old] for new, old in names.items()}
        self.notes = (*of.notes, *notes)

    def read(self, name: str) -> Array:
        return self.of.read(self.names[name])

    def read_into(self, name: str, place: Array) -> None:
        self.of.read_into(self.names[name], place)

    def origin(self, name: str) -> str:
        return self.of.origin(self.names[name])

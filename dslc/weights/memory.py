"""The elements of arrays as they stand in files: row-major and little-endian."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, TypeAlias

from dslc.record import frozen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array: TypeAlias = NDArray[Any]
else:
    Array = Any  # a graph that is only shown has arrays without numpy (backends/onnx/sketch.py)

STRIP = 16
"""Rows copied at a time by `transposed`."""


@frozen
class Product:
    """An array times a factor that is broadcast to it, multiplied where it is needed: as it is written.

    A network's weights, and the same with batch norms merged into them, would need memory for both.
    """

    array: Array
    factor: Array

    @property
    def shape(self) -> tuple[int, ...]:
        return self.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def size(self) -> int:
        return self.array.size

    @property
    def nbytes(self) -> int:
        return self.array.nbytes

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        made = self.array * self.factor
        return made if dtype is None else made.astype(dtype, copy=False)


Stored: TypeAlias = "Array | Product"
"""A tensor of a file."""


def raw(array: Stored) -> memoryview:
    """The bytes of an array; a view of its memory where it has that order already."""
    import numpy as np

    array = np.asarray(array)
    if array.dtype.byteorder == ">" or (array.dtype.byteorder == "=" and sys.byteorder == "big"):
        array = array.astype(array.dtype.newbyteorder("<"))
    if array.ndim == 2 and array.T.flags.c_contiguous and not array.flags.c_contiguous:
        array = transposed(array.T)
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data


def transposed(array: Array) -> Array:
    """The transpose of a matrix, copied in strips that fit the cache: a quarter of the time of numpy's copy."""
    import numpy as np

    result = np.empty(array.shape[::-1], array.dtype)
    for start in range(0, array.shape[0], STRIP):
        result[:, start : start + STRIP] = array[start : start + STRIP].T
    return result

"""What a tensor may be: its elements have addresses."""

from __future__ import annotations

from typing import Final

from dslc.bounds import WHOLE
from dslc.diagnostics.model import Reject
from dslc.elaborate.mistakes.limits import HugeTensor
from dslc.types.dim import UNKNOWN, Dim
from dslc.types.sizes import Sizes
from dslc.types.tensor import TensorType
from dslc.values.limits import in_range

INT32: Final = range(-(2**31), 2**31)
MAX_RANK: Final = 64
"""Axes that PyTorch and numpy take."""


def holdable(type: TensorType, sizes: Sizes) -> None:
    """A Reject of a tensor that cannot be addressed: by its axes, its sizes, or its bytes at the default sizes."""
    size = type.dtype.bytes
    for dim in type.dims:
        if dim is UNKNOWN:
            dim = 1
        elif isinstance(dim, Dim):
            if dim not in sizes.numbers:
                in_range(dim)
            dim = sizes.value(dim)
        size *= max(dim, 1)
    if size not in WHOLE or len(type.dims) > MAX_RANK:
        raise Reject(HugeTensor(str(type), len(type.dims), MAX_RANK))

"""What a program may hold: numbers by `dslc.bounds`, lists and texts by length, tensors by what can be addressed."""

from __future__ import annotations

from typing import Any, Final

from dslc.bounds import WHOLE, beyond, held, shown
from dslc.diagnostics.model import Reject
from dslc.elaborate.errors_body import HugeTensor
from dslc.elaborate.errors_use import BadOperation
from dslc.syntax import mistakes
from dslc.types.dim import Dim
from dslc.types.sizes import Sizes
from dslc.types.tensor import TensorType

MAX_LENGTH: Final = 1_000_000


INT32: Final = range(-(2**31), 2**31)
MAX_RANK: Final = 64
"""Axes that PyTorch and numpy take."""


def in_range(value: Any) -> Any:
    """A number or size that has just been computed; a Reject where a program may not hold it."""
    if isinstance(value, Dim):
        for _, coefficient in value.terms:
            in_range(coefficient)
    elif not held(value):
        raise Reject(mistakes.NumberRange(shown(value), beyond(value)))
    return value


def holdable(type: TensorType, sizes: Sizes) -> None:
    """A Reject of a tensor that cannot be addressed: by its axes, its sizes, or its bytes at the default sizes."""
    size = type.dtype.bytes
    for dim in type.dims:
        if isinstance(dim, Dim):
            in_range(dim)
            dim = sizes.value(dim)
        size *= max(dim, 1)
    if size not in WHOLE or len(type.dims) > MAX_RANK:
        raise Reject(HugeTensor(str(type), len(type.dims), MAX_RANK))


def short(count: int) -> int:
    """The length of a list or text. A Reject above `MAX_LENGTH`."""
    if count > MAX_LENGTH:
        raise Reject(BadOperation(f"a list or text of {count:,} items is too long: {MAX_LENGTH:,} are the most"))
    return count


def weight(value: object) -> int:
    """The items of a list, range or text, those of lists in it counted too; 0 for anything else.

    A list that holds one list many times is as long as its text would be: whatever walks it takes that long.
    Counting stops above `MAX_LENGTH`.
    """
    if not isinstance(value, list | tuple | range | str):
        return 0
    count = len(value)
    todo: list[list[object] | tuple[object, ...]] = [value] if isinstance(value, list | tuple) else []
    while todo and count <= MAX_LENGTH:
        for item in todo.pop():
            if type(item) is list or type(item) is tuple:
                count += len(item)
                todo.append(item)
    return count

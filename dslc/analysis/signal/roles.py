"""Which axes of a tensor are samples, channels and places; and one use of an op with all that its rules read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import field

from dslc.analysis.signal.laws import Law
from dslc.analysis.signal.stats import Slopes, Stats
from dslc.ops.base import Op
from dslc.record import record, replace
from dslc.types.dim import Dim, evaluate
from dslc.types.tensor import TensorType


class Missing(Exception):
    """A rule does not hold for this use; the message is the reason."""


@record
class Shape:
    """A type at given sizes. `channels`, `spots`: the axes of channels and of places; `sized`: those with samples."""

    type: TensorType
    dims: tuple[int, ...]
    samples: int
    width: int
    places: int
    channels: tuple[int, ...]
    sized: tuple[int, ...]

    @property
    def spots(self) -> tuple[int, ...]:
        return tuple(a for a in range(len(self.dims)) if a not in self.channels and a not in self.sized)


def shape_of(type: TensorType, at: Mapping[str, int], batch: str | None) -> Shape:
    """The shape at sizes; `batch` is the symbol of the samples, whose axes may hold places too (windows of a map)."""
    dims = tuple(evaluate(size, at) for size in type.dims)
    sized = tuple(
        axis
        for axis, size in enumerate(type.dims)
        if batch is not None and isinstance(size, Dim) and any(s.name == batch for s in size.symbols)
    )
    samples = at[batch] if sized and batch is not None else 1
    if type.channel is not None:
        channels: tuple[int, ...] = (type.channel % type.rank,)
    elif type.split:
        channels = type.split
    else:
        channels = (1,) if len(dims) > 3 else (len(dims) - 1,) if len(dims) > 1 else ()
    channels = tuple(axis for axis in channels if axis not in sized)
    width = math.prod(dims[axis] for axis in channels)
    places = max(math.prod(dims) // (samples * width), 1)
    return Shape(replace(type, dims=dims), dims, samples, width, places, channels, sized)


@record
class Use:
    """One use of an op: its inputs' values, and the laws of its own tensors by the op's names. `freed`: a norm behind
    takes out the scale of each channel of the result.
    """

    path: str
    op: Op
    ins: tuple[Stats, ...]
    shapes: tuple[Shape, ...]
    results: tuple[Shape, ...]
    laws: dict[str, Law]
    counts: dict[str, int] = field(default_factory=dict)
    dropping: bool = True
    freed: bool = False


@record
class Back:
    """What a rule gives back: the gradients of the inputs, and the mean squares of those of its own tensors."""

    ins: tuple[Slopes | None, ...]
    own: dict[str, float] = field(default_factory=dict)

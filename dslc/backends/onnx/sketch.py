"""Tensors of a graph that is only shown: shape and element type, and the numbers where a constant has them.

They stand where arrays of numpy stand in a graph that is written, and answer what the builder and the rewrites ask of
an array without its numbers. Nothing here needs numpy.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any, Final, cast

from dslc.record import frozen
from dslc.types.tensor import DType
from dslc.weights.memory import Array

FORMATS: Final = {"float32": "f", "float16": "e", "float64": "d"}
"""How `struct` rounds a number to an element type."""


@frozen
class Kind:
    """An element type, by the name that numpy has for it."""

    name: str


@frozen
class Sketch:
    """A tensor without memory of its own; `values` are its numbers in row-major order, none of a weight. `words` says
    where a weight comes from.
    """

    shape: tuple[int, ...]
    dtype: Kind
    values: tuple[Any, ...] | None = None
    words: str = ""

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return math.prod(self.shape)

    def reshape(self, *sides: Any) -> Sketch:
        """The same elements in another shape, of which one side may be -1."""
        wanted = tuple(sides[0]) if len(sides) == 1 and not isinstance(sides[0], int) else sides
        known = math.prod(side for side in wanted if side != -1)
        shape = tuple(self.size // known if side == -1 else side for side in wanted)
        return Sketch(shape, self.dtype, self.values, self.words)

    def transpose(self, axes: Sequence[int]) -> Sketch:
        """The axes in another order."""
        shape = tuple(self.shape[axis] for axis in axes)
        values = self.values
        if values is not None:
            steps = [math.prod(self.shape[axis + 1 :]) for axis in axes]
            places = product(*map(range, shape))
            values = tuple(values[sum(i * step for i, step in zip(at, steps, strict=True))] for at in places)
        return Sketch(shape, self.dtype, values, self.words)

    def like(self, value: float) -> Sketch:
        """A number of the same element type."""
        return Sketch((), self.dtype, (rounded(value, self.dtype.name),))

    def item(self) -> Any:
        """The number of a tensor of one element."""
        (value,) = self.known
        return value

    def tolist(self) -> Any:
        """The numbers, nested as the shape is."""
        return self.item() if not self.shape else nested(iter(self.known), self.shape)

    def tobytes(self) -> bytes:
        """What two constants have in common iff their numbers are the same."""
        return repr(self.known).encode()

    @property
    def known(self) -> tuple[Any, ...]:
        """The numbers of a constant."""
        assert self.values is not None, "a weight has no numbers here"
        return self.values

    def __float__(self) -> float:
        return float(self.item())


def nested(values: Iterator[Any], shape: Sequence[int]) -> list[Any]:
    """Numbers in lists of lists."""
    if len(shape) == 1:
        return [next(values) for _ in range(shape[0])]
    return [nested(values, shape[1:]) for _ in range(shape[0])]


def flat(values: Any) -> list[Any]:
    """The numbers of nested lists."""
    if isinstance(values, list | tuple | range):
        return [number for each in values for number in flat(each)]
    return [values]


def rounded(value: Any, kind: str) -> Any:
    """A number as an element type holds it."""
    if kind == "bool":
        return bool(value)
    if kind not in FORMATS:
        return float(value) if "float" in kind else int(value)
    try:
        return struct.unpack(FORMATS[kind], struct.pack(FORMATS[kind], float(value)))[0]
    except OverflowError:
        return math.copysign(math.inf, value)


def kind_of(dtype: DType) -> Kind:
    """The element type that a graph holds a type of the language in; `float` is held in float32."""
    return Kind("float32" if dtype is DType.FLOAT else dtype.value)


def constant(values: Any, dtype: DType, shape: Sequence[int] | None = None) -> Array:
    """A constant of a graph that is only shown."""
    kind = kind_of(dtype)
    numbers = tuple(rounded(value, kind.name) for value in flat(values))
    found = Sketch((len(numbers),) if isinstance(values, list | tuple | range) else (), kind, numbers)
    return as_array(found if shape is None else found.reshape(shape))


def weight(shape: Sequence[int], dtype: DType, words: str) -> Array:
    """A weight of a graph that is only shown."""
    return as_array(Sketch(tuple(shape), kind_of(dtype), None, words))


def as_array(sketch: Sketch) -> Array:
    """A sketch where arrays stand, for the type checker: the builder and the rewrites take either."""
    return cast(Array, sketch)


def is_sketch(array: object) -> bool:
    """Whether a tensor has a shape and no memory."""
    return isinstance(array, Sketch)

"""Types of tensors: sizes, element type and the axis that holds channels."""

from __future__ import annotations

from dataclasses import field
from enum import Enum
from typing import Final

from dslc.record import frozen, replace
from dslc.syntax import tree
from dslc.types.const import Const
from dslc.types.dim import Size


class DType(Enum):
    """Element types; values are the names used in the language and, but for `float`, by torch.

    `float` is the network's own type: what a build sets (`--dtype`), the type of weights and of inputs without a type
    of their own. `float32` is exactly that in every build. Float types never mix: `ops.broadcasting.promoted`.
    """

    FLOAT = "float"
    FLOAT32 = "float32"
    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    INT64 = "int64"
    INT32 = "int32"
    BOOL = "bool"

    @property
    def bytes(self) -> int:
        """Size of one element; of `float` in a build in float32, which every report is of unless it says another."""
        return _BYTES[self._value_]  # every tensor asks for it, and `value` is slow

    @property
    def is_float(self) -> bool:
        return "float" in self._value_


_BYTES: Final = {"float": 4, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "bool": 1}


def is_half(dtype: DType | None) -> bool:
    """Whether a type has floats of 16 bits."""
    return dtype in (DType.FLOAT16, DType.BFLOAT16)


@frozen
class TensorType:
    """A tensor's type.

    `channel`: the axis of channels (1 for maps, the last for tokens and features; none: not settled, as in a
    net's input of rank 3, so that both `conv` and `linear` accept it).
    `split`: the axes that hold the channels taken apart by a pattern, the slowest first; `channel` is none then.
    `words`: per axis, the size in the words of the block the value lives in, where known.
    `given`: the input of a net that the tensor still is, axis by axis. None of these three is part of equality.
    """

    dims: tuple[Size, ...]
    dtype: DType = DType.FLOAT
    channel: int | None = None
    words: tuple[Const | None, ...] = field(default=(), compare=False)
    split: tuple[int, ...] = field(default=(), compare=False)
    given: tree.Port | None = field(default=None, compare=False)

    @property
    def rank(self) -> int:
        return len(self.dims)

    @property
    def spatial(self) -> tuple[Size, ...]:
        """Sizes after batch and channels of a map `[N, C, *S]`."""
        return self.dims[2:]

    def holds_channels(self, axis: int) -> bool:
        """Whether an axis is known to hold channels, or a part of them."""
        return axis == self.channel or axis in self.split

    def word(self, axis: int) -> Const | None:
        """The size of an axis in the block's words, where known."""
        axis = axis % len(self.dims)
        return self.words[axis] if axis < len(self.words) else None

    def built(self, float: DType) -> TensorType:
        """The type in a build in which the network's own `float` is this."""
        return replace(self, dtype=float) if self.dtype is DType.FLOAT else self

    def with_dim(self, axis: int, size: Size, word: Const | None = None) -> TensorType:
        """One size replaced, with its words; the rest keeps its words."""
        axis = axis % self.rank
        words = list(self.words or (None,) * self.rank)
        words[axis] = word
        dims = (*self.dims[:axis], size, *self.dims[axis + 1 :])
        return TensorType(dims, self.dtype, self.channel, tuple(words), self.split, self.given)

    def with_spatial(self, sizes: tuple[Size, ...]) -> TensorType:
        """A map with other sizes after batch and channels."""
        words = (*(self.words or (None,) * self.rank)[:2], *(None,) * len(sizes))
        return TensorType((*self.dims[:2], *sizes), self.dtype, self.channel, words, self.split, self.given)

    def with_dims(
        self,
        dims: tuple[Size, ...],
        channel: int | None,
        words: tuple[Const | None, ...] = (),
        split: tuple[int, ...] = (),
    ) -> TensorType:
        """Other sizes altogether, same element type."""
        return TensorType(dims, self.dtype, channel, words, split)

    def with_channel(self, axis: int) -> TensorType:
        """The same tensor with its channels on an axis, counted from either end."""
        return TensorType(self.dims, self.dtype, axis % self.rank, self.words)

    def __str__(self) -> str:
        text = ", ".join(str(d) for d in self.dims)
        return f"[{text}]" if self.dtype is DType.FLOAT else f"{self.dtype.value}[{text}]"

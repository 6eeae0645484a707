"""The surroundings that `infer` and `torch` rules ask, for one use of an op outside any network."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from dslc.ops.base import Op, Types
from dslc.source import Source
from dslc.types.const import Const, literal
from dslc.types.dim import Size
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType

SPAN = Source("test.dl", "x").span(0, 1)


def torch_type(dtype: DType) -> torch.dtype:
    """What torch calls an element type; `float` is its default."""
    found = torch.get_default_dtype() if dtype is DType.FLOAT else getattr(torch, dtype.value)
    assert isinstance(found, torch.dtype)
    return found


@dataclass
class Infer:
    """`InferContext` of a use: sizes are decided by the real `Sizes`, attributes have no words."""

    sizes: Sizes = field(default_factory=Sizes)

    def equal(self, a: Size, b: Size) -> Size:
        return self.sizes.equal(a, b, SPAN)

    def at_least(self, a: Size, b: Size) -> None:
        self.sizes.at_least(a, b, SPAN)

    def divide(self, a: Size, m: Size) -> Size:
        return self.sizes.divide(a, m, SPAN)

    def pin(self, a: Size) -> int:
        return self.sizes.pin(a, SPAN)

    def word(self, attribute: str) -> Const | None:
        return None

    def count(self, parts: int) -> None:
        """Nothing is counted here."""

    def loose(self, index: int) -> bool:
        return False


def infer(op: Op, ins: Types, sizes: Sizes | None = None) -> Types:
    """The types of an op's results."""
    found = op.infer(Infer(sizes or Sizes()), *ins)
    return (found,) if isinstance(found, TensorType) else found


@dataclass
class Torch:
    """`TorchContext` of a use: every slot is a literal."""

    op: Op
    ins: Types
    outs: Types
    helpers: dict[str, str] = field(default_factory=dict)

    def attr(self, name: str) -> Const:
        return literal(getattr(self.op, name), SPAN)

    def size(self, index: int, axis: int) -> Const:
        return literal(self.ins[index].dims[axis], SPAN)

    def const(self, value: object) -> Const:
        return literal(value, SPAN)

    def helper(self, name: str, source: str) -> str:
        self.helpers[name] = source
        return name

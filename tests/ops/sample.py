"""What a sample of an op is: attributes and types of inputs, declared once for every test of the op."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from dslc.ops.base import REGISTRY, Op
from dslc.types.const import Const
from dslc.types.tensor import DType, TensorType


@dataclass(frozen=True)
class Sample:
    """A use of an op. Floats are drawn from N(0, 1), integers from 0 to `below` - 1, booleans evenly.

    `given`: attributes that are tensors owned elsewhere, with their shapes. `open`: the axes of the first
    input that may be symbolic, so that the export with open sizes is tested too. `macs`: multiply-adds by a
    formula of the sample's own, where torch's flop counter does not know the op. `positive`: floats are at
    least 0.
    """

    inputs: tuple[TensorType, ...]
    attributes: dict[str, Any] = field(default_factory=dict)
    given: dict[str, tuple[int, ...]] = field(default_factory=dict)
    open: tuple[int, ...] = ()
    macs: int | None = None
    below: int = 4
    positive: bool = False

    def op(self, name: str) -> Op:
        """The op with these attributes; a tensor given is known by its shape alone."""
        given = {key: SimpleNamespace(type=TensorType(shape)) for key, shape in self.given.items()}
        attributes = {**self.attributes, **given}
        # As the elaborator settles it where no norm follows.
        automatic = "bias" in REGISTRY[name].attributes and REGISTRY[name].attributes["bias"].default == "auto"
        if automatic:
            attributes.setdefault("bias", True)
        return REGISTRY[name](**attributes)

    def __str__(self) -> str:
        inputs = " ".join(str(type_) for type_ in self.inputs)
        named = {**self.attributes, **dict.fromkeys(self.given, "given")}
        return f"{inputs} {' '.join(f'{k}={plainly(v)}' for k, v in named.items())}".strip()


def layer(name: str, **attributes: Any) -> Op:
    """A layer to be wrapped by another."""
    return Sample((), attributes).op(name)


def plainly(value: object) -> object:
    """A value with the constants in it shown by value."""
    if isinstance(value, Const):
        return plainly(value.value)
    return tuple(map(plainly, value)) if isinstance(value, tuple) else value


def maps(*dims: int) -> TensorType:
    """A map `[N, C, *S]`."""
    return TensorType(dims, channel=1)


def tokens(*dims: int) -> TensorType:
    """Tokens or features, channels last."""
    return TensorType(dims, channel=len(dims) - 1)


def plain(*dims: int) -> TensorType:
    """Floats without a settled axis of channels."""
    return TensorType(dims)


def ints(*dims: int) -> TensorType:
    """Indices."""
    return TensorType(dims, DType.INT64)


def bools(*dims: int) -> TensorType:
    """Conditions."""
    return TensorType(dims, DType.BOOL)


def over_maps(*dims: int, **attributes: Any) -> Sample:
    """A sample on one map; batch and places may be open."""
    return Sample((maps(*dims),), attributes, open=(0, *range(2, len(dims))))


def over_tokens(*dims: int, **attributes: Any) -> Sample:
    """A sample on tokens or features; all axes but the last may be open."""
    return Sample((tokens(*dims),), attributes, open=tuple(range(len(dims) - 1)))

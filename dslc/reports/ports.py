"""A network's inputs, results and weights as plain records, and the network as one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from dslc.ir.model import Model
from dslc.reports.columns import shape_text
from dslc.reports.numbers import size_text
from dslc.reports.terminal import port_text
from dslc.types.dim import Dim, evaluate
from dslc.types.sizes import Sizes
from dslc.types.tensor import TensorType

Shape: TypeAlias = tuple[int | None, ...]
"""Sizes at the defaults; none for a size that the net leaves open (the batch)."""


@dataclass(frozen=True, slots=True)
class Port:
    """An input or a result, by its `name`.

    `shape` has numbers and, where a size is symbolic, its text in the program's names: `("N", 3, "H", "W")`. `default`
    has the numbers at the default sizes, none for a size without a default (the batch). `dtype` is `"float32"`,
    `"int64"` and so on; that of the network's own floats is what its inputs set.
    """

    name: str
    shape: tuple[int | str, ...]
    default: Shape
    dtype: str


@dataclass(frozen=True, slots=True)
class Weight:
    """A tensor of the state dict.

    `name` is its key; `shape` and `dtype` are those of the fresh tensor, `trained` is false for a buffer, such as a
    running mean.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    trained: bool


def inputs(model: Model) -> dict[str, Port]:
    """The inputs by name, in order."""
    return {value.name or "it": port(value.name or "it", value.type, model) for value in model.root.inputs}


def outputs(model: Model) -> dict[str, Port]:
    """The results by name, in order; one without a name is called `output`, as in the ONNX graph."""
    named = zip(model.root.output_names, model.root.outputs, strict=True)
    return {name or "output": port(name or "output", value.type, model) for name, value in named}


def weights(model: Model) -> dict[str, Weight]:
    """The tensors of the state dict by key, in order."""
    return {
        path: Weight(path, param.spec.shape, built(param.spec.dtype.value, model), param.spec.kind == "param")
        for path, param in model.params.items()
        if param.spec.kind != "const"
    }


def port(name: str, type: TensorType, model: Model) -> Port:
    """A tensor's record."""
    sizes = model.sizes
    shape = tuple(size if isinstance(size, int) else size_text(size, sizes) for size in type.dims)
    return Port(name, shape, default_shape(type, sizes), built(type.dtype.value, model))


def default_shape(type: TensorType, sizes: Sizes) -> Shape:
    """The sizes at the defaults; none where a size depends on one that has no default."""
    return tuple(
        None
        if isinstance(size, Dim) and any(s.name in sizes.universal for s in size.symbols)
        else evaluate(size, sizes.default)
        for size in type.dims
    )


def built(dtype: str, model: Model) -> str:
    """An element type in a build that asks for no other: `float` is what the inputs set."""
    return model.float.value if dtype == "float" else dtype


def one_line(model: Model) -> str:
    """`resnet50: image[N, 3, H=224, W=224] -> [N, 1000], 25,557,032 parameters`."""
    ins = ", ".join(f"{value.name or 'it'}{port_text(value.type, model.sizes)}" for value in model.root.inputs)
    results = zip(model.root.output_names, model.root.outputs, strict=True)
    outs = ", ".join(f"{name or ''}{shape_text(value.type, model.sizes)}" for name, value in results)
    count = sum(param.spec.count for param in model.params.values() if param.spec.kind == "param")
    return f"{model.entry}: {ins} -> {outs}, {count:,} parameters"

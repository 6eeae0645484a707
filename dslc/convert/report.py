"""What a conversion did, in a few lines."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.convert.program import Converted
from dslc.ir.model import Model
from dslc.types.dim import Dim
from dslc.types.tensor import TensorType


def summary(converted: Converted) -> Iterator[str]:
    """For each net its first changed result, and the sizes of that map at the default size and at twice it."""
    for name, model in converted.after.items():
        pairs = zip(converted.before[name].root.outputs, model.root.outputs, strict=True)
        results = [after.type for before, after in pairs if after.type.rank > before.type.rank]
        if results:
            yield f"{name}: {_inputs(model)} -> {results[0]}; {_places(model, results[0])}"


def _inputs(model: Model) -> str:
    """`image[N, 3, H=224, W=224]`."""
    defaults = {name: size for name, size in model.sizes.default.items() if name not in model.sizes.universal}
    texts = []
    for value in model.root.inputs:
        dims = [f"{d}={defaults[str(d)]}" if str(d) in defaults else str(d) for d in value.type.dims]
        texts.append(f"{value.name}[{', '.join(dims)}]")
    return ", ".join(texts)


def _places(model: Model, result: TensorType) -> str:
    """`224x224 gives 1x1, 448x448 gives 8x8`."""
    image = model.root.inputs[0].type
    once = {name: size for name, size in model.sizes.default.items() if any(str(d) == name for d in image.spatial)}
    if not any(isinstance(size, Dim) for size in result.spatial):
        return f"{_sides(model, result, {})} at every size: another layer fixes the size of the map"
    both = ({name: size * factor for name, size in once.items()} for factor in (1, 2))
    return ", ".join(f"{_sides(model, image, at)} gives {_sides(model, result, at)}" for at in both)


def _sides(model: Model, type: TensorType, at: dict[str, int]) -> str:
    return "x".join(str(model.sizes.evaluate(size, at)) for size in type.spatial)

"""Fold batch norms into the linear maps before them."""

from __future__ import annotations

from collections import defaultdict

from dslc.backends.onnx.graph import Array, NodeDef, OnnxGraph, Stored
from dslc.backends.onnx.sketch import Sketch, as_array
from dslc.record import replace
from dslc.weights.memory import Product

LINEAR = ("Conv", "ConvTranspose", "Gemm")


def fold_bn(graph: OnnxGraph) -> None:
    """Merge BatchNormalization into the Conv, ConvTranspose or Gemm whose result it alone reads.

    With s = scale / sqrt(var + eps), the weight becomes `w * s` per output channel and the bias
    `(b - mean) * s + bias` (Ioffe and Szegedy 2015, inference). Weights keep their names; the result keeps
    the norm's. A weight that several uses share is folded only if all of them are followed by the same norm.
    """
    readers = graph.readers()
    pairs: dict[str, list[tuple[NodeDef, NodeDef]]] = defaultdict(list)
    for linear in graph.nodes:
        if linear.kind in LINEAR:
            norm = _norm_after(graph, linear, readers)
            if norm is not None:
                pairs[linear.inputs[1]].append((linear, norm))
    gone: set[int] = set()
    for weight, found in pairs.items():
        linear, norm = found[0]
        alike = all(a.inputs[1:] == linear.inputs[1:] and b.inputs[1:] == norm.inputs[1:] for a, b in found)
        if not alike or len(readers[weight]) != len(found) or not _same_rule(found):
            continue
        bias = _fold(graph, linear, norm, readers, len(found))
        for a, b in found:
            a.inputs = [a.inputs[0], weight, bias]
            a.outputs, a.origins = b.outputs, (*a.origins, *b.origins)
            gone.add(id(b))
    graph.nodes = [node for node in graph.nodes if id(node) not in gone]


def _norm_after(graph: OnnxGraph, linear: NodeDef, readers: dict[str, list[NodeDef]]) -> NodeDef | None:
    """The batch norm that alone reads a linear map's result, all its numbers being known."""
    result = linear.outputs[0]
    after = readers.get(result, [])
    if len(after) != 1 or after[0].kind != "BatchNormalization" or result in graph.outputs:
        return None
    norm = after[0]
    known = [*linear.inputs[1:], *norm.inputs[1:]]
    if norm.inputs[0] != result or len([name for name in norm.outputs if name]) != 1:
        return None
    if not all(name in graph.initializers for name in known) or not {"alpha", "beta", "transA"}.isdisjoint(
        linear.attributes
    ):
        return None
    return norm if all(graph.initializers[name].ndim == 1 for name in known[1:]) else None


def _same_rule(found: list[tuple[NodeDef, NodeDef]]) -> bool:
    """Whether all uses of a weight map it to channels in the same way and norm them with the same epsilon."""
    rules = [
        (a.kind, a.attributes.get("group"), a.attributes.get("transB"), b.attributes.get("epsilon")) for a, b in found
    ]
    return all(rule == rules[0] for rule in rules)


def _fold(graph: OnnxGraph, linear: NodeDef, norm: NodeDef, readers: dict[str, list[NodeDef]], uses: int) -> str:
    """Store the folded weight and bias; the bias's name."""
    key = linear.inputs[1]
    given = linear.inputs[2] if len(linear.inputs) > 2 else ""
    name = given if given and len(readers[given]) == uses else bias_name(graph, key)
    graph.initializers |= dict(zip((key, name), _folded(graph, linear, norm, given), strict=True))
    graph.keep_exact(name, key)
    return name


def _folded(graph: OnnxGraph, linear: NodeDef, norm: NodeDef, given: str) -> tuple[Stored, Stored]:
    """Weight and bias of both; `given` is the bias that the linear map has."""
    weight: Array | Sketch = graph.numbers(linear.inputs[1])
    if isinstance(weight, Sketch):
        words = f"of {', '.join([*linear.inputs[1:], *norm.inputs[1:5]])}"
        bias = Sketch(graph.numbers(norm.inputs[1]).shape, weight.dtype, None, words)
        return as_array(replace(weight, words=words)), as_array(bias)
    import numpy as np

    gamma, beta, mean, var = (graph.numbers(name).astype(np.float64) for name in norm.inputs[1:5])
    epsilon = norm.attributes.get("epsilon", 1e-5)
    assert isinstance(epsilon, float)
    scale = gamma / np.sqrt(var + epsilon)
    old = graph.numbers(given).astype(np.float64) if given else np.zeros_like(mean)
    product = Product(weight, _factor(weight, scale.astype(weight.dtype), linear))
    return product, ((old - mean) * scale + beta).astype(weight.dtype)


def _factor(weight: Array, scale: Array, linear: NodeDef) -> Array:
    """The factors of the output channels in a shape that broadcasts to the weight."""
    if linear.kind == "Gemm" and not linear.attributes.get("transB", 0):
        return scale
    taps = (1,) * (weight.ndim - 2)
    if linear.kind != "ConvTranspose":
        return scale.reshape(-1, 1, *taps)
    groups = linear.attributes.get("group", 1)  # [in, out/g, *k]: group i of the inputs makes group i of the outputs
    assert isinstance(groups, int)
    import numpy as np

    by_group = np.repeat(scale.reshape(groups, -1), weight.shape[0] // groups, axis=0)
    return by_group.reshape(*by_group.shape, *taps)


def bias_name(graph: OnnxGraph, weight: str) -> str:
    """`conv1.bias` for `conv1.weight`."""
    head, dot, _ = weight.rpartition(".")
    name = f"{head}{dot}bias"
    while name in graph.initializers:
        name += "_folded"
    return name

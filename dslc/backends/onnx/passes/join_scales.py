"""Join products by numbers that follow each other before a matrix product."""

from __future__ import annotations

from dslc.backends.onnx.graph import Array, NodeDef, OnnxGraph
from dslc.backends.onnx.sketch import Sketch, as_array

INVERSE = {"Mul": False, "Div": True}


def join_scales(graph: OnnxGraph) -> None:
    """Make `(x * a) * b` read `x` where it goes into a matrix product and `x * a` goes into another one.

    onnxruntime 1.30 moves numbers into matrix products (MatMulScaleFusion). For these two it takes out `x * a` while
    the first product still reads it, and refuses the graph. Queries of attention that are also its values are such.
    """
    producers, readers = graph.producers(), graph.readers()
    for outer in graph.nodes:
        factor = _factor(graph, outer)
        inner = producers.get(outer.inputs[0]) if factor is not None else None
        first = _factor(graph, inner) if inner is not None else None
        if inner is None or factor is None or first is None or not _into_product(readers, outer):
            continue
        if not any(reader.kind == "MatMul" for reader in readers[inner.outputs[0]]):
            continue
        before = graph.numbers(outer.inputs[1])
        outer.origins = (*outer.origins, *inner.origins)
        outer.kind, outer.inputs = "Mul", [inner.inputs[0], _number(graph, first * factor, before)]


def _into_product(readers: dict[str, list[NodeDef]], node: NodeDef) -> bool:
    """Whether a MatMul reads a node's result."""
    return any(reader.kind == "MatMul" for reader in readers.get(node.outputs[0], ()))


def _factor(graph: OnnxGraph, node: NodeDef) -> float | None:
    """The number by which a node multiplies its first input; none of another node."""
    if node.kind not in INVERSE or node.domain or node.inputs[1] not in graph.initializers:
        return None
    number = graph.numbers(node.inputs[1])
    if number.ndim or not float(number):
        return None
    return 1 / float(number) if INVERSE[node.kind] else float(number)


def _number(graph: OnnxGraph, value: float, like: Array) -> str:
    """A constant of the type of another."""
    array = _like(value, like)
    name = f"{array.dtype.name}({float(array)!r})"
    graph.initializers[name] = array
    if array.dtype.name == "float32":
        graph.exact.add(name)
    return name


def _like(value: float, other: Array | Sketch) -> Array:
    """A number of the type of another."""
    if isinstance(other, Sketch):
        return as_array(other.like(value))
    import numpy as np

    return np.array(value, other.dtype)

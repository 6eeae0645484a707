"""Store a weight in the layout in which it is read."""

from __future__ import annotations

from dslc.backends.onnx.graph import Array, NodeDef, OnnxGraph


def store_layout(graph: OnnxGraph) -> None:
    """Replace Transpose or Reshape of an initialiser by the initialiser in that layout, under its own name.

    Only where every reader asks for the same layout: a weight with other readers (a tied embedding) is stored
    once, as it is, and keeps the node. The arrays are views: what must be moved is moved as it is written.
    """
    dropped: dict[str, str] = {}
    gone: set[int] = set()
    readers = graph.readers()
    for name in list(graph.initializers):
        nodes = readers.get(name, ())
        layouts = {_layout(graph, node, name) for node in nodes}
        if len(layouts) != 1 or any(node.outputs[0] in graph.outputs for node in nodes):
            continue
        layout = layouts.pop()
        if layout is None:
            continue
        graph.initializers[name] = _apply(graph.numbers(name), layout)
        dropped |= {node.outputs[0]: name for node in nodes}
        gone |= {id(node) for node in nodes}
    if gone:
        graph.nodes = [node for node in graph.nodes if id(node) not in gone]
        graph.rename(dropped)


def _layout(graph: OnnxGraph, node: NodeDef, name: str) -> tuple[str, tuple[int, ...]] | None:
    """(kind, axes or shape) of a node that only moves the elements of the weight `name`."""
    if node.inputs[0] != name:
        return None
    if node.kind == "Transpose":
        perm = node.attributes.get("perm")
        return ("Transpose", tuple(perm)) if isinstance(perm, tuple | list) else None
    if node.kind == "Reshape" and node.inputs[1] in graph.initializers:
        shape = tuple(graph.numbers(node.inputs[1]).tolist())
        return ("Reshape", shape) if all(side > 0 for side in shape) else None
    return None


def _apply(array: Array, layout: tuple[str, tuple[int, ...]]) -> Array:
    kind, sides = layout
    return array.reshape(sides) if kind == "Reshape" else array.transpose(sides)

"""Take out nodes that change nothing."""

from __future__ import annotations

from dslc.backends.onnx.graph import NodeDef, OnnxGraph


def drop_identity(graph: OnnxGraph) -> None:
    """Drop Identity, Dropout without a mask, Transpose in the same order and Cast to the same type.

    One that makes a graph output from an input, from a weight or from another output stays: a tensor has one
    name.
    """
    producers = graph.producers()
    renamed: dict[str, str] = {}
    kept: list[NodeDef] = []
    for node in graph.nodes:
        node.inputs = [renamed.get(name, name) for name in node.inputs]
        if not _changes_nothing(graph, node):
            kept.append(node)
            continue
        source, result = node.inputs[0], node.outputs[0]
        if result not in graph.outputs:
            renamed[result] = source
        elif source in producers and source not in graph.outputs:
            renamed[source] = result
            maker = producers[source]
            maker.outputs = [result if name == source else name for name in maker.outputs]
            producers[result] = maker
        else:
            kept.append(node)
    graph.nodes = kept
    graph.rename(renamed)


def _changes_nothing(graph: OnnxGraph, node: NodeDef) -> bool:
    if node.kind == "Identity":
        return True
    if node.kind == "Dropout":
        return len([name for name in node.outputs if name]) == 1 and len(node.inputs) < 3
    if node.kind == "Transpose":
        perm = node.attributes.get("perm")
        return isinstance(perm, tuple | list) and list(perm) == list(range(len(perm)))
    if node.kind == "Cast":
        known = graph.values.get(node.inputs[0])
        return known is not None and known.dtype is node.attributes["to"]
    return False

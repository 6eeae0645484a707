"""Read shapes where that neither stops a rewrite nor keeps a tensor alive."""

from __future__ import annotations

from dslc.backends.onnx.graph import NodeDef, OnnxGraph


def place_shapes(graph: OnnxGraph) -> None:
    """Let each Shape read the last tensor of a chain of one shape, and stand right behind what makes it.

    Rewrites, ours as onnxruntime's, join a node with the one that alone reads its result: a Shape must not be a second
    reader of a convolution's before its norm and activation. Nodes behind the Shape may depend on it, so a chain ends
    at its place; and it moves up from there, because its input lives until it has run.
    """
    if not any(node.kind == "Shape" for node in graph.nodes):
        return
    place = {id(node): at for at, node in enumerate(graph.nodes)}
    readers, makers = graph.readers(), graph.producers()
    behind: dict[int, list[NodeDef]] = {}
    moved: set[int] = set()
    for node in graph.nodes:
        if node.kind == "Shape" and node.inputs[0] in makers:
            node.inputs[0] = _last(graph, node, readers, place)
            behind.setdefault(id(makers[node.inputs[0]]), []).append(node)
            moved.add(id(node))
    graph.nodes = [
        placed for node in graph.nodes for placed in ([] if id(node) in moved else [node, *behind.get(id(node), ())])
    ]


def _last(graph: OnnxGraph, shape: NodeDef, readers: dict[str, list[NodeDef]], place: dict[int, int]) -> str:
    """The last tensor before a Shape that has its input's shape, each being read by what makes the next alone."""
    name = shape.inputs[0]
    while True:
        others = [node for node in readers.get(name, ()) if node.kind != "Shape"]
        if len(others) != 1 or name in graph.outputs or place[id(others[0])] > place[id(shape)]:
            return name
        known, after = graph.values.get(name), graph.values.get(others[0].outputs[0])
        if known is None or after is None or known.shape != after.shape:
            return name
        name = others[0].outputs[0]

"""Take out what no output depends on."""

from __future__ import annotations

from dslc.backends.onnx.graph import OnnxGraph


def drop_unread(graph: OnnxGraph) -> None:
    """Drop nodes none of whose results is read, and initialisers that no node reads.

    Results of a kept node that nothing reads lose their name where they are optional: they stand last.
    """
    wanted = set(graph.outputs)
    kept = []
    for node in reversed(graph.nodes):
        if wanted.isdisjoint(node.outputs):
            continue
        wanted.update(node.inputs)
        kept.append(node)
    graph.nodes = kept[::-1]
    graph.initializers = {name: array for name, array in graph.initializers.items() if name in wanted}

"""Let convolutions pad by themselves."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.backends.onnx.graph import NodeDef, OnnxGraph


def pad_in_conv(graph: OnnxGraph) -> None:
    """Merge a Pad of zeros into the Conv that alone reads its result; the amounts are constants.

    A padded copy of the map is never made then.
    """
    readers = graph.readers()
    gone: set[int] = set()
    for pad in graph.nodes:
        after = readers.get(pad.outputs[0], []) if pad.kind == "Pad" else []
        if len(after) != 1 or after[0].kind != "Conv" or pad.outputs[0] in graph.outputs:
            continue
        conv, amounts = after[0], _zeros(graph, pad)
        own = conv.attributes.get("pads")
        if conv.inputs[0] != pad.outputs[0] or amounts is None or not isinstance(own, Sequence):
            continue
        conv.attributes["pads"] = tuple(a + b for a, b in zip(amounts, own, strict=True))
        conv.inputs[0], conv.origins = pad.inputs[0], (*conv.origins, *pad.origins)
        gone.add(id(pad))
    graph.nodes = [node for node in graph.nodes if id(node) not in gone]


def _zeros(graph: OnnxGraph, pad: NodeDef) -> tuple[int, ...] | None:
    """The amounts of zeros that a Pad of all axes adds to those of a map's places; none where it does anything else."""
    held = graph.initializers
    value = pad.inputs[2]
    if pad.inputs[1] not in held or pad.attributes.get("mode") != "constant":
        return None
    if value and (value not in held or float(graph.numbers(value)) != 0):
        return None
    numbers = tuple(map(int, graph.numbers(pad.inputs[1]).tolist()))
    rank = len(numbers) // 2
    before, after = numbers[:rank], numbers[rank:]
    return None if min(numbers) < 0 or any((*before[:2], *after[:2])) else (*before[2:], *after[2:])

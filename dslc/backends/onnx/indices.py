"""Places that inputs name, such as rows of a table: which are allowed, written by an export and checked by a run.

PyTorch refuses a place that is not there; onnxruntime reads negative ones from the end, and gives a row of zeros for
one that is too large for `one_hot`. `dslc.indices` says of each tensor of places what it may hold. A tensor that is
computed inside the graph is checked where it is among the outputs of the session: `watched` puts it there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dslc.backends.onnx.errors_run import IndexOutside
from dslc.backends.onnx.graph import Array, NodeDef, OnnxGraph
from dslc.backends.onnx.guards import place_of, plain, read_size
from dslc.backends.onnx.sizes import SizeView
from dslc.ir.model import Model, Node
from dslc.ir.walk import Needed, flatten
from dslc.record import frozen, replace
from dslc.types.dim import evaluate

if TYPE_CHECKING:
    from dslc.backends.onnx.model import OnnxModel

_PLACES = {"Gather": 1, "GatherElements": 1, "OneHot": 0}
"""The input of a node that holds places."""

_VIEWS = {"Reshape", "Flatten", "Transpose", "Squeeze", "Unsqueeze", "Identity", "Cast"}
"""Nodes whose result has all elements of their first input, and no others."""


@frozen
class Places:
    """A tensor of the graph whose elements are places of an axis: `least..most` as the layer `by` takes them."""

    tensor: str
    node: str
    least: int
    most: int
    by: str
    line: str

    def mistake(self, value: int | None, name: str = "") -> IndexOutside:
        return IndexOutside(self.by, self.least, self.most, value, name, self.line)

    def check(self, array: Array, name: str = "") -> list[IndexOutside]:
        """A mistake where an element is no such place; of several, for the one farthest out."""
        if not array.size:
            return []
        low, high = int(array.min()), int(array.max())
        worst = high if high - self.most >= self.least - low else low
        return [] if self.least <= worst <= self.most else [self.mistake(worst, name)]


def index_metadata(graph: OnnxGraph, model: Model, view: SizeView) -> dict[str, str]:
    """`dslc.indices` of a network's finished graph; nothing where it reads by no index."""
    nodes = {node.name: node for node in graph.nodes}
    made = graph.producers()
    records = []
    for step in flatten(model).steps:
        if not isinstance(step.node, Node) or step.needed is not Needed.ALWAYS:
            continue
        op, node = step.node.op, nodes.get(step.path)
        places = op.places(tuple(value.type for value in step.node.inputs))
        for count in places.values():
            # A node in ONNX has one tensor of places; of several the op makes one, which onnxruntime checks itself.
            tensor = _tensor(node, made, graph) if node is not None and len(places) == 1 else ""
            ends = plain(view.fix(-count if op.from_end else 0)), plain(view.fix(count - 1))
            by = op.name if op.is_layer else "[]"
            records.append([tensor, step.path, *ends, by, place_of(step.node.span)])
    return {"dslc.indices": json.dumps(records, separators=(",", ":"))} if records else {}


def _tensor(node: NodeDef, made: Mapping[str, NodeDef], graph: OnnxGraph) -> str:
    """The tensor of places a node reads: the graph's input if it is a view of one, else the nearest with a type."""
    at = _PLACES.get(node.kind)
    if at is None:
        return ""
    name = node.inputs[at]
    chain = [name]
    while name in made and made[name].kind in _VIEWS:
        name = made[name].inputs[0]
        chain.append(name)
    whole = [name for name in chain if name in graph.values and not graph.values[name].dtype.is_float]
    return next((name for name in whole if name in graph.inputs), whole[0] if whole else "")


def places_of(meta: Mapping[str, str], sizes: Mapping[str, int]) -> list[Places]:
    """What the metadata of a file says, at these sizes of its input."""
    found = []
    for tensor, node, least, most, by, line in json.loads(meta.get("dslc.indices", "[]")):
        ends = (evaluate(read_size(least), sizes), evaluate(read_size(most), sizes))
        found.append(Places(tensor, node, *ends, by, line))
    return found


def watched(model: OnnxModel) -> OnnxModel:
    """The graph with the tensors of places that it computes among its outputs, for a run that checks them."""
    graph = model.graph
    made = graph.producers()
    records: list[Any] = json.loads(model.metadata.get("dslc.indices", "[]"))
    names = {record[0]: None for record in records if record[0] in made and record[0] not in graph.outputs}
    outputs = {name: graph.values[name] for name in names if name in graph.values}
    if not outputs:
        return model
    return replace(model, graph=replace(graph, outputs=graph.outputs | outputs))

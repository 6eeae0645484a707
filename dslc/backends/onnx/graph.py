"""A light ONNX graph: what the builder makes, the passes rewrite and the writer serialises.

Tensors are named by strings; a name is an input, an initialiser or one node's output. `initializers` holds
weights under their state-dict keys and small constants under names that show their value.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, cast

from dslc.backends.onnx.sketch import is_sketch
from dslc.record import entity, frozen
from dslc.types.tensor import DType
from dslc.weights.memory import Array as Array
from dslc.weights.memory import Stored as Stored

if TYPE_CHECKING:
    from dslc.backends.onnx.origins import Origin

OPSET = 21
"""The newest opset at which pools, InstanceNormalization, Elu, Selu and Dropout have CUDA kernels in
onnxruntime 1.30: from 22 on they run on the CPU (kernels are registered for the exact version of an op:
onnxruntime #26393)."""

BFLOAT16_OPSET = 22
"""The first opset whose convolutions, pools and norms take bfloat16."""

IR_VERSION = 10
"""The file format's version that came with opset 21; onnxruntime 1.19 and later read it."""


@entity
class NodeDef:
    """One ONNX node. An absent optional input is the empty string.

    `origins`: the use of a layer that it was made for, then those that rewrites joined to it.
    """

    name: str
    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, object]
    domain: str = ""
    origins: tuple[Origin, ...] = ()


@frozen
class TensorInfo:
    """Element type and shape of a tensor; a symbolic extent is its printed size."""

    dtype: DType
    shape: tuple[int | str, ...]


@entity
class OnnxGraph:
    """Nodes in an order in which every input is made before it is read.

    `values` has the type of every tensor of the program that the graph still computes. `exact` are initialisers that
    stay in float32 in a graph of 16 bits, because what reads them is computed so.
    """

    name: str
    doc: str = ""
    opset: int = OPSET
    nodes: list[NodeDef] = field(default_factory=list)
    initializers: dict[str, Stored] = field(default_factory=dict)
    inputs: dict[str, TensorInfo] = field(default_factory=dict)
    outputs: dict[str, TensorInfo] = field(default_factory=dict)
    values: dict[str, TensorInfo] = field(default_factory=dict)
    exact: set[str] = field(default_factory=set)

    def numbers(self, name: str) -> Array:
        """An initialiser as an array."""
        found = self.initializers[name]
        if is_sketch(found):
            return cast(Array, found)
        import numpy as np

        return np.asarray(found)

    def keep_exact(self, name: str, *sources: str) -> None:
        """A new initialiser stays in float32 where those that it is computed from do."""
        if not self.exact.isdisjoint(sources):
            self.exact.add(name)

    def readers(self) -> dict[str, list[NodeDef]]:
        """The nodes that read each tensor, once for each place."""
        found: dict[str, list[NodeDef]] = {}
        for node in self.nodes:
            for name in node.inputs:
                if name:
                    found.setdefault(name, []).append(node)
        return found

    def producers(self) -> dict[str, NodeDef]:
        """The node that makes each tensor."""
        return {name: node for node in self.nodes for name in node.outputs if name}

    def rename(self, names: dict[str, str]) -> None:
        """Read each tensor named by a key as the tensor named by its value (chains are followed)."""
        for node in self.nodes:
            for place, name in enumerate(node.inputs):
                if name in names:
                    node.inputs[place] = _last(names, name)


def _last(names: dict[str, str], name: str) -> str:
    while name in names:
        name = names[name]
    return name

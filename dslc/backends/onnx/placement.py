"""Which nodes onnxruntime's CUDA provider would leave to the CPU, found without a GPU.

A node leaves the GPU where the provider has no kernel for its op, at the op's version, for its element type:
its inputs are then copied to the host and its results back, and CUDA graphs are refused. The tables were made
by creating sessions with onnxruntime-gpu 1.31.1 on one-node models of opset 21 (equal for 1.30.0) and reading
where each node was placed; the versions from 22 on are those of onnxruntime #26393, #26065 and #27728.
"""

from __future__ import annotations

import numpy as np

from dslc.backends.onnx.graph import NodeDef, OnnxGraph
from dslc.record import frozen
from dslc.types.tensor import DType

_FLOATS = frozenset({DType.FLOAT32, DType.FLOAT16})
_NUMBERS = _FLOATS | {DType.INT64, DType.INT32}
_ANY = _NUMBERS | {DType.BOOL}


def _ops(kernels: frozenset[DType], names: str) -> dict[str, frozenset[DType]]:
    return dict.fromkeys(names.split(), kernels)


CUDA_KERNELS: dict[str, frozenset[DType]] = {
    **_ops(
        _FLOATS,
        """AveragePool BatchNormalization Ceil Conv ConvTranspose Cos DepthToSpace Einsum Elu Erf Exp
        Floor GRU Gelu Gemm GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish InstanceNormalization
        IsNaN LRN LSTM LayerNormalization LeakyRelu Log LogSoftmax LpNormalization MatMul MaxPool Mish
        PRelu RNN Reciprocal ReduceL1 ReduceL2 ReduceLogSumExp ReduceMean ReduceProd ReduceSumSquare
        Relu Resize Round Selu Sigmoid Sin Softmax Softplus Softsign SpaceToDepth Sqrt Tanh
        ThresholdedRelu""",
    ),
    **_ops(
        _NUMBERS,
        """Abs Add ArgMax ArgMin Clip CumSum Div Greater GreaterOrEqual Less LessOrEqual Max Min Mod Mul
        Neg Pow Range ReduceMax ReduceMin ReduceSum ScatterElements ScatterND Sign Sub Tile TopK Trilu
        Where""",
    ),
    **_ops(
        _ANY,
        """Cast Concat ConstantOfShape Dropout Equal Expand Flatten Gather GatherElements GatherND
        Identity NonZero OneHot Reshape Shape Size Slice Split Squeeze Transpose Unsqueeze""",
    ),
    **_ops(frozenset({DType.BOOL}), "And Not Or Xor"),
    "Pad": _FLOATS | {DType.BOOL},
    "EyeLike": frozenset({DType.FLOAT32}),
    "GridSample": frozenset({DType.FLOAT32}),
}
"""Ops of ai.onnx at opset 21 that have a CUDA kernel, and the element types of their first data input it
takes.
"""

FROM_22_ON_CPU = ("MaxPool", "InstanceNormalization", "Elu", "Selu", "ThresholdedRelu", "Dropout")
"""Ops whose versions from opset 22 on have none."""

FUNCTIONS = ("GroupNormalization", "Mish")
"""Ops without a kernel that onnxruntime expands into others which have one."""

SIZE_KINDS = frozenset("Add Sub Mul Div Mod Min Max Neg Concat Squeeze Unsqueeze Gather Slice Cast".split())
"""Ops that compute with sizes. They have CUDA kernels, so that one on the CPU is there because its input is."""

_SMALL = 100
"""Elements of a constant that does not keep a node from the host."""

_HOST_INPUTS = {
    **dict.fromkeys(("Reshape", "Expand", "Tile", "TopK", "Unsqueeze", "Squeeze", "Split", "Trilu"), frozenset({1})),
    **dict.fromkeys(("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "CumSum"), frozenset({1})),
    **dict.fromkeys(("Slice", "Pad", "Resize", "OneHot"), frozenset({1, 2, 3, 4})),
    "Range": frozenset({0, 1, 2}),
    "ConstantOfShape": frozenset({0}),
}
"""Inputs that a CUDA kernel reads from the host."""

MICROSOFT: dict[str, frozenset[DType]] = {
    **_ops(
        _FLOATS,
        """MultiHeadAttention Attention BiasGelu FastGelu Gelu QuickGelu FusedMatMul RotaryEmbedding
        MatMulNBits GroupNorm SkipGroupNorm BiasAdd BiasSplitGelu BiasSoftmax SkipLayerNormalization""",
    ),
    "FusedConv": frozenset({DType.FLOAT32}),
    "GroupQueryAttention": frozenset({DType.FLOAT16}),
}
"""The same of com.microsoft."""


@frozen
class Leaves:
    """A node that would run on the CPU, and why."""

    name: str
    kind: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.kind}): {self.reason}"


def leaving(graph: OnnxGraph, opset: int | None = None) -> list[Leaves]:
    """The nodes of a graph that the CUDA provider would not take, in their order.

    `opset`: the graph's own unless given. A node whose input type is not known (it lies inside an op's own nodes) takes
    the type of its producer's input. Arithmetic on sizes (`--dynamic`) is none of them: see `on_host`.
    """
    opset = graph.opset if opset is None else opset
    types = {name: info.dtype for name, info in graph.values.items()}
    types |= {name: DType(array.dtype.name) for name, array in graph.initializers.items() if _known(array.dtype)}
    host = on_host(graph)
    found = []
    for node in graph.nodes:
        dtype = _data_type(node, types)
        reason = "" if node.name in host else _reason(node, dtype, opset)
        if reason:
            found.append(Leaves(node.name, node.kind, reason))
        for name in node.outputs:
            types.setdefault(name, _result_type(node, dtype))
    return found


def on_host(graph: OnnxGraph) -> set[str]:
    """The nodes that onnxruntime keeps on the CPU on purpose: nothing is copied for them, they are no fallbacks.

    A node that reads a Shape's result, which lies on the host, and else small constants, inputs of the graph and
    results of such nodes, runs where they are, unless its CUDA kernel takes them from the host (`GetCpuPreferredNodes`
    in onnxruntime's fallback_cpu_capability.cc).
    """
    small = {name for name, array in graph.initializers.items() if array.size <= _SMALL} | set(graph.inputs) | {""}
    values: set[str] = set()
    nodes: set[str] = set()
    for node in graph.nodes:
        if node.kind in ("Shape", "Size"):
            values.update(node.outputs)
        elif not values.isdisjoint(node.inputs):
            taken = _HOST_INPUTS.get(node.kind, frozenset())
            others = [(place, name) for place, name in enumerate(node.inputs) if name not in small]
            if all(name in values and place not in taken for place, name in others):
                nodes.add(node.name)
                values.update(node.outputs)
    return nodes


def _reason(node: NodeDef, dtype: DType, opset: int) -> str:
    if node.kind in ("Shape", "Size", "Identity") and not node.domain:
        return ""  # they compute nothing: there is a kernel of every type
    if node.domain:
        kernels = MICROSOFT.get(node.kind) if node.domain == "com.microsoft" else None
    else:
        kernels = _ANY if node.kind in FUNCTIONS else CUDA_KERNELS.get(node.kind)
    if kernels is None:
        return "no CUDA kernel"
    if dtype not in kernels:
        return f"no CUDA kernel for {dtype.value}"
    if opset >= 22 and not node.domain and node.kind in FROM_22_ON_CPU:
        return f"no CUDA kernel at opset {opset}"
    return ""


def _data_type(node: NodeDef, types: dict[str, DType]) -> DType:
    """The element type that chooses a node's kernel: that of its first data input."""
    place = 1 if node.kind == "Where" else 0
    if not node.inputs or place >= len(node.inputs):
        return DType.FLOAT32
    return types.get(node.inputs[place], DType.FLOAT32)


def _result_type(node: NodeDef, dtype: DType) -> DType:
    if node.kind == "Cast":
        target = node.attributes["to"]
        return target if isinstance(target, DType) else dtype
    if node.kind in ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "IsNaN"):
        return DType.BOOL
    if node.kind in ("Shape", "Size", "ArgMax", "ArgMin", "NonZero"):
        return DType.INT64
    return dtype


def _known(dtype: np.dtype[np.generic]) -> bool:
    return dtype.name in {d.value for d in DType}

"""Which nodes would leave the GPU."""

from __future__ import annotations

import pytest

from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.graph import NodeDef, OnnxGraph, TensorInfo
from dslc.backends.onnx.placement import leaving, on_host
from dslc.diagnostics.model import CompileError
from dslc.types.tensor import DType
from dslc.verify import check_placement
from tests.onnx.models import NETS, example, example_state, exported, lively

FLOAT, HALF, INT, BOOL = DType.FLOAT32, DType.FLOAT16, DType.INT64, DType.BOOL

SEEN_ON_CPU = [
    ("Celu", FLOAT), ("Hardmax", FLOAT), ("LpPool", FLOAT), ("GlobalLpPool", FLOAT), ("Atan", FLOAT),
    ("MatMul", INT), ("Pad", INT), ("ReduceMean", INT), ("ReduceMax", BOOL), ("GridSample", HALF),
]  # fmt: skip
SEEN_ON_CUDA = [
    ("Conv", FLOAT), ("Conv", HALF), ("MaxPool", FLOAT), ("LRN", FLOAT), ("Resize", HALF), ("Mish", FLOAT),
    ("Elu", FLOAT), ("ReduceMax", INT), ("Equal", BOOL), ("Gather", INT), ("GridSample", FLOAT), ("Pad", BOOL),
]  # fmt: skip


def one(kind: str, dtype: DType) -> OnnxGraph:
    """A graph of one node on an input of a type."""
    info = TensorInfo(dtype, (1,))
    return OnnxGraph("g", nodes=[NodeDef("n", kind, ["x"], ["y"], {})], inputs={"x": info}, values={"x": info})


@pytest.mark.parametrize(("kind", "dtype"), SEEN_ON_CPU)
def test_seen_on_the_cpu(kind: str, dtype: DType) -> None:
    """Placements observed with onnxruntime-gpu 1.31.1 at opset 21, one model for each node."""
    (found,) = leaving(one(kind, dtype))
    assert (found.name, found.kind) == ("n", kind)


@pytest.mark.parametrize(("kind", "dtype"), SEEN_ON_CUDA)
def test_seen_on_the_gpu(kind: str, dtype: DType) -> None:
    assert leaving(one(kind, dtype)) == []


def test_a_shape_is_read_of_every_type() -> None:
    """It stands in no use of an op, so a finding about it would have no place in the program."""
    for kind in ("Shape", "Size", "Identity"):
        assert leaving(one(kind, DType.BFLOAT16)) == []
    model = compile_model("net f on x[N, 4, T=8], y[N, 4, S=9]:\n    upsample(channel_axis(x, 1), like=y) + y\n")
    graph = emit(model, lively(model), dynamic=("N", "T", "S"), dtype=DType.BFLOAT16)
    with pytest.raises(CompileError, match="for bfloat16"):
        check_placement(model, graph)


def test_newer_opsets_lose_kernels() -> None:
    (found,) = leaving(one("MaxPool", FLOAT), opset=22)
    assert found.reason == "no CUDA kernel at opset 22"
    assert leaving(one("Relu", FLOAT), opset=22) == []


def test_types_are_followed_through_unnamed_tensors() -> None:
    nodes = [
        NodeDef("c", "Cast", ["x"], ["a"], {"to": INT}),
        NodeDef("m", "MatMul", ["a", "a"], ["b"], {}),
        NodeDef("e", "Greater", ["b", "b"], ["t"], {}),
        NodeDef("r", "ReduceMax", ["t"], ["y"], {}),
    ]
    info = TensorInfo(FLOAT, (2, 2))
    found = leaving(OnnxGraph("g", nodes=nodes, inputs={"x": info}, values={"x": info}))
    assert [(f.name, f.reason) for f in found] == [
        ("m", "no CUDA kernel for int64"),
        ("r", "no CUDA kernel for bool"),
    ]


@pytest.mark.parametrize("name", NETS)
def test_every_example_stays(name: str) -> None:
    for dynamic in ((), ("N",)):
        assert leaving(emit(example(name), example_state(name), dynamic=dynamic).graph) == []


HOSTED = {
    "padding of TensorFlow": ("net f on x[N, 2, H=9, W=9]:\n    conv(3, 4, s=3, d=2, p=same_tf)\n", "NHW", 23),
    "causal": (
        "net f on x[N, T=12, 8]:\n"
        '    linear(24) -> rearrange("n t (three h d) -> three n h t d", three=3, h=2)\n'
        "    q, k, v = unbind(0)\n"
        '    sdpa(q, k, v, causal=true) -> rearrange("n h t d -> n t (h d)")\n',
        "NT",
        1,
    ),
    "shuffle": ("net f on x[N, 12, H=4, W=5]:\n    shuffle(3) -> conv(12, 1, g=3)\n", "NHW", 0),
    "shuffle by hand": (
        'net f on x[N, 14, H=32, W=32]:\n    rearrange("n (a b) h w -> n (b a) h w", a=2)\n',
        "NHW",
        0,
    ),
}
"""Programs with the number of nodes that onnxruntime-gpu 1.31.1 put on the CPU, without a copy to or from it."""


@pytest.mark.parametrize("name", HOSTED)
def test_size_arithmetic_runs_on_the_host(name: str) -> None:
    """It is no finding: onnxruntime keeps it there on purpose."""
    text, dynamic, count = HOSTED[name]
    graph = exported(text, dynamic=tuple(dynamic)).graph
    assert leaving(graph) == []
    assert len(on_host(graph)) == count


def test_a_node_on_the_host_by_mistake_is_a_finding() -> None:
    """Data does not lie on the host, whatever a Shape reads beside it."""
    nodes = [
        NodeDef("s", "Shape", ["x"], ["n"], {}),
        NodeDef("d", "Div", ["n", "n"], ["half"], {}),
        NodeDef("m", "MatMul", ["n", "y"], ["z"], {}),
        NodeDef("r", "Range", ["n", "half", "n"], ["numbers"], {}),
        NodeDef("a", "Atan", ["x"], ["w"], {}),
    ]
    values = {"x": TensorInfo(FLOAT, (2,)), "y": TensorInfo(INT, (2,))}
    graph = OnnxGraph("g", nodes=nodes, inputs={"x": values["x"]}, values=values)
    assert on_host(graph) == {"d"}
    assert [found.name for found in leaving(graph)] == ["m", "a"]


def test_one_finding_for_each_line() -> None:
    text = (
        "net f on x: int64[N, 2, 4]:\n    for i in range(3): pad(((1, 0),), axis=2)\n"
        "    pad(((1, 0),), axis=2) -> pad(((0, 1),), axis=2)\n"
    )
    model = compile_model(text)
    state = lively(model)
    with pytest.raises(CompileError) as caught:
        check_placement(model, emit(model, state))
    assert [d.span.line for d in caught.value.diagnostics] == [2, 3]
    first, second = caught.value.diagnostics
    assert first.code == "E0653" and first.message.endswith("no CUDA kernel for int64; so would 2 more of this line")
    assert second.message.endswith("no CUDA kernel for int64; so would 1 more of this line")

"""Which nodes would leave the GPU."""

from __future__ import annotations

import pytest

from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.graph import NodeDef, OnnxGraph, TensorInfo
from dslc.backends.onnx.placement import leaving
from dslc.types.tensor import DType
from tests.onnx.models import NETS, example, example_state, exported

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


def test_size_arithmetic_runs_on_the_host() -> None:
    text = 'net f on x[N, 14, H=32, W=32]:\n    rearrange("n (a b) h w -> n (b a) h w", a=2)\n'
    assert leaving(exported(text).graph) == []
    assert {f.reason for f in leaving(exported(text, dynamic=("N", "H", "W")).graph)} <= {"arithmetic on sizes"}

"""Networks in 16 bits: `dslc build --dtype`, and nets whose inputs are declared so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors.numpy
import torch

import dslc
from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.build import build
from dslc.diagnostics.model import Failure
from dslc.types.tensor import DType
from dslc.weights.init import initial

PROGRAM = """
net f on image[N, 3, 16, 16], ids: int64[N, T=5] -> [N, 10]:
    const grid: [i: 4, j: 4] = (i - j) / 8
    a = conv(8, 3) -> bn -> relu -> inorm -> upsample(2, mode="bilinear") -> gmp -> flatten
    b = ids -> embedding(20, 8) -> (it + arange(T, dtype=float)[none, :, none]) -> rotary -> ln -> lstm(8) -> mean(1)
    c = ones(1, 8) * (grid[:1, :1] + 1)
    m = eye(8) + zeros(8, 8)
    ((a + b + c) @ m) -> rmsnorm -> linear(10)
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.dl"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


def test_a_build_in_float16(program: Path, tmp_path: Path) -> None:
    """Every float of the graph and the weights has 16 bits, and onnxruntime agrees with PyTorch."""
    model = compile_model(program)
    checks = build(model, tmp_path / "out", checks=("onnx", "parity"), dtype=DType.FLOAT16).checks
    assert checks[1].startswith("parity: torch and onnxruntime agree within")
    graph = onnx.load(tmp_path / "out" / "f.onnx").graph
    kinds = [value.type.tensor_type.elem_type for value in (*graph.input, *graph.output)]
    half = onnx.TensorProto.FLOAT16
    assert kinds == [half, onnx.TensorProto.INT64, half]
    weights = {t.name: t.data_type for t in graph.initializer if t.name in model.params}
    assert set(weights.values()) == {half}
    saved = safetensors.numpy.load_file(tmp_path / "out" / "f.safetensors")
    assert {a.dtype.name for name, a in saved.items() if "num_batches" not in name} == {"float16"}


def test_module_moves_to_float16(program: Path) -> None:
    """The generated module after `.to()` gives what its ONNX graph in that type gives; no tensor stays behind."""
    torch.manual_seed(0)
    network = dslc.load(program)().eval()
    image, ids = torch.randn(2, 3, 16, 16), torch.randint(20, (2, 5))
    with torch.no_grad():
        expected = network(image, ids)
        for dtype, limit in ((torch.float16, 5e-3), (torch.bfloat16, 5e-2)):
            found = dslc.load(program)()
            found.load_state_dict(network.state_dict())
            result = found.eval().to(dtype)(image.to(dtype), ids)
            assert result.dtype == dtype
            assert (result.float() - expected).abs().max() < limit * expected.abs().max()


def test_a_live_module_in_float16(program: Path, tmp_path: Path) -> None:
    network: Any = dslc.load(program)().eval()
    network.to_onnx(tmp_path / "live.onnx", dtype="float16")
    session = onnxruntime.InferenceSession(tmp_path / "live.onnx", providers=["CPUExecutionProvider"])
    image, ids = torch.randn(1, 3, 16, 16), torch.randint(20, (1, 5))
    (found,) = session.run(None, {"image": image.half().numpy(), "ids": ids.numpy()})
    with torch.no_grad():
        expected = network(image, ids).numpy()
    assert found.dtype == np.float16
    assert np.abs(found - expected).max() < 1e-2 * np.abs(expected).max()


def test_declared_inputs_settle_the_type(tmp_path: Path) -> None:
    model = compile_model("net f on x: float16[N, 8]:\n    linear(4) -> relu\n")
    build(model, tmp_path, checks=("onnx", "parity"))
    assert onnx.load(tmp_path / "f.onnx").graph.initializer[0].data_type == onnx.TensorProto.FLOAT16
    build(model, tmp_path, checks=("onnx", "parity"), dtype=DType.FLOAT32)
    assert onnx.load(tmp_path / "f.onnx").graph.initializer[0].data_type == onnx.TensorProto.FLOAT


def test_bfloat16_is_a_valid_graph_of_a_later_opset(program: Path) -> None:
    """onnxruntime runs it on no CPU: onnx's checker accepts it."""
    model = compile_model(program)
    graph = emit(model, initial(model.params), dtype=DType.BFLOAT16)
    onnx.checker.check_model(graph.proto(), full_check=True)
    assert graph.proto().opset_import[0].version == 22
    with pytest.raises(Failure, match="cannot run bfloat16 here"):
        build(model, program.parent / "out", checks=("parity",), dtype=DType.BFLOAT16)


@pytest.mark.parametrize("line", ['einsum("nd,nd->n", it, it)', "topk(2)", "topk(2, axis=0, largest=false)"])
def test_ops_that_know_no_bfloat16_compute_in_float32(line: str) -> None:
    model = compile_model(f"net f on x[4, 5]:\n    {line}\n")
    graph = emit(model, {}, dtype=DType.BFLOAT16).proto()
    onnx.checker.check_model(graph, full_check=True)
    assert graph.graph.output[0].type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16


def test_batch_norm_is_folded_before_rounding() -> None:
    """A scale that float16 cannot hold alone is no loss where the product is in its range."""
    model = compile_model("net f on x[N, 2, 4, 4]:\n    conv(2, 1) -> bn\n")
    state = initial(model.params)
    state["conv.weight"] = state["conv.weight"] * np.float32(1e-8)
    state["bn.running_var"] = np.full(2, 1e-16, np.float32)
    model.root.body[1].op = model.root.body[1].op.replace(eps=0.0)  # type: ignore[union-attr]
    graph = emit(model, state, dtype=DType.FLOAT16)
    weight = graph.graph.numbers("conv.weight").astype(np.float32)
    np.testing.assert_allclose(weight, state["conv.weight"] * np.float32(1e8), rtol=1e-3)


def test_numbers_that_float16_cannot_hold_are_an_error() -> None:
    model = compile_model("net f on x[N, 4]:\n    linear(2)\n")
    state = initial(model.params)
    state["linear.bias"] = np.array([1.0, 70_000.0], np.float32)
    with pytest.raises(Failure, match=r"`linear.bias` has 70,000, more than float16 holds"):
        emit(model, state, dtype=DType.FLOAT16)
    emit(model, state, dtype=DType.BFLOAT16)


PARTS = {
    "whole numbers": "block p on x: int64[N, D]:\n    it / 4\n    it + 0.5\n",
    "cast": "block p on x: int64[N, D]:\n    cast(float)\n    it + 1\n",
    "a name that holds others": "block p on x: int64[N, D]:\n    y = cast(float)\n    (y -> cast(int64)) / 4 + y\n",
    "a name that is taken": "block p on x: int64[N, D]:\n    it / 4\n    linear(3) as float_like\n",
}


@pytest.mark.parametrize("name", PARTS)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_a_part_without_floats_of_its_own_has_the_networks_type(name: str, dtype: torch.dtype) -> None:
    """Neither an input nor a weight says which: an empty buffer does, which no state dict holds."""
    program = f"{PARTS[name]}net f on ids: int64[N, 3], x[N, 3]:\n    (p(ids) + x) * (p(ids) -> linear(3))\n"
    network = dslc.load(program)().eval().to(dtype)
    assert not [key for key in network.state_dict() if key.rpartition(".")[2].startswith("float_like")]
    ids, x = torch.arange(6).reshape(2, 3), torch.ones(2, 3, dtype=dtype)
    assert network(ids, x).dtype == dtype

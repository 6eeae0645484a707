"""Generated modules in 16 bits: `.half()`, `.bfloat16()` and autocast run, and give what the ONNX of that type gives.

`float` follows the module, `float32` stays: layers, tables and sizes in between.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import dslc
from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.run import run
from dslc.ir.model import Model
from dslc.types.tensor import DType
from tests.torch_backend.common import ROOT
from tests.zoo.zoo import fill, statistics

LIMITS = {torch.float16: 1e-2, torch.bfloat16: 6e-2}
"""Greatest difference from float32 relative to the largest magnitude: types of 11 and of 8 bits."""

PROGRAMS = {
    "positions": """
net f on x[2, T=16, 64]:
    speeds = exp(cast(arange(64), float32) * (-0.1))
    angles = cast(arange(T), float32)[:, none] * speeds[none]
    it * cast(cos(angles)[none], like=it)
""",
    "time embedding": """
net f on t: int64[4], x[4, 32]:
    const speeds: float32[i: 16] = 10000.0**(-i / 15)
    angles = cast(t + 998, float32)[:, none] * speeds[none]
    (concat(sin(angles), cos(angles), axis=1) -> cast(float) -> linear(32) -> silu) + x
""",
    "relative bias": """
inline block buckets(T: int, count: int, far: int):
    let near = count // 4
    away = cast(arange(T)[none] - arange(T)[:, none], float32)
    logs = log(clamp(abs(away), min=near) / near) / log(far / near) * near
    bounded = clamp(cast(cast(logs, int64), float32) + near, max=2 * near - 1)
    cast(where(abs(away) < near, abs(away), bounded) + where(away > 0, 2 * near, 0), int64)

net f on ids: int64[2, T=40]:
    embedding(10, 32)
    bias = buckets(T, 16, 32) -> embedding(16, 4) -> rearrange("q k h -> 1 h q k")
    heads = rearrange("n t (h d) -> n h t d", h=4)
    sdpa(heads, heads, heads, mask=bias) -> rearrange("n h t d -> n t (h d)") -> rmsnorm
""",
    "masks": """
net f on ids: int64[2, T=8], m: bool[2, T]:
    x = embedding(10, 16)
    scores = x @ transpose(x, 1, 2) / 4
    by_where = where(m[:, none], scores, -1e9) -> softmax(axis=-1)
    by_sum = (scores + where(m[:, none], 0.0, -1e4)) -> softmax(axis=-1)
    earlier = arange(T)[none] <= arange(T)[:, none]
    (by_where + by_sum + cast(earlier, float)[none] / (ids + 1)[:, :, none]) @ x
""",
    "recurrence": """
net f on ids: int64[2, T=6]:
    h0 = zeros(2, 2, 8)
    y, h = ids -> embedding(10, 12) -> gru(8, layers=2, state=true, h=h0)
    z, _h, _c = y -> lstm(8, state=true)
    concat(z, y, axis=2) + (mean(h, 0, keep=true) -> rearrange("1 n d -> n 1 d") -> linear(16))
""",
    "islands": """
use std.combine: in_float32

net f on x[2, T=5, 8]:
    module shared = linear(8)
    shared -> in_float32(ln as norm) -> cast(float32) -> shared -> rmsnorm -> gru(8) -> transpose(1, 2)
    conv(6, 3) -> bn -> gn(2) -> prelu -> transpose(1, 2) -> wn(linear(3, bias=false)) -> cast(like=x)
    in_float32: softmax(axis=-1)
""",
}


def inputs_of(model: Model) -> list[Tensor]:
    """A random tensor for each input, batch 2."""
    rng = np.random.default_rng(0)
    found = []
    for value in model.root.inputs:
        shape = [model.sizes.evaluate(size, dict.fromkeys(model.sizes.universal, 2)) for size in value.type.dims]
        if value.type.dtype.is_float:
            found.append(torch.from_numpy(rng.standard_normal(shape).astype(np.float32)))
        else:
            drawn = rng.integers(0, 2, shape)
            found.append(torch.from_numpy(drawn.astype(value.type.dtype.value)))
    if model.root.inputs[-1].type.dtype is DType.BOOL:
        found[-1][:, 0] = True
    return found


def results(net: nn.Module, given: list[Tensor]) -> list[Tensor]:
    with torch.no_grad():
        made: Any = net(*given)
    return [made] if isinstance(made, Tensor) else list(made)


def close(found: Any, expected: Any, limit: float) -> None:
    found, expected = np.asarray(found, np.float32), np.asarray(expected, np.float32)
    assert np.isfinite(found).all()
    assert np.abs(found - expected).max() <= limit * np.abs(expected).max()


@pytest.mark.filterwarnings("ignore:Mismatch dtype between input and weight")  # torch's, of rms_norm in autocast
@pytest.mark.parametrize("name", PROGRAMS)
def test_a_module_runs_in_16_bits(name: str) -> None:
    """And its ONNX in float16 gives the same."""
    compare(PROGRAMS[name], None)


EXAMPLES: dict[str, tuple[str, dict[str, str]]] = {
    "text_lstm": ("text_lstm", {}),
    "lenet": ("lenet", {}),
    "mobilenet_v3": ("mobilenet_v3_small", {}),
    "gpt2": ("tiny", {"1024": "16", "net gpt2_medium = ": "net tiny = gpt2(2, 2, 32, 100)\nnet gpt2_medium = "}),
    "bert": ("tiny", {"512": "16", "net bert_base = ": "net tiny = bert(2, 2, 32, 100)\nnet bert_base = "}),
    "vit": ("tiny", {"224": "32", "net vit_b_16 = ": "net tiny = vit(16, 2, 2, 32)\nnet vit_b_16 = "}),
}


@pytest.mark.parametrize("file", EXAMPLES)
def test_an_example_runs_in_16_bits(file: str) -> None:
    """Those with attention at small sizes."""
    net, changes = EXAMPLES[file]
    source = (ROOT / "examples" / f"{file}.dl").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in source
        source = source.replace(old, new)
    compare(source, net)


def compare(source: str, net: str | None) -> None:
    model = compile_model(source, net)
    torch.manual_seed(0)
    made = dslc.load(source, net) if net else dslc.load(source)
    first = made().eval()
    if net:  # a network's own first weights may hide its input: heads of zeros, values that fade
        with torch.no_grad():
            fill(dict(first.named_parameters()) | statistics(first))
    given = inputs_of(model)
    expected = results(first, given)

    def again() -> nn.Module:
        copy = made().eval()
        copy.load_state_dict(first.state_dict())
        return copy

    moves: dict[torch.dtype, Callable[[nn.Module], nn.Module]] = {
        torch.float16: lambda m: m.half(),
        torch.bfloat16: lambda m: m.bfloat16(),
    }
    for dtype, move in moves.items():
        half = [x.to(dtype) if x.is_floating_point() else x for x in given]
        for result, wanted in zip(results(move(again()), half), expected, strict=True):
            assert result.dtype == (dtype if wanted.is_floating_point() else wanted.dtype)
            close(result.float(), wanted, LIMITS[dtype])
    with torch.autocast("cpu", torch.bfloat16):
        for result, wanted in zip(results(again(), given), expected, strict=True):
            close(result.float(), wanted, LIMITS[torch.bfloat16])
    state = {key: value.numpy() for key, value in first.state_dict().items()}
    graph = emit(model, state, dtype=DType.FLOAT16, dynamic=list(model.sizes.universal))
    feeds = {
        name: x.half().numpy() if x.is_floating_point() else x.numpy()
        for name, x in zip(graph.graph.inputs, given, strict=True)
    }
    for found, wanted in zip(run(graph, feeds, "cpu").outputs.values(), expected, strict=True):
        close(found, wanted, LIMITS[torch.float16])


EXACT = """
net f on t: int64[3], x[3, 8] -> y, angles:
    const speeds: float32[i: 8] = 10000.0**(-i / 8)
    param scale: float32[8] = ones
    buffer shift: float32[8] = 0.1
    angles = cast(t, float32)[:, none] * speeds[none] * scale + shift
    y = x + cast(sin(angles), like=x)
"""


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_tensors_declared_float32_stay_so(dtype: torch.dtype) -> None:
    """With every digit, also where the module goes to another type and back; a checkpoint in 16 bits loads."""
    net = dslc.load(EXACT)
    module, t, x = net().eval(), torch.tensor([0, 999, 70_000]), torch.zeros(3, 8)
    expected = module(t, x)[1]
    for moved in (module.to(dtype), module.to(dtype).float()):
        assert {tensor.dtype for tensor in moved.state_dict().values()} == {torch.float32}
        torch.testing.assert_close(moved(t, x.to(dtype))[1], expected, rtol=0, atol=0)
    state = {key: value.half() for key, value in module.state_dict().items()}
    assert net().load_state_dict(state).missing_keys == []


def test_exact_angles_in_onnx() -> None:
    model = compile_model(EXACT)
    state = {"scale": np.ones(8, np.float32), "shift": np.full(8, 0.1, np.float32)}
    graph = emit(model, state, dtype=DType.FLOAT16)
    t = np.array([0, 999, 70_000])
    found = run(graph, {"t": t, "x": np.zeros((3, 8), np.float16)}, "cpu").outputs
    speeds = 10000.0 ** (-np.arange(8) / 8)
    np.testing.assert_allclose(found["angles"], t[:, None] * speeds.astype(np.float32) + np.float32(0.1), rtol=1e-6)
    assert found["angles"].dtype == np.float32 and found["y"].dtype == np.float16

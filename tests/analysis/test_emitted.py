"""Memory of the ONNX graph in onnxruntime: the plan by hand, and against what the process's memory rises by."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.memory import BAR, NETS, rises
from dslc.analysis.emitted.graph import Emitted, Piece, Tensor, emitted
from dslc.analysis.emitted.plan import EmittedMemory, emitted_memory, live_bytes
from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.ir.model import Model
from dslc.ir.walk import flatten
from dslc.weights.init import initial
from tests.analysis.nets import compiled
from tests.onnx.models import EXAMPLES

MAP = 4 * 32 * 64 * 64
"""Bytes of a map `[1, 32, 64, 64]`."""


def memory_of(text: str, batch: int = 1) -> EmittedMemory:
    model = compiled(text)
    return emitted_memory(model, flatten(model), batch=batch)


def net(body: str, channels: int = 32) -> str:
    return f"net f on x[N, {channels}, H=64, W=64]:\n    {body}\n"


# ---- by hand


def test_a_convolution_takes_norm_activation_and_sum_in() -> None:
    """The copy into blocks, two maps of the body; the sum is written over the skip, which is that copy."""
    found = memory_of(net("residual: conv(32, 3) -> bn -> relu -> conv(32, 3) -> bn\n    relu -> maxpool(2)"))
    assert found.peak == 2 * MAP
    assert found.copies == 2


def test_a_gate_is_a_buffer_of_its_own() -> None:
    """SiLU is one node that does not write over its input, as GELU; a ReLU is in the convolution."""
    assert memory_of(net("conv(32, 3) -> relu -> conv(32, 3)")).peak == 2 * MAP
    for gate in ("silu", "gelu"):
        assert memory_of(net(f"conv(32, 3) -> {gate} -> gap")).peak == 2 * MAP
        assert memory_of(net(f"conv(64, 3) -> {gate} -> gap")).peak == 4 * MAP


def test_channels_are_padded_to_blocks() -> None:
    assert memory_of(net("conv(24, 3) -> conv(24, 3) -> gap", channels=3)).peak == 2 * MAP


def test_a_buffer_is_held_until_it_is_taken_again() -> None:
    """The rows of the first layer wait for the third, whose are as wide, and lie beside those of the second."""
    apart = memory_of("net f on x[N, 100, 8]:\n    linear(800) -> linear(8) -> linear(900) -> linear(8)\n")
    again = memory_of(
        "net f on x[N, 100, 8]:\n    linear(800) -> linear(8) -> linear(900) -> linear(8) -> linear(800) -> linear(8)\n"
    )
    assert apart.peak == 4 * 100 * (900 + 8)
    assert again.peak == apart.peak + 4 * 100 * 800


def test_plan_of_a_graph() -> None:
    """Abs is written anew, Relu over it, its buffer is taken again by the second Abs of the same shape alone."""
    graph = Emitted({})
    small, large = Tensor((10,), 4), Tensor((20,), 4)
    graph.tensors = {"x": small, "a": small, "b": small, "c": small, "d": large, "e": small}
    graph.inputs, graph.outputs = ["x"], ["e"]
    for kind, source, result in (
        ("Abs", "x", "a"),
        ("Relu", "a", "b"),
        ("Concat", "b", "d"),
        ("ReduceSum", "d", "c"),
        ("Abs", "c", "e"),
    ):
        graph.pieces.append(Piece(kind, [source], [result], {}, kind))
    assert live_bytes(graph) == [40, 40, 40 + 80, 40 + 80, 40 + 40]


def test_batch_multiplies() -> None:
    text = net("conv(32, 3) -> gelu -> gap -> flatten -> linear(10)")
    assert memory_of(text, batch=8).peak == 8 * memory_of(text).peak


def test_no_form_in_onnx_is_said() -> None:
    found = memory_of("""
        extern block mine(width: int) on x[N, D] -> [N, width] = "tests.user:Mine"

        net f on x[N, 8]:
            linear(8) -> mine(4) -> relu
    """)
    assert found.missing == ("mine",)


def test_a_net_without_ops() -> None:
    found = memory_of("net f on x[N, 8]:\n    id\n")
    assert (found.peak, found.peak_at, found.nodes) == (0, None, 0)


def test_the_graph_is_the_one_that_is_written() -> None:
    """Nodes of each kind, on an example without tables; batch norms are still there."""
    model = compile_model(EXAMPLES / "vit.dl", net="vit_b_16")
    written = emit(model, initial(model.params)).graph
    found = emitted(model, flatten(model))
    assert sorted(piece.kind for piece in found.pieces) == sorted(node.kind for node in written.nodes)


# ---- against onnxruntime


def measured(model: Model, folder: Path) -> int:
    path = folder / "net.onnx"
    path.write_bytes(emit(model, initial(model.params)).data())
    return rises(path)[-1]


PROGRAMS = {
    "gates": net("for i in range(3): conv(48, 3) -> bn -> silu -> se\n    gap -> flatten -> linear(10)"),
    "tokens": "use std.attention: encoder\n\n"
    "net f on x[N, T=256, 256]:\n    for i in range(3): encoder(4)\n    linear(10)\n",
    "steps": "net f on x[N, T=256, 256]:\n    lstm(256, bidirectional=true) -> gru(128) -> linear(10)\n",
    "skips": net(
        "conv(32, 3) -> relu\n    a = it\n    maxpool(2) -> conv(64, 3) -> relu -> upsample(2)\n    concat(a, it)"
    ),
}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", PROGRAMS)
def test_stated_is_what_the_process_takes(name: str, tmp_path: Path) -> None:
    model = compiled(PROGRAMS[name], "f")
    stated = emitted_memory(model, flatten(model)).peak
    assert 1 / BAR < stated / measured(model, tmp_path) < BAR


@pytest.mark.long
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("name", NETS)
def test_networks_take_what_is_stated(name: str, tmp_path: Path) -> None:
    model = compile_model(EXAMPLES / NETS[name], net=name)
    stated = emitted_memory(model, flatten(model)).peak
    assert 1 / BAR < stated / measured(model, tmp_path) < BAR

"""`--check parity` compares results that depend on the input, and tells a wrong graph from rounding."""

from __future__ import annotations

from functools import partial
from textwrap import dedent

import numpy as np
import pytest
import torch

from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.build import torch_text
from dslc.diagnostics.model import Failure
from dslc.generated import module_from_text, root_class
from dslc.ir.model import Model
from dslc.ops.activation import Elementwise, Relu
from dslc.ops.base import Graph, Names, Types
from dslc.parity.check import VISIBLE, Comparison, check_parity
from dslc.parity.judge import LIMITS, relative_difference
from dslc.parity.sides import GraphSide, ModuleSide
from dslc.types.tensor import DType
from dslc.verify import maker
from dslc.weights.init import initial
from dslc.weights.lively import lively

DEEP = """
net f on image[N, 3, H=32, W=32]:
    for i in range(24): conv(16, 3, bias=false) -> bn -> relu
    gap -> flatten -> linear(10)
"""
"""PyTorch's default (kaiming_uniform, a = sqrt(5)) shrinks values in each layer: biases of the last one are left."""

HIDING = {
    "many layers": DEEP,
    "a layer of zeros": "net f on x[N, 8]: linear(16) -> relu -> linear(10, init=zeros)\n",
    "a layer scale": """
        block scaled on x[N, D]:
            param gamma: [D] = constant(1e-6)
            linear(D) -> relu
            it * gamma
        net f on x[N, 8]: scaled -> linear(10)
        """,
    "a constant last norm": "net f on x[N, 8]: linear(6) -> relu -> bn -> linear(4, init=zeros) -> bn\n",
}


def compiled(text: str) -> Model:
    return compile_model(dedent(text).lstrip("\n"))


def parity(model: Model) -> str:
    state = initial(model.params)
    make = maker(torch_text(model), model.entry)
    return check_parity(model, make, emit(model, state), state, partial(emit, model), DType.FLOAT32)


def wrong(self: Elementwise, g: Graph, x: Names, p: dict[str, str], ins: Types, outs: Types) -> str:
    """A leaky relu, but for which the graph is right."""
    return str(g.op("LeakyRelu", x, alpha=0.1))


@pytest.mark.parametrize("name", HIDING)
def test_a_wrong_graph_is_caught_though_fresh_weights_hide_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    model = compiled(HIDING[name])
    assert parity(model).endswith("also for weights that hide the input less")
    monkeypatch.setattr(Relu, "onnx", wrong)
    state = initial(model.params)
    comparison = Comparison(model, maker(torch_text(model), model.entry), partial(emit, model), DType.FLOAT32)
    sides = ModuleSide(comparison.make, state, DType.FLOAT32), GraphSide(emit(model, state), DType.FLOAT32, "these")
    seen = comparison.visible(*sides)
    assert comparison.worst < 1e-5 and seen < VISIBLE, "fresh weights show the mistake"
    with pytest.raises(Failure, match=r"E0651.*differ by"):
        parity(model)


def test_weights_that_show_the_input_are_the_only_ones_compared() -> None:
    line = parity(compiled("net f on x[N, 8]: linear(16) -> relu -> linear(10)\n"))
    assert line.endswith("on 8 inputs, N = {1..3}")


def test_a_result_without_the_input_is_said() -> None:
    line = parity(compiled("net f on x[N, 8]: linear(4) -> relu -> clamp(0.0, 0.0)\n"))
    assert line.endswith("but hardly depend on the input")


def test_rounding_that_the_network_amplifies_is_no_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    """Differences are then measured by PyTorch's own error in float32."""
    model = compiled(DEEP)
    monkeypatch.setitem(LIMITS, DType.FLOAT32, 0.0)
    assert "agree within" in parity(model)
    monkeypatch.setattr("dslc.parity.judge.OWN_ERRORS", 0.0)
    with pytest.raises(Failure, match="E0651"):
        parity(model)


def test_lively_weights_are_of_the_same_kind() -> None:
    model = compiled(
        """
        net f on ids: int64[N, T=6]:
            embedding(50, 16) -> lstm(8) -> wn(linear(12)) -> sn(linear(12)) -> ln -> rearrange("n t d -> n d t") -> bn
            gap -> flatten -> linear(3, init=zeros)
        """
    )
    state = initial(model.params)
    found = lively(model.params, state)
    assert {k: (v.shape, v.dtype) for k, v in found.items()} == {k: (v.shape, v.dtype) for k, v in state.items()}
    for path, param in model.params.items():
        kept = np.array_equal(found[path], state[path])
        assert kept == (param.spec.kind == "buffer" and param.spec.init.kind != "singular"), path
    assert parity(model).startswith("parity: ")


def test_derived_weights_follow() -> None:
    """Rows of weight norm have their own length, and spectral norm leaves a largest singular value of 1."""
    model = compiled("net f on x[N, 16]: wn(linear(12)) as a -> sn(linear(10)) as b\n")
    module = module_from_text(torch_text(model), model.entry)
    network = getattr(module, root_class(module))().eval()
    state = lively(model.params, initial(model.params))
    network.load_state_dict({path: torch.from_numpy(value) for path, value in state.items()})
    direct = network.a.parametrizations.weight.original1
    assert torch.allclose(network.a.weight, direct, rtol=1e-5)
    assert float(torch.linalg.matrix_norm(network.b.weight.detach(), 2)) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ([1.0, 2.0], [1.0, 4.0], 0.5),
        ([], [], 0.0),
        ([0.0], [0.0], 0.0),
        ([0.25], [0.0], 0.25),
        ([np.inf, np.nan, 1.0], [np.inf, np.nan, 1.0], 0.0),
        ([np.inf, 1.0], [2.0, 1.0], np.inf),
        ([1.0, 3.0], [np.inf, 3.0], np.inf),
        ([1.0, 3.0], [np.nan, 3.0], np.nan),
        ([[1.0]], [1.0], np.inf),
    ],
)
def test_relative_difference(a: list[float], b: list[float], expected: float) -> None:
    assert relative_difference(np.array(a), np.array(b)) == pytest.approx(expected, nan_ok=True)

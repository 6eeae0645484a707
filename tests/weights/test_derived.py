"""First values that follow from other parameters are those that PyTorch's parametrisations compute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations

import dslc
from dslc.api import compile_model
from dslc.ir.model import Node
from dslc.weights.init import initial

PROGRAM = """
net f on image[N, 3, H=8, W=8]:
    wn(conv(6, 3)) as a -> sn(conv(5, 3)) as b -> sn(deconv(4, 2, s=2)) as c -> wn(deconv(4, 2, s=2)) as d
    gap -> flatten -> sn(linear(7)) as e -> wn(linear(3, init=normal(std=0.02))) as f -> sn(linear(3, init=normal)) as g
"""


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.dl"
    path.write_text(PROGRAM, encoding="utf-8")
    return path


@pytest.mark.parametrize("seed", [0, 3])
def test_first_values_are_what_torch_computes_from_the_same_weight(program: Path, seed: int) -> None:
    """Lengths exactly. Singular vectors to what 15 steps of the power iteration from other random vectors tell."""
    model = compile_model(program)
    state = {key: torch.from_numpy(np.array(value)) for key, value in initial(model.params, seed).items()}
    lengths, vectors = 0, 0
    for param in model.params.values():
        assert isinstance(param.owner, Node)
        name = param.path.partition(".parametrizations")[0]
        if param.spec.init.kind == "length":
            weight = state[f"{name}.parametrizations.weight.original1"]
            torch.testing.assert_close(state[param.path], torch.norm_except_dim(weight, 2, 0))
            lengths += 1
        elif param.name.endswith("_u"):
            prefix = f"{name}.parametrizations.weight"
            weight, u, v = (state[f"{prefix}.{end}"] for end in ("original", "0._u", "0._v"))
            axis = 1 if param.owner.op.core.name == "deconv" else 0
            rows = weight.movedim(axis, 0).flatten(1)
            torch.testing.assert_close(u.norm(), torch.tensor(1.0))
            torch.testing.assert_close(v.norm(), torch.tensor(1.0))
            largest = torch.linalg.matrix_norm(rows, 2)
            assert 0.9 * largest < u @ (rows @ v) <= largest * (1 + 1e-6)
            vectors += 1
    assert (lengths, vectors) == (3, 4)


def test_power_iteration_is_that_of_torch() -> None:
    """From the same weight and the same random vectors, the same singular vectors."""
    from dslc.weights.derived import singular, unit

    torch.manual_seed(2)
    layer = nn.ConvTranspose2d(4, 6, 3)
    weight = layer.weight.detach().numpy().copy()
    torch.manual_seed(5)
    u, v = torch.randn(6), torch.randn(4 * 9)
    torch.manual_seed(5)
    theirs = parametrizations._SpectralNorm(layer.weight, 1, 1, 1e-12)
    found = singular(weight, 1, 1e-12, unit(u.numpy(), 1e-12), unit(v.numpy(), 1e-12))
    for mine, expected in zip(found, (theirs._u, theirs._v), strict=True):
        np.testing.assert_allclose(mine, expected.numpy(), rtol=1e-4, atol=1e-6)


def test_generated_module_is_initialised_as_declared(program: Path) -> None:
    """`init=` of a wrapped layer: lengths follow it, singular vectors too; the state dict has torch's names."""
    torch.manual_seed(1)
    network: Any = dslc.load(program)()
    assert set(network.state_dict()) == set(compile_model(program).params)
    f, g = network.f.parametrizations.weight, network.g.parametrizations.weight
    assert 0.005 < f.original1.std() < 0.05
    torch.testing.assert_close(f.original0, torch.norm_except_dim(f.original1, 2, 0))
    sigma = g[0]._u @ (g.original @ g[0]._v)
    torch.testing.assert_close(sigma, torch.linalg.matrix_norm(g.original, 2), rtol=1e-2, atol=0)
    network.eval()
    torch.testing.assert_close(network.g.weight, g.original / sigma)

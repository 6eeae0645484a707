"""Norms in 16 bits compute in float32, eps included, as torch's own do; their results are rounded once."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import dslc
from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.run import run
from dslc.types.tensor import DType
from dslc.weights.init import initial

NORMS = [
    "rmsnorm",
    "rmsnorm(1e-8)",
    "ln(eps=1e-8)",
    "ln(axis=1)",
    "gn(2, eps=1e-8)",
    "inorm(affine=true, eps=1e-8)",
    "inorm",
    "l2norm(axis=-1)",
    "l2norm(axis=1, eps=1e-8)",
    "lrn(3)",
    "lrn(2)",
]


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("norm", NORMS)
def test_a_norm_of_16_bits_is_that_of_float32_rounded(norm: str, scale: float) -> None:
    """At scales where squares vanish and overflow in float16."""
    shape = (
        "4, 6, 8"
        if "axis=1)" not in norm and "axis=1," not in norm and norm.startswith(("rms", "ln", "l2"))
        else "4, 6, 5, 8"
    )
    source = f"net f on x[{shape}]:\n    {norm}\n"
    model = compile_model(source)
    graph = emit(model, initial(model.params), dtype=DType.FLOAT16)
    rng = np.random.default_rng(0)
    x = (rng.standard_normal([int(n) for n in shape.split(",")]) * scale).astype(np.float16)
    found = run(graph, {"x": x}, "cpu").outputs["output"]
    assert found.dtype == np.float16
    with torch.no_grad():
        expected = dslc.load(source)().eval()(torch.from_numpy(x).float()).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-3 * np.abs(expected).max())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_the_default_eps_of_rmsnorm_is_that_of_float32(dtype: torch.dtype) -> None:
    """torch computes in float32 whatever the type; its documentation names the input type's epsilon."""
    x = torch.full((1, 8), 3e-4, dtype=dtype)
    found = torch.nn.RMSNorm(8, dtype=dtype)(x)[0, 0].item()
    value = float(x[0, 0])
    assert found == pytest.approx(value / (value**2 + torch.finfo(torch.float32).eps) ** 0.5, rel=2e-3)

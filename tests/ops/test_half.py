"""Half precision: every op's PyTorch text follows `.to(dtype)`, and its ONNX rule works in the type of its inputs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from dslc.types.tensor import DType
from tests.ops.context import infer
from tests.ops.export import export, run
from tests.ops.render import render
from tests.ops.sample import Sample
from tests.ops.samples import SAMPLES
from tests.ops.test_every_op import cases, given, randomised, tensors

PAIRS = [(name, s) for name, samples in SAMPLES.items() for s in samples]

LIMIT = 1e-2
"""Greatest difference from float32, relative to the largest magnitude: float16 has 11 bits."""

COARSE = 6e-2
"""The same of bfloat16, which has 8."""


def array(tensor: Tensor) -> Any:
    """As numpy, floats of 16 bits."""
    return (tensor.half() if tensor.is_floating_point() else tensor).numpy()


def apart(found: Any, expected: Tensor) -> float:
    """The largest difference relative to the largest magnitude; 0 where nothing is finite or there is nothing."""
    if not expected.numel() or not expected.isfinite().all():
        return 0.0
    return float(
        np.abs(np.asarray(found, np.float32) - expected.numpy()).max() / max(float(expected.abs().max()), 1e-6)
    )


@cases(PAIRS)
def test_onnx_in_float16(name: str, sample: Sample) -> None:
    """The graph over float16 is valid, gives float16, and comes near the numbers of float32."""
    op = sample.op(name)
    rendered = render(op, sample.inputs, infer(op, sample.inputs))
    module, xs, ties = randomised(rendered), tensors(sample, sample.inputs), given(sample)
    with torch.no_grad():
        expected = rendered.call(module, xs, ties)
    state = ({} if module is None else module.state_dict()) | ties
    outs = infer(op, sample.inputs)
    weights = {key: array(value) for key, value in state.items()}
    model = export(op, sample.inputs, outs, weights, dtype=DType.FLOAT16)
    for found, wanted, type_ in zip(run(model, [array(x) for x in xs]), expected, outs, strict=True):
        assert found.dtype == ("float16" if type_.dtype is DType.FLOAT else type_.dtype.value)
        if type_.dtype.is_float:
            assert apart(found, wanted) < LIMIT


NAMED = ("arange", "eye", "zeros", "ones", "cast")
"""Ops whose element type is written, or is the network's: as a use of its own, torch's default."""


def has_floats(name: str, sample: Sample) -> bool:
    """Whether a type is handed on: what is made of whole numbers alone has torch's default."""
    return any(t.dtype.is_float for t in sample.inputs) or not sample.op(name).weightless


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@cases([(name, s) for name, s in PAIRS if name not in NAMED and has_floats(name, s)])
def test_torch_follows_to(name: str, sample: Sample, dtype: torch.dtype) -> None:
    """After `.to(dtype)`, and with inputs of that type, the results have it and come near those of float32."""
    op = sample.op(name)
    rendered = render(op, sample.inputs, infer(op, sample.inputs))
    module, xs, ties = randomised(rendered), tensors(sample, sample.inputs), given(sample)

    def half(tensor: Tensor) -> Tensor:
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    with torch.no_grad():
        expected = rendered.call(module, xs, ties)
        try:
            moved = None if module is None else module.to(dtype)
            found = rendered.call(moved, [half(x) for x in xs], {key: half(value) for key, value in ties.items()})
        except NotImplementedError as error:
            assert "avg_pool3d" in str(error), "a CPU lacks this kernel alone"
            return
    for result, wanted in zip(found, expected, strict=True):
        assert result.dtype == (dtype if wanted.is_floating_point() else wanted.dtype)
        if wanted.is_floating_point():
            assert apart(result.float().numpy(), wanted) < (LIMIT if dtype == torch.float16 else COARSE)

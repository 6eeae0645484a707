"""Graphs as text, to be read in a diff: tests/golden/NET/onnx.txt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dslc.backends.onnx.dump import dump
from dslc.backends.onnx.emit import emit
from dslc.weights.init import numpy_type
from tests.conftest import Golden
from tests.onnx.models import example

GOLDEN = Path(__file__).parents[1] / "golden"


@pytest.mark.parametrize(
    ("name", "dynamic"),
    [
        ("lenet", ()),
        ("resnet18", ()),
        ("mobilenet_v2", ("N",)),
        ("vit_b_16", ()),
        ("unet", ("N", "H", "W")),
    ],
)
def test_golden(name: str, dynamic: tuple[str, ...], golden: Golden) -> None:
    model = example(name)
    state = {path: np.ones(param.spec.shape, numpy_type(param.spec.dtype)) for path, param in model.params.items()}
    golden(GOLDEN / name / "onnx.txt", dump(emit(model, state, dynamic=dynamic)))

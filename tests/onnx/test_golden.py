"""Graphs as text, to be read in a diff: tests/golden/NET/onnx.txt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dslc.api import compile_model
from dslc.backends.onnx.dump import dump
from dslc.backends.onnx.emit import emit
from dslc.weights.init import numpy_type
from tests.conftest import Golden
from tests.onnx.models import EXAMPLES

GOLDEN = Path(__file__).parents[1] / "golden"


SMALL_VIT = {"patch": 32, "depth": 1, "heads": 4, "width": 64, "classes": 10}


@pytest.mark.parametrize(
    ("net", "file", "args", "dynamic"),
    [
        ("lenet", "lenet.dl", {}, ()),
        ("resnet18", "resnet.dl", {}, ()),
        ("mobilenet_v2", "mobilenet_v2.dl", {}, ("N",)),
        ("vit", "vit.dl", SMALL_VIT, ("N",)),
        ("unet", "unet.dl", {}, ("N", "H", "W")),
    ],
)
def test_golden(net: str, file: str, args: dict[str, int], dynamic: tuple[str, ...], golden: Golden) -> None:
    model = compile_model(EXAMPLES / file, net, args=args)
    state = {path: np.ones(param.spec.shape, numpy_type(param.spec.dtype)) for path, param in model.params.items()}
    golden(GOLDEN / net / "onnx.txt", dump(emit(model, state, dynamic=dynamic)))

"""ONNX from live modules: their present weights, and nothing of torch's exporter."""

from __future__ import annotations

import copy
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import dslc
from dslc.live.export import to_model
from dslc.output import OutputError
from dslc.weights.errors import WeightsError
from tests.onnx.models import EXAMPLES, difference, run

TEXT = """
net small(classes: int = 4) on image[N, 3, H=32, W=32]:
    conv(8, 3) -> bn -> relu -> dropout(0.5)
    gap -> flatten -> linear(classes) as fc
"""


@pytest.fixture
def module() -> nn.Module:
    torch.manual_seed(3)
    made = dslc.load(TEXT, classes=6)()
    with torch.no_grad():
        for tensor in made.state_dict().values():
            if tensor.is_floating_point():
                tensor.uniform_(0.2, 1)
    return made


def expected(module: nn.Module, image: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> torch.Tensor:
    with torch.no_grad():
        result = copy.deepcopy(module).eval()(torch.from_numpy(image))
    assert isinstance(result, torch.Tensor)
    return result


def test_present_weights(module: nn.Module, tmp_path: Path) -> None:
    """Exported while training, the graph is that of evaluation; the module is left as it was."""
    image = np.random.default_rng(0).normal(size=(1, 3, 32, 32)).astype(np.float32)
    found = run(to_model(module.train()), {"image": image})["output"]
    assert module.training
    assert difference(found, expected(module, image).numpy()) < 1e-5
    assert dslc.export_onnx(module, tmp_path / "a.onnx") == [tmp_path / "a.onnx"]
    with torch.no_grad():
        module.get_parameter("fc.bias").add_(1)
    again = run(to_model(module, dynamic=("N", "H", "W"), fold=False), {"image": image})["output"]
    assert np.allclose(again, found + 1, atol=1e-5)


def test_method_of_a_loaded_class(module: nn.Module, tmp_path: Path) -> None:
    (path,) = module.to_onnx(tmp_path / "a.onnx", fold=False)  # type: ignore[operator]
    assert path.read_bytes() == to_model(module, fold=False).data()


def test_modules_that_cannot_be_exported(module: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(dslc.ExportError, match="this `Linear` is no network that dslc made"):
        dslc.export_onnx(nn.Linear(2, 2), tmp_path / "a.onnx")
    with torch.no_grad():
        module.get_parameter("fc.bias")[1] = float("nan")
    with pytest.raises(WeightsError, match=r"`fc\.bias` has nan at \[1\]"):
        dslc.export_onnx(module, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(module: nn.Module, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        dslc.export_onnx(module, tmp_path / "none" / "a.onnx")


def test_torchs_exporter_is_not_used(module: nn.Module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch.onnx", None)
    assert to_model(module).data()


@pytest.mark.parametrize("name", ["resnet18", "googlenet", "mobilenet_v2"])
def test_examples(name: str) -> None:
    files = {"resnet18": "resnet.dl", "googlenet": "googlenet.dl", "mobilenet_v2": "mobilenet_v2.dl"}
    torch.manual_seed(0)
    net = dslc.load(EXAMPLES / files[name], net=name)().eval()
    image = np.random.default_rng(0).normal(size=(2, 3, 224, 224)).astype(np.float32)
    found = next(iter(run(to_model(net, dynamic=("N",)), {"image": image}).values()))
    assert difference(found, expected(net, image).numpy()) < 1e-4

"""Networks that torchvision publishes: the same names, weights, outputs, parameters and multiply-adds.

torchvision_meta.json holds the published counts, with their source.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import dslc
from dslc.analysis.cost import costs
from dslc.ir.model import Model
from dslc.ir.walk import flatten

models = pytest.importorskip("torchvision.models")

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PUBLISHED = json.loads((Path(__file__).parent / "torchvision_meta.json").read_text(encoding="utf-8"))["models"]
FAMILIES = ("alexnet", "vgg", "googlenet", "resnet", "densenet", "mobilenet_v2", "vit")
OUTPUTS_COMPARED = (
    "alexnet",
    "vgg16",
    "googlenet",
    "resnet18",
    "resnet50",
    "resnext50_32x4d",
    "densenet121",
    "mobilenet_v2",
    "vit_b_16",
)


@dataclass(frozen=True, slots=True)
class Published:
    """A row of the table: parameters (GoogLeNet's without auxiliary heads), 1e9 multiply-adds at `size`."""

    model: str
    weights: str
    params: int
    gmacs: float
    size: int

    @property
    def file(self) -> Path:
        family = next(f for f in FAMILIES if self.model.startswith(f) or (f == "resnet" and "res" in self.model))
        return EXAMPLES / f"{family}.dl"

    def compiled(self) -> Model:
        return dslc.compile(
            self.file, net=self.model, sizes={} if self.size == 224 else {"H": self.size, "W": self.size}
        )

    def reference(self) -> nn.Module:
        """torchvision's network on the current device."""
        options: dict[str, Any] = {}
        if self.model == "googlenet":
            options = {"init_weights": False}
        if self.model.startswith("vit"):
            options = {"image_size": self.size}
        network = getattr(models, self.model)(weights=None, **options)
        assert isinstance(network, nn.Module)
        return network


ROWS = [Published(**row) for row in PUBLISHED]
NAMES = [f"{row.model}@{row.size}" for row in ROWS]


@pytest.mark.parametrize("row", ROWS, ids=NAMES)
def test_names_shapes_and_counts(row: Published) -> None:
    model = row.compiled()
    with torch.device("meta"):
        state = row.reference().state_dict()
    expected = {key: (tuple(tensor.shape), str(tensor.dtype)) for key, tensor in state.items()}
    found = {
        path: (param.spec.shape, f"torch.{param.spec.dtype.value}")
        for path, param in model.params.items()
        if param.spec.kind != "const"
    }
    assert found == expected
    cost = costs(model, flatten(model))
    assert cost.count.params == row.params
    assert round(cost.macs / 1e9, 3) == row.gmacs
    assert not cost.unknown


def fill(state: dict[str, Tensor]) -> None:
    """Weights that keep values near 1, by one seed; norms and statistics that are not 0 and 1."""
    random = torch.Generator().manual_seed(2015)
    for key, tensor in state.items():
        if key.endswith("num_batches_tracked"):
            tensor.fill_(7)
        elif key.endswith("running_var"):
            tensor.uniform_(0.5, 1.5, generator=random)
        elif tensor.ndim > 1:
            tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5, generator=random)
        else:
            middle = 1.0 if key.endswith("weight") else 0.0
            tensor.normal_(middle, 0.1, generator=random)


def filled(row: Published) -> nn.Module:
    with torch.device("meta"):
        network = row.reference()
    network.to_empty(device="cpu")
    with torch.no_grad():
        fill(network.state_dict())
    return network


def difference(a: Tensor, b: Tensor) -> float:
    """Largest difference, relative to the largest value."""
    return float((a - b).detach().abs().max() / b.detach().abs().max())


@pytest.mark.parametrize("name", OUTPUTS_COMPARED)
def test_outputs(name: str) -> None:
    row = next(r for r in ROWS if r.model == name and r.size == 224)
    network = filled(row).eval()
    with torch.device("meta"):
        mine = dslc.load(row.file, net=name)()
    mine.load_state_dict(network.state_dict(), strict=True, assign=True)
    image = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        expected, found = network(image), mine.eval()(image)
    assert expected.std(0).max() > 1e-3 * expected.abs().max(), "the weights make every image look the same"
    error = difference(found, expected)
    assert error <= 1e-5
    print(f"{name}: {error:.1e}")


def without_dropout(network: nn.Module) -> nn.Module:
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return network


def test_googlenet_in_training() -> None:
    row = next(r for r in ROWS if r.model == "googlenet")
    network = without_dropout(filled(row)).train()
    mine = without_dropout(dslc.load(row.file, net="googlenet")()).train()
    mine.load_state_dict(network.state_dict())
    image = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(7))
    expected, found = network(image), mine(image)
    assert difference(found.logits, expected.logits) <= 1e-5
    assert difference(found.aux1, expected.aux_logits1) <= 1e-5
    assert difference(found.aux2, expected.aux_logits2) <= 1e-5
    for key, tensor in network.state_dict().items():
        assert torch.allclose(mine.state_dict()[key], tensor, rtol=1e-4, atol=1e-5), key


@pytest.mark.parametrize(("file", "most"), [("resnet", 30), ("mobilenet_v2", 18), ("densenet", 22), ("vit", 30)])
def test_programs_are_short(file: str, most: int) -> None:
    lines = (EXAMPLES / f"{file}.dl").read_text(encoding="utf-8").splitlines()
    assert sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in lines) <= most

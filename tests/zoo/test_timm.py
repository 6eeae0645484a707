"""Networks that timm has under other names: the same outputs from the same weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import dslc

timm = pytest.importorskip("timm")
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def reference(name: str) -> nn.Module:
    """timm's network in evaluation, with norms and statistics that are not 0 and 1."""
    torch.manual_seed(2017)
    network: nn.Module = timm.create_model(name).eval()
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            for tensor in (module.weight.data, module.bias.data, module.running_mean):
                assert isinstance(tensor, torch.Tensor)
                tensor.add_(torch.randn_like(tensor), alpha=0.1)
            assert isinstance(module.running_var, torch.Tensor)
            module.running_var.uniform_(0.5, 1.5)
    return network


def check_same(mine: nn.Module, other: nn.Module) -> None:
    image = torch.randn(2, 3, 224, 224)
    with torch.no_grad():
        found, expected = mine.eval()(image), other(image)
    assert expected.std(0).max() > 1e-4
    assert (found - expected).abs().max() <= 1e-5 * expected.abs().max()


def test_se_resnet50_has_the_names_too() -> None:
    other = reference("seresnet50")
    mine = dslc.load(EXAMPLES / "se_resnet.dl", net="se_resnet50")()
    mine.load_state_dict(other.state_dict(), strict=True)
    check_same(mine, other)


def test_mobilenet_v1() -> None:
    other = reference("mobilenetv1_100")
    for parent in list(other.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.ReLU6):  # the paper and its table say ReLU
                setattr(parent, name, nn.ReLU())
    mine = dslc.load(EXAMPLES / "mobilenet_v1.dl", net="mobilenet_v1")()
    tensors = other.state_dict().values()  # both list layers in order of use
    mine.load_state_dict(dict(zip(mine.state_dict(), tensors, strict=True)))
    check_same(mine, other)

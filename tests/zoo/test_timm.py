"""Networks that timm has under other names: the same outputs from the same weights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

import dslc
from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from tests.zoo import lines
from tests.zoo.zoo import fill, statistics

timm = pytest.importorskip("timm")
cbam = pytest.importorskip("timm.layers.cbam")
coordinates = pytest.importorskip("timm.layers.coord_attn")
layers = pytest.importorskip("timm.layers")
Check = Callable[..., None]
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def reference(name: str, **options: object) -> nn.Module:
    """timm's network in evaluation, with norms and statistics that are not 0 and 1."""
    network: nn.Module = timm.create_model(name, **options).eval()
    with torch.no_grad():
        fill(dict(network.named_parameters()) | statistics(network))
    return network


def difference(mine: nn.Module, other: nn.Module, side: int) -> float:
    """The largest difference of the outputs for some images, relative to the largest output."""
    image = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(7))
    with torch.no_grad():
        found, expected = mine.eval()(image), other(image)
    assert expected.std(0).max() > 1e-3 * expected.abs().max(), "the weights make every image look the same"
    return float((found - expected).abs().max() / expected.abs().max())


@pytest.fixture
def check(record_property: Callable[[str, object], None]) -> Check:
    """Compare one of our networks with timm's, and put it into the table."""

    def compare(file: str, net: str, mine: nn.Module, other: nn.Module, side: int = 224) -> None:
        error = difference(mine, other, side)
        record_property("zoo", lines.row(EXAMPLES / f"{file}.dl", net, error))
        assert error <= 1e-5

    return compare


def in_order(mine: nn.Module, state: dict[str, Tensor]) -> None:
    """Give a network the weights of another that lists its layers in the same order, under other names."""
    mine.load_state_dict(dict(zip(mine.state_dict(), state.values(), strict=True)))


def test_se_resnet50_has_the_names_too(check: Check) -> None:
    other = reference("seresnet50")
    mine = dslc.load(EXAMPLES / "se_resnet.dl", net="se_resnet50")()
    mine.load_state_dict(other.state_dict(), strict=True)
    check("se_resnet", "se_resnet50", mine, other)


def test_mobilenet_v1(check: Check) -> None:
    other = reference("mobilenetv1_100")
    for parent in list(other.modules()):
        for name, child in parent.named_children():
            if isinstance(child, nn.ReLU6):  # the paper and its table say ReLU
                setattr(parent, name, nn.ReLU())
    mine = dslc.load(EXAMPLES / "mobilenet_v1.dl", net="mobilenet_v1")()
    in_order(mine, other.state_dict())
    check("mobilenet_v1", "mobilenet_v1", mine, other)


RENAMED = {"se.conv_reduce": "se.fc1", "se.conv_expand": "se.fc2", "9.0.conv": "9.0.0", "9.0.bn1": "9.0.1"}
"""The gates of timm's GhostNet, and its last convolution and norm."""


@pytest.mark.parametrize(
    ("file", "net", "name"),
    [
        ("repvgg", "repvgg_a0", "repvgg_a0"),
        ("xception", "xception", "legacy_xception"),
        ("ghostnet", "ghostnet_100", "ghostnet_100"),
    ],
)
def test_networks_with_the_names_too(file: str, net: str, name: str, check: Check) -> None:
    other = reference(name)
    mine = dslc.load(EXAMPLES / f"{file}.dl", net=net)()
    state = other.state_dict()
    for old, new in RENAMED.items():
        state = {key.replace(old, new): tensor for key, tensor in state.items()}
    mine.load_state_dict(state, strict=True)
    check(file, net, mine, other, 160)


@pytest.mark.parametrize(
    ("file", "net", "name", "attend"),
    [
        ("resnet_d", "resnet50d", "resnet50d", None),
        ("attention_resnet", "eca_resnet18", "resnet18", "eca"),
        ("attention_resnet", "eca_resnet50d", "ecaresnet50d", None),
        ("attention_resnet", "cbam_resnet18", "resnet18", "cbam"),
    ],
)
def test_resnets(file: str, net: str, name: str, attend: str | None, check: Check) -> None:
    other = reference(name, **({"block_args": {"attn_layer": attend}} if attend else {}))
    mine = dslc.load(EXAMPLES / f"{file}.dl", net=net)()
    in_order(mine, other.state_dict())
    check(file, net, mine, other, 128)


def test_repvgg_in_onnx_is_one_convolution_for_each_block() -> None:
    """The merged weights are those that timm's own merge gives."""
    from timm.utils.model import reparameterize_model

    other = reference("repvgg_a0")
    model = compile_model(EXAMPLES / "repvgg.dl", net="repvgg_a0")
    graph = emit(model, {key: tensor.numpy() for key, tensor in other.state_dict().items()}).graph
    merged = reparameterize_model(other).state_dict()
    kinds = Counter(node.kind for node in graph.nodes)
    assert kinds == {"Conv": 22, "Relu": 22, "GlobalAveragePool": 1, "Flatten": 1, "Gemm": 1}
    found = [graph.initializers[name] for node in graph.nodes for name in node.inputs[1:]]
    for tensor, array in zip(merged.values(), found, strict=True):
        assert torch.allclose(torch.from_numpy(array), tensor, rtol=1e-4, atol=1e-5)


GATES: dict[str, tuple[Callable[[], nn.Module], int]] = {
    "eca": (lambda: layers.EcaModule(64), 64),
    "eca(5)": (lambda: layers.EcaModule(kernel_size=5), 64),
    "cbam": (lambda: cbam.CbamModule(64), 64),
    "coordinate_attention(mid=8)": (lambda: coordinates.CoordAttn(64, rd_channels=8, bias=True), 64),
    "split_attention(64)": (lambda: layers.SplitAttn(64, norm_layer=nn.BatchNorm2d), 64),
    "split_attention(96, k=5, s=2, g=2, radix=3, mid=48)": (
        lambda: layers.SplitAttn(48, 96, 5, 2, groups=2, radix=3, rd_channels=16, norm_layer=nn.BatchNorm2d),
        48,
    ),
    "split_attention(64, radix=1, mid=32)": (
        lambda: layers.SplitAttn(64, radix=1, rd_channels=32, norm_layer=nn.BatchNorm2d),
        64,
    ),
}


@pytest.mark.parametrize("part", GATES)
def test_gates(part: str, tmp_path: Path) -> None:
    make, channels = GATES[part]
    program = tmp_path / "program.dl"
    program.write_text(
        f"use std.gates: {part.partition('(')[0]}\nnet whole on x[N, {channels}, H=20, W=28]: {part}\n",
        encoding="utf-8",
    )
    torch.manual_seed(2020)
    other = make().eval()
    for name, tensor in other.named_parameters():
        tensor.data.normal_(1.0 if "bn" in name and name.endswith("weight") else 0.0, 0.3)
    mine = dslc.load(program)().eval()
    state = other.state_dict()
    for name in [name for name in state if name.removesuffix(".bias").endswith(("conv1", "fc1")) and "bias" in name]:
        state[name].zero_()  # idle before a batch norm: ours has none
        del state[name]
    in_order(mine, state)
    x = torch.randn(2, channels, 20, 28)
    with torch.no_grad():
        expected = other(x)
        assert (mine(x) - expected).abs().max() <= 1e-5 * expected.abs().max()

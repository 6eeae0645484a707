"""Converted networks against the originals, both as PyTorch runs them, with the same weights.

What holds, and is tested: at the default size the results are equal. At a larger size a place of the map is the
original network's answer for the crop that place sees: exactly where no layer pads, since a crop's padding is not there
in the larger image; with padding, where no border of the crop is felt.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import dslc
from dslc.convert.program import Converted, fully_convolutional
from dslc.convert.weights import reshaped

ROOT = Path(__file__).resolve().parents[2]


def pair(
    source: str | Path, net: str | None, folder: Path, sizes: dict[str, int] | None = None, **args: Any
) -> tuple[nn.Module, type[nn.Module], dict[str, Tensor], Converted]:
    """The original module with random weights, the converted class, those weights for it, and the conversion."""
    torch.manual_seed(0)
    converted = fully_convolutional(source, net, args=args, sizes=sizes)
    path = folder / "converted.dl"
    path.write_text(converted.text, encoding="utf-8")
    network = dslc.load(source, net, sizes=sizes, **args)().eval()
    ((_, after),) = converted.after.items()
    state = reshaped({k: v.numpy() for k, v in network.state_dict().items()}, after)
    return network, dslc.load(path, net, **args), {k: torch.from_numpy(v) for k, v in state.items()}, converted


def loaded(cls: type[nn.Module], state: dict[str, Tensor]) -> nn.Module:
    network = cls().eval()
    network.load_state_dict(state)  # strict
    return network


@pytest.mark.parametrize(
    ("example", "net", "side", "larger", "places"),
    [
        ("lenet", "lenet", 32, 64, 9),
        ("alexnet", "alexnet", 224, 384, 6),
        ("alexnet_2gpu", "alexnet_2gpu", 227, 387, 6),
        ("vgg", "vgg11", 224, 384, 6),
        ("resnet", "resnet18", 64, 224, 6),
        ("mobilenet_v2", "mobilenet_v2", 64, 224, 6),
        pytest.param("densenet", "densenet121", 64, 128, 3, marks=pytest.mark.slow),
        pytest.param("googlenet", "googlenet", 64, 128, 3, marks=pytest.mark.slow),
        ("nin", "nin", 32, 64, 9),
    ],
)
def test_the_examples(example: str, net: str, side: int, larger: int, places: int, tmp_path: Path) -> None:
    path = ROOT / "examples" / f"{example.removesuffix('_2gpu')}.dl"
    sizes = {"H": side, "W": side} if side == 64 else None
    network, cls, state, _ = pair(path, net, tmp_path, sizes, classes=7)
    dense = loaded(cls, state)
    channels = 1 if example == "lenet" else 3
    image = torch.randn(2, channels, side, side)
    with torch.no_grad():
        wanted, found = (first(f(image)) for f in (network, dense))
        assert found.shape == (2, 7, 1, 1)
        torch.testing.assert_close(found.flatten(1), wanted, rtol=1e-5, atol=1e-5)
        assert first(dense(torch.randn(1, channels, larger, larger))).shape == (1, 7, places, places)


def first(result: Any) -> Tensor:
    return result if isinstance(result, Tensor) else result[0]


def test_without_padding_each_place_is_the_crop_it_sees(tmp_path: Path) -> None:
    network, cls, state, _ = pair(ROOT / "examples" / "lenet.dl", None, tmp_path)
    image = torch.randn(1, 1, 48, 60)
    with torch.no_grad():
        found = loaded(cls, state)(image)
        assert found.shape == (1, 10, 5, 8)  # stride 4: two 2x2 pools
        for i in range(5):
            for j in range(8):
                crop = image[:, :, 4 * i : 4 * i + 32, 4 * j : 4 * j + 32]
                torch.testing.assert_close(found[:, :, i, j], network(crop), rtol=1e-5, atol=1e-5)


VGG_VALID = """
net vgg(p: int = 0, classes: int = 5) on image[N, 3, H=108, W=108] -> [N, classes]:
    seq as features:
        for width in [8, 16, 16]:
            conv(width, 3, p=p) -> relu -> conv(width, 3, p=p) -> relu -> maxpool(2)
    adaptive_avgpool(10 if p == 0 else 13) -> flatten
    seq as classifier:
        for i in range(2): linear(32) -> relu -> dropout(0.5)
        linear(classes)
"""


def test_a_vgg_without_padding_is_exact_on_the_overlap(tmp_path: Path) -> None:
    """108 -> 52 -> 24 -> 10; a place of the map every 8 pixels."""
    network, cls, state, _ = pair(VGG_VALID, None, tmp_path)
    image = torch.randn(1, 3, 108 + 16, 108 + 24)
    with torch.no_grad():
        found = loaded(cls, state)(image)
        assert found.shape == (1, 5, 3, 4)
        for i in range(3):
            for j in range(4):
                crop = image[:, :, 8 * i : 8 * i + 108, 8 * j : 8 * j + 108]
                torch.testing.assert_close(found[:, :, i, j], network(crop), rtol=1e-5, atol=1e-5)


def test_with_padding_a_place_is_the_crop_where_no_border_is_felt(tmp_path: Path) -> None:
    """An image that is zero but in the middle of one crop: its padding of zeros is what stands around it."""
    network, cls, state, _ = pair(VGG_VALID, None, tmp_path, p=1)
    state = {k: torch.zeros_like(v) if k.startswith("features") and k.endswith("bias") else v for k, v in state.items()}
    network.load_state_dict({k: v.reshape(network.state_dict()[k].shape) for k, v in state.items()})
    image = torch.zeros(1, 3, 108 + 32, 108 + 32)
    image[:, :, 8 + 40 : 8 + 60, 16 + 40 : 16 + 60] = torch.randn(3, 20, 20)
    with torch.no_grad():
        found = loaded(cls, state)(image)
        assert found.shape == (1, 5, 5, 5)
        wanted = network(image[:, :, 8:116, 16:124])
        torch.testing.assert_close(found[:, :, 1, 2], wanted, rtol=0, atol=1e-6)
        assert (found[:, :, 2, 2] - wanted).abs().max() > 1e-5


def test_with_padding_and_content_at_the_border_the_crop_differs(tmp_path: Path) -> None:
    """Said in docs/convert.md: a crop is padded with zeros where the larger image goes on."""
    network, cls, state, _ = pair(VGG_VALID, None, tmp_path, p=1)
    image = torch.randn(1, 3, 116, 116)
    with torch.no_grad():
        found = loaded(cls, state)(image)
        assert found.shape == (1, 5, 2, 2)
        assert (found[:, :, 0, 0] - network(image[:, :, :108, :108])).abs().max() > 1e-5


def test_onnx_of_a_converted_network_is_equal(tmp_path: Path) -> None:
    import onnxruntime

    from dslc.live.export import export_onnx

    _, cls, state, _ = pair(ROOT / "examples" / "lenet.dl", None, tmp_path)
    dense = loaded(cls, state)
    export_onnx(dense, tmp_path / "dense.onnx", dynamic=["H", "W"])
    session = onnxruntime.InferenceSession(str(tmp_path / "dense.onnx"), providers=["CPUExecutionProvider"])
    for side, places in ((32, 1), (64, 9)):
        image = torch.randn(1, 1, side, side)
        (found,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
        assert found.shape == (1, 10, places, places)
        with torch.no_grad():
            np.testing.assert_allclose(found, dense(image).numpy(), rtol=1e-4, atol=1e-5)


DENSE = """
use std.conv: fc

net small(dense: bool = false, classes: int = 5) on image[N, 3, H=32, W=32] -> [N, classes, ...]:
    seq as features: conv(8, 3) -> relu -> maxpool(4)
    if not dense: adaptive_avgpool(8)
    seq as classifier: fc(16, 8) -> relu -> dropout(0.5) -> fc(classes)
    if not dense: flatten
"""


def test_one_program_says_both_with_one_set_of_weights() -> None:
    torch.manual_seed(0)
    network = dslc.load(DENSE)().eval()
    dense = dslc.load(DENSE, dense=True)().eval()
    dense.load_state_dict(network.state_dict())
    image = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        wanted = network(image)
        assert wanted.shape == (2, 5)
        torch.testing.assert_close(dense(image).flatten(1), wanted)
        assert dense(torch.randn(1, 3, 64, 48)).shape == (1, 5, 9, 5)

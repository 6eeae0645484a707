"""Figures that every text on convolutional networks gives, from programs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from dslc.analysis.conventions import bridge
from dslc.analysis.cost import value_at
from dslc.analysis.field import Field, window
from dslc.analysis.quantities import Numbers
from dslc.api import compile_model
from dslc.ir.model import Model
from tests.analysis.nets import compiled, macs_by_path

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"


def weights(model: Model) -> dict[str, int]:
    """Elements of the weights of each layer, biases left out."""
    return {path: p.spec.count for path, p in model.params.items() if path.endswith(".weight")}


# ---- AlexNet (Krizhevsky, Sutskever and Hinton, NIPS 2012, section 3 and figure 2)


def test_the_layer_table_of_alexnet() -> None:
    """Weights of the eight layers, the convolutions on two devices; 60,954,656 in all."""
    table = list(weights(compile_model(EXAMPLES / "alexnet.dl", "alexnet_2gpu")).values())
    assert table == [34_848, 307_200, 884_736, 663_552, 442_368, 37_748_736, 16_777_216, 4_096_000]
    assert sum(table) == 60_954_656
    assert f"{4 * 60e6 / 2**20:.2f}" == "228.88" and f"{4 * sum(table) / 2**20:.1f}" == "232.5"


def test_the_maps_of_alexnet() -> None:
    """55 x 55 x 96, 27 x 27 x 256, 13 x 13 x 384, 13 x 13 x 384, 13 x 13 x 256 (figure 2)."""
    model = compile_model(EXAMPLES / "alexnet.dl", "alexnet_2gpu")
    maps = [step.outs[0].type.dims[1:] for step in Numbers(model).flat.steps if step.path.startswith("conv")]
    assert maps == [(96, 55, 55), (256, 27, 27), (384, 13, 13), (384, 13, 13), (256, 13, 13)]


# ---- output sizes: (W - F + 2P)/S + 1 (CS231n, Convolutional Networks; Dumoulin and Visin 2016, relationship 6)


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding", "out"),
    [
        (227, 11, 4, 0, 55),  # AlexNet's first layer
        (224, 7, 2, 3, 112),  # ResNet's stem
        (224, 3, 1, 1, 224),  # VGG
        (32, 5, 1, 0, 28),  # LeNet's first layer
        (7, 3, 1, 0, 5),  # CS231n: 7x7 input, 3x3 filter, stride 1
        (7, 3, 2, 0, 3),  # and stride 2
        (5, 3, 2, 1, 3),  # Dumoulin and Visin, figure 2.6
        (6, 3, 2, 1, 3),  # figure 2.7: the floor drops a place
        (10, 3, 3, 0, 3),  # CS231n's strides that do not fit: PyTorch drops the rest
    ],
)
def test_output_sizes(size: int, kernel: int, stride: int, padding: int, out: int) -> None:
    model = compiled(f"net f on x[N, 1, {size}, {size}]:\n    conv(1, {kernel}, s={stride}, p={padding})\n")
    assert model.root.outputs[0].type.dims[2:] == (out, out) == ((size - kernel + 2 * padding) // stride + 1,) * 2


def test_the_output_volume_of_cs231n() -> None:
    """Input 32x32x3, ten 5x5 filters with stride 1, pad 2: 32x32x10 and 760 parameters (lecture 5)."""
    model = compiled("net f on x[N, 3, 32, 32]:\n    conv(10, 5, s=1, p=2)\n")
    assert model.root.outputs[0].type.dims[1:] == (10, 32, 32)
    assert Numbers(model).cost.count.params == 760


# ---- small kernels and factorised convolutions


def test_three_3x3_see_as_one_7x7_with_fewer_weights() -> None:
    """27 C^2 against 49 C^2 weights for the same receptive field (Simonyan and Zisserman 2014, section 2.3)."""
    threes, seven = (
        compiled(f"net f on x[N, 64, 32, 32]:\n    {layers}\n")
        for layers in ("conv(64, 3) -> conv(64, 3) -> conv(64, 3)", "conv(64, 7)")
    )
    assert Numbers(threes).seen[0].size == Numbers(seven).seen[0].size == 7
    assert sum(weights(threes).values()) == 27 * 64**2
    assert sum(weights(seven).values()) == 49 * 64**2
    field = Field()
    for _ in range(3):
        field = window(field, 3, 1, 1, 1)
    assert (field.size, field.stride) == (7, 1)


@pytest.mark.parametrize(("k", "width"), [(3, 64), (3, 512), (5, 96), (7, 32)])
def test_depthwise_separable_costs_1_over_n_plus_1_over_k2_of_a_standard_convolution(k: int, width: int) -> None:
    """Howard et al. 2017, MobileNets, section 3.1."""
    standard, separable = (
        compiled(f"net f on x[N, 48, 20, 20]:\n    {layers}\n")
        for layers in (f"conv({width}, {k}, bias=false)", f"conv(48, {k}, g=48) -> conv({width}, 1)")
    )
    ratio = Fraction(sum(macs_by_path(separable).values()), sum(macs_by_path(standard).values()))
    assert ratio == Fraction(1, width) + Fraction(1, k * k)


def test_a_fully_connected_head_outweighs_global_pooling() -> None:
    """VGG-16's first head layer alone has 102.8 M of its 138.4 M parameters; GoogLeNet's head 1.0 M of 6.6 M."""
    vgg = compile_model(EXAMPLES / "vgg.dl", "vgg16")
    assert weights(vgg)["classifier.0.weight"] == 7 * 7 * 512 * 4096 == 102_760_448
    assert Numbers(vgg).cost.count.params == 138_357_544
    assert weights(compile_model(EXAMPLES / "googlenet.dl"))["fc.weight"] == 1_024_000


# ---- one number of each kind for ResNet-50


def test_resnet50_in_one_line_each() -> None:
    """torchvision: 25,557,032 and 4.089; timm's infer table: 11.11 M activations; fvcore and thop as they print."""
    numbers = Numbers(compile_model(EXAMPLES / "resnet.dl", "resnet50"))
    at = numbers.model.sizes.default
    assert (numbers.cost.count.params, numbers.cost.macs) == (25_557_032, 4_089_184_256)
    assert f"{value_at(numbers.cost.acts, at) / 1e6:.3f}" == "11.115"
    assert numbers.memory.peak == 7_225_344
    fvcore, thop = (bridge(numbers.model, numbers.flat, numbers.cost, tool).total for tool in ("fvcore", "thop"))
    assert f"{fvcore / 1e9:.4f}" == "4.1115" and thop == 4_133_742_592

"""Tensors brought to other sizes, as timm does."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dslc.api import compile_model
from dslc.ir.model import Model
from dslc.weights.errors import WeightsError
from dslc.weights.init import initial
from dslc.weights.maps.adapt import adapted
from dslc.weights.maps.bicubic import weights
from dslc.weights.memory import Array
from dslc.weights.store import fit
from dslc.weights.tensors import Arrays, Tensors

VIT = """
net vit on image[N, C=3, H=64, W=64] -> [N, 5]:
    param token: [1, 1, 12] = zeros
    conv(12, 8, s=8, p=0) as patch -> rearrange("n d h w -> n (h w) d")
    concat(token -> expand(N, -1, -1), it, axis=1)
    param places: [1, 1 + H // 8 * (W // 8), 12] = normal(std=0.02)
    (it + places) -> mean(1) -> linear(5) as head
"""


def random(*shape: int, kind: str = "float32") -> Array:
    return np.random.default_rng(7).normal(size=shape).astype(kind)


def asked(text: str, wish: str, sizes: dict[str, int] | None = None, **shapes: Array) -> tuple[Model, Tensors, Array]:
    """A network's tensors with one of another size, adapted."""
    model = compile_model(text, sizes=sizes)
    (name,) = shapes
    path = name.replace("_", ".")
    return model, adapted(Arrays({**initial(model.params, 0), path: shapes[name]}), model.params, [wish]), shapes[name]


@pytest.mark.parametrize("sizes", [{"H": 96, "W": 96}, {"H": 40, "W": 40}, {"H": 48, "W": 104}, {"H": 8, "W": 8}])
def test_positions_are_timms(sizes: dict[str, int]) -> None:
    resample = pytest.importorskip("timm.layers").resample_abs_pos_embed
    model, found, table = asked(VIT, "positions", sizes, places=random(1, 65, 12))
    new = (sizes["H"] // 8, sizes["W"] // 8)
    expected = resample(torch.from_numpy(table), new, num_prefix_tokens=1)
    assert found.specs["places"].shape == tuple(expected.shape) == model.params["places"].spec.shape
    assert np.abs(found.read("places") - expected.numpy()).max() < 1e-5
    assert np.array_equal(found.read("places")[:, 0], table[:, 0])
    words = f"`places`: positions of 8 x 8 are resampled to {new[0]} x {new[1]}, 1 token before them kept"
    assert found.notes == (words,)


def test_positions_keep_their_type() -> None:
    _, found, _ = asked(VIT, "positions", {"H": 96, "W": 96}, places=random(1, 65, 12, kind="float16"))
    assert found.read("places").dtype == np.float16 == found.specs["places"].dtype


def test_positions_of_a_map_that_is_no_row() -> None:
    resample = pytest.importorskip("timm.layers").resample_abs_pos_embed_nhwc
    text = """
net f on x[N, 3, H=8, W=12]:
    param grid: [1, H, W, 3] = zeros
    rearrange("n c h w -> n h w c") -> (it + grid)
"""
    _, found, table = asked(text, "positions", grid=random(1, 6, 6, 3))
    expected = resample(torch.from_numpy(table), (8, 12))
    assert np.abs(found.read("grid") - expected.numpy()).max() < 1e-5


def test_positions_of_tokens_that_no_single_convolution_makes() -> None:
    text = """
net f on image[N, 3, H=20, W=20]:
    conv(4, 2, s=2, p=0) -> relu -> conv(4, 2, s=2, p=0) -> rearrange("n d h w -> n (h w) d")
    param token: [1, 1, 4] = zeros
    concat(token -> expand(N, -1, -1), it, axis=1)
    param table: [1, 1 + H // 4 * (W // 4), 4] = zeros
    it + table
"""
    _, found, table = asked(text, "positions", table=random(1, 17, 4))
    resample = pytest.importorskip("timm.layers").resample_abs_pos_embed
    expected = resample(torch.from_numpy(table), (5, 5), num_prefix_tokens=1)
    assert np.abs(found.read("table") - expected.numpy()).max() < 1e-5


def test_positions_of_words_are_no_grid() -> None:
    text = "net f on x[N, T=16, 4]:\n    param table: [1, T, 4] = zeros\n    it + table\n"
    with pytest.raises(WeightsError, match="the network has no images, of whose patches it would be a grid"):
        asked(text, "positions", table=random(1, 64, 4))


@pytest.mark.parametrize(("before", "after"), [(7, 12), (12, 7), (14, 14), (1, 9), (9, 1), (32, 5)])
def test_weights_of_rows_are_torchs(before: int, after: int) -> None:
    grid = torch.eye(before).reshape(1, before, before, 1).expand(-1, -1, -1, 3)
    expected = torch.nn.functional.interpolate(grid, (after, 3), mode="bicubic", antialias=True)[0, :, :, 0].T
    assert np.abs(weights(before, after) - expected.numpy()).max() < 1e-5


@pytest.mark.parametrize("channels", [1, 2, 4, 7])
def test_channels_are_timms(channels: int) -> None:
    adapt = pytest.importorskip("timm.models").adapt_input_conv
    _, found, weight = asked(VIT, "channels", {"C": channels}, patch_weight=random(12, 3, 8, 8))
    expected = adapt(channels, torch.from_numpy(weight)).numpy()
    assert np.abs(found.read("patch.weight") - expected).max() < 1e-5
    (note,) = found.notes
    assert note.startswith("`patch.weight`: ")


def test_what_fits_stays() -> None:
    model = compile_model(VIT)
    tensors = Arrays(initial(model.params, 0))
    assert adapted(tensors, model.params, ["positions", "channels"]) is tensors
    other = compile_model(VIT, sizes={"H": 96})
    assert adapted(tensors, other.params, ["channels"]) is tensors


@pytest.mark.parametrize(
    ("name", "shape", "wish", "why"),
    [
        ("places", (1, 66, 12), "positions", "65 places in the file are no square grid"),
        ("places", (1, 65, 10), "positions", "more than its positions differs"),
        ("patch_weight", (10, 4, 8, 8), "channels", "more than its channels differs"),
    ],
)
def test_what_cannot_be_adapted_is_told(name: str, shape: tuple[int, ...], wish: str, why: str) -> None:
    with pytest.raises(WeightsError) as error:
        asked(VIT, wish, {"H": 96}, **{name: random(*shape)})
    (mistake,) = error.value.mistakes
    path = name.replace("_", ".")
    assert mistake.message.startswith(f"cannot adapt `{path}` from {list(shape)} to ")
    assert mistake.message.endswith(why)


def test_other_tensors_are_not_adapted() -> None:
    model = compile_model(VIT)
    tensors = Arrays({**initial(model.params, 0), "head.weight": random(9, 12)})
    assert adapted(tensors, model.params, ["positions", "channels"]) is tensors


@pytest.mark.parametrize(
    ("text", "name", "shape", "help"),
    [
        (VIT, "places", (1, 50, 12), "`--adapt positions` brings it to the network's size"),
        (VIT, "patch.weight", (12, 1, 8, 8), "`--adapt channels` brings it to the network's size"),
        (
            "net f(length: int = 16) on x[N, 8, 4]:\n    param w: [1, length, 4] = zeros\n    it + w[:, :8]\n",
            "w",
            (1, 9, 4),
            "`--set length=9` makes the network that the weights are of",
        ),
    ],
)
def test_what_would_mend_it_is_said(text: str, name: str, shape: tuple[int, ...], help: str) -> None:
    model = compile_model(text)
    with pytest.raises(WeightsError) as error:
        fit({**initial(model.params, 0), name: random(*shape)}, model.params)
    (mistake,) = error.value.mistakes
    assert [words.text for words in mistake.help] == [help]

"""Layers along axes that are written, and where channels are: numpy, PyTorch and onnxruntime give one result."""

from __future__ import annotations

import random
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from dslc.analysis.field import Status
from dslc.analysis.receptive import receptive_fields
from dslc.api import compile_model
from dslc.backends.onnx.check import check
from dslc.backends.onnx.emit import emit
from dslc.backends.torch.emit import generate
from dslc.ir.model import Model
from dslc.ir.walk import flatten
from tests.onnx.models import inputs_of, lively, run
from tests.torch_backend.common import network

Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]
NUMPY = {"constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}
NAMES = "ABCD"


def results(text: str, sizes: Sequence[int], names: str) -> tuple[Array, Array, list[Array]]:
    """The input, PyTorch's result, and onnxruntime's of the graph with numbers and of the one whose sizes stay open."""
    model = compile_model(text, sizes=dict(zip(names, sizes, strict=True)))
    state = lively(model)
    net = network(generate(model), model.entry).eval()
    net.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    feeds = inputs_of(model)
    (x,) = feeds.values()
    with torch.no_grad():
        found = net(torch.from_numpy(x)).numpy()
    graphs = [emit(model, state), emit(model, state, dynamic=tuple(model.sizes.default))]
    for graph in graphs:
        check(graph)
    return x, found, [next(iter(run(graph, feeds, optimise=True).values())) for graph in graphs]


@pytest.mark.parametrize("seed", range(24))
def test_numpy_pads_crops_and_pools_alike_at_random_sizes(seed: int) -> None:
    draw = random.Random(seed)
    rank = draw.choice((3, 3, 4, 5))
    sizes = [draw.randint(3, 7) for _ in range(rank - 1)]
    axes = draw.sample(range(1, rank), draw.choice((1, 1, 2)) if rank > 3 else 1)
    kind = draw.choice(("pad", "pad", "crop", "gap", "gmp"))
    word = str(draw.choice((axes[0], axes[0] - rank))) if len(axes) == 1 else str(tuple(axes))
    mode = (
        draw.choice(tuple(NUMPY)) if rank < 5 or kind != "pad" else draw.choice(("constant", "replicate", "circular"))
    )
    pairs = [(draw.randint(0, 2), draw.randint(0, 2)) for _ in axes]
    if kind == "crop":
        pairs = [(before // 2, after // 2 + (before < 2)) for before, after in pairs]
    text = {
        "pad": f'pad({tuple(pairs)}, axis={word}, mode="{mode}")',
        "crop": f"crop({tuple(pairs)}, axis={word})",
        "gap": f"gap(axis={word})",
        "gmp": f"gmp(axis={word})",
    }[kind]
    header = ", ".join(f"{name}={size}" for name, size in zip(NAMES, sizes, strict=False))
    x, found, graphs = results(f"net f on x[N, {header}]:\n    {text}\n", sizes, NAMES[: rank - 1])
    by_axis = dict(zip(axes, pairs, strict=True))
    if kind == "pad":
        expected = np.pad(x, [by_axis.get(a, (0, 0)) for a in range(rank)], NUMPY[mode])  # type: ignore[call-overload]
    elif kind == "crop":
        cut = [by_axis.get(a, (0, 0)) for a in range(rank)]
        expected = x[tuple(slice(b, x.shape[a] - e) for a, (b, e) in enumerate(cut))]
    else:
        expected = (np.mean if kind == "gap" else np.max)(x, tuple(axes), keepdims=True)
    for one in (found, *graphs):
        assert one.shape == expected.shape
        np.testing.assert_allclose(one, expected, rtol=1e-5, atol=1e-6, err_msg=text)


def test_a_crop_like_another_keeps_the_middle_of_the_axes_written() -> None:
    text = "net f on x[N, A=9, B=6]:\n    y = x[:, 2:6]\n    crop(x, like=y, axis=1) + y\n"
    x, found, graphs = results(text, (9, 6), "AB")
    for one in (found, *graphs):
        np.testing.assert_allclose(one, x[:, 2:6] + x[:, 2:6], rtol=1e-6)


def test_where_the_channels_are_leaves_no_trace() -> None:
    said = compile_model("net f on x[N, T=16, 8]:\n    channel_axis(-1) -> pad(((1, 0),)) -> softmax -> linear(4)\n")
    written = compile_model("net f on x[N, T=16, 8]:\n    pad(((1, 0),), axis=1) -> softmax(axis=-1) -> linear(4)\n")
    texts = [generate(model).text.partition("class ")[2] for model in (said, written)]
    assert texts[0] == texts[1]
    nodes = [[node.kind for node in emit(model, lively(model)).graph.nodes] for model in (said, written)]
    assert nodes[0] == nodes[1]
    numbered = compile_model("net f on x[N, 8, T=16]:\n    seq: channel_axis(1) -> conv(8, 3) -> relu -> conv(8, 3)\n")
    assert [name for name in numbered.params if name.endswith("weight")] == ["seq.0.weight", "seq.2.weight"]


def fields(model: Model) -> dict[int, object]:
    """The receptive field of the result along each axis of the only input."""
    flat = flatten(model)
    tracks = receptive_fields(model, flat)[flat.outputs[0][1]]
    return {t.axis: "all" if t.field.status is Status.GLOBAL else t.field.size for t in tracks}


def test_fields_follow_the_axes_that_hold_places() -> None:
    assert fields(compile_model("net f on x[N, A=9, 8]:\n    gap(axis=1) -> linear(4)\n")) == {1: "all"}
    along = compile_model("net f on x[N, 4, A=9, B=8]:\n    conv(4, 3) -> gap(axis=2) -> conv(4, 3, p=1)\n")
    assert fields(along) == {2: "all", 3: 5}
    last = 'net f on image[N, H=12, W=12, 3]:\n    rearrange("n h w c -> n c h w") -> conv(8, 3) -> conv(8, 3)\n'
    assert fields(compile_model(last)) == {1: 5, 2: 5}
    said = 'net f on x[N, T=12, 3]:\n    channel_axis(-1) -> rearrange("n t c -> n c t") -> maxpool(3, s=1, p=1)\n'
    assert fields(compile_model(said)) == {1: 3}

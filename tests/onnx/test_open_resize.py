"""One graph with open sizes against the generated module: maps resized, and attributes that hold sizes of the input."""

from __future__ import annotations

from itertools import product

import numpy as np
import onnxruntime
import pytest
import torch

from dslc.api import compile_model
from dslc.backends.onnx.check import check
from dslc.backends.onnx.emit import emit
from dslc.backends.torch.emit import generate
from dslc.generated import module_from_text, root_class
from dslc.ir.model import Model
from tests.onnx.models import inputs_of, lively, session


def compare(text: str, sides: tuple[int, ...]) -> int:
    """Both backends at all combinations of sizes that the guards allow; the number of these. Shapes are as stated."""
    model = compile_model(text)
    made = generate(model)
    assert made.bugs == ()
    module = module_from_text(made.text, "open_sizes")
    network = getattr(module, root_class(module))().eval()
    state = lively(model)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    graph = emit(model, state, dynamic=tuple(model.sizes.default))
    check(graph)
    running = session(graph)
    names = [name for name in model.sizes.default if name not in model.sizes.universal]
    tried = 0
    for numbers in product(sides, repeat=len(names)):
        at = dict(zip(names, numbers, strict=True))
        if all(side in model.sizes.domain[name] for name, side in at.items()):
            one(model, network, running, {"N": 2, **at})
            tried += 1
    return tried


def one(model: Model, network: torch.nn.Module, running: onnxruntime.InferenceSession, at: dict[str, int]) -> None:
    """The outputs at one set of sizes."""
    inputs = inputs_of(model, **at)
    with torch.no_grad():
        expected = network(*map(torch.from_numpy, inputs.values()))
    found = np.asarray(running.run(None, inputs)[0])
    (stated,) = [value.type.dims for value in model.root.outputs]
    assert found.shape == tuple(expected.shape) == tuple(model.sizes.evaluate(size, at) for size in stated), at
    scale = max(1.0, float(expected.abs().max()))
    assert np.abs(found - expected.numpy()).max() / scale < 5e-5, at


MAPS = [
    "upsample(2)",
    "upsample(3) -> upsample(0.5)",
    "upsample(1.5)",
    "upsample(0.29)",
    "upsample(0.7)",
    "upsample(1.1)",
    "upsample((2.1, 1.04))",
    'upsample(0.6, mode="nearest-exact")',
    'upsample(3, mode="nearest-exact")',
    'upsample(1.05, mode="nearest-exact")',
    'upsample(2, mode="bilinear")',
    'upsample(0.29, mode="bilinear")',
    'upsample(1.25, mode="bilinear")',
    'upsample(1.4, mode="bilinear", align_corners=true)',
    'upsample(1.31, mode="bicubic")',
    'upsample(2.6, mode="bicubic")',
    'upsample((1.1, 2), mode="bicubic")',
    'upsample(2, mode="area")',
    'upsample(0.5, mode="area")',
    "upsample(size=(H, W))",
    'conv(2, 3, s=2) -> upsample(size=(H, W), mode="bilinear")',
    'upsample(size=(2 * H + 1, 9), mode="bicubic", align_corners=true)',
    'upsample(size=(H // 2 + 1, 3 * W // 2), mode="nearest-exact")',
    '(it -> conv(2, 3, s=2) -> upsample(like=x, mode="bilinear")) + it',
]
"""Steps over a map `[N, 2, H, W]`."""


@pytest.mark.parametrize("step", MAPS)
def test_maps_of_any_size_are_resized_alike(step: str) -> None:
    text = f"net f on x[N, 2, H=12, W=14]:\n    {step}\n"
    assert compare(text, (1, 3, 4, 10, 19, 26, 100)) >= 9


def test_a_map_takes_the_size_of_another() -> None:
    """14 to 4, 26 to 64, up and down and by parts: x and y have sizes of their own."""
    text = "net f on x[N, 1, H=8, W=9], y[N, 1, A=16, B=17]:\n    upsample(x, like=y) + y\n"
    assert compare(text, (4, 14, 26, 41, 64)) == 5**4


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact", "linear"])
def test_lines_of_any_size_are_resized_alike(mode: str) -> None:
    for step in ("upsample(1.3", "upsample(41", "upsample(size=T // 3 + 2"):
        text = f'net f on x[N, 2, T=20]:\n    channel_axis(1) -> {step}, mode="{mode}")\n'
        assert compare(text, tuple(range(1, 60))) >= 15


SIZES = {
    "reshape": "let to = (N, 2, 4 * H, W)\n    reshape(N, 8 * H, W) -> reshape(to)",
    "expand": "let to = (N, 8, H, W)\n    (it -> mean((2, 3), keep=true) -> expand(to)) + it",
    "zeros": "let to = (N, 8, 2 * H, W)\n    concat(it, ones(to), zeros(N, 8, H, W), axis=2)",
    "pad": "let more = (-H % 4, -W % 4)\n    pad(more) -> pad(((0, H), (W, 1)))",
    "crop": "let less = ((0, H // 4), (W // 3, 0))\n    crop(less)",
    "arange": "it + arange(W, dtype=float)[none, none, none] + arange(2 * W, dtype=float)[none, none, none, W:]",
    "rearrange": 'rearrange("n c h w -> n (h w) c") -> rearrange("n (h w) c -> n c h w", h=H, w=W)',
    "repeat": '(it -> gap -> flatten -> repeat("n c -> n c h w", h=H, w=W)) + it',
    "slice": "it[:, :, H // 2:, :W - 1]",
    "upsample": "let to = [2 * H, 2 * W]\n    conv(8, 3, s=2) -> upsample(size=to) -> upsample(size=H)",
    "turns": "for i in range(3):\n        conv(8, 3, s=2, p=1) -> upsample(size=(H + i, W + 2 * i))",
    "numbers": "where(it > 0, it * H, W)",
}
"""Ops whose attributes hold sizes of the input, in a list with a name where they take one."""


@pytest.mark.parametrize("name", SIZES)
def test_attributes_hold_sizes_of_the_input(name: str) -> None:
    text = f"net f on x[N, 8, H=6, W=8]:\n    {SIZES[name]}\n"
    assert compare(text, (4, 6, 9, 12)) == 16


BLOCKS = {
    "of its own input": """
block back on x[N, C, H, W]:
    conv(4, 3, s=2) -> relu -> upsample(size=(H, W))
net f on x[N, 3, H=6, W=8]:
    back -> back -> maxpool(2) -> back
""",
    "of both": """
block fit on x[N, C, H, W], y[N, D, A, B]:
    (x -> upsample(size=(A, B))) + y
net f on x[N, 3, H=6, W=8]:
    x + fit(x -> conv(3, 3, s=2), x)
""",
    "times a parameter": """
block grow(a, b) on x[N, C, H, W]:
    conv(4, 3, s=2) -> upsample(size=(H * a, W * b))
net f on x[N, 3, H=6, W=8]:
    grow(1, 2) -> grow(2, 1) -> grow(a=1, b=1)
""",
    "inline": """
inline block back on x[N, C, A, B]:
    conv(4, 3, s=2) -> pad(((0, A), (0, B))) -> upsample(size=(A, B))
net f on x[N, 3, H=6, W=8]:
    back -> back
""",
}


LENT = {
    "deep": """
block up(to) on x[N, C, A, B]:
    conv(4, 3, s=2) -> relu -> upsample(size=to)
block down on x[N, C, H, W]:
    conv(4, 3, s=2) -> up((H, W))
net f on x[N, 3, H=16, W=18]:
    down -> down
""",
    "many": """
block up(to) on x[N, C, A, B]:
    conv(4, 3, s=2) -> relu -> upsample(size=to)
net f on x[N, 3, H=16, W=18]:
    maxpool(2) -> up((H, W)) -> maxpool(2) -> up((H, W)) -> up((16, W)) -> maxpool(2) -> up((H + 1, 2 * W))
""",
    "turns": """
block up(h, w) on x[N, C, A, B]:
    conv(3, 3, s=2) -> pad(((0, h), (w, 0)))
net f on x[N, 3, H=16, W=18]:
    for i in range(3):
        maxpool(2) -> up(H + i, W // 2)
""",
    "one module": """
block up(to) on x[N, C, A, B]:
    conv(3, 3, s=2) -> upsample(size=to)
net f on x[N, 3, H=16, W=18]:
    module m = up((H, W))
    maxpool(2) -> m -> maxpool(2) -> m
""",
    "two inputs": """
block up(h, w) on x[N, C, A, B]:
    conv(3, 3, s=2) -> upsample(size=(h, w))
net f on x[N, 3, H=16, 18], y[N, 3, 16, W=18]:
    (x -> maxpool(2) -> up(H, W)) + (y -> maxpool(2) -> up(H, W))
""",
    "tokens": """
block fold(h, w) on x[N, T, D]:
    linear(D) -> rearrange("n (h w) d -> n d h w", h=h, w=w)
net f on x[N, 3, H=6, W=8]:
    rearrange("n c h w -> n (h w) c") -> fold(H, W)
""",
    "of a line": """
block up(to) on x[N, C, A, B]:
    conv(3, 3, s=2) -> upsample(size=to)
net f on x[N, 3, H=16, W=18]:
    maxpool(2)
    seq as body:
        conv(4, 3) -> relu -> up((H, W)) -> conv(2, 1)
    relu
""",
}


@pytest.mark.parametrize("name", LENT)
def test_sizes_of_the_net_reach_blocks_that_lack_them(name: str) -> None:
    """They are read from an input of the net, which is handed to the block beside its own."""
    text = LENT[name].lstrip()
    assert compare(text, (4, 6, 9, 17)) == 16
    assert generate(compile_model(text), merge=False).bugs == ()


@pytest.mark.parametrize("name", BLOCKS)
def test_blocks_read_the_sizes_of_their_inputs(name: str) -> None:
    assert compare(BLOCKS[name].lstrip(), (4, 6, 9, 12)) == 16

"""One graph with open sizes gives what the graphs built for each size give."""

from __future__ import annotations

import numpy as np
import pytest

from dslc.api import compile_model
from dslc.backends.onnx.check import check
from dslc.backends.onnx.emit import emit
from tests.onnx.models import difference, example, example_state, inputs_of, lively, run

PROGRAMS: dict[str, tuple[str, list[tuple[int, ...]]]] = {
    "channel shuffle": (
        """
net f on x[N, 14, H=32, W=32]:
    rearrange("n (a b) h w -> n (b a) h w", a=2) -> conv(4, 3)
""",
        [(32, 32), (8, 11)],
    ),
    "windows": (
        """
net f on x[N, 8, H=28, W=28]:
    rearrange("n c (h a) (w b) -> (n h w) (a b) c", a=7, b=7) -> linear(6)
    rearrange("(n h w) (a b) c -> n c (h a) (w b)", a=7, b=7, h=H // 7, w=W // 7)
""",
        [(28, 28), (14, 35)],
    ),
    "upsample to a map": (
        """
net f on x[N, 3, H=32, W=32]:
    y = conv(4, 3, s=2)
    z = y -> conv(4, 3, s=2)
    (y + (z -> upsample(like=y))) -> gap -> flatten
""",
        [(32, 32), (17, 22)],
    ),
    "table of positions": (
        """
net f on x[N, T=16, D=8]:
    param pos: [1, 64, D] = trunc_normal(0.02)
    (it + pos[:, :T]) -> linear(4)
""",
        [(16,), (40,), (64,)],
    ),
    "tokens": (
        """
net f on x[N, 8, H=28, W=28]:
    rearrange("n c h w -> n (h w) c") -> ln -> linear(8)
""",
        [(28, 28), (3, 5)],
    ),
    "attention": (
        """
net f on x[N, T=12, D=8]:
    q, k, v = linear(24) -> rearrange("n t (three h d) -> three n h t d", three=3, h=2) -> unbind(0)
    sdpa(q, k, v, causal=true) -> rearrange("n h t d -> n t (h d)")
""",
        [(12,), (5,)],
    ),
    "padding of TensorFlow": (
        """
net f on x[N, 3, H=32, W=32]:
    conv(4, 3, s=2, p=same_tf) -> maxpool(3, s=2, p=same_tf)
""",
        [(32, 32), (9, 12), (31, 30)],
    ),
    "recurrence": (
        """
net f on x[N, T=12, 8]:
    lstm(16, layers=2, bidirectional=true) -> mean(axis=1) -> linear(4)
""",
        [(12,), (5,)],
    ),
    "a size as a number": ("net f on x[N, 3, H=32, W=32]:\n    (it / H) -> conv(4, 3)\n", [(32, 32), (9, 12)]),
    "halves": ("net f on x[N, 8, H=28, W=28]:\n    a, b = chunk(2, axis=2)\n    a + b\n", [(28, 28), (6, 5)]),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs(name: str) -> None:
    text, sizes = PROGRAMS[name]
    model = compile_model(text)
    state = lively(model)
    dynamic = emit(model, state, dynamic=tuple(model.sizes.default))
    check(dynamic)
    open_sizes = [symbol for symbol in model.sizes.default if symbol not in model.sizes.universal]
    for numbers in sizes:
        static = compile_model(text, sizes=dict(zip(open_sizes, numbers, strict=True)))
        inputs = inputs_of(static)
        expected = run(emit(static, state), inputs)
        twice = {key: np.concatenate([x, -x]) for key, x in inputs.items()}
        for key, value in run(dynamic, twice).items():
            assert difference(value[:1], expected[key]) < 1e-5


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("resnet18", [(224, 224), (97, 160), (33, 64)]),
        ("googlenet", [(224, 224), (96, 131), (64, 75)]),
        ("densenet121", [(224, 224), (96, 131), (64, 75)]),
        ("mobilenet_v2", [(224, 224), (96, 131), (33, 50)]),
        ("se_resnet50", [(224, 224), (96, 131), (33, 50)]),
        ("nin", [(32, 32), (64, 33), (40, 57)]),
        ("unet", [(64, 64), (48, 96), (112, 16)]),
    ],
)
def test_examples(name: str, sizes: list[tuple[int, int]]) -> None:
    model, state = example(name), example_state(name)
    dynamic = emit(model, state, dynamic=("N", "H", "W"))
    check(dynamic)
    for height, width in sizes:
        static = example(name, H=height, W=width)
        inputs = inputs_of(static)
        expected = run(emit(static, state), inputs)
        twice = {key: np.concatenate([x, -x]) for key, x in inputs.items()}
        for key, value in run(dynamic, twice).items():
            assert difference(value[:1], expected[key]) < 1e-5

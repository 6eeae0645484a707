"""Reshapes over open sizes: views alone, and no arithmetic where none is needed."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from dslc.api import compile_model, nets
from dslc.backends.onnx.check import check
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.graph import Array, OnnxGraph
from dslc.backends.onnx.views import views
from dslc.diagnostics.model import CompileError
from dslc.source import Source, Span
from dslc.types.dim import Size, product
from dslc.types.sizes import Sizes
from dslc.weights.init import initial
from tests.onnx.models import difference, inputs_of, lively, run

SIZES = Sizes()
N, H, W, T = (
    SIZES.symbol(name, size, Span(Source("", ""), 0, 0)) for name, size in (("N", None), ("H", 12), ("W", 18), ("T", 7))
)
AT = ({"N": 2, "H": 12, "W": 18, "T": 7}, {"N": 1, "H": 6, "W": 30, "T": 1}, {"N": 5, "H": 24, "W": 6, "T": 11})


def applied(array: Array, old: Sequence[Size], new: Sequence[Size]) -> Array | None:
    """A tensor after the views of a reshape, each by its own meaning in ONNX; none where there are none."""
    found = views(old, new, SIZES.always_equal, SIZES.value)
    for view in found or ():
        if view.kind == "Unsqueeze":
            array = np.expand_dims(array, view.numbers)
        elif view.kind == "Squeeze":
            array = np.squeeze(array, view.numbers)
        else:
            array = array.reshape([array.shape[i] if n == 0 else n for i, n in enumerate(view.numbers)])
    return None if found is None else array


RESHAPES: dict[str, tuple[tuple[Size, ...], tuple[Size, ...]]] = {
    "channels apart": ((N, 12, H, W), (N, 3, 4, H, W)),
    "channels together": ((N, 4, 3, H, W), (N, 12, H, W)),
    "places together": ((N, 8, H, W), (N, 8, H * W)),
    "all together": ((N, 8, H, W), (N * H * W * 8,)),
    "tokens of heads": ((N, T, 24), (N, T, 3, 2, 4)),
    "windows apart": ((N, 8, 6 * H, 6 * W), (N, 8, H, 6, W, 6)),
    "windows together": ((N, 8, H, 6, W, 6), (N, 8, 6 * H, 6 * W)),
    "windows of other axes": ((N, 4 * H, 4 * W, 5), (N, 4, H, 4, W, 5)),
    "new axes": ((N, T), (N, 1, T, 1)),
    "lost axes": ((N, 1, T, 1, 1), (N, T)),
    "ends moved": ((2, N, 3, T), (6 * N, 1, T)),
    "two pairs": ((H, W, 4, T, N), (H * W, 2, 2, T * N)),
}


@pytest.mark.parametrize("name", RESHAPES)
def test_views_are_the_reshape(name: str) -> None:
    old, new = RESHAPES[name]
    for at in AT:
        shape = [SIZES.evaluate(size, at) for size in old]
        array = np.arange(math.prod(shape)).reshape(shape)
        found = applied(array, old, new)
        assert found is not None
        assert np.array_equal(found, array.reshape([SIZES.evaluate(size, at) for size in new]))


def test_no_views_where_an_axis_has_two_open_parts() -> None:
    assert views((N * H, 4), (N, H, 4), SIZES.always_equal, SIZES.value) is None
    assert views((N, H * W), (N, H, W), SIZES.always_equal, SIZES.value) is None


def test_random_shapes() -> None:
    """Whatever is taken apart and put together: the views are the reshape, or there are none."""
    rng = random.Random(0)
    done = 0
    for _ in range(400):
        factors: list[Size] = [rng.choice((N, H, W, T, 1, 2, 3, 4)) for _ in range(rng.randint(2, 6))]
        old, new = grouped(factors, rng), grouped(factors, rng)
        for at in AT:
            shape = [SIZES.evaluate(size, at) for size in old]
            array = np.arange(math.prod(shape)).reshape(shape)
            found = applied(array, old, new)
            if found is not None:
                done += 1
                assert np.array_equal(found, array.reshape([SIZES.evaluate(size, at) for size in new])), (old, new)
    assert done > 600


def grouped(factors: Sequence[Size], rng: random.Random) -> tuple[Size, ...]:
    """Neighbours multiplied at random."""
    found: list[list[Size]] = [[]]
    for factor in factors:
        if found[-1] and rng.random() < 0.6:
            found.append([])
        found[-1].append(factor)
    return tuple(product(group) for group in found)


def size_nodes(graph: OnnxGraph) -> list[str]:
    return [node.kind for node in graph.nodes if node.name.startswith("size/")]


READ = {
    "bert": ["Shape"],  # the length of the position table that is read
    "gpt2": ["Shape"],
    "llama": ["Shape"],  # the length of the tables of turns that is read
    "deit": ["Shape", "Slice"],  # the class token once for each image
    "vit": ["Shape", "Slice"],
    "segmentation": ["Shape", "Shape"],  # the map that another is scaled to
    "maxvit": ["Shape"] * 5,  # the windows of a map, put together again from one axis: once for each size of map
}
"""What each example computes of sizes where all are open; nothing where it is not named."""

CLOSED = {"alexnet", "vgg"}
"""Examples that have no form over open sizes (E0317)."""

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.dl"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_examples_compute_no_sizes(path: Path) -> None:
    model = compile_model(path, net=nets(path, complete=True)[0])
    state = initial(model.params)
    if path.stem in CLOSED:
        with pytest.raises(CompileError, match="E0317"):
            emit(model, state, dynamic=tuple(model.sizes.default))
        return
    graph = emit(model, state, dynamic=tuple(model.sizes.default))
    check(graph)
    assert sorted(size_nodes(graph.graph)) == READ.get(path.stem, [])


PROGRAMS = {
    "shuffle": ("net f on x[N, 12, H=6, W=9]:\n    shuffle(3) -> conv(4, 1)\n", 0),
    "shuffle by hand": ('net f on x[N, 12, H=6, W=9]:\n    rearrange("n (a b) h w -> n (b a) h w", a=3)\n', 0),
    "windows": (
        'net f on x[N, 4, H=6, W=9]:\n    rearrange("n c (h a) (w b) -> n (h w) (a b) c", a=3, b=3) -> linear(4)\n'
        '    rearrange("n (h w) (a b) c -> n c (h a) (w b)", a=3, h=H // 3, w=W // 3)\n',
        1,
    ),
    "grid": ('net f on x[N, 4, H=6, W=9]:\n    rearrange("n c (a h) (b w) -> n h w (a b c)", a=3, b=3)\n', 0),
    "patches": ('net f on x[N, H=6, W=9, 4]:\n    rearrange("n (h a) (w b) c -> n h w (a b c)", a=2, b=3)\n', 0),
    "gn": ("net f on x[N, 4, H=6, W=9]:\n    gn(2) -> conv(4, 1)\n", 0),
    "gn of sequences": ("net f on x[N, 4, T=9]:\n    gn(2) -> conv(4, 1)\n", 0),
    "flatten": ("net f on x[N, 4, H=6, W=9]:\n    flatten(2) -> flatten(0, 1)\n", 0),
    "chunk": ("net f on x[N, 4, H=6, W=9]:\n    a, b = chunk(2, axis=2)\n    a * b\n", 0),
    "maxout": ("net f on x[N, 4, H=6, W=9]:\n    maxout(2) -> conv(4, 1)\n", 0),
    "expand": (
        "net f on x[N, T=6, 4]:\n    param t: [1, 1, 4] = normal(1.0)\n    cat(t -> expand(N, T, 4), it, axis=1)\n",
        3,
    ),
    "repeat": ('net f on x[N, 4, H=6, W=9]:\n    repeat("n c h w -> n c (h a) (w b)", a=2, b=2)\n', 0),
    "reduce": ('net f on x[N, 4, H=6, W=9]:\n    reduce("n c (h a) (w b) -> n c h w", "max", a=3, b=3)\n', 0),
    "reshape": ("net f on x[N, T=6, 8]:\n    reshape(N, T, 2, 2, 2) -> flatten(2, 3)\n", 0),
    "crop": ("net f on x[N, 4, H=6, W=9]:\n    crop(1) -> crop(((0, 1), (1, 0))) -> conv(4, 1)\n", 0),
    "all but the last": ("net f on x[N, T=6, 4]:\n    it[:, 1:] - it[:, :T - 1]\n", 0),
    "the last": ("net f on x[N, T=6, 4]:\n    it[:, T - 1] + (it[:, T - 2:] -> mean(1))\n", 0),
    "first token": ("net f on x[N, T=6, 4]:\n    cat(zeros(N, 1, 4), it[:, :T - 1], axis=1)\n", 2),
    "pixel_shuffle": ("net f on x[N, 8, H=6, W=9]:\n    pixel_shuffle(2) -> conv(4, 1)\n", 0),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_over_open_sizes(name: str) -> None:
    """At most so many nodes read sizes, or join them; none computes one. The results are those of each size's graph."""
    text, most = PROGRAMS[name]
    model = compile_model(text)
    state = lively(model)
    graph = emit(model, state, dynamic=tuple(model.sizes.default))
    check(graph)
    kinds = size_nodes(graph.graph)
    assert len(kinds) <= most and set(kinds) <= {"Shape", "Concat", "Slice"}
    names = [name for name in model.sizes.default if name != "N"]
    for factor in (1, 2, 3):
        at = {name: model.sizes.default[name] * factor for name in names}
        static = compile_model(text, sizes={**at, "N": factor})
        inputs = inputs_of(static, seed=factor)
        expected = run(emit(static, state), inputs)
        for optimise in (False, True):
            for key, value in run(graph, inputs, optimise).items():
                assert difference(value, expected[key]) < 1e-5


def test_shapes_are_read_where_they_disturb_nothing() -> None:
    """A Shape behind a convolution reads what its norm and activation make of it, and stands right there."""
    text = (
        "net f on x[N, 4, H=12, W=12]:\n"
        "    conv(4, 3, s=2) -> bn -> relu -> flatten(2) -> softmax(2)\n"
        "    reshape(N, 4, (H + 1) // 2, (W + 1) // 2)\n"
    )
    model = compile_model(text)
    graph = emit(model, lively(model), dynamic=("N", "H", "W")).graph
    (shape,) = [node for node in graph.nodes if node.kind == "Shape"]
    kinds = [node.kind for node in graph.nodes]
    assert kinds[:3] == ["Conv", "Relu", "Shape"]
    assert shape.inputs == graph.nodes[1].outputs

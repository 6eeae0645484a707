"""Sizes computed inside a graph are those of the size algebra, at every input size."""

from __future__ import annotations

import random

import numpy as np
import onnx
import onnxruntime
import pytest

from dslc.backends.onnx.builder import Builder, Use
from dslc.backends.onnx.model import OnnxModel
from dslc.backends.onnx.placement import leaving
from dslc.backends.onnx.sizes import SizeView
from dslc.source import Source
from dslc.types.dim import Dim, Size, evaluate, symbol
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType

SPAN = Source("net.dl", "net").span(0, 3)


def table() -> Sizes:
    sizes = Sizes()
    sizes.symbol("N", None, SPAN)
    sizes.symbol("H", 224, SPAN)
    sizes.symbol("W", 192, SPAN)
    return sizes


N, H, W = symbol("N"), symbol("H"), symbol("W")


def graph_of(targets: list[Size], dynamic: tuple[str, ...]) -> onnx.ModelProto:
    """A graph that gives each size as an int64[1] output."""
    builder = Builder("sizes", {}, SizeView(table(), dynamic))
    builder.add_input("x", TensorType((N, 3, H, W)))
    use = Use(builder, "use")
    found = use.finish([use.op("Identity", [use.extents([size])]) for size in targets])
    for name in found:
        builder.declare(name, TensorType((1,)))
        builder.graph.outputs[name] = builder.graph.values[name]
    proto = OnnxModel(builder.graph, "0").proto()
    for output in proto.graph.output:
        output.type.tensor_type.elem_type = onnx.TensorProto.INT64
    return proto


def values(proto: onnx.ModelProto, n: int, h: int, w: int) -> list[int]:
    session = onnxruntime.InferenceSession(proto.SerializeToString(), providers=["CPUExecutionProvider"])
    return [int(r[0]) for r in session.run(None, {"x": np.zeros((n, 3, h, w), np.float32)})]


def random_size(rng: random.Random) -> Size:
    size: Size = rng.choice([H, W, H + W, N * H, H * W])
    for _ in range(rng.randint(1, 5)):
        k = rng.randint(2, 9)
        size = rng.choice([size + k, size - 40 * k, size * k, size // k, -size // k, size // k + W // (k + 1)])
    return size


@pytest.mark.parametrize("seed", range(4))
def test_any_size(seed: int) -> None:
    rng = random.Random(seed)
    targets = [random_size(rng) for _ in range(25)]
    proto = graph_of(targets, ("N", "H", "W"))
    for n, h, w in [(1, 224, 192), (3, 33, 50), (2, 1, 7)]:
        assert values(proto, n, h, w) == [evaluate(t, {"N": n, "H": h, "W": w}) for t in targets]


def test_only_the_symbols_asked_for_stay() -> None:
    view = SizeView(table(), ("H",))
    assert (view.fix(N * 3 * W), view.static(W // 32), view.static(H)) == (576, 6, None)
    assert view.extent(-(-(H + W - 192) // 32)) == "ceil(H/32)"
    assert view.extent(N * H) == "H"
    assert SizeView(table()).static(H * W // 7) == 224 * 192 // 7


def test_a_tied_symbol_is_written_through_the_other() -> None:
    sizes = table()
    sizes.default["W"] = 224
    sizes.require("==", H, W, SPAN)
    for dynamic in (("H",), ("W",), ("H", "W")):
        view = SizeView(sizes, dynamic)
        assert view.extent(H) == view.extent(W)
        assert isinstance(view.fix(H), Dim)
    assert SizeView(sizes, ("N",)).static(H + W) == 448


def test_equal_sizes_have_equal_names() -> None:
    view = SizeView(table(), ("H",))
    assert view.extent(H // 2 - H // 4) == view.extent((H + 2) // 4)


class TestReshape:
    """`0` where the extent stays, one `-1`, and sizes that are read only where an axis has two open parts."""

    def spec(self, source: tuple[Size, ...], target: tuple[Size, ...]) -> str:
        builder = Builder("g", {}, SizeView(table(), ("N", "H", "W")))
        builder.add_input("image", TensorType((N, 3, H, W)))
        builder.declare("x", TensorType(source))
        use = Use(builder, "use")
        use.finish([use.reshape("x", source, target)])
        nodes = builder.graph.nodes
        return nodes[-1].inputs[1] if nodes else "unchanged"

    def test_numbers(self) -> None:
        assert self.spec((4, 6), (2, 12)) == "int64[2,12]"

    def test_same(self) -> None:
        assert self.spec((N, 8, H), (N, 8, H)) == "unchanged"

    def test_heads(self) -> None:
        assert self.spec((N, H * W, 96), (N, H * W, 3, 4, 8)) == "int64[0,0,3,4,8]"

    def test_flatten(self) -> None:
        assert self.spec((N, 8, H, W), (N, 8, H * W)) == "int64[0,8,-1]"

    def test_an_axis_put_in_moves_the_others_to_their_places(self) -> None:
        assert self.spec((N, 14, H, W), (N, 7, 2, H, W)) == "int64[0,7,2,0,0]"

    def test_two_open_parts_of_one_axis_are_read(self) -> None:
        assert self.spec((N, 14, H * W), (N, 14, H, W)).startswith("size/")


@pytest.mark.parametrize(
    "sizes", [(N, 1, 1), (1, N), (1, 1, 1, H, 1), (1, 1, W), (W, 1, 1, 1), (1, H), (1, 1, 1, 1, N), (H, 1, 1)]
)
def test_one_symbol_among_ones_needs_no_arithmetic(sizes: tuple[Size, ...]) -> None:
    builder = Builder("g", {}, SizeView(table(), ("N", "H", "W")))
    builder.add_input("x", TensorType((N, 3, H, W)))
    use = Use(builder, "use")
    (name,) = use.finish([use.op("Identity", [use.extents(sizes)])])
    builder.declare(name, TensorType((len(sizes),), DType.INT64))
    builder.graph.outputs[name] = builder.graph.values[name]
    assert leaving(builder.graph) == []
    session = onnxruntime.InferenceSession(OnnxModel(builder.graph, "0").data(), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {"x": np.zeros((2, 3, 5, 7), np.float32)})
    assert found.tolist() == [evaluate(size, {"N": 2, "H": 5, "W": 7}) for size in sizes]


def test_extents_beside_each_other_are_one_shape_node() -> None:
    builder = Builder("g", {}, SizeView(table(), ("H", "W")))
    builder.add_input("image", TensorType((N, 3, H, W)))
    builder.declare("y", TensorType((N, 8, H // 2, W // 2)))
    use = Use(builder, "use")
    use.extents([H // 2, W // 2], "y")
    (node,) = builder.graph.nodes
    assert (node.kind, node.inputs, node.attributes) == ("Shape", ["y"], {"start": 2, "end": 4})

"""Rewrites change no output, and leave out what they should."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import pytest

from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.graph import NodeDef, OnnxGraph, TensorInfo
from dslc.backends.onnx.model import OnnxModel
from dslc.backends.onnx.passes import run_passes
from dslc.backends.onnx.passes.drop_identity import drop_identity
from dslc.backends.onnx.passes.drop_unread import drop_unread
from dslc.backends.onnx.passes.fold_bn import fold_bn
from dslc.backends.onnx.passes.store_layout import store_layout
from dslc.types.tensor import DType
from tests.onnx.models import difference, run

RNG = np.random.default_rng(5)
IMAGE = TensorInfo(DType.FLOAT32, (2, 6, 9, 9))


def graph(
    nodes: Sequence[NodeDef], weights: dict[str, tuple[int, ...]], outputs: Sequence[str], x: TensorInfo = IMAGE
) -> OnnxGraph:
    made = OnnxGraph("g", nodes=list(nodes), inputs={"x": x})
    for name, shape in weights.items():
        positive = name.endswith(("var", "scale"))
        array = RNG.uniform(0.5, 2, shape) if positive else RNG.normal(size=shape)
        made.initializers[name] = array.astype(np.float32)
    for name in outputs:
        rank = 2 if len(x.shape) == 2 else 4
        made.outputs[name] = TensorInfo(DType.FLOAT32, tuple(f"{name}{axis}" for axis in range(rank)))
    return made


def bn(name: str, x: str, y: str, norm: str = "", **attributes: object) -> NodeDef:
    numbers = [f"{norm or name}.{part}" for part in ("scale", "bias", "mean", "var")]
    return NodeDef(name, "BatchNormalization", [x, *numbers], [y], {"epsilon": 1e-3, **attributes})


def norm(name: str, channels: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.{part}": (channels,) for part in ("scale", "bias", "mean", "var")}


def before_and_after(made: OnnxGraph, x: TensorInfo = IMAGE) -> OnnxGraph:
    """The graph after all passes; its outputs are those it had before."""
    after = copy.deepcopy(made)
    run_passes(after)
    image = RNG.normal(size=[int(side) for side in x.shape]).astype(np.float32)
    was, now = (run(OnnxModel(g, "0"), {"x": image}) for g in (made, after))
    assert was.keys() == now.keys()
    for name in was:
        assert difference(now[name], was[name]) < 1e-5, name
    return after


def kinds(found: OnnxGraph) -> list[str]:
    return [node.kind for node in found.nodes]


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("kind", "shape", "attributes", "channels"),
    [
        ("Conv", (8, 6, 3, 3), {}, 8),
        ("Conv", (12, 1, 3, 3), {"group": 6}, 12),
        ("ConvTranspose", (6, 8, 2, 2), {"strides": (2, 2)}, 8),
        ("ConvTranspose", (6, 4, 2, 2), {"group": 3}, 12),
    ],
)
def test_fold_bn(kind: str, shape: tuple[int, ...], attributes: dict[str, object], channels: int, bias: bool) -> None:
    inputs = ["x", "conv.weight", *(["conv.bias"] if bias else [])]
    weights = {"conv.weight": shape, **({"conv.bias": (channels,)} if bias else {}), **norm("bn", channels)}
    linear = NodeDef("conv", kind, inputs, ["conv:out"], attributes)
    after = before_and_after(graph([linear, bn("bn", "conv:out", "y")], weights, ["y"]))
    assert [(n.name, n.kind, n.inputs) for n in after.nodes] == [("conv", kind, ["x", "conv.weight", "conv.bias"])]
    assert set(after.initializers) == {"conv.weight", "conv.bias"}


@pytest.mark.parametrize("transposed_b", [0, 1])
def test_fold_bn_after_gemm(transposed_b: int) -> None:
    x = TensorInfo(DType.FLOAT32, (3, 6))
    shape = (5, 6) if transposed_b else (6, 5)
    linear = NodeDef("fc", "Gemm", ["x", "fc.weight"], ["fc:out"], {"transB": transposed_b})
    made = graph([linear, bn("bn", "fc:out", "y")], {"fc.weight": shape, **norm("bn", 5)}, ["y"], x)
    assert kinds(before_and_after(made, x)) == ["Gemm"]


def test_the_weights_given_are_not_changed() -> None:
    linear = NodeDef("conv", "Conv", ["x", "conv.weight"], ["conv:out"], {})
    made = graph([linear, bn("bn", "conv:out", "y")], {"conv.weight": (4, 6, 1, 1), **norm("bn", 4)}, ["y"])
    arrays = dict(made.initializers)
    copies = {name: made.numbers(name).copy() for name in arrays}
    fold_bn(made)
    assert all(np.array_equal(arrays[name], copies[name]) for name in arrays)


def test_a_result_with_another_reader_is_not_folded() -> None:
    nodes = [
        NodeDef("conv", "Conv", ["x", "conv.weight"], ["c"], {}),
        bn("bn", "c", "b"),
        NodeDef("add", "Add", ["b", "c"], ["y"], {}),
    ]
    made = graph(nodes, {"conv.weight": (4, 6, 1, 1), **norm("bn", 4)}, ["y"])
    assert kinds(before_and_after(made)) == ["Conv", "BatchNormalization", "Add"]


def test_a_result_of_the_network_is_not_folded() -> None:
    nodes = [NodeDef("conv", "Conv", ["x", "conv.weight"], ["c"], {}), bn("bn", "c", "y")]
    made = graph(nodes, {"conv.weight": (4, 6, 1, 1), **norm("bn", 4)}, ["c", "y"])
    assert kinds(before_and_after(made)) == ["Conv", "BatchNormalization"]


def shared(second_norm: str, epsilon: float = 1e-3) -> OnnxGraph:
    """Two uses of one convolution, each before a batch norm."""
    nodes = [
        NodeDef("conv", "Conv", ["x", "conv.weight", "conv.bias"], ["a"], {"pads": (1, 1, 1, 1)}),
        bn("bn", "a", "b"),
        NodeDef("relu", "Relu", ["b"], ["r"], {}),
        NodeDef("conv@2", "Conv", ["r", "conv.weight", "conv.bias"], ["c"], {"pads": (1, 1, 1, 1)}),
        bn("bn2", "c", "y", norm=second_norm, epsilon=epsilon),
    ]
    weights = {"conv.weight": (6, 6, 3, 3), "conv.bias": (6,), **norm("bn", 6), **norm("other", 6)}
    return graph(nodes, weights, ["y"])


def test_shared_convolution_and_norm() -> None:
    assert kinds(before_and_after(shared("bn"))) == ["Conv", "Relu", "Conv"]


def test_shared_convolution_with_two_norms() -> None:
    assert kinds(before_and_after(shared("other"))).count("BatchNormalization") == 2
    assert kinds(before_and_after(shared("bn", epsilon=0.5))).count("BatchNormalization") == 2


def test_a_shared_bias_keeps_its_value() -> None:
    nodes = [
        NodeDef("conv", "Conv", ["x", "conv.weight", "conv.bias"], ["c"], {}),
        bn("bn", "c", "b"),
        NodeDef("other", "Conv", ["b", "other.weight", "conv.bias"], ["y"], {}),
    ]
    weights = {"conv.weight": (6, 6, 1, 1), "other.weight": (6, 6, 1, 1), "conv.bias": (6,), **norm("bn", 6)}
    after = before_and_after(graph(nodes, weights, ["y"]))
    assert kinds(after) == ["Conv", "Conv"]
    assert after.nodes[0].inputs[2] == "conv.bias_folded"


def test_drop_identity() -> None:
    nodes = [
        NodeDef("a", "Identity", ["x"], ["a"], {}),
        NodeDef("b", "Dropout", ["a"], ["b"], {}),
        NodeDef("c", "Transpose", ["b"], ["c"], {"perm": (0, 1, 2, 3)}),
        NodeDef("d", "Relu", ["c"], ["d"], {}),
        NodeDef("e", "Transpose", ["d"], ["e"], {"perm": (0, 1, 3, 2)}),
        NodeDef("f", "Identity", ["e"], ["y"], {}),
        NodeDef("g", "Identity", ["x"], ["z"], {}),
    ]
    after = before_and_after(graph(nodes, {}, ["y", "z"]))
    assert [(n.kind, n.inputs, n.outputs) for n in after.nodes] == [
        ("Relu", ["x"], ["d"]),
        ("Transpose", ["d"], ["y"]),
        ("Identity", ["x"], ["z"]),
    ]


def test_one_tensor_as_two_outputs_keeps_its_identity() -> None:
    nodes = [NodeDef("a", "Relu", ["x"], ["y"], {}), NodeDef("b", "Identity", ["y"], ["z"], {})]
    assert kinds(before_and_after(graph(nodes, {}, ["y", "z"]))) == ["Relu", "Identity"]


def test_drop_identity_renames_what_was_read_before() -> None:
    """The tensor that gets the output's name has another reader, which stands between."""
    nodes = [
        NodeDef("a", "Relu", ["x"], ["a"], {}),
        NodeDef("b", "Neg", ["a"], ["b"], {}),
        NodeDef("c", "Identity", ["a"], ["y"], {}),
        NodeDef("d", "Add", ["a", "b"], ["z"], {}),
    ]
    made = graph(nodes, {}, ["y", "z"])
    drop_identity(made)
    assert [n.inputs for n in made.nodes] == [["x"], ["y"], ["y", "b"]]


def test_casts_to_the_same_type_go() -> None:
    nodes = [
        NodeDef("a", "Cast", ["x"], ["a"], {"to": DType.FLOAT32}),
        NodeDef("b", "Cast", ["a"], ["b"], {"to": DType.INT64}),
    ]
    made = OnnxGraph("g", nodes=nodes, inputs={"x": IMAGE}, values={"x": IMAGE})
    drop_identity(made)
    assert [(n.name, n.inputs) for n in made.nodes] == [("b", ["x"])]


def test_drop_unread() -> None:
    nodes = [
        NodeDef("a", "Relu", ["x"], ["a"], {}),
        NodeDef("b", "Mul", ["a", "w"], ["b"], {}),
        NodeDef("c", "Split", ["a"], ["c1", "c2"], {"num_outputs": 2, "axis": 1}),
        NodeDef("d", "Neg", ["c2"], ["y"], {}),
    ]
    made = graph(nodes, {"w": (1,)}, ["y"])
    drop_unread(made)
    assert [n.name for n in made.nodes] == ["a", "c", "d"]
    assert made.initializers == {}


def test_weights_are_stored_as_they_are_read() -> None:
    x = TensorInfo(DType.FLOAT32, (4, 6))
    nodes = [
        NodeDef("a/transpose", "Transpose", ["a.weight"], ["t"], {"perm": (1, 0)}),
        NodeDef("a", "MatMul", ["x", "t"], ["a"], {}),
        NodeDef("a@2/transpose", "Transpose", ["a.weight"], ["t2"], {"perm": (1, 0)}),
        NodeDef("a@2", "MatMul", ["a", "t2"], ["b"], {}),
        NodeDef("s/reshape", "Reshape", ["s.weight", "shape"], ["r"], {}),
        NodeDef("s", "Mul", ["b", "r"], ["c"], {}),
        NodeDef("tied/transpose", "Transpose", ["e.weight"], ["e"], {"perm": (1, 0)}),
        NodeDef("tied", "MatMul", ["c", "e"], ["d"], {}),
        NodeDef("again", "MatMul", ["d", "e.weight"], ["y"], {}),
    ]
    made = graph(nodes, {"a.weight": (6, 6), "s.weight": (6,), "e.weight": (6, 6)}, ["y"], x)
    made.initializers["shape"] = np.array([1, 6])
    transpose = made.numbers("a.weight").T.copy()
    after = before_and_after(made, x)
    assert kinds(after) == ["MatMul", "MatMul", "Mul", "Transpose", "MatMul", "MatMul"]
    assert np.array_equal(after.initializers["a.weight"], transpose)
    assert after.initializers["s.weight"].shape == (1, 6)


def test_a_transposed_weight_is_folded_into() -> None:
    x = TensorInfo(DType.FLOAT32, (4, 6))
    nodes = [
        NodeDef("t", "Transpose", ["w.weight"], ["t"], {"perm": (1, 0)}),
        NodeDef("w", "Gemm", ["x", "t"], ["g"], {}),
        bn("bn", "g", "y"),
    ]
    made = graph(nodes, {"w.weight": (5, 6), **norm("bn", 5)}, ["y"], x)
    assert kinds(before_and_after(made, x)) == ["Gemm"]


def test_store_layout_leaves_results_alone() -> None:
    nodes = [NodeDef("t", "Transpose", ["w"], ["y"], {"perm": (1, 0)})]
    made = graph(nodes, {"w": (2, 3)}, ["y"])
    store_layout(made)
    assert kinds(made) == ["Transpose"]


def branches(**changes: object) -> OnnxGraph:
    """A 3x3 and a 1x1 convolution and a batch norm of one tensor, summed."""
    wide = {"pads": (1, 1, 1, 1), "group": 2, "kernel_shape": (3, 3)}
    nodes = [
        NodeDef("wide", "Conv", ["x", "wide.weight", "wide.bias"], ["a"], wide),
        NodeDef("narrow", "Conv", ["x", "narrow.weight"], ["b"], {"group": 2, **changes}),
        bn("same", "x", "c"),
        NodeDef("two", "Add", ["b", "a"], ["ab"], {}),
        NodeDef("sum", "Add", ["ab", "c"], ["y"], {}),
    ]
    weights = {"wide.weight": (6, 3, 3, 3), "wide.bias": (6,), "narrow.weight": (6, 3, 1, 1), **norm("same", 6)}
    return graph(nodes, weights, ["y"])


def test_merge_branches() -> None:
    made = branches()
    arrays = {name: made.numbers(name).copy() for name in made.initializers}
    after = before_and_after(made)
    assert [(n.name, n.kind, n.inputs) for n in after.nodes] == [("wide", "Conv", ["x", "wide.weight", "wide.bias"])]
    assert after.initializers.keys() == {"wide.weight", "wide.bias"}
    assert all(np.array_equal(made.initializers[name], array) for name, array in arrays.items())


@pytest.mark.parametrize(
    ("narrow", "wide", "merged"),
    [
        # Where the kernels look, at the same places or not: 1x3 in 3x3, 2x2 in its corner, one beside its edge.
        (((1, 3), (0, 1, 0, 1)), ((3, 3), (1, 1, 1, 1)), True),
        (((2, 2), (0, 0, 1, 1)), ((3, 3), (1, 1, 1, 1)), True),
        (((2, 2), (1, 1, 0, 0)), ((3, 3), (1, 1, 1, 1)), True),
        (((3, 3), (0, 0, 2, 2)), ((3, 3), (1, 1, 1, 1)), False),
        (((1, 1), (0, 0, 2, 2)), ((3, 3), (2, 2, 2, 2)), True),
        (((3, 1), (1, 0, 1, 0)), ((1, 3), (0, 1, 0, 1)), False),
    ],
)
def test_branches_merge_where_one_kernel_holds_the_other(
    narrow: tuple[tuple[int, int], tuple[int, ...]], wide: tuple[tuple[int, int], tuple[int, ...]], merged: bool
) -> None:
    nodes = [
        NodeDef("narrow", "Conv", ["x", "narrow.weight"], ["a"], {"pads": narrow[1], "strides": (2, 1)}),
        NodeDef("wide", "Conv", ["x", "wide.weight"], ["b"], {"pads": wide[1], "strides": (2, 1)}),
        NodeDef("sum", "Add", ["a", "b"], ["y"], {}),
    ]
    weights: dict[str, tuple[int, ...]] = {"narrow.weight": (4, 6, *narrow[0]), "wide.weight": (4, 6, *wide[0])}
    after = before_and_after(graph(nodes, weights, ["y"]))
    assert kinds(after) == (["Conv"] if merged else ["Conv", "Conv", "Add"])


@pytest.mark.parametrize("change", [{"dilations": (1, 1)}, {"dilations": (3, 3)}])
def test_a_kernel_of_one_place_has_no_dilation(change: dict[str, object]) -> None:
    assert kinds(before_and_after(branches(**change))) == ["Conv"]


def test_branches_that_something_else_reads_stay() -> None:
    seen = branches()
    seen.nodes.append(NodeDef("relu", "Relu", ["b"], ["z"], {}))
    seen.outputs["z"] = seen.outputs["y"]
    assert kinds(before_and_after(seen)).count("Add") == 2
    shown = branches()
    shown.outputs["a"] = shown.outputs["y"]
    assert kinds(before_and_after(shown)).count("Add") == 2
    shared = branches()
    shared.nodes.append(NodeDef("again", "Conv", ["x", "wide.weight"], ["z"], {"group": 2, "pads": (1, 1, 1, 1)}))
    shared.outputs["z"] = shared.outputs["y"]
    assert kinds(before_and_after(shared)).count("Add") == 2


def test_branches_of_other_groups_stay() -> None:
    made = branches(group=1)
    made.initializers["narrow.weight"] = np.ones((6, 6, 1, 1), np.float32)
    assert kinds(before_and_after(made)).count("Add") == 2


SCALED = {
    "values that are queries": "it * 0.5\n    sdpa(it, it, it)",
    "divided": "it / 4\n    sdpa(it, it, it)",
    "apart": "y = it * 0.5\n    z = y * 0.3\n    ((z @ (x -> transpose(1, 2))) -> softmax(-1)) @ y",
    "no number": "y = it * 0.5\n    z = y * it\n    ((z @ (x -> transpose(1, 2))) -> softmax(-1)) @ y",
    "in an island": "cast(float32)\n    it * 0.5\n    sdpa(it, it, it)\n    cast(float)",
}


@pytest.mark.parametrize("name", SCALED)
@pytest.mark.parametrize("dtype", [DType.FLOAT32, DType.FLOAT16])
def test_numbers_before_products(name: str, dtype: DType) -> None:
    """onnxruntime rewrites what is left without losing a node that another reads."""
    model = compile_model(f"net f on x[N, T=4, 3]:\n    {SCALED[name]}\n")
    graph = emit(model, {}, dtype=dtype)
    x = np.random.default_rng(0).normal(size=(1, 4, 3)).astype(dtype.value)
    (plain,), (optimised,) = (run(graph, {"x": x}, optimise).values() for optimise in (False, True))
    assert plain.dtype == optimised.dtype == dtype.value
    np.testing.assert_allclose(plain, optimised, rtol=1e-2 if dtype is DType.FLOAT16 else 1e-5, atol=1e-3)

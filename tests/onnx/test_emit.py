"""Programs as graphs: names, outputs, options, and onnx's own judgement."""

from __future__ import annotations

import json

import numpy as np
import pytest

import dslc
from dslc.api import compile_model
from dslc.backends.onnx.check import check
from dslc.backends.onnx.emit import emit, metadata
from dslc.backends.onnx.model import OnnxModel
from dslc.diagnostics.model import CompileError, Failure
from tests.onnx.models import NETS, difference, example, example_state, exported, inputs_of, lively, run

BLOCK = """
## A residual unit.
block unit(out: int) on x[N, C, H, W]:
    conv(out, 3) -> bn -> relu
    it + (x if C == out else (x -> conv(out, 1) as skip))

## Two units.
net small(classes: int = 4) on image[N, 3, H=32, W=32]:
    seq as body:
        for i in range(2): unit(8)
    gap -> flatten -> linear(classes) as fc
"""


def nodes(model: OnnxModel) -> dict[str, tuple[str, list[str], list[str]]]:
    return {node.name: (node.kind, node.inputs, node.outputs) for node in model.graph.nodes}


def test_names_are_module_paths() -> None:
    found = nodes(exported(BLOCK))
    assert list(found) == [
        *("body.0.conv", "body.0.relu", "body.0.skip", "body.0.add"),
        *("body.1.conv", "body.1.relu", "body.1.add", "gap", "flatten", "fc"),
    ]
    assert found["body.0.conv"] == (
        "Conv",
        ["image", "body.0.conv.weight", "body.0.conv.bias"],
        ["body.0.bn:out"],
    )
    assert found["body.1.add"][1] == ["body.1.relu:out", "body.0.add:out"]
    assert found["fc"] == ("Gemm", ["flatten:out", "fc.weight", "fc.bias"], ["output"])


def test_initialisers_are_state_dict_keys() -> None:
    model = compile_model(BLOCK)
    graph = emit(model, lively(model), fold=False).graph
    keys = [key for key in model.params if not key.endswith("num_batches_tracked")]
    assert [name for name in graph.initializers if name in model.params] == keys
    assert "body.0.conv.bias" not in graph.initializers


def test_file_header() -> None:
    proto = exported(BLOCK).proto()
    assert [(entry.domain, entry.version) for entry in proto.opset_import] == [("", 21)]
    assert (proto.ir_version, proto.producer_name, proto.producer_version) == (10, "dslc", dslc.__version__)
    assert (proto.graph.name, proto.graph.doc_string) == ("small", "Two units.")


def test_every_value_has_its_shape() -> None:
    model = exported(BLOCK, dynamic=("N", "H"))
    declared = {name: info.shape for name, info in model.graph.values.items()}
    assert declared["image"] == ("N", 3, "H", 32)
    assert declared["body.0.skip:out"] == ("N", 8, "H", 32)
    assert model.graph.outputs["output"].shape == ("N", 4)
    made = {name for node in model.graph.nodes for name in node.outputs}
    assert made <= declared.keys()


def test_a_module_used_again_shares_weights_and_not_names() -> None:
    text = """
net f on x[N, 8, H=16, W=16]:
    module head = seq: conv(8, 3) -> relu
    a = head
    b = head
    (a + b) -> gap -> flatten
"""
    model = exported(text)
    check(model)
    found = nodes(model)
    assert found["head.0@2"] == ("Conv", ["x", "head.0.weight", "head.0.bias"], ["head.0@2:out"])
    assert found["add"][1] == ["head.1:out", "head.1@2:out"]


TIED = """
net f on ids: int64[N, T=6]:
    module wte = embedding(20, 8)
    wte -> ln -> linear(20, weight=wte.weight, bias=false) as out
"""


def test_a_tied_weight_is_stored_once() -> None:
    model = exported(TIED)
    check(model)
    assert [name for name, array in model.graph.initializers.items() if array.size == 160] == ["wte.weight"]
    assert nodes(model)["out/transpose"][1] == ["wte.weight"]


def test_train_only_parts_are_left_out() -> None:
    text = """
net f on x[N, 8, H=16, W=16] -> y, aux when training:
    conv(8, 3) as a -> dropout(0.5)
    aux = it -> conv(4, 1) as b -> gap -> flatten
    z = (conv(8, 1) as c if training else conv(8, 1) as d)
    y = z -> gap -> flatten
"""
    model = exported(text)
    check(model)
    assert list(nodes(model)) == ["a", "d", "gap_2", "flatten_2"]
    assert list(model.graph.outputs) == ["y"]
    assert {name.split(".")[0] for name in model.graph.initializers} == {"a", "d"}


def test_outputs_keep_the_users_names() -> None:
    text = """
net f on x[N, 8, H=16, W=16] -> c1, c2:
    c1 = conv(4, 3)
    c2 = c1 -> conv(4, 3, s=2)
"""
    model = exported(text)
    check(model)
    assert list(model.graph.outputs) == ["c1", "c2"]
    assert nodes(model)["conv_2"][1][0] == "c1"


def test_an_input_can_be_a_result() -> None:
    model = exported("net f on x[N, 4] -> y, x:\n    y = linear(4)\n")
    check(model)
    assert list(model.graph.outputs) == ["y", "x_out"]
    x = np.ones((1, 4), np.float32)
    assert np.array_equal(run(model, {"x": x})["x_out"], x)


def test_metadata() -> None:
    model = example("unet")
    found = metadata(model, ("H", "W"))
    assert (found["dslc.entry"], found["dslc.source"], found["dslc.dynamic"]) == ("unet", "unet.dl", "H,W")
    assert json.loads(found["dslc.sizes"]) == {"N": 1, "H": 256, "W": 256}
    guards = {guard["symbol"]: guard for guard in json.loads(found["dslc.guards"])}
    assert (guards["H"]["mod"], guards["H"]["residues"], guards["H"]["min"]) == (16, [0], 16)
    assert guards["H"]["text"] == "H % 16 == 0"
    assert {line.rsplit(":", 1)[0] for line in guards["H"]["lines"]} == {"unet.dl", "std/combine.dl"}


def test_unknown_and_pinned_sizes() -> None:
    text = """
net f on x[N, T=16, D=8]:
    param pos: [1, T, D] = zeros
    it + pos
"""
    model = compile_model(text)
    with pytest.raises(Failure) as caught:
        emit(model, lively(model), dynamic=("N", "T", "n"))
    pinned, unknown = caught.value.mistakes
    assert pinned.message.startswith("`T` cannot stay symbolic: T == 16 (pinned by <text>:3)")
    assert (unknown.code, unknown.message) == ("E0630", "the inputs have no size `n`: there are `N`")
    assert [help.text for help in unknown.help] == ["did you mean `N`?"]


def test_an_op_without_a_dynamic_form_is_shown_at_its_line() -> None:
    text = "net f on x[N, 3, H=32, W=32]:\n    conv(8, 3)\n    adaptive_avgpool(7) -> flatten\n"
    model = compile_model(text)
    with pytest.raises(CompileError) as caught:
        emit(model, lively(model), dynamic=("H", "W"))
    (found,) = caught.value.diagnostics
    assert (found.span.line, found.span.text) == (3, "adaptive_avgpool(7)")


def test_an_extern_block_is_shown_at_its_use() -> None:
    text = """
extern block mine(k: int) on x[N, C, H, W] -> y[N, C, H, W] = "package.module:Mine"

net f on x[N, 3, H=32, W=32]:
    mine(3) -> conv(4, 3)
"""
    with pytest.raises(CompileError) as caught:
        exported(text)
    (found,) = caught.value.diagnostics
    assert (found.code, found.span.text) == ("E0632", "mine(3)")


@pytest.mark.parametrize("name", ["lenet", "googlenet", "mobilenet_v2"])
def test_same_bytes(name: str) -> None:
    first, second = (example(name) for _ in range(2))
    state = example_state(name)
    assert emit(first, state).data() == emit(second, dict(reversed(state.items()))).data()


@pytest.mark.parametrize("name", NETS)
def test_onnx_accepts_every_example(name: str) -> None:
    model, state = example(name), example_state(name)
    check(emit(model, state))
    check(emit(model, state, dynamic=("N",), fold=False))


@pytest.mark.parametrize("name", ["googlenet", "resnet18", "densenet121", "mobilenet_v2"])
def test_folding_changes_rounding_only(name: str) -> None:
    model = example(name)
    state, inputs = example_state(name), inputs_of(model)
    folded, kept = emit(model, state), emit(model, state, fold=False)
    assert len(folded.graph.nodes) < len(kept.graph.nodes)
    expected = run(kept, inputs)
    for key, value in run(folded, inputs).items():
        assert difference(value, expected[key]) < 1e-4


LONG = {
    "upsample(2)": "more than 4,194,304",
    "adaptive_avgpool(7)": "more than 2,396,745",
    "adaptive_maxpool(7)": "more than 2,396,745",
    'upsample(0.5, mode="bilinear", antialias=true)': "more than 1,",
}


@pytest.mark.parametrize("layer", LONG)
def test_an_axis_longer_than_a_table_may_be(layer: str) -> None:
    """Tables of a hundred million places are not made: an error at the line, at once."""
    model = compile_model(f"net f on x[N, 1, 2, T=100M]:\n    {layer.replace('(7)', '(1x7)')}\n")
    with pytest.raises(CompileError, match="E0387") as caught:
        emit(model, {})
    assert LONG[layer] in str(caught.value)


def test_many_places_are_counted_while_the_graph_runs() -> None:
    model = compile_model("net f on x[N, T=100M]:\n    where((arange(T) < 5)[none], it, 0)\n")
    graph = emit(model, {}).graph
    assert "Range" in {node.kind for node in graph.nodes}
    assert sum(np.asarray(array).size for array in graph.initializers.values()) < 100

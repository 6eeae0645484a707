"""The properties that say which modules a node lies in, as torch's own exporter writes them."""

from __future__ import annotations

import ast

import numpy as np
import onnx
import pytest

import dslc
from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.origins import MOST_LEVELS
from dslc.weights.init import initial
from tests.onnx.models import example, example_state

KEYS = ["namespace", "pkg.torch.onnx.class_hierarchy", "pkg.torch.onnx.name_scopes"]


def properties(source: str, fold: bool = True) -> dict[str, dict[str, str]]:
    """The properties of each node of a program by its name."""
    model = compile_model(source)
    proto = emit(model, initial(model.params), fold=fold).proto()
    onnx.checker.check_model(proto, full_check=True)
    return {node.name: {p.key: p.value for p in node.metadata_props} for node in proto.graph.node}


BLOCKS = """\
block unit(out: int) on x[N, C, H, W]:
    conv(out, 3, p=valid, bias=false) as conv1 -> bn as bn1 -> relu

net f on x[N, 3, 9, 9]:
    seq as layers:
        unit(4)
        unit(5) as last
    gap -> flatten
"""


def test_a_node_names_its_modules_from_the_outside() -> None:
    assert properties(BLOCKS)["layers.last.conv1"] == {
        "dslc.merged": "layers.last.bn1",
        "namespace": ": f/layers: seq/layers.last: unit/layers.last.conv1: conv",
        "pkg.torch.onnx.class_hierarchy": "['f', 'seq', 'unit', 'conv']",
        "pkg.torch.onnx.name_scopes": "['', 'layers', 'layers.last', 'layers.last.conv1']",
    }
    assert properties(BLOCKS)["gap"]["namespace"] == ": f/gap: gap"


def test_nodes_that_were_merged_are_named_once() -> None:
    assert "dslc.merged" not in properties(BLOCKS, fold=False)["layers.0.conv1"]
    assert properties(BLOCKS, fold=False)["layers.0.bn1"]["namespace"].endswith("/layers.0.bn1: bn")
    repvgg = (
        "net f on x[N, 4, 8, 8]:\n    a = conv(4, 3) as a -> bn as na\n    b = conv(4, 1) as b -> bn as nb\n    a + b\n"
    )
    merged = [found["dslc.merged"] for found in properties(repvgg).values() if "dslc.merged" in found]
    assert merged == ["na, b, nb, add"]
    padded = "net f on x[N, 4, 8, 8]: pad(1) as p -> conv(4, 3, p=valid) as c\n"
    assert properties(padded)["c"]["dslc.merged"] == "p"


def test_comments_and_layout_change_no_byte() -> None:
    laid = "# a comment\n\n" + BLOCKS.replace(" -> relu", "\n        -> relu")
    one, other = (compile_model(text) for text in (BLOCKS, laid))
    assert emit(one, initial(one.params)).data() == emit(other, initial(other.params)).data()


def test_every_node_of_a_layer_has_them() -> None:
    found = properties("net f on x[N, T=6, 8]: linear(8) as wide -> gelu\n", fold=False)
    assert len(found) > 2 and all(list(each) == KEYS for each in found.values())
    assert {each["pkg.torch.onnx.name_scopes"] for each in found.values()} == {"['', 'wide']", "['', 'gelu']"}


@pytest.mark.parametrize("name", ["resnet18", "densenet121", "mobilenet_v2"])
def test_scopes_are_the_modules_of_the_generated_class(name: str) -> None:
    """`name_scopes` but for the node's own are paths of modules in PyTorch, each inside the one before."""
    net = dslc.load(example(name).source.path, net=name)
    import torch

    with torch.device("meta"):
        modules = dict(net().named_modules())
    proto = emit(example(name), example_state(name)).proto()
    for node in proto.graph.node:
        found = {p.key: p.value for p in node.metadata_props}
        assert [key for key in found if key != "dslc.merged"] == KEYS
        *scopes, own = ast.literal_eval(found["pkg.torch.onnx.name_scopes"])
        *classes, kind = ast.literal_eval(found["pkg.torch.onnx.class_hierarchy"])
        assert len(scopes) == len(classes) and node.name.startswith(own)
        assert all(scope in modules for scope in scopes), scopes
        assert all(inner.startswith(outer) for outer, inner in zip(scopes, [*scopes[1:], own], strict=True))
        pairs = [f"{path}: {word}" for path, word in zip([*scopes, own], [*classes, kind], strict=True)]
        assert found["namespace"] == "/".join(pairs)


def test_deep_nesting_names_the_outermost_modules() -> None:
    deep = "".join(f"block b{i} on x[N, C]: {'relu' if not i else f'b{i - 1}'}\n" for i in range(100))
    (found,) = properties(f"{deep}net f on x[N, 4]: b99\n").values()
    scopes = ast.literal_eval(found["pkg.torch.onnx.name_scopes"])
    assert len(scopes) == MOST_LEVELS + 1 and scopes[:3] == ["", "b99", "b99.b98"] and scopes[-1].endswith(".b0.relu")


def test_they_change_no_number() -> None:
    import onnxruntime

    model = example("lenet")
    proto = emit(model, example_state("lenet")).proto()
    bare = onnx.ModelProto()
    bare.CopyFrom(proto)
    for node in bare.graph.node:
        node.ClearField("metadata_props")
    image = np.random.default_rng(0).standard_normal((1, 1, 32, 32), np.float32)
    name = proto.graph.input[0].name
    results = []
    for each in (proto, bare):
        session = onnxruntime.InferenceSession(each.SerializeToString(), providers=["CPUExecutionProvider"])
        results.append(session.run(None, {name: image}))
    assert np.array_equal(results[0][0], results[1][0])

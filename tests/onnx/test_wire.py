"""The bytes that the writer makes are those of the same model built with onnx's own helper."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from dslc.backends.onnx.graph import NodeDef, OnnxGraph, TensorInfo
from dslc.backends.onnx.model import OnnxModel
from dslc.backends.onnx.origins import Origin, Scope, properties
from dslc.types.tensor import DType

CODES = {
    DType.FLOAT32: TensorProto.FLOAT,
    DType.FLOAT16: TensorProto.FLOAT16,
    DType.BFLOAT16: TensorProto.BFLOAT16,
    DType.INT64: TensorProto.INT64,
    DType.INT32: TensorProto.INT32,
    DType.BOOL: TensorProto.BOOL,
}

texts = st.text(max_size=12)
numbers = st.integers(-(2**63), 2**63 - 1)
floats = st.floats(width=32, allow_nan=False)
attributes = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.one_of(
        numbers,
        floats,
        texts,
        st.lists(numbers, min_size=1, max_size=4),
        st.lists(floats, min_size=1, max_size=4),
        st.lists(texts, min_size=1, max_size=3),
    ),
    max_size=3,
)
scopes = st.builds(Scope, namespace=texts, classes=texts, names=texts, level=st.just(1))
origins = st.builds(Origin, scope=scopes, path=texts, kind=texts)
nodes = st.builds(
    NodeDef,
    name=st.text(min_size=1, max_size=8),
    kind=st.text(min_size=1, max_size=8),
    inputs=st.lists(texts, max_size=3),
    outputs=st.lists(texts, max_size=2),
    attributes=attributes,
    domain=st.sampled_from(["", "com.microsoft"]),
    origins=st.lists(origins, max_size=2).map(tuple),
)
infos = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.builds(
        TensorInfo,
        st.sampled_from(list(CODES)),
        st.lists(st.one_of(st.integers(1, 2**40), st.text(min_size=1, max_size=9)), max_size=4).map(tuple),
    ),
    max_size=3,
)
types = [np.float32, np.float64, np.float16, ml_dtypes.bfloat16, np.int64, np.int32, np.bool_]
arrays = st.dictionaries(
    st.text(min_size=1, max_size=8),
    st.builds(
        lambda dtype, shape, seed: np.random.default_rng(seed).integers(0, 100, shape).astype(dtype),
        st.sampled_from(types),
        st.lists(st.integers(0, 3), max_size=3).map(tuple),
        st.integers(0, 9),
    ),
    max_size=3,
)
graphs = st.builds(
    OnnxGraph,
    name=texts,
    doc=texts,
    nodes=st.lists(nodes, max_size=4),
    initializers=arrays,
    inputs=infos,
    outputs=infos,
    values=infos,
)


def reference(model: OnnxModel) -> onnx.ModelProto:
    """The same model by onnx.helper."""
    graph = model.graph

    def value(name: str, info: TensorInfo) -> onnx.ValueInfoProto:
        return helper.make_tensor_value_info(name, CODES[info.dtype], info.shape)

    def node(one: NodeDef) -> onnx.NodeProto:
        made = helper.make_node(one.kind, one.inputs, one.outputs, name=one.name, domain=one.domain or None)
        for name in sorted(one.attributes):
            made.attribute.append(helper.make_attribute(name, one.attributes[name]))
        for key, text in properties(one.origins).items() if one.origins else ():
            made.metadata_props.add(key=key, value=text)
        return made

    taken = {*graph.inputs, *graph.outputs, *graph.initializers}
    body = helper.make_graph(
        [node(one) for one in graph.nodes],
        graph.name,
        [value(n, i) for n, i in graph.inputs.items()],
        [value(n, i) for n, i in graph.outputs.items()],
        [numpy_helper.from_array(graph.numbers(n), n) for n in graph.initializers],
        doc_string=graph.doc or None,
        value_info=[value(n, i) for n, i in graph.values.items() if n not in taken],
    )
    domains = sorted({"", *(one.domain for one in graph.nodes)})
    opsets = [helper.make_opsetid(d, 1 if d else 21) for d in domains]
    made = helper.make_model(body, ir_version=10, opset_imports=opsets, producer_name="dslc")
    made.producer_version = model.version
    helper.set_model_props(made, dict(sorted(model.metadata.items())))
    return made


@settings(max_examples=60)
@given(graphs, st.dictionaries(texts, texts, max_size=3))
def test_any_graph(graph: OnnxGraph, metadata: dict[str, str]) -> None:
    model = OnnxModel(graph, "1.2", metadata)
    assert model.proto() == reference(model)


def test_arrays_in_any_memory_order() -> None:
    base = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
    views: dict[str, Any] = {"t": base.T, "s": base[:, ::2], "f": np.asfortranarray(base), "b": base.astype(">f4")}
    model = OnnxModel(OnnxGraph("g", initializers=dict(views)), "1")
    for tensor in model.proto().graph.initializer:
        assert np.array_equal(numpy_helper.to_array(tensor), views[tensor.name])


def test_attributes_of_other_types() -> None:
    given = {"to": DType.FLOAT16, "flag": True, "n": np.int64(3), "value": np.arange(3), "empty": ()}
    node = NodeDef("n", "X", [], [], given)
    (made,) = OnnxModel(OnnxGraph("g", nodes=[node]), "1").proto().graph.node
    read = {a.name: helper.get_attribute_value(a) for a in made.attribute}
    assert (read["to"], read["flag"], read["n"], list(read["empty"])) == (TensorProto.FLOAT16, 1, 3, [])
    assert numpy_helper.to_array(read["value"]).tolist() == [0, 1, 2]
    with pytest.raises(TypeError, match="`bad` cannot be written"):
        OnnxModel(OnnxGraph("g", nodes=[NodeDef("n", "X", [], [], {"bad": object()})]), "1").data()


def test_weights_are_not_copied() -> None:
    array = np.zeros(1000, np.float32)
    pieces = list(OnnxModel(OnnxGraph("g", initializers={"w": array}), "1").chunks())
    view = next(piece for piece in pieces if isinstance(piece, memoryview))
    array[7] = 1
    assert view.nbytes == 4000
    assert np.frombuffer(view, np.float32)[7] == 1

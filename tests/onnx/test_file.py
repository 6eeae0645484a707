"""Files on disk: inline and external weights, and what happens when they cannot be written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from dslc.backends.onnx import file
from dslc.backends.onnx.emit import emit
from dslc.output import OutputError
from dslc.weights.init import initial
from tests.onnx.models import difference, example, inputs_of, run


def test_inline(tmp_path: Path) -> None:
    model = example("lenet")
    graph = emit(model, initial(model.params))
    assert file.save(graph, tmp_path / "net.onnx") == [tmp_path / "net.onnx"]
    assert (tmp_path / "net.onnx").read_bytes() == graph.data()


def test_external(tmp_path: Path) -> None:
    model = example("mobilenet_v2")
    graph = emit(model, initial(model.params))
    written = file.save(graph, tmp_path / "net.onnx", inline_limit=1000)
    assert written == [tmp_path / "net.onnx.data", tmp_path / "net.onnx"]
    onnx.checker.check_model(str(tmp_path / "net.onnx"), full_check=True)

    proto = onnx.load(tmp_path / "net.onnx", load_external_data=False)
    outside = [t for t in proto.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL]
    inside = [t for t in proto.graph.initializer if t.data_location != onnx.TensorProto.EXTERNAL]
    assert all(len(t.raw_data) < file.EXTERNAL_LEAST for t in inside)
    assert len(outside) > 50
    for tensor in outside:
        where = {entry.key: entry.value for entry in tensor.external_data}
        assert where["location"] == "net.onnx.data"
        assert int(where["offset"]) % 4096 == 0
    assert (tmp_path / "net.onnx").stat().st_size < 200_000

    whole = onnx.load(tmp_path / "net.onnx")
    for tensor in whole.graph.initializer:
        assert np.array_equal(onnx.numpy_helper.to_array(tensor), graph.graph.initializers[tensor.name])
    session = onnxruntime.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    inputs = inputs_of(model)
    (found,) = session.run(None, inputs)
    assert difference(found, run(graph, inputs, optimise=True)["output"]) < 1e-5


def test_external_again_is_the_same(tmp_path: Path) -> None:
    model = example("lenet")
    graph = emit(model, initial(model.params))
    contents = []
    for _ in range(2):
        written = file.save(graph, tmp_path / "net.onnx", inline_limit=1000)
        contents.append([path.read_bytes() for path in written])
    assert contents[0] == contents[1]


@pytest.mark.parametrize("limit", [0, file.INLINE_LIMIT])
def test_nothing_is_left_where_it_cannot_be_written(tmp_path: Path, limit: int) -> None:
    (tmp_path / "net.onnx").mkdir()
    model = example("lenet")
    with pytest.raises(OutputError, match="is a directory"):
        file.save(emit(model, initial(model.params)), tmp_path / "net.onnx", inline_limit=limit)
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]

"""A model of one op, made by the real builder and run by onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import onnx
import onnxruntime
from numpy.typing import NDArray

from dslc.backends.onnx.builder import Builder, Use
from dslc.backends.onnx.graph import NodeDef
from dslc.backends.onnx.model import OnnxModel
from dslc.backends.onnx.sizes import SizeView
from dslc.ops.base import Op, Types
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType

Array = NDArray[Any]


def export(
    op: Op,
    ins: Types,
    outs: Types,
    params: Mapping[str, Array],
    sizes: Sizes | None = None,
    dynamic: Sequence[str] = (),
    dtype: DType = DType.FLOAT32,
) -> onnx.ModelProto:
    """The op over inputs `x0`, `x1`.. as a checked model with results `y0`, `y1`..; `dtype` is what `float` is."""
    state = {f"op.{name}": array for name, array in params.items()}
    builder = Builder("op", state, SizeView(sizes or Sizes(), dynamic), dtype)
    ins, outs = tuple(map(builder.type, ins)), tuple(map(builder.type, outs))
    inputs = tuple(f"x{i}" for i in range(len(ins)))
    for name, type_ in zip(inputs, ins, strict=True):
        builder.add_input(name, type_)
    use = Use(builder, "op")
    results = op.onnx(use, inputs, {name: builder.weight(f"op.{name}", DType.FLOAT) for name in params}, ins, outs)
    final = use.finish([results] if isinstance(results, str) else list(results))
    assert len(final) == len(outs)
    for i, (name, type_) in enumerate(zip(final, outs, strict=True)):
        builder.declare(name, type_)
        builder.graph.nodes.append(NodeDef(f"y{i}", "Identity", [name], [f"y{i}"], {}))
        builder.graph.outputs[f"y{i}"] = builder.graph.values[name]
    model = OnnxModel(builder.graph, "0").proto()
    onnx.checker.check_model(model, full_check=True)
    onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    return model


def run(model: onnx.ModelProto, xs: Sequence[Array]) -> list[Array]:
    """The results of the model in onnxruntime, as it stands: no graph optimisation."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return list(session.run(None, {f"x{i}": x for i, x in enumerate(xs)}))

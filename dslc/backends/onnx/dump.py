"""An ONNX model as text: what is compared in golden files and read in a diff."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dslc.backends.onnx.model import OnnxModel

if TYPE_CHECKING:
    import onnx


def dump(model: OnnxModel | onnx.ModelProto) -> str:
    """One line for each input, node, weight and output.

    A node's line has its name, op, attributes, inputs and, after `->`, its outputs with their declared
    shapes.
    """
    proto = model.proto() if isinstance(model, OnnxModel) else model
    graph = proto.graph
    known = {info.name: _type(info) for info in (*graph.value_info, *graph.input, *graph.output)}
    opsets = ", ".join(f"{entry.domain or 'ai.onnx'} {entry.version}" for entry in proto.opset_import)
    lines = [f"model {graph.name}: opset {opsets}, ir_version {proto.ir_version}"]
    lines += [f"meta {entry.key} = {entry.value}" for entry in proto.metadata_props]
    lines += [f"input {info.name}: {known[info.name]}" for info in graph.input]
    lines += [_node(node, known) for node in graph.node]
    lines += [f"output {info.name}: {known[info.name]}" for info in graph.output]
    lines += [f"weight {t.name}: {_dtype(t.data_type)}[{', '.join(map(str, t.dims))}]" for t in graph.initializer]
    return "\n".join(lines) + "\n"


def _node(node: onnx.NodeProto, known: dict[str, str]) -> str:
    attributes = ", ".join(f"{a.name}={_attribute(a)}" for a in node.attribute)
    kind = f"{node.domain}.{node.op_type}" if node.domain else node.op_type
    inputs = ", ".join(name or "_" for name in node.input)
    outputs = ", ".join(f"{name}: {known[name]}" if name in known else name or "_" for name in node.output)
    return f"{node.name} = {kind}{f'<{attributes}>' if attributes else ''}({inputs}) -> {outputs}"


def _attribute(attribute: onnx.AttributeProto) -> str:
    import onnx

    value = onnx.helper.get_attribute_value(attribute)
    if isinstance(value, bytes):
        return repr(value.decode())
    if isinstance(value, float):
        return f"{value:.7g}"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, onnx.TensorProto):
        return f"{_dtype(value.data_type)}[{', '.join(map(str, value.dims))}]"
    items = [v.decode() if isinstance(v, bytes) else f"{v:.7g}" if isinstance(v, float) else str(v) for v in value]
    return f"[{', '.join(items)}]"


def _type(info: onnx.ValueInfoProto) -> str:
    tensor = info.type.tensor_type
    dims = ", ".join(dim.dim_param or str(dim.dim_value) for dim in tensor.shape.dim)
    return f"{_dtype(tensor.elem_type)}[{dims}]"


def _dtype(code: int) -> str:
    import onnx

    return str(onnx.TensorProto.DataType.Name(onnx.TensorProto.DataType.ValueType(code))).lower()

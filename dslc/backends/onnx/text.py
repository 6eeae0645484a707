"""A network's ONNX graph as text, in the syntax of onnx's own printer and parser, without numpy and onnx.

Weights are shapes and initialisers, constants their numbers: https://onnx.ai/onnx/repo-docs/Syntax.html.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

from dslc.backends.onnx import sketch
from dslc.backends.onnx.emit import built, check_dynamic
from dslc.backends.onnx.graph import IR_VERSION, NodeDef, OnnxGraph, TensorInfo
from dslc.backends.onnx.sizes import SizeView
from dslc.collector import paused
from dslc.ir.model import Model, Param
from dslc.types.tensor import DType

NAMES: Final = {"float32": "float", "float64": "double"}
"""What the syntax calls element types, where not as numpy does."""

CODES: Final = {"float32": 1, "int32": 6, "int64": 7, "bool": 9, "float16": 10, "bfloat16": 16}
"""TensorProto.DataType."""

WORD: Final = re.compile(r"[A-Za-z_]\w*", re.ASCII)
MOST: Final = 16
"""Numbers of a constant that are written."""


def onnx_text(model: Model, *, dynamic: Sequence[str] = (), fold: bool = True) -> str:
    """The graph that `dslc build` writes, in float32, as text. `dynamic`, `fold`: as for `emit`.

    Raises `Failure` for names in `dynamic` that are no sizes of the input, `CompileError` for an op that has no form in
    ONNX here.
    """
    check_dynamic(model.sizes, dynamic)
    state = {path: sketch.weight(p.spec.shape, p.spec.dtype, origin(p)) for path, p in model.params.items()}
    with paused():
        view = SizeView(model.sizes, dynamic)
        return text(built(model, state, view, fold, model.float, sketch.constant).graph)


def origin(param: Param) -> str:
    """Where a weight's first numbers come from: `kaiming_normal(mode=fan_out)`, or the program."""
    if param.values is not None or param.spec.kind == "const":
        return "given by the program"
    init = param.spec.init
    given = ", ".join(f"{name}={value}" for name, value in init.args)
    return f"{init.kind}({given})" if given else init.kind


def text(graph: OnnxGraph) -> str:
    """A graph of sketches."""
    inputs = ", ".join(f"{typed(info)} {quoted(name)}" for name, info in graph.inputs.items())
    outputs = ", ".join(f"{typed(info)} {quoted(name)}" for name, info in graph.outputs.items())
    domains = ", ".join(
        f'"{d}" : {graph.opset if not d else 1}' for d in sorted({n.domain for n in graph.nodes} | {""})
    )
    lines = [
        "<",
        f"   ir_version: {IR_VERSION},",
        f"   opset_import: [{domains}]",
        ">",
        f"{quoted(graph.name)} ({inputs}) => ({outputs})",
    ]
    return "\n".join([*lines, *held(graph), "{", *map(node, graph.nodes), "}"]) + "\n"


def held(graph: OnnxGraph) -> Iterator[str]:
    """The initialisers, each with what it is."""
    entries = [initializer(name, array) for name, array in graph.initializers.items()]
    for place, (entry, words) in enumerate(entries):
        before = "<" if place == 0 else " "
        after = ">" if place == len(entries) - 1 else ","
        yield f"   {before}{entry}{after}{f'  # {words}' if words else ''}"


def initializer(name: str, array: object) -> tuple[str, str]:
    """A constant with its numbers, a weight or a long table without; and words about it."""
    assert isinstance(array, sketch.Sketch)
    kind = f"{NAMES.get(array.dtype.name, array.dtype.name)}{sides(array.shape)}"
    values = array.values
    if values is not None and len(values) <= MOST and all(value - value == 0 for value in values):
        return f"{kind} {quoted(name)} = {{{','.join(map(number, values))}}}", ""
    return f"{kind} {quoted(name)}", array.words if values is None else f"{array.size:,} numbers"


def node(made: NodeDef) -> str:
    """A node, as onnx prints it."""
    kind = f"{made.domain}.{made.kind}" if made.domain else made.kind
    attributes = ", ".join(f"{name}: {attribute(made.attributes[name])}" for name in sorted(made.attributes))
    outputs = ", ".join(map(quoted, made.outputs))
    inputs = ", ".join(map(quoted, made.inputs))
    return f"   [{quoted(made.name)}] {outputs} = {kind}{f' <{attributes}>' if attributes else ''} ({inputs})"


def attribute(value: object) -> str:
    """`ints = [1, 1]`: type and value."""
    if isinstance(value, DType):
        return f"int = {CODES[sketch.kind_of(value).name]}"
    if isinstance(value, bool | int):
        return f"int = {int(value)}"
    if isinstance(value, float):
        return f"float = {number(sketch.rounded(value, 'float32'))}"
    if isinstance(value, str):
        return f"string = {json.dumps(value, ensure_ascii=False)}"
    assert isinstance(value, Sequence)
    if all(isinstance(item, int) for item in value):
        return f"ints = [{', '.join(str(int(item)) for item in value)}]"
    if all(isinstance(item, str) for item in value):
        return f"strings = [{', '.join(json.dumps(item, ensure_ascii=False) for item in value)}]"
    return f"floats = [{', '.join(number(float(item)) for item in value)}]"


def number(value: float | int) -> str:
    """A number; a float with the digits that tell it from other float32 numbers."""
    if isinstance(value, bool | int):
        return str(int(value))
    texts = (f"{value:.{digits}g}" for digits in range(1, 10))
    return next((text for text in texts if sketch.rounded(float(text), "float32") == value), repr(value))


def typed(info: TensorInfo) -> str:
    """`float[1,3,224,224]`."""
    name = sketch.kind_of(info.dtype).name
    return f"{NAMES.get(name, name)}{sides(info.shape)}"


def sides(shape: Sequence[int | str]) -> str:
    """`[1,3]`; nothing of a scalar."""
    return f"[{','.join(str(side) if isinstance(side, int) else quoted(side) for side in shape)}]" if shape else ""


def quoted(name: str) -> str:
    """A name, in quotes where it is no word."""
    return name if WORD.fullmatch(name) or not name else json.dumps(name, ensure_ascii=False)

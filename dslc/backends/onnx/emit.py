"""From the module tree and its weights to ONNX."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from dslc.analysis.numbers import declared, unheld
from dslc.backends.onnx.builder import Builder, Use, made
from dslc.backends.onnx.errors import NoOnnx, PinnedSymbol, UnknownSymbol
from dslc.backends.onnx.graph import Array, NodeDef, OnnxGraph
from dslc.backends.onnx.guards import file_name, guard_metadata
from dslc.backends.onnx.indices import index_metadata
from dslc.backends.onnx.origins import Origins
from dslc.backends.onnx.passes import run_passes
from dslc.backends.onnx.sizes import SizeView
from dslc.collector import paused
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import CompileError, Failure, Mistake, Reject, Sink
from dslc.ir.model import Model, Node, Param, Value
from dslc.ir.walk import Flat, Needed, Step, flatten
from dslc.ops.broadcasting import converted
from dslc.types.errors_numbers import UnheldNumber
from dslc.types.floats import LARGEST
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType

if TYPE_CHECKING:
    from dslc.backends.onnx.model import OnnxModel


def emit(
    model: Model,
    weights: Mapping[str, Array],
    *,
    dynamic: Sequence[str] = (),
    fold: bool = True,
    dtype: DType | None = None,
    at: Mapping[str, int] | None = None,
) -> OnnxModel:
    """The network in evaluation mode as an ONNX graph of opset 21.

    `weights` is the state dict. All sizes are numbers, the defaults or those of `at` (allowed ones), but for the
    symbols named in `dynamic`. `fold` merges batch norms into the linear maps before them. `dtype` is what the
    network's own `float` is here (none: what its inputs set). Raises `Failure` for a symbol that cannot be dynamic and
    for weights that `dtype` cannot hold, `CompileError` for numbers of the program that it cannot, and for an op that
    has no form in ONNX here. The same arguments give the same bytes.
    """
    from dslc.backends.onnx.model import OnnxModel
    from dslc.weights.init import value_of

    check_dynamic(model.sizes, dynamic)
    state = {path: value_of(param) for path, param in model.params.items() if param.spec.kind == "const"}
    with paused():
        view = SizeView(model.sizes, dynamic, at or {})
        builder = built(model, {**weights, **state}, view, fold, dtype or model.float)
        said = metadata(model, dynamic) | index_metadata(builder.graph, model, view)
        return OnnxModel(builder.graph, _version(), said)


def built(
    model: Model,
    state: Mapping[str, Array],
    view: SizeView,
    fold: bool,
    dtype: DType,
    make: Callable[..., Array] = made,
) -> Builder:
    """The graph of a network; `state` has all its tensors by path, `make` gives the array of a constant."""
    flat = flatten(model)
    found = unheld(model, flat, dtype)
    if found:
        raise CompileError(found)
    builder = Builder(model.name, state, view, dtype, make)
    builder.graph.doc = model.doc
    builder.rounded = read_as_float(flat)
    names = _write_steps(builder, model, flat)
    _write_outputs(builder, flat, names)
    run_passes(builder.graph, fold=fold)
    _keep_order(builder.graph, model)
    narrow(builder, {path for path, param in model.params.items() if param.spec.kind != "param" and declared(param)})
    return builder


def check_dynamic(sizes: Sizes, dynamic: Sequence[str]) -> None:
    """Raise `Failure` for names that are no sizes of the input, or that weights fix."""
    mistakes: list[Mistake] = []
    for name in dynamic:
        if name in sizes.pins:
            mistakes.append(PinnedSymbol(name, sizes.pins[name].text))
        elif name not in sizes.default:
            mistakes.append(UnknownSymbol(name, tuple(sizes.default), nearest(name, sizes.default)))
    if mistakes:
        raise Failure(*mistakes)


def metadata(model: Model, dynamic: Sequence[str] = ()) -> dict[str, str]:
    """What the file says of itself: the source's name, the entry, default sizes and the guards on them."""
    found = {
        "dslc.entry": model.entry,
        "dslc.source": file_name(model.source.path),
        "dslc.sizes": json.dumps(model.sizes.default, separators=(",", ":")),
        **guard_metadata(model, input_names(model), dynamic),
    }
    if dynamic:
        found["dslc.dynamic"] = ",".join(dynamic)
    return found


def narrow(builder: Builder, tables: Collection[str] = ()) -> None:
    """Weights in the graph's type. They are folded as they were given, and rounded last; constants have their type.

    Raises `Failure` for those that are too large for it; in the `tables` of the program the least number stands for
    all below it, as in masks.
    """
    if builder.dtype is DType.FLOAT32:
        return
    import numpy as np

    from dslc.weights.init import numpy_type

    target, held = numpy_type(builder.dtype), builder.graph.initializers
    mistakes: list[Mistake] = []
    for name in held:
        if held[name].dtype == np.float32 and name not in builder.constants and name not in builder.graph.exact:
            array = builder.graph.numbers(name)
            if name in tables:
                array = np.where(np.isfinite(array), np.maximum(array, -LARGEST[builder.dtype]), array)
            with np.errstate(over="ignore"):
                held[name] = narrowed = array.astype(target)
            if np.isfinite(array).all() and not np.isfinite(narrowed.astype(np.float32)).all():
                mistakes.append(UnheldNumber(name, float(np.abs(array).max()), builder.dtype.value))
    if mistakes:
        raise Failure(*mistakes)


# ---- steps


def _write_steps(builder: Builder, model: Model, flat: Flat) -> dict[Value, str]:
    """Write every step that evaluation needs; the tensor of each value."""
    names: dict[Value, str] = {}
    sink = Sink()
    origins = Origins(model)
    nodes = builder.graph.nodes
    for value, name in zip(model.root.inputs, input_names(model), strict=True):
        names[value] = name
        builder.add_input(name, value.type)
    for step in flat.steps:
        if step.needed is Needed.ALWAYS:
            before = len(nodes)
            try:
                _write_step(builder, step, names)
                for node in nodes[before:]:
                    node.origins = (origins.of(step),)
            except Reject as reject:
                sink.add(reject.mistake.at(step.node.span, step.node.frame, reject.related))
                for value in step.outs:
                    names[value] = f"{step.path}:failed"
    sink.finish(None)
    return names


def computes(node: Node) -> DType:
    """The element type of a layer's data, which its weights follow."""
    return next((v.type.dtype for v in node.inputs if v.type.dtype.is_float), node.outs[0].type.dtype)


def read_as_float(flat: Flat) -> set[str]:
    """The keys of the weights that some step reads in the network's own type."""
    found: set[str] = set()
    for step in flat.steps:
        if isinstance(step.node, Node):
            read = [*step.inputs]
            if computes(step.node) is DType.FLOAT:
                read += step.tied.values()
                found.update(param.path for param in step.node.params.values())
            found.update(v.producer.path for v in read if isinstance(v.producer, Param))
    found.update(value.producer.path for _, value in flat.outputs if isinstance(value.producer, Param))
    return found


def _write_step(builder: Builder, step: Step, names: dict[Value, str]) -> None:
    node = step.node
    if not isinstance(node, Node):
        raise Reject(NoOnnx(node.instance.name))
    ins = tuple(_tensor(builder, value, names) for value in step.inputs)
    types = tuple(builder.type(value.type) for value in node.inputs)
    out_types = tuple(builder.type(value.type) for value in node.outs)
    use = Use(builder, step.path)
    data = computes(node)
    params = {
        name: builder.weight(param.path, data if param.spec.dtype is DType.FLOAT else param.spec.dtype)
        for name, param in node.params.items()
        if name not in step.tied
    }
    for name, value in step.tied.items():
        if isinstance(value.producer, Param) and value.type.dtype is DType.FLOAT:
            params[name] = builder.weight(value.producer.path, data)
        else:
            source = builder.type(value.type).dtype
            params[name] = converted(use, _tensor(builder, value, names), source, builder.type_of(data))
    results = node.op.onnx(use, ins, params, types, out_types)
    final = use.finish([results] if isinstance(results, str) else list(results))
    for value, name in zip(step.outs, final, strict=True):
        names[value] = name
        builder.declare(name, value.type)


def _tensor(builder: Builder, value: Value, names: dict[Value, str]) -> str:
    """The tensor that holds a value; of a parameter's read, its initialiser."""
    if isinstance(value.producer, Param):
        name = builder.weight(value.producer.path, value.type.dtype)
        builder.declare(name, value.type)
        return name
    return names[value]


def _write_outputs(builder: Builder, flat: Flat, names: dict[Value, str]) -> None:
    """Name the results. A tensor has one name: an input, or a value returned twice, goes through Identity."""
    graph = builder.graph
    made = {name for node in graph.nodes for name in node.outputs}
    renamed: dict[str, str] = {}
    for label, value in flat.outputs:
        tensor = _tensor(builder, value, names)
        name = label or "output"
        while name in graph.inputs or name in graph.outputs or name in builder.state:
            name += "_out"
        graph.outputs[name] = graph.values[tensor]
        if tensor in made and tensor not in renamed:
            renamed[tensor] = name
        else:
            graph.nodes.append(NodeDef(f"{name}/identity", "Identity", [tensor], [name], {}))
    for node in graph.nodes:
        node.inputs = [renamed.get(name, name) for name in node.inputs]
        node.outputs = [renamed.get(name, name) for name in node.outputs]
    graph.values = {renamed.get(name, name): info for name, info in graph.values.items()}


def input_names(model: Model) -> list[str]:
    """The names of the graph's inputs: the header's, unless a weight has it."""
    found: list[str] = []
    for value in model.root.inputs:
        name = value.name or "input"
        while name in model.params or name in found:
            name += "_in"
        found.append(name)
    return found


def _keep_order(graph: OnnxGraph, model: Model) -> None:
    """Weights in the order of the network, then constants; types only of tensors that are still there."""
    order = {path: place for place, path in enumerate(model.params)}

    def place(name: str) -> int:
        # A folded bias that the state dict lacks stands behind its weight.
        return order.get(name, order.get(f"{name.rpartition('.')[0]}.weight", len(order)))

    ordered = sorted(graph.initializers, key=place)
    graph.initializers = {name: graph.initializers[name] for name in ordered}
    there = {name for node in graph.nodes for name in node.outputs} | set(graph.inputs)
    graph.values = {name: info for name, info in graph.values.items() if name in there}


def _version() -> str:
    import dslc

    return getattr(dslc, "__version__", "0")

"""From the module tree and its weights to ONNX."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from dslc.backends.onnx.builder import Builder, Use
from dslc.backends.onnx.errors import NoOnnx, PinnedSymbol, UnknownSymbol
from dslc.backends.onnx.graph import Array, NodeDef, OnnxGraph
from dslc.backends.onnx.model import OnnxModel
from dslc.backends.onnx.passes import run_passes
from dslc.backends.onnx.sizes import SizeView
from dslc.collector import paused
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Failure, Mistake, Reject, Sink
from dslc.ir.model import Model, Node, Param, Value
from dslc.ir.walk import Flat, Needed, Step, flatten
from dslc.source import Span
from dslc.types.sizes import Sizes
from dslc.weights.init import value_of


def emit(model: Model, weights: Mapping[str, Array], *, dynamic: Sequence[str] = (), fold: bool = True) -> OnnxModel:
    """The network in evaluation mode as an ONNX graph of opset 21.

    `weights` is the state dict. All sizes are numbers, the defaults, but for the symbols named in `dynamic`.
    `fold` merges batch norms into the linear maps before them. Raises `Failure` for a symbol that cannot be
    dynamic and `CompileError` for an op that has no form in ONNX here. The same arguments give the same
    bytes.
    """
    check_dynamic(model.sizes, dynamic)
    with paused():
        return _emit(model, weights, dynamic, fold)


def _emit(model: Model, weights: Mapping[str, Array], dynamic: Sequence[str], fold: bool) -> OnnxModel:
    flat = flatten(model)
    state = dict(weights)
    for path, param in model.params.items():
        if param.spec.kind == "const":
            state[path] = value_of(param)
    builder = Builder(model.name, state, SizeView(model.sizes, dynamic))
    builder.graph.doc = model.doc
    names = _write_steps(builder, model, flat)
    _write_outputs(builder, flat, names)
    run_passes(builder.graph, fold=fold)
    _keep_order(builder.graph, model)
    return OnnxModel(builder.graph, _version(), metadata(model, dynamic))


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
    sizes = model.sizes
    guards = []
    for name, allowed in sizes.domain.items():
        lines = sorted({_place(g.span) for g in sizes.guards if g.symbol == name})
        if lines:
            guards.append(
                {
                    "symbol": name,
                    "mod": allowed.mod,
                    "residues": sorted(allowed.residues),
                    "min": allowed.lo,
                    "max": allowed.hi,
                    "holes": sorted(allowed.holes),
                    "text": allowed.text(name),
                    "lines": lines,
                }
            )
    found = {
        "dslc.entry": model.entry,
        "dslc.source": _file_name(model.source.path),
        "dslc.sizes": json.dumps(sizes.default, separators=(",", ":")),
        "dslc.guards": json.dumps(guards, separators=(",", ":")),
    }
    if dynamic:
        found["dslc.dynamic"] = ",".join(dynamic)
    return found


def _place(span: Span) -> str:
    path = span.source.path
    return f"{path if path.startswith('std/') else _file_name(path)}:{span.line}"


def _file_name(path: str) -> str:
    """The last part of a path: where the source lay on a machine must not change the file."""
    return path.replace("\\", "/").rsplit("/", 1)[-1]


# ---- steps


def _write_steps(builder: Builder, model: Model, flat: Flat) -> dict[Value, str]:
    """Write every step that evaluation needs; the tensor of each value."""
    names: dict[Value, str] = {}
    sink = Sink()
    for value in model.root.inputs:
        names[value] = name = _free(builder, value.name or "input", model)
        builder.add_input(name, value.type)
    for step in flat.steps:
        if step.needed is Needed.ALWAYS:
            try:
                _write_step(builder, step, names)
            except Reject as reject:
                sink.add(reject.mistake.at(step.node.span, step.node.frame, reject.related))
                for value in step.outs:
                    names[value] = f"{step.path}:failed"
    sink.finish(None)
    return names


def _write_step(builder: Builder, step: Step, names: dict[Value, str]) -> None:
    node = step.node
    if not isinstance(node, Node):
        raise Reject(NoOnnx(node.instance.name))
    ins = tuple(_tensor(builder, value, names) for value in step.inputs)
    params = {name: builder.weight(param.path) for name, param in node.params.items() if name not in step.tied}
    params |= {name: _tensor(builder, value, names) for name, value in step.tied.items()}
    types = tuple(value.type for value in node.inputs)
    out_types = tuple(value.type for value in node.outs)
    use = Use(builder, step.path)
    results = node.op.onnx(use, ins, params, types, out_types)
    final = use.finish([results] if isinstance(results, str) else list(results))
    for value, name in zip(step.outs, final, strict=True):
        names[value] = name
        builder.declare(name, value.type)


def _tensor(builder: Builder, value: Value, names: dict[Value, str]) -> str:
    """The tensor that holds a value; of a parameter's read, its initialiser."""
    if isinstance(value.producer, Param):
        name = builder.weight(value.producer.path)
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


def _free(builder: Builder, name: str, model: Model) -> str:
    while name in model.params or name in builder.graph.inputs:
        name += "_in"
    return name


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

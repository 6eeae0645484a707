"""What the `onnx` rules of ops write to where only shapes are asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

from dslc.analysis.emitted.shapes import inferred
from dslc.analysis.measure import batch_names
from dslc.diagnostics.model import Reject
from dslc.ir.model import Model, Node, Param, Value
from dslc.ir.walk import Flat, Needed, Step
from dslc.ops.base import SidesOf
from dslc.record import entity, frozen
from dslc.types.dim import Size, evaluate
from dslc.types.tensor import DType, TensorType, is_half
from dslc.values.kinds import numbers_in

Dims = tuple[int, ...]

SHORT = 8
"""The most numbers of a constant of floats that are kept: factors of a Resize."""


@frozen
class Tensor:
    """A tensor of the graph: its shape and the bytes of one element."""

    dims: Dims
    width: int

    @property
    def bytes(self) -> int:
        return prod(self.dims) * self.width


@entity
class Piece:
    """A node of the graph. `path`: the use of an op that it comes from. An absent input is the empty string.

    `scratch`: bytes that it needs beside its inputs and results while it runs.
    """

    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: Mapping[str, Any]
    path: str
    scratch: int = 0


class Emitted:
    """The nodes of a network in evaluation, in their order, at given sizes.

    `tensors` has every tensor, `values` the numbers of constants that are short lists, `constants` the names of
    all that are known before a run. `dtype` is what the network's own float type is. `missing`: uses that have no form
    in ONNX; no such graph can be built.
    """

    def __init__(self, at: Mapping[str, int], dtype: DType = DType.FLOAT32) -> None:
        self.at, self.dtype = dict(at), dtype
        self.pieces: list[Piece] = []
        self.tensors: dict[str, Tensor] = {}
        self.values: dict[str, tuple[Any, ...]] = {}
        self.constants: set[str] = set()
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.missing: list[str] = []
        self.numbers: list[tuple[str, tuple[float, ...], DType]] = []  # of each constant of 16 bits, with its use
        self._count = 0

    def name(self) -> str:
        """A name for a new tensor."""
        self._count += 1
        return f"t{self._count}"

    def dims(self, sizes: Sequence[Size]) -> Dims:
        """Sizes as numbers."""
        return tuple(evaluate(size, self.at) for size in sizes)

    def declare(self, name: str, kind: TensorType) -> None:
        """Note what is known of a tensor from the program."""
        self.tensors[name] = Tensor(self.dims(kind.dims), kind.built(self.dtype).dtype.bytes)

    def constant(self, dims: Dims, width: int, values: tuple[Any, ...] | None = None) -> str:
        """A tensor that is known before a run."""
        name = self.name()
        self.tensors[name] = Tensor(dims, width)
        self.constants.add(name)
        if values is not None:
            self.values[name] = values
        return name

    def readers(self) -> dict[str, list[Piece]]:
        """The nodes that read each tensor, once for each place."""
        found: dict[str, list[Piece]] = {}
        for piece in self.pieces:
            for name in piece.inputs:
                found.setdefault(name, []).append(piece)
        return found


def emitted(model: Model, flat: Flat, *, batch: int = 1, dtype: DType | None = None) -> Emitted:
    """The graph of a network in evaluation at its default sizes, as a static build writes it. Linear in its nodes.

    `dtype` is the network's own float type, if not the one that its inputs set.
    """
    graph = Emitted({**model.sizes.default, **dict.fromkeys(batch_names(model), batch)}, dtype or model.float)
    names: dict[Value, str] = {}
    for value in model.root.inputs:
        names[value] = name = graph.name()
        graph.declare(name, value.type)
        graph.inputs.append(name)
    held: dict[str, str] = {}
    for step in flat.steps:
        if step.needed is Needed.ALWAYS:
            _write(graph, step, names, held)
    graph.outputs += (_tensor(graph, value, names, held) for _, value in flat.outputs)
    return graph


def _write(graph: Emitted, step: Step, names: dict[Value, str], held: dict[str, str]) -> None:
    """The nodes of one use; of one without a form in ONNX, a node of which only the results are known."""
    node = step.node
    ins = tuple(_tensor(graph, value, names, held) for value in step.inputs)
    results: str | Sequence[str] | None = None
    if isinstance(node, Node):
        params = {name: _weight(graph, param, held) for name, param in node.params.items() if name not in step.tied}
        params |= {name: _tensor(graph, value, names, held) for name, value in step.tied.items()}
        types = tuple(tuple(v.type.built(graph.dtype) for v in side) for side in (step.inputs, step.outs))
        try:
            results = node.op.onnx(Recorder(graph, step.path), ins, params, *types)
        except Reject:
            results = None
    if results is None:
        graph.missing.append(step.path)
        results = [graph.name() for _ in step.outs]
        graph.pieces.append(Piece("?", list(ins), list(results), {}, step.path))
    for value, name in zip(step.outs, [results] if isinstance(results, str) else results, strict=True):
        names[value] = name
        if name not in ins:
            graph.declare(name, value.type)


def _tensor(graph: Emitted, value: Value, names: dict[Value, str], held: dict[str, str]) -> str:
    if isinstance(value.producer, Param):
        return _weight(graph, value.producer, held)
    return names[value]


def _weight(graph: Emitted, param: Param, held: dict[str, str]) -> str:
    name = held.get(param.path)
    if name is None:
        spec = param.spec
        dtype = graph.dtype if spec.dtype is DType.FLOAT else spec.dtype
        name = held[param.path] = graph.constant(spec.shape, dtype.bytes)
    return name


class Recorder:
    """The `Graph` of ops/base.py for one use of an op: nodes and shapes, no arrays."""

    def __init__(self, graph: Emitted, path: str) -> None:
        self._graph = graph
        self._path = path

    def op(
        self,
        kind: str,
        inputs: Sequence[str | None],
        outputs: int = 1,
        domain: str = "",
        **attributes: object,
    ) -> Any:
        graph = self._graph
        ins = [name or "" for name in inputs]
        if kind == "Shape":  # all sizes are numbers here
            part: Any = slice(attributes.get("start"), attributes.get("end"))
            return self.ints(graph.tensors[ins[0]].dims[part])
        given = {name: value for name, value in attributes.items() if value is not None}
        shapes = [graph.tensors.get(name) for name in ins]
        found = inferred(kind, shapes, [graph.values.get(name) for name in ins], given, outputs)
        names = [graph.name() for _ in range(outputs)]
        known = all(name in graph.constants for name in ins if name)
        for name, (dims, width) in zip(names, found, strict=True):
            graph.tensors[name] = Tensor(dims, width)
            if known:  # a build or onnxruntime computes it once, before any run
                graph.constants.add(name)
        if not known:
            graph.pieces.append(Piece(kind, ins, names, given, self._path))
        return names[0] if outputs == 1 else tuple(names)

    def ints(self, values: Sequence[int]) -> str:
        return self._graph.constant((len(values),), DType.INT64.bytes, tuple(values))

    def scalar(self, value: float | int, dtype: DType) -> str:
        if is_half(dtype):
            self._graph.numbers.append((self._path, (value,), dtype))
        return self._graph.constant((), dtype.bytes, (value,) if isinstance(value, int) else None)

    def floats(self, values: Any, shape: Sequence[int], dtype: DType = DType.FLOAT32) -> str:
        if is_half(dtype):
            self._graph.numbers.append((self._path, tuple(numbers_in(values)), dtype))
        short = len(shape) == 1 and shape[0] <= SHORT
        return self._graph.constant(tuple(shape), dtype.bytes, tuple(values) if short else None)

    def static(self, size: Size) -> int | None:
        return evaluate(size, self._graph.at)

    def extents(self, sizes: Sequence[Size], like: str | None = None) -> str:
        return self.ints(self._graph.dims(sizes))

    def reshape(self, x: str, source: Sequence[Size], target: Sequence[Size]) -> str:
        old, new = self._graph.dims(source), self._graph.dims(target)
        return x if old == new else str(self.op("Reshape", [x, self.ints(new)]))

    def weight(self, name: str, sources: Sequence[str], compute: Callable[..., Any], shape: SidesOf) -> str:
        tensors = [self._graph.tensors[source] for source in sources]
        sides = shape(*(tensor.dims for tensor in tensors)) if callable(shape) else shape
        return self._graph.constant(tuple(sides), tensors[0].width)

    def weight_transposed(self, name: str) -> str:
        return str(self.op("Transpose", [name], perm=(1, 0)))

    def weight_reshaped(self, name: str, shape: Sequence[int]) -> str:
        return str(self.op("Reshape", [name, self.ints(shape)]))

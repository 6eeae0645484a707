"""What the `onnx` rules of ops write to: nodes named after the uses they come from, and shared constants."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dslc.backends.onnx import sketch
from dslc.backends.onnx.graph import BFLOAT16_OPSET, OPSET, Array, NodeDef, OnnxGraph, Stored, TensorInfo
from dslc.backends.onnx.shapes import ShapeMath
from dslc.backends.onnx.sizes import SizeView
from dslc.backends.onnx.views import views
from dslc.ops.base import SidesOf
from dslc.types.dim import Size
from dslc.types.tensor import DType, TensorType


def made(values: Any, dtype: DType, shape: Sequence[int] | None = None) -> Array:
    """An array of numpy, for a graph that is written."""
    import numpy as np

    from dslc.weights.init import numpy_type

    array: Array = np.array(values, numpy_type(dtype))
    return array if shape is None else array.reshape(shape)


class Builder:
    """A graph under construction. `state` holds every weight by its state-dict key.

    `dtype` is what the network's own `float` is here. `make` gives the array of a constant.
    """

    def __init__(
        self,
        name: str,
        state: Mapping[str, Array],
        view: SizeView,
        dtype: DType = DType.FLOAT32,
        make: Callable[..., Array] = made,
    ) -> None:
        self.graph = OnnxGraph(name, opset=BFLOAT16_OPSET if dtype is DType.BFLOAT16 else OPSET)
        self.dtype = dtype
        self.state = state
        self.rounded: set[str] = set()  # weights that some use reads in the graph's own type
        self.view = view
        self.shapes: dict[str, tuple[Size, ...]] = {}
        self.make = make
        self.math = ShapeMath(view, self.graph.nodes.append, self.ints)
        self._constants: dict[tuple[str, tuple[int, ...], bytes], str] = {}

    def add_input(self, name: str, kind: TensorType) -> None:
        """A graph input."""
        self.declare(name, kind)
        self.graph.inputs[name] = self.graph.values[name]
        self.math.add_input(name, self.shapes[name])

    @property
    def constants(self) -> set[str]:
        """The names of the constants that ops asked for, each in the type it asked for."""
        return set(self._constants.values())

    def type(self, kind: TensorType) -> TensorType:
        """A tensor's type in this graph."""
        return kind.built(self.dtype)

    def type_of(self, dtype: DType) -> DType:
        """An element type in this graph."""
        return self.dtype if dtype is DType.FLOAT else dtype

    def declare(self, name: str, kind: TensorType) -> None:
        """Note a tensor's type; the first note stands."""
        kind = self.type(kind)
        if name not in self.graph.values:
            self.shapes[name] = tuple(self.view.fix(size) for size in kind.dims)
            extents = tuple(self.view.extent(size) for size in kind.dims)
            self.graph.values[name] = TensorInfo(kind.dtype, extents)
            self.math.add_tensor(name, self.shapes[name])

    def note(self, name: str, sizes: tuple[Size, ...]) -> None:
        """Note the sizes of a tensor within an op's own nodes."""
        if name not in self.shapes:
            self.shapes[name] = sizes
            self.math.add_tensor(name, sizes)

    def weight(self, key: str, dtype: DType) -> str:
        """A weight as a tensor of an element type: an initialiser under its state-dict key, from now on part of the
        graph. One that a graph of 16 bits reads in float32 beside is held twice.
        """
        exact = dtype is DType.FLOAT32 and self.dtype is not dtype
        name = f"{key}:float32" if exact and key in self.rounded else key
        if exact:
            self.graph.exact.add(name)
        self.graph.initializers.setdefault(name, self.state[key])
        return name

    def ints(self, values: Sequence[int]) -> str:
        """The initialiser of a 1-D tensor of whole numbers."""
        return self.constant(self.make(values, DType.INT64, (-1,)))

    def constant(self, array: Array) -> str:
        """The initialiser that holds this small array; equal arrays share one."""
        key = (array.dtype.name, array.shape, array.tobytes())
        name = self._constants.get(key)
        if name is None:
            name = self._constants[key] = _constant_name(array, len(self._constants))
            self.graph.initializers[name] = array
        return name


class Use:
    """The `Graph` of ops/base.py for one use of an op. Its nodes get their names when the rule has ended."""

    def __init__(self, builder: Builder, path: str) -> None:
        self._builder = builder
        self._path = path
        self._nodes: list[NodeDef] = []
        self._shapes: dict[str, tuple[Size, ...]] = {}  # of tensors within the rule, as far as they are known

    # ---- the protocol

    def op(
        self,
        kind: str,
        inputs: Sequence[str | None],
        outputs: int = 1,
        domain: str = "",
        **attributes: object,
    ) -> Any:
        given = {name: value for name, value in attributes.items() if value is not None}
        names = [f"{self._path}/{len(self._nodes)}:{i}" for i in range(outputs)]
        ins = [name or "" for name in inputs]
        while ins and not ins[-1]:
            ins.pop()
        self._nodes.append(NodeDef("", kind, ins, names, given, domain))
        known = self._sizes_of(ins[0]) if kind == "Transpose" else None
        if known is not None:
            order = attributes["perm"]
            assert isinstance(order, tuple | list)
            self._shapes[names[0]] = tuple(known[axis] for axis in order)
        return names[0] if outputs == 1 else tuple(names)

    def ints(self, values: Sequence[int]) -> str:
        return self._builder.ints(values)

    def scalar(self, value: float | int, dtype: DType) -> str:
        return self._builder.constant(self._builder.make(value, dtype))

    def floats(self, values: Any, shape: Sequence[int], dtype: DType = DType.FLOAT32) -> str:
        return self._builder.constant(self._builder.make(values, dtype, shape))

    def static(self, size: Size) -> int | None:
        return self._builder.view.static(size)

    def extents(self, sizes: Sequence[Size], like: str | None = None) -> str:
        fixed = [self._builder.view.fix(size) for size in sizes]
        numbers = [size for size in fixed if isinstance(size, int)]
        if len(numbers) == len(fixed):
            return self.ints(numbers)
        own = self._builder.shapes.get(like) if like is not None else None
        return self._builder.math.vector(fixed, (like, own) if like is not None and own is not None else None)

    def reshape(self, x: str, source: Sequence[Size], target: Sequence[Size]) -> str:
        view = self._builder.view
        old, new = [view.fix(size) for size in source], [view.fix(size) for size in target]
        if old == new:
            return x
        self._shapes.setdefault(x, tuple(old))
        name = x
        found = views(old, new, view.equal, view.value)
        if found is None:
            name = str(self.op("Reshape", [x, self.extents(new, x)]))
        else:
            for step in found:
                name = str(self.op(step.kind, [name, self.ints(step.numbers)]))
        self._shapes[name] = tuple(new)
        return name

    def _sizes_of(self, name: str) -> tuple[Size, ...] | None:
        return self._shapes.get(name) or self._builder.shapes.get(name)

    def weight(self, name: str, sources: Sequence[str], compute: Callable[..., Any], shape: SidesOf) -> str:
        held = self._builder.graph.initializers
        key = f"{self._path}.{name}"
        held[key] = computed([held[source] for source in sources], compute, shape, sources)
        self._builder.graph.keep_exact(key, *sources)
        return key

    def weight_transposed(self, name: str) -> str:
        return str(self.op("Transpose", [name], perm=(1, 0)))

    def weight_reshaped(self, name: str, shape: Sequence[int]) -> str:
        held = self._builder.graph.initializers.get(name)
        if held is not None and held.shape == tuple(shape):
            return name
        return str(self.op("Reshape", [name, self.ints(shape)]))

    # ---- names

    def finish(self, results: Sequence[str]) -> list[str]:
        """Name the nodes and put them into the graph; the results' final names.

        The node that makes the first result bears the use's path (`layer1.0.conv1`, its tensor
        `layer1.0.conv1:out`), the others the path and their kind (`layer1.0.conv1/transpose`).
        """
        main = next((node for node in self._nodes if results and results[0] in node.outputs), None)
        final: dict[str, str] = {}
        counts: dict[str, int] = {}
        for node in self._nodes:
            if node is main:
                node.name = self._path
            else:
                kind = node.kind.lower()
                counts[kind] = counts.get(kind, 0) + 1
                node.name = f"{self._path}/{kind}" if counts[kind] == 1 else f"{self._path}/{kind}_{counts[kind]}"
            single = len(node.outputs) == 1
            for i, name in enumerate(node.outputs):
                final[name] = f"{node.name}:out" if single else f"{node.name}:out{i + 1}"
            node.inputs = [final.get(name, name) for name in node.inputs]
            node.outputs = [final[name] for name in node.outputs]
        self._builder.graph.nodes += self._nodes
        for name, sizes in self._shapes.items():
            if name in final:
                self._builder.note(final[name], sizes)
        return [final.get(name, name) for name in results]


def computed(
    arrays: Sequence[Stored],
    compute: Callable[..., Any],
    shape: SidesOf,
    names: Sequence[str],
) -> Array:
    """An array made of others; of sketches its shape, with their names."""
    first: Stored | sketch.Sketch = arrays[0]
    if isinstance(first, sketch.Sketch):
        sides = shape(*(array.shape for array in arrays)) if callable(shape) else shape
        return sketch.as_array(sketch.Sketch(tuple(sides), first.dtype, None, f"of {', '.join(names)}"))
    import numpy as np

    return np.ascontiguousarray(compute(*arrays))


def _constant_name(array: Array, count: int) -> str:
    """A name that shows the value: `int64[0,-1]`, `float32(0.5)`; of a longer one its shape and a number."""
    kind = array.dtype.name
    if array.ndim == 0:
        return f"{kind}({array.item()})"
    if array.ndim == 1 and 0 < array.size <= 8:
        text = f"{kind}[{','.join(str(value) for value in array.tolist())}]"
        if len(text) <= 60:
            return text
    return f"{kind}[{'x'.join(map(str, array.shape))}]#{count}"

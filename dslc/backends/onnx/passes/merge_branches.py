"""Merge sums of convolutions of one tensor into one convolution."""

from __future__ import annotations

import math

from dslc.backends.onnx.graph import Array, NodeDef, OnnxGraph
from dslc.backends.onnx.passes.fold_bn import bias_name
from dslc.backends.onnx.sketch import Sketch, as_array
from dslc.record import frozen, replace

PLAIN = {"group", "strides", "pads", "dilations", "kernel_shape"}
Ints = tuple[int, ...]


@frozen
class Window:
    """How a convolution looks at its input: extents and padding of each axis, and the rest, which must be equal."""

    kernel: Ints
    before: Ints
    after: Ints
    strides: Ints
    dilations: Ints
    group: int
    channels: tuple[int, int]  # of the input and of the result

    def holds(self, other: Window) -> bool:
        """Whether the other's kernel, set at `offset` in this one's, looks at the same places and gives as many."""
        same = (self.strides, self.group, self.channels) == (other.strides, other.group, other.channels)
        if not same or len(self.kernel) != len(other.kernel):
            return False
        spread = (d != 1 and k != 1 for w in (self, other) for d, k in zip(w.dilations, w.kernel, strict=True))
        rest = (a - b for a, b in zip(self.after, other.after, strict=True))
        room = (a - b for a, b in zip(self.kernel, other.kernel, strict=True))
        ends = zip(self.offset(other), rest, room, strict=True)
        return not any(spread) and all(min(o, r) >= 0 and o + r == k for o, r, k in ends)

    def offset(self, other: Window) -> Ints:
        """The place of the other's first tap in this kernel, per axis."""
        return tuple(a - b for a, b in zip(self.before, other.before, strict=True))


def merge_branches(graph: OnnxGraph) -> None:
    """Merge an Add of two Convs, or of a Conv and a batch norm, of one tensor that nothing else reads into one Conv.

    A convolution is linear in its kernel, so the smaller kernel is added to the larger one where both look at the
    same places; a batch norm is a 1x1 kernel with its factors on the diagonal (Ding et al., RepVGG,
    arXiv:2101.03697, section 3.3). The result keeps the sum's name, the weight that of the larger kernel.
    """
    readers, producers = graph.readers(), graph.producers()
    gone: set[int] = set()
    for place, node in enumerate(graph.nodes):
        if node.kind != "Add" or not all(len(readers[name]) == 1 for name in node.inputs):
            continue
        first, second = (producers.get(name) for name in node.inputs)
        if first is None or second is None or not graph.outputs.keys().isdisjoint(node.inputs):
            continue
        for large, small in ((first, second), (second, first)):
            outer = _window(graph, large, readers)
            inner = outer and (_window(graph, small, readers) or _norm_window(graph, small, outer))
            if outer and inner and large.inputs[0] == small.inputs[0] and outer.holds(inner):
                merged = _merged(graph, (large, outer), (small, inner), readers)
                merged.outputs, merged.origins = node.outputs, (*merged.origins, *node.origins)
                graph.nodes[place] = producers[node.outputs[0]] = merged
                gone |= {id(large), id(small)}
                break
    graph.nodes = [node for node in graph.nodes if id(node) not in gone]


def _window(graph: OnnxGraph, node: NodeDef, readers: dict[str, list[NodeDef]]) -> Window | None:
    """The window of a Conv whose weights are numbers that it alone reads."""
    if node.kind != "Conv" or not node.attributes.keys() <= PLAIN:
        return None
    held = [graph.initializers.get(name) for name in node.inputs[1:]]
    if any(array is None for array in held) or len(readers[node.inputs[1]]) > 1:
        return None
    weight = graph.initializers[node.inputs[1]]
    axes = weight.ndim - 2
    group = _ints(node, "group", (1,))[0]
    pads = _ints(node, "pads", (0,) * 2 * axes)
    return Window(
        weight.shape[2:],
        pads[:axes],
        pads[axes:],
        _ints(node, "strides", (1,) * axes),
        _ints(node, "dilations", (1,) * axes),
        group,
        (weight.shape[1] * group, weight.shape[0]),
    )


def _ints(node: NodeDef, name: str, default: Ints) -> Ints:
    """An attribute of whole numbers."""
    value = node.attributes.get(name, default)
    assert isinstance(value, int | tuple | list)
    return (value,) if isinstance(value, int) else tuple(value)


def _norm_window(graph: OnnxGraph, node: NodeDef, beside: Window) -> Window | None:
    """The window of a batch norm, as a convolution of 1 place in as many groups as the one beside it."""
    if node.kind != "BatchNormalization" or any(name not in graph.initializers for name in node.inputs[1:]):
        return None
    channels = graph.initializers[node.inputs[1]].size
    one, none = (1,) * len(beside.kernel), (0,) * len(beside.kernel)
    return Window(one, none, none, one, one, beside.group, (channels, channels))


def _merged(
    graph: OnnxGraph, larger: tuple[NodeDef, Window], smaller: tuple[NodeDef, Window], readers: dict[str, list[NodeDef]]
) -> NodeDef:
    """The Conv in place of both; its kernel is stored under the name of the larger one's."""
    large, small = larger[0], smaller[0]
    held = graph.initializers
    key = large.inputs[1]
    given = large.inputs[2] if len(large.inputs) > 2 else ""
    name = given if given and len(readers.get(given, ())) < 2 else bias_name(graph, key)
    held[key], held[name] = _sum(graph, larger, smaller)
    graph.keep_exact(name, key)
    origins = (*large.origins, *small.origins)
    return NodeDef(large.name, "Conv", [large.inputs[0], key, name], large.outputs, large.attributes, origins=origins)


def _sum(graph: OnnxGraph, larger: tuple[NodeDef, Window], smaller: tuple[NodeDef, Window]) -> tuple[Array, Array]:
    """Kernel and bias of both."""
    (large, outer), (small, inner) = larger, smaller
    before: Array | Sketch = graph.numbers(large.inputs[1])
    if isinstance(before, Sketch):
        words = f"of {', '.join([*large.inputs[1:], *small.inputs[1:]])}"
        return as_array(replace(before, words=words)), as_array(Sketch(before.shape[:1], before.dtype, None, words))
    kernel, bias = _numbers(graph, large, outer)
    added, more = _numbers(graph, small, inner)
    taps = tuple(slice(o, o + k) for o, k in zip(outer.offset(inner), inner.kernel, strict=True))
    kernel[(slice(None), slice(None), *taps)] += added
    return kernel.astype(before.dtype), (bias + more).astype(before.dtype)


def _numbers(graph: OnnxGraph, node: NodeDef, window: Window) -> tuple[Array, Array]:
    """Kernel and bias of a Conv, or of a batch norm as one, in double precision."""
    import numpy as np

    given = [graph.numbers(name).astype(np.float64) for name in node.inputs[1:]]
    if node.kind == "Conv":
        kernel = given[0]
        return kernel, given[1] if len(given) > 1 else np.zeros(kernel.shape[0])
    gamma, beta, mean, var = given
    epsilon = node.attributes.get("epsilon", 1e-5)
    assert isinstance(epsilon, float)
    scale = gamma / np.sqrt(var + epsilon)
    width = window.channels[0] // window.group
    kernel = np.zeros((window.channels[1], width, math.prod(window.kernel)))
    places = np.arange(window.channels[1])
    kernel[places, places % width, 0] = scale
    return kernel.reshape(window.channels[1], width, *window.kernel), beta - mean * scale

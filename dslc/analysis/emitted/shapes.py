"""The shapes of what ONNX nodes make, for the kinds that ops write between their inputs and results.

What a use of an op results in is known from the program; only tensors inside it are inferred here. Sizes are numbers.
The rules are those of the operators' specification (onnx/docs/Operators.md); a kind that is not here has its first
input's shape, which the tests rule out for all that ops write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import zip_longest
from math import prod
from typing import TYPE_CHECKING, Any

from dslc.types.tensor import DType

if TYPE_CHECKING:
    from dslc.analysis.emitted.graph import Tensor

Dims = tuple[int, ...]
Shaped = tuple[Dims, int]
Ints = tuple[Any, ...]

TRUTH = ("Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor", "Not", "IsNaN", "IsInf")
POSITIONS = ("Shape", "Size", "ArgMax", "ArgMin", "NonZero")


def inferred(
    kind: str,
    inputs: Sequence[Tensor | None],
    values: Sequence[Ints | None],
    attributes: Mapping[str, Any],
    outputs: int,
) -> list[Shaped]:
    """(shape, bytes of an element) of each result of a node.

    `values`: the numbers of inputs that are short constants.
    """
    dims = [t.dims if t is not None else () for t in inputs]
    data = inputs[1 if kind == "Where" else 0] if inputs else None
    width = data.width if data is not None else 4
    if kind in TRUTH:
        width = DType.BOOL.bytes
    elif kind in POSITIONS:
        width = DType.INT64.bytes
    elif kind == "Cast":
        width = attributes["to"].bytes
    elif kind == "OneHot":
        width = inputs[2].width if inputs[2] is not None else width
    rule = RULES.get(kind)
    if rule is not None:
        found = rule(dims, values, attributes, outputs)
    elif kind.startswith("Reduce") or kind in ("ArgMax", "ArgMin"):
        found = [_reduced(kind, dims, values, attributes)]
    elif len(dims) > 1 and kind in BROADCASTING:
        found = [broadcast(dims)]
    else:
        found = [dims[0] if dims else ()] * outputs
    return [(shape, width) for shape in found]


BROADCASTING = frozenset(
    "Add Sub Mul Div Pow Mod Max Min Sum Where PRelu Equal Greater GreaterOrEqual Less LessOrEqual And Or Xor".split()
)


def broadcast(dims: Sequence[Dims]) -> Dims:
    """The shape that shapes have together."""
    sides = zip_longest(*(d[::-1] for d in dims), fillvalue=1)
    return tuple(next((size for size in column if size != 1), 1) for column in sides)[::-1]


def _axes(axes: Sequence[int], rank: int) -> set[int]:
    return {axis % rank for axis in axes} if rank else set()


def _reduced(kind: str, dims: Sequence[Dims], values: Sequence[Ints | None], attributes: Mapping[str, Any]) -> Dims:
    x = dims[0]
    given = values[1] if len(values) > 1 else None
    if kind.startswith("Arg"):
        given = (attributes.get("axis", 0),)
    axes = _axes(given or attributes.get("axes") or range(len(x)), len(x))
    if attributes.get("keepdims", 1):
        return tuple(1 if axis in axes else size for axis, size in enumerate(x))
    return tuple(size for axis, size in enumerate(x) if axis not in axes)


Rule = Callable[[Sequence[Dims], Sequence["Ints | None"], Mapping[str, Any], int], list[Dims]]


def _reshape(dims: Sequence[Dims], values: Sequence[Ints | None], attributes: Mapping[str, Any], n: int) -> list[Dims]:
    x, target = dims[0], values[1]
    if target is None:
        return [x]
    sizes = [x[axis] if size == 0 else size for axis, size in enumerate(target)]
    if -1 in sizes:
        rest = prod(size for size in sizes if size != -1)
        sizes[sizes.index(-1)] = prod(x) // rest if rest else 0
    return [tuple(sizes)]


def _transpose(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    x = dims[0]
    perm = attributes.get("perm") or range(len(x))[::-1]
    return [tuple(x[axis] for axis in perm)]


def _flatten(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    x, axis = dims[0], attributes.get("axis", 1)
    return [(prod(x[:axis]), prod(x[axis:]))]


def _matmul(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    a, b = dims[0], dims[1]
    rows = a[-2:-1] if len(a) > 1 else ()
    columns = b[-1:] if len(b) > 1 else ()
    return [(*broadcast([a[:-2], b[:-2]]), *rows, *columns)]


def _gemm(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    a, b = dims[0], dims[1]
    return [(a[1] if attributes.get("transA") else a[0], b[0] if attributes.get("transB") else b[1])]


def _unsqueeze(dims: Sequence[Dims], values: Sequence[Ints | None], attributes: object, n: int) -> list[Dims]:
    x, given = dims[0], values[1] or ()
    rank = len(x) + len(given)
    axes, rest = _axes(given, rank), iter(x)
    return [tuple(1 if axis in axes else next(rest) for axis in range(rank))]


def _squeeze(dims: Sequence[Dims], values: Sequence[Ints | None], attributes: object, n: int) -> list[Dims]:
    x = dims[0]
    given = values[1] if len(values) > 1 else None
    axes = _axes(given, len(x)) if given is not None else {axis for axis, size in enumerate(x) if size == 1}
    return [tuple(size for axis, size in enumerate(x) if axis not in axes)]


def _concat(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    axis = attributes["axis"] % len(dims[0])
    return [(*dims[0][:axis], sum(d[axis] for d in dims), *dims[0][axis + 1 :])]


def _split(dims: Sequence[Dims], values: Sequence[Ints | None], attributes: Mapping[str, Any], n: int) -> list[Dims]:
    x = dims[0]
    axis = attributes.get("axis", 0) % len(x)
    each = -(-x[axis] // n)
    sizes = (values[1] if len(values) > 1 else None) or [*[each] * (n - 1), x[axis] - each * (n - 1)]
    return [(*x[:axis], size, *x[axis + 1 :]) for size in sizes]


def _slice(dims: Sequence[Dims], values: Sequence[Ints | None], attributes: object, n: int) -> list[Dims]:
    x, (_, starts, ends, *more) = list(dims[0]), values
    axes = more[0] if more and more[0] is not None else tuple(range(len(x)))
    steps = more[1] if len(more) > 1 and more[1] is not None else (1,) * len(axes)
    for start, end, axis, step in zip(starts or (), ends or (), axes, steps, strict=False):
        x[axis] = len(range(x[axis])[slice(start, None if step < 0 and end < -x[axis] else end, step)])
    return [tuple(x)]


def _pad(dims: Sequence[Dims], values: Sequence[Ints | None], attributes: object, n: int) -> list[Dims]:
    x, pads = dims[0], values[1] or ()
    given = values[3] if len(values) > 3 else None
    axes = list(given) if given is not None else list(range(len(x)))
    sizes, half = list(x), len(pads) // 2
    for place, axis in enumerate(axes[:half]):
        sizes[axis] += pads[place] + pads[place + half]
    return [tuple(sizes)]


def _expand(dims: Sequence[Dims], values: Sequence[Ints | None], attributes: object, n: int) -> list[Dims]:
    return [broadcast([dims[0], values[1] or ()])]


def _tile(dims: Sequence[Dims], values: Sequence[Ints | None], attributes: object, n: int) -> list[Dims]:
    return [tuple(size * times for size, times in zip(dims[0], values[1] or (1,) * len(dims[0]), strict=True))]


def _gather(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    x, places = dims[0], dims[1]
    axis = attributes.get("axis", 0) % len(x)
    return [(*x[:axis], *places, *x[axis + 1 :])]


def _gather_nd(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    x, places = dims[0], dims[1]
    return [(*places[:-1], *x[places[-1] :])]


def _second(dims: Sequence[Dims], values: object, attributes: object, n: int) -> list[Dims]:
    return [dims[1]]


def _shape(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    return [(len(dims[0][attributes.get("start", 0) : attributes.get("end")]),)]


def _range(dims: object, values: Sequence[Ints | None], attributes: object, n: int) -> list[Dims]:
    limits = [v[0] if v else 0 for v in values]
    return [(len(range(*limits)) if limits[2] else 0,)]


def _one_hot(dims: Sequence[Dims], values: Sequence[Ints | None], attributes: object, n: int) -> list[Dims]:
    return [(*dims[0], *(values[1] or (1,)))]


def _top(dims: Sequence[Dims], values: Sequence[Ints | None], attributes: Mapping[str, Any], n: int) -> list[Dims]:
    x = list(dims[0])
    x[attributes.get("axis", -1)] = (values[1] or (1,))[0]
    return [tuple(x)] * n


def _global(dims: Sequence[Dims], values: object, attributes: object, n: int) -> list[Dims]:
    return [(*dims[0][:2], *(1 for _ in dims[0][2:]))]


def _window(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    """A convolution or pool; rounded up with `ceil_mode`, where no window begins in the padding after."""
    x = dims[0]
    axes = len(x) - 2
    kernel = tuple(attributes.get("kernel_shape") or dims[1][2:])
    ones = (1,) * axes
    strides, dilations = (tuple(attributes.get(name) or ones) for name in ("strides", "dilations"))
    pads = tuple(attributes.get("pads") or (0,) * 2 * axes)
    sizes = []
    for axis, size in enumerate(x[2:]):
        room = size + pads[axis] + pads[axis + axes] - (kernel[axis] - 1) * dilations[axis] - 1
        if attributes.get("ceil_mode"):
            count = -(-room // strides[axis]) + 1
            count -= (count - 1) * strides[axis] >= size + pads[axis]
        else:
            count = room // strides[axis] + 1
        sizes.append(count)
    channels = dims[1][0] if "kernel_shape" not in attributes or len(dims) > 1 else x[1]
    return [(x[0], channels, *sizes)] * n


def _transposed_window(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    x, kernel = dims[0], dims[1][2:]
    axes = len(x) - 2
    ones, none = (1,) * axes, (0,) * axes
    strides, dilations = (tuple(attributes.get(name) or ones) for name in ("strides", "dilations"))
    more, pads = tuple(attributes.get("output_padding") or none), tuple(attributes.get("pads") or none * 2)
    sizes = (
        (size - 1) * strides[a] + (kernel[a] - 1) * dilations[a] + 1 + more[a] - pads[a] - pads[a + axes]
        for a, size in enumerate(x[2:])
    )
    return [(x[0], dims[1][1] * attributes.get("group", 1), *sizes)]


def _resize(dims: Sequence[Dims], values: Sequence[Ints | None], attributes: object, n: int) -> list[Dims]:
    scales, sizes = [*values, None, None, None, None][2:4]
    return [tuple(sizes) if sizes else tuple(int(n * s) for n, s in zip(dims[0], scales or (), strict=False))]


def _depth_to_space(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    (batch, channels, h, w), r = dims[0], attributes["blocksize"]
    return [(batch, channels // r**2, h * r, w * r)]


def _space_to_depth(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    (batch, channels, h, w), r = dims[0], attributes["blocksize"]
    return [(batch, channels * r**2, h // r, w // r)]


def _einsum(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    left, _, right = attributes["equation"].replace(" ", "").partition("->")
    extents = {
        letter: size
        for term, shape in zip(left.split(","), dims, strict=True)
        for letter, size in zip(term, shape, strict=False)
    }
    return [tuple(extents.get(letter, 1) for letter in right)]


def _recurrent(dims: Sequence[Dims], values: object, attributes: Mapping[str, Any], n: int) -> list[Dims]:
    """`[T, ways, N, hidden]` and the last states `[ways, N, hidden]`."""
    time, batch, _ = dims[0]
    ways, hidden = 1 + (attributes.get("direction") == "bidirectional"), attributes["hidden_size"]
    return [(time, ways, batch, hidden), *[(ways, batch, hidden)] * (n - 1)]


RULES: dict[str, Rule] = {
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Flatten": _flatten,
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Pad": _pad,
    "Expand": _expand,
    "Tile": _tile,
    "Gather": _gather,
    "GatherND": _gather_nd,
    "GatherElements": _second,
    "Shape": _shape,
    "Range": _range,
    "OneHot": _one_hot,
    "TopK": _top,
    "GlobalAveragePool": _global,
    "GlobalMaxPool": _global,
    "Conv": _window,
    "MaxPool": _window,
    "AveragePool": _window,
    "LpPool": _window,
    "ConvTranspose": _transposed_window,
    "Resize": _resize,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
    "Einsum": _einsum,
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _recurrent),
}

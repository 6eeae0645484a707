"""Floating-point operations beside multiply-adds: every op's rule against a count made another way.

The table has one entry for each op of the registry. Counts are by definition (docs/numbers.md): one operation for each
element that arithmetic, a comparison or an activation gives, one for each step of a reduction, none for what only moves
elements.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, prod
from typing import Any, TypeAlias

from dslc.ops.base import REGISTRY
from dslc.types.dim import evaluate, product
from dslc.types.sizes import Sizes
from dslc.types.tensor import TensorType
from tests.ops.context import infer
from tests.ops.sample import Sample
from tests.ops.samples import SAMPLES
from tests.ops.test_every_op import cases, opened


@dataclass(frozen=True)
class Use:
    """A sample with its results: shapes as numbers, attributes by name."""

    op: Any
    ins: tuple[tuple[int, ...], ...]
    outs: tuple[tuple[int, ...], ...]

    @property
    def read(self) -> int:
        """Elements of the first input."""
        return prod(self.ins[0])

    @property
    def made(self) -> int:
        """Elements of the first result."""
        return prod(self.outs[0])


Count: TypeAlias = Callable[[Use], int]


def nothing(use: Use) -> int:
    return 0


def each(operations: int) -> Count:
    """So many operations for each element of the result."""
    return lambda use: operations * use.made


def folded(use: Use) -> int:
    """Adding or comparing n elements takes n - 1 operations: each that is read, less the first of each result."""
    return use.read - use.made


def interpolated(use: Use) -> int:
    """One operation for each place that is mixed in; copies are free.

    Bins take one for each place of each; antialiased maps one for each place of the widened kernel, in a pass along
    each axis that changes, the last first.
    """
    before, after = list(use.ins[0]), use.outs[0]
    if use.op.mode == "area":
        pairs = zip(before[2:], after[2:], strict=True)
        bins = [sum(-(-(u + 1) * n // m) - u * n // m for u in range(m)) for n, m in pairs]
        return prod(before[:2]) * prod(bins)
    if use.op.antialias:
        total = 0
        scales = use.op.scale if isinstance(use.op.scale, tuple) else (use.op.scale,) * 2
        for axis in (3, 2):
            n, m, scale = before[axis], after[axis], scales[axis - 2]
            step = (n - 1) / (m - 1) if use.op.align_corners else n / m if scale is None else 1 / scale
            before[axis] = m
            total += 0 if n == m else ceil(max(step, 1) * (4 if use.op.mode == "bicubic" else 2)) * prod(before)
        return total
    places = {"linear": 2, "bilinear": 2 * 2, "trilinear": 2 * 2 * 2, "bicubic": 4 * 4}
    return places.get(str(use.op.mode), 0) * use.made


def picked(use: Use) -> int:
    """n - 1 comparisons for each row of n."""
    return use.read - use.read // use.ins[0][int(use.op.axis)]


def bias(use: Use) -> int:
    """One sum for each element, if anything is added."""
    return 0 if use.op.bias is False else use.made


def normed(operations: int) -> Count:
    """So many for each element, and one each for the product with a weight and the sum with a bias."""

    def count(use: Use) -> int:
        affine = getattr(use.op, "affine", True)
        extra = 0 if not affine else 1 if use.op.name == "rmsnorm" or not getattr(use.op, "bias", True) else 2
        return (operations + extra) * use.read

    return count


def windows(use: Use) -> int:
    """The places of all windows, padded ones too."""
    sides = [use.op.k] * (len(use.ins[0]) - 2) if isinstance(use.op.k, int) else use.op.k
    return use.made * prod(int(side) for side in sides)


def bins(use: Use) -> int:
    """The places of all bins: of n places in m bins, bin u holds floor(u*n/m) .. ceil((u+1)*n/m) - 1."""
    total = prod(use.outs[0][:2])
    for n, m in zip(use.ins[0][2:], use.outs[0][2:], strict=True):
        total *= sum(1 for u in range(m) for place in range(n) if u * n // m <= place < -(-(u + 1) * n // m))
    return total


def summed(use: Use) -> int:
    """Sums over a letter of one operand; several operands are multiplied and added, which are products."""
    return folded(use) if len(use.ins) == 1 and len(use.ins[0]) > len(use.outs[0]) else 0


def attended(use: Use) -> int:
    """For each score a scale, a softmax and, where there is one, the mask."""
    queries, keys = use.ins[:2]
    return (1 + 5 + (len(use.ins) == 4)) * prod(queries[:-1]) * keys[-2]


def stepped(gates: int, rest: int) -> Count:
    """For each feature of each step: per gate the sum of both maps, two biases and an activation, and `rest`."""

    def count(use: Use) -> int:
        ways = 2 if use.op.bidirectional else 1
        features = use.ins[0][0] * use.ins[0][1] * int(use.op.hidden) * int(use.op.layers) * ways
        return (gates * (1 + (2 if use.op.bias else 0) + 1) + rest) * features

    return count


def reduced(use: Use) -> int:
    return use.read if use.op.how == "mean" else folded(use)


MOVES = (
    "id channel_axis dropout dropout2d alpha_dropout droppath embedding "
    "flatten reshape unbind split chunk cat stack transpose expand rearrange repeat index pad crop roll "
    "arange eye zeros ones where gather one_hot cast pixel_shuffle shuffle"
)
ARITHMETIC = "add sub mul div pow lt le gt ge eq ne neg logical_and logical_or logical_not"
FUNCTIONS = (
    "exp log sqrt sin cos abs clamp relu relu6 leaky_relu prelu rrelu elu selu celu gelu silu swish mish hswish "
    "hsigmoid sigmoid tanh softplus softsign hardtanh threshold"
)

TABLE: dict[str, Count] = {
    **dict.fromkeys(MOVES.split(), nothing),
    **dict.fromkeys(ARITHMETIC.split(), each(1)),
    **dict.fromkeys(FUNCTIONS.split(), each(1)),
    **dict.fromkeys(("conv", "deconv", "linear"), bias),
    **dict.fromkeys(("wn", "sn"), lambda use: TABLE[use.op.layer.name](Use(use.op.layer, use.ins, use.outs))),
    **dict.fromkeys(("geglu", "swiglu", "reglu"), each(2)),
    "glu": each(2),  # a sigmoid and a product
    "maxout": folded,
    "softmax": each(5),
    "logsoftmax": each(5),
    "bn": lambda use: 2 * use.read,  # at inference a product and a sum, with or without weights
    **dict.fromkeys(("inorm", "ln", "gn"), normed(5)),
    "rmsnorm": normed(3),  # square, sum, quotient
    "l2norm": each(3),
    "lrn": lambda use: (1 + (use.op.size - 1) + 4) * use.read,  # square, sums, alpha, k, power, quotient
    "maxpool": lambda use: windows(use) - use.made,
    "avgpool": windows,
    "lppool": lambda use: use.read + windows(use),  # powers; sums and roots
    "adaptive_avgpool": bins,
    "adaptive_maxpool": lambda use: bins(use) - use.made,
    "gap": lambda use: use.read,
    "gmp": folded,
    "matmul": nothing,
    "einsum": summed,
    "sdpa": attended,
    "rotary": each(3),  # four products and two sums for each pair
    "lstm": stepped(4, 5),  # f*c + i*g, tanh of it, o times that
    "gru": stepped(3, 1 + 3),  # r*(..), (h - n)*z + n
    "rnn": stepped(1, 0),
    "mean": lambda use: use.read,
    "sum": folded,
    "amax": folded,
    "amin": folded,
    "reduce": reduced,
    "topk": picked,
    "upsample": interpolated,
    "normalize": each(2),  # less the mean, over the deviation
}

PAIRS = [(name, s) for name, samples in SAMPLES.items() for s in samples]


def numbers(types: tuple[TensorType, ...]) -> tuple[tuple[int, ...], ...]:
    """Shapes of a sample, which are numbers."""
    return tuple(tuple(n for n in x.dims if isinstance(n, int)) for x in types)


@cases(PAIRS)
def test_flops(name: str, sample: Sample) -> None:
    op = sample.op(name)
    outs = infer(op, sample.inputs)
    counted = sum(work.count * evaluate(product(work.sizes), {}) for work in op.flops(sample.inputs, outs))
    assert counted == TABLE[name](Use(op, numbers(sample.inputs), numbers(outs)))


@cases([(name, s) for name, s in PAIRS if s.open])
def test_flops_of_symbolic_sizes(name: str, sample: Sample) -> None:
    """With symbolic sizes the rule gives the numbers of the table at the defaults."""
    op, sizes = sample.op(name), Sizes()
    ins = opened(sample, sizes)
    batch = sample.inputs[0].dims[0]
    at = sizes.default | ({"A0": batch} if "A0" in sizes.default and isinstance(batch, int) else {})
    works = op.flops(ins, infer(op, ins, sizes))
    counted = sum(work.count * evaluate(product(work.sizes), at) for work in works)
    assert counted == TABLE[name](Use(op, numbers(sample.inputs), numbers(infer(op, sample.inputs))))


def test_every_op_is_in_the_table() -> None:
    assert set(TABLE) == set(REGISTRY)

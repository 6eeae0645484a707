"""TensorFlow's SAME padding of symbolic sizes: it pads by the size, so the numbers are those of the default sizes.

Of L places at stride s, `(ceil(L/s) - 1)*s + d*(k-1) + 1 - L` are added, half of them (rounded down) before: at
stride 1 the same for all L, else by L mod s (tf.nn.convolution, padding "SAME").
"""

from __future__ import annotations

from dslc.ops import base
from dslc.ops.base import Op
from dslc.types.dim import Dim, Size, evaluate
from dslc.types.period import period
from dslc.types.sizes import Sizes
from dslc.types.tensor import TensorType

PERIODS = 1 << 12
"""Longest period of a size that is gone through; beyond it every remainder counts as possible."""


def settled(type: TensorType, sizes: Sizes) -> TensorType:
    """A map's type with the numbers of its default sizes after batch and channels."""
    spatial = [evaluate(size, sizes.default) for size in type.spatial]
    return type if type.spatial == tuple(spatial) else type.with_spatial(tuple(spatial))


def varying(op: Op, source: TensorType, out: TensorType, sizes: Sizes) -> frozenset[int]:
    """The axes of a map along which `op`, padding as SAME, pads otherwise before it at other allowed sizes."""
    if all(isinstance(size, int) for size in source.spatial):
        return frozenset()
    known = settled(source, sizes)
    found = set()
    for axis, size in enumerate(source.spatial):
        before = set()
        for rest in remainders(size, strides(op, known, out)[axis], sizes):
            reach = op.reach((known.with_dim(axis + 2, rest),), (out,))
            assert isinstance(reach, base.Window)
            before.add(reach.padding[axis])
        if len(before) > 1:
            found.add(axis + 2)
    return frozenset(found)


def strides(op: Op, source: TensorType, out: TensorType) -> tuple[int, ...]:
    """The strides of a window."""
    reach = op.reach((source,), (out,))
    assert isinstance(reach, base.Window)
    return reach.stride


def remainders(size: Size, s: int, sizes: Sizes) -> set[int]:
    """A number, at least s, for each remainder mod s that the size can have at allowed sizes of the input."""
    if isinstance(size, int):
        return {size}
    everything = set(range(s, 2 * s))
    rest = size % s
    if not isinstance(rest, Dim):
        return {rest + s}
    symbols = list(rest.symbols)
    if len(symbols) > 1:
        return everything
    turn = period(rest, symbols[0])
    name = symbols[0].name
    if turn > PERIODS or name not in sizes.domain:
        return everything
    _, g, kept = sizes.domain[name].classes(turn)
    allowed = frozenset(kept)
    return {evaluate(rest, {name: n}) + s for n in range(turn, 2 * turn) if n % g in allowed}

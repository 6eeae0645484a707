"""Attention as rules see it: `sdpa`, or a softmax of products written out, with what queries and keys come from."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod, sqrt
from typing import Final

from dslc.ir.model import Node, Value
from dslc.ir.walk import Step
from dslc.lints.drawn import gain
from dslc.lints.kinds import LINEAR, MOVES, QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.arithmetic import Add, Binary, Div, Mul
from dslc.ops.attention import Attention
from dslc.ops.base import Op
from dslc.ops.create import Cast, Where
from dslc.ops.gating import Softmax
from dslc.ops.index import Index
from dslc.ops.product import Einsum, MatMul
from dslc.ops.shape import Chunk, Expand, Split, Unbind
from dslc.record import frozen
from dslc.types.dim import Size

PARTS: Final[tuple[type[Op], ...]] = (Chunk, Split, Unbind, Index)
"""What takes parts of a tensor."""

CARRIES: Final[tuple[type[Op], ...]] = (*MOVES, *QUIET, *PARTS, Cast, Expand)
"""What a projection goes through on its way to attention."""


@frozen
class Attended:
    """One use of attention: `softmax(factor * q @ k^T + mask) @ v`.

    `step`: the `sdpa`, or the softmax. `factor` holds all numbers that scores are multiplied by; none where something
    else is done to them. `features`: of one query. `places`: how many queries and how many keys. `mask`: what is added
    to scores, or chooses among them.
    """

    step: Step
    q: Value
    k: Value
    v: Value
    features: int
    factor: float | None
    places: tuple[Size, Size]
    causal: bool = False
    mask: Value | None = None

    @property
    def among_themselves(self) -> bool:
        """Whether there are as many queries as keys, as in self-attention."""
        return self.places[0] == self.places[1]

    @property
    def masked(self) -> bool:
        return self.causal or self.mask is not None


@frozen
class Origin:
    """Where a value comes from, past what moves it and takes parts of it: a step (none: an input or parameter), and the
    numbers by which it was multiplied on the way.
    """

    value: Value
    step: Step | None
    factor: float


def attentions(net: Network) -> Iterator[Attended]:
    """All uses of attention, in the order of the program."""
    for step in net.of(Attention, Softmax):
        op = op_of(step)
        if isinstance(op, Attention):
            q, k, v = step.inputs[:3]
            features = net.shape(q)[-1]
            factor = 1 / sqrt(features) if op.scale is None else op.scale
            mask = step.inputs[3] if len(step.inputs) == 4 else None
            yield Attended(step, q, k, v, features, factor, (q.type.dims[-2], k.type.dims[-2]), op.causal, mask)
        else:
            yield from _written_out(net, step)


def _written_out(net: Network, softmax: Step) -> Iterator[Attended]:
    """Attention as products around a softmax, if that is what it is."""
    reader = net.after(softmax, *QUIET, Cast)
    if reader is None or not isinstance(op_of(reader), MatMul | Einsum):
        return
    values = next((v for v in reader.inputs if net.source(v, *QUIET, Cast) is not softmax), softmax.outs[0])
    factor: float | None = 1.0
    mask: Value | None = None
    value = softmax.inputs[0]
    while (maker := net.maker(value)) is not None:
        op = op_of(maker)
        if isinstance(op, MatMul | Einsum):
            if len(maker.inputs) == 2:
                q, k = (origin(net, side) for side in maker.inputs)
                rows, columns = softmax.inputs[0].type.dims[-2:]
                scale = None if factor is None else factor * q.factor * k.factor
                features = _summed(net, maker, op)
                yield Attended(softmax, *maker.inputs, values, features, scale, (rows, columns), mask=mask)
            return
        if isinstance(op, (*QUIET, Cast)):
            value = maker.inputs[0]
        elif isinstance(op, Mul | Div) and (number := _number(op)) is not None:
            factor = None if factor is None else factor * number
            value = maker.inputs[0]
        elif isinstance(op, Mul | Div | Add | Where):
            sides = [v for v in maker.inputs if _is_product(net, v)]
            if len(sides) != 1:
                return
            others = [v for v in maker.inputs if v is not sides[0]]
            if isinstance(op, Mul | Div):
                factor = None
            elif others:
                mask = others[0]
            value = sides[0]
        else:
            return


def _is_product(net: Network, value: Value) -> bool:
    """Whether a value is a product of tensors, past what is done to scores."""
    maker = net.source(value, *QUIET, Cast, Binary)
    return maker is not None and isinstance(op_of(maker), MatMul | Einsum)


def _number(op: Mul | Div) -> float | None:
    if op.number is None or (op.swap and isinstance(op, Div)):
        return None
    return 1 / op.number if isinstance(op, Div) else float(op.number)


def _summed(net: Network, step: Step, op: MatMul | Einsum) -> int:
    """How many products are added up for each element of the result."""
    if isinstance(op, MatMul):
        return net.shape(step.inputs[0])[-1]
    operands, result = op.letters(tuple(v.type for v in step.inputs))
    sizes = dict(zip(operands[0], net.shape(step.inputs[0]), strict=True))
    return prod(size for letter, size in sizes.items() if letter not in result)


def origin(net: Network, value: Value) -> Origin:
    """Where a value comes from."""
    factor = 1.0
    while (maker := net.maker(value)) is not None:
        op = op_of(maker)
        if isinstance(op, CARRIES):
            value = maker.inputs[0]
        elif isinstance(op, Mul | Div) and (number := _number(op)) is not None:
            factor *= number
            value = maker.inputs[0]
        else:
            break
    return Origin(value, maker, factor)


def spread(net: Network, value: Value) -> float | None:
    """The root mean square, at initialisation, of what a linear map makes of unit inputs; none of other makers."""
    step = origin(net, value).step
    if step is None or not isinstance(step.node, Node) or not isinstance(op_of(step), LINEAR):
        return None
    weight = step.node.params.get("weight")
    return None if weight is None else gain(weight.spec)

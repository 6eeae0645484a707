"""Two linear maps with nothing between them."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.kinds import QUIET
from dslc.lints.network import Network, op_of
from dslc.lints.windows import sides, sized
from dslc.ops.convolution import Conv
from dslc.ops.linear import Linear
from dslc.ops.pool import AvgPool
from dslc.ops.pool_adaptive import GlobalAvgPool
from dslc.ops.shape import Flatten


class LinearPair(Lint, code="W1201", name="linear-pair"):
    """Two linear maps follow each other with no activation between, and are one linear map.

    The product of two matrices is a matrix: `W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2)`, so that depth adds
    nothing without a function between (Goodfellow, Bengio and Courville 2016, section 6.1). An activation was
    forgotten, or the first map can be left out. Two convolutions are one as well, with a kernel of k1 + k2 - 1 (but
    for the zeros at the edges), and so are a convolution and the linear map of what it gives, averaged or not.

    A pair that is there to save weights is not spoken of: one layer that is used twice, where the first is narrower
    than both its sides, where a kernel is split by axes or by groups, as in a separable convolution, or around
    a pointwise map.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> linear(10)
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> linear(10)
    ```

    Related: W1202, W1203.
    """

    first: str
    second: str
    pair: int
    alone: int
    kernel: tuple[int, ...]

    @property
    def message(self) -> str:
        return f"`{self.first}` and `{self.second}` are one linear map: no activation stands between"

    @property
    def label(self) -> str:
        if self.kernel and max(self.kernel) > 1:
            return f"{self.pair:,} weights make one kernel of {sized(self.kernel)}"
        return f"{self.pair:,} weights do what {self.alone:,} can"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for second in net.of(Linear, Conv):
            between = (*QUIET, Flatten, AvgPool, GlobalAvgPool) if isinstance(op_of(second), Linear) else QUIET
            first = net.source(second.inputs[0], *between)
            if first is None or net.after(first, *between) is not second:
                continue
            if shared(first, second):
                continue
            if mixes(first) and mixes(second) and isinstance(op_of(first), Conv | type(op_of(second))):
                mistake = cls.of(net, first, second)
                if mistake is not None:
                    yield net.at(mistake, second, related=[net.label(first, "the first")])

    @classmethod
    def of(cls, net: Network, first: Step, second: Step) -> LinearPair | None:
        """The pair as one map; none where it is there to save weights."""
        ins, middle, outs = width(net, first, 0), width(net, first), width(net, second)
        one, two = ([side.kernel for side in sides(net, step)] for step in (first, second))
        if any(min(k) == 1 < max(k) for k in (one, two) if k):
            return None
        pair = middle * ins * prod(one) + width(net, second, 0) * outs * prod(two)
        kernel = tuple(a + b - 1 for a, b in zip(one, two or [1] * len(one), strict=True))
        if width(net, second, 0) != middle:  # all places of a map are read
            kernel, alone = (), prod(net.shape(first.inputs[0])[1:]) * outs
        else:
            alone = ins * outs * prod(kernel)
        thrifty = middle < min(ins, outs) or not one or not two or min(*one, *two) == 1
        if pair < alone and thrifty:
            return None
        return cls(named(net, first), named(net, second), pair, alone, kernel)


def mixes(step: Step) -> bool:
    """Whether a step mixes all channels by weights of its own."""
    op = op_of(step)
    return isinstance(op, Linear) or (isinstance(op, Conv) and op.g == 1)


def shared(first: Step, second: Step) -> bool:
    """Whether two maps are one layer that is used twice, as in a recurrence."""
    own, other = (dict(getattr(step.node, "params", {})).get("weight") for step in (first, second))
    return own is not None and own is other


def width(net: Network, step: Step, port: int | None = None) -> int:
    """The channels that a step gives, or gets."""
    value = step.outs[0] if port is None else step.inputs[port]
    return net.shape(value)[1 if isinstance(op_of(step), Conv) else -1]


def named(net: Network, step: Step) -> str:
    """A map in few words: `linear(10)`, `conv(16, 3)`."""
    kernel = sized([side.kernel for side in sides(net, step)]) if isinstance(op_of(step), Conv) else ""
    if kernel and len(set(kernel.split("x"))) == 1:
        kernel = kernel.split("x")[0]
    op = op_of(step)
    return f"{'linear' if op is None else op.name}({width(net, step)}{f', {kernel}' if kernel else ''})"

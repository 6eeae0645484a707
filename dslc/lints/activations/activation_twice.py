"""Two activations with nothing between them."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.edits import without
from dslc.lints.kinds import ACTIVATIONS, MOVES, QUIET
from dslc.lints.network import Network, op_of
from dslc.lints.ranges import applied, keeps, span
from dslc.ops.base import Op
from dslc.ops.gating import Softmax
from dslc.ops.pool import AvgPool, MaxPool
from dslc.ops.pool_adaptive import AdaptiveAvgPool, AdaptiveMaxPool, GlobalPool

POOLS = (MaxPool, AvgPool, AdaptiveAvgPool, AdaptiveMaxPool, GlobalPool)


class ActivationTwice(Lint, code="W1202", name="activation-twice"):
    """An activation is applied to what an activation gives, with no weights between.

    The second sees a part of its range: after `relu` there are no numbers below 0, so that `relu` does nothing and
    `sigmoid` gives 0.5 to 1; after `tanh` a `sigmoid` gives 0.27 to 0.73. A layer with weights was forgotten, or one
    activation is left over: depth comes from linear maps and activations in turn (Goodfellow, Bengio and Courville
    2016, section 6.1). What does nothing is found behind pools and reshapes as well.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> sigmoid -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1201, W1203.
    """

    second: str
    first: str
    idle: bool
    least: float | None
    most: float | None

    @property
    def message(self) -> str:
        if self.idle:
            return f"`{self.second}` does nothing to what `{self.first}` gives"
        return f"`{self.second}` of a `{self.first}`: no weights stand between"

    @property
    def label(self) -> str:
        if self.idle or self.least is None or self.most is None:
            return ""
        return (
            f"it gives {self.least:.2g} to {self.most:.2g}"
            if self.most < inf
            else f"it gives {self.least:.2g} and more"
        )

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for second in net.of(*ACTIVATIONS):
            op = op_of(second)
            near, far = net.source(second.inputs[0], *QUIET), net.source(second.inputs[0], *QUIET, *MOVES, *POOLS)
            first = near if activates(near) else far
            before = None if first is None else op_of(first)
            if op is None or first is None or before is None or not activates(first):
                continue
            if first is near or keeps_all(op, before):
                ends = [None if end is None else applied(op, end) for end in span(before) or (None, None)]
                mistake = cls(op.name, before.name, keeps_all(op, before), *ends)
                yield net.at(mistake, second, related=[net.label(first, "the first")], help=without(second.node.span))


def activates(step: Step | None) -> bool:
    """Whether a step is an activation, or a softmax."""
    return step is not None and isinstance(op_of(step), (*ACTIVATIONS, Softmax))


def keeps_all(op: Op, before: Op) -> bool:
    """Whether an activation leaves all as it is that another gives."""
    found = span(before)
    return found is not None and keeps(op, *found)

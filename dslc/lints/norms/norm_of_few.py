"""Norms by the statistics of two to four values."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod, sqrt

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.ops.norm import GroupNorm, InstanceNorm, LayerNorm

FEW = 4


class NormOfFew(Lint, code="W1103", name="norm-of-few"):
    """A norm takes mean and variance of so few values that little of them is left.

    Of m values with mean 0 and variance 1 none is beyond the root of m - 1 (Samuelson 1968, How deviant can you be?).
    Two values become 1 and -1 whatever they were: which is larger is all that is left. Group norm of maps of one place
    has C / groups values in a group, and a layer norm as many as there are channels; with 16 channels in a group and
    more group norm works well (Wu and He 2018, table 3). Fewer groups, or a norm before the pool, keep more.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> relu -> gap -> gn(8) -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> gn(4) -> relu -> gap -> flatten -> linear(10)
    ```

    Related: N1123, N1122.
    """

    norm: str
    values: int

    @property
    def message(self) -> str:
        return f"`{self.norm}` takes each mean and variance of {self.values} values"

    @property
    def label(self) -> str:
        if self.values == 2:
            return "they become 1 and -1: only which is larger is left"
        return f"none of them can be beyond {sqrt(self.values - 1):.2f} after it"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(GroupNorm, InstanceNorm, LayerNorm):
            op, values = op_of(step), together(net, step)
            if op is not None and 2 <= values <= FEW:
                yield net.at(cls(op.name, values), step, net.argument(step, "groups"))


def together(net: Network, step: Step) -> int:
    """How many values one mean and variance of a norm is of."""
    op, shape = op_of(step), net.shape(step.inputs[0])
    if isinstance(op, GroupNorm):
        return shape[1] // op.groups * prod(shape[2:])
    if isinstance(op, LayerNorm):
        return shape[op.axis]
    return prod(shape[2:])

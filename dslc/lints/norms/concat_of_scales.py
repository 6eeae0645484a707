"""Normed and plain maps side by side."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Value
from dslc.lints.base import Lint
from dslc.lints.kinds import ACTIVATIONS, LINEAR, MOVES, NORMS, QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.joining import Cat
from dslc.ops.norm_length import L2Norm


class ConcatOfScales(Lint, code="N1125", name="concat-of-scales"):
    """Channels with a norm are joined to channels without one, and no norm follows.

    What comes from a norm has deviation 1 (or its `weight`); what comes from a plain layer has any scale, which also
    moves in training. The layer behind then hears mostly one of them, and weight decay and learning rate fit one of
    them: features of several depths differ by a factor of 10 and more, and norms mend it (Liu, Rabinovich and Berg
    2015, ParseNet, section 3.2). Norm both, or what was joined.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        a = conv(16, 3) -> bn -> relu
        b = conv(16, 5) -> relu
        cat(a, b) -> conv(32, 3) -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        a = conv(16, 3) -> bn -> relu
        b = conv(16, 5) -> bn -> relu
        cat(a, b) -> conv(32, 3) -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1101.
    """

    normed: int
    plain: int

    @property
    def message(self) -> str:
        return f"{self.normed} channels with a norm are joined to {self.plain} without one"

    @property
    def label(self) -> str:
        return "deviation 1 beside any other"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Cat) if net.of(*NORMS, L2Norm) else ():
            axis = step.outs[0].type.channel
            if axis is None or step.inputs[0].type.dims[axis] == step.outs[0].type.dims[axis]:
                continue
            after = net.after(step, *QUIET, *MOVES, *ACTIVATIONS)
            if after is not None and isinstance(op_of(after), LINEAR):
                after = net.after(after, *QUIET)
            if after is not None and isinstance(op_of(after), (*NORMS, L2Norm)):
                continue
            kinds = {value: scaled(net, value) for value in step.inputs}
            normed, plain = (
                sum(net.shape(value)[axis] for value in step.inputs if kinds[value] is kind) for kind in (True, False)
            )
            if normed and plain:
                yield net.at(cls(normed, plain), step)


def scaled(net: Network, value: Value) -> bool | None:
    """Whether values come from a norm (true) or from a linear map (false), at most an activation between; none of what
    comes from elsewhere.
    """
    step = net.source(value, *QUIET, *MOVES, *ACTIVATIONS)
    op = None if step is None else op_of(step)
    return True if isinstance(op, (*NORMS, L2Norm)) else False if isinstance(op, LINEAR) else None

"""Logits that went through an activation."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, inf

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.edits import without
from dslc.lints.kinds import LINEAR, MOVES, NORMS, QUIET
from dslc.lints.network import Network, op_of
from dslc.lints.ranges import span
from dslc.ops.activation import HardSigmoid, Relu, Relu6, Sigmoid, Tanh
from dslc.ops.activation_further import HardTanh, Softsign
from dslc.ops.axes import channel_axis
from dslc.ops.gating import LogSoftmax, Softmax


class ActivatedLogits(Lint, code="W1210", name="activated-logits"):
    """The numbers that a softmax is taken of went through an activation first, which takes part of their range.

    A softmax over k classes wants numbers of any sign (Goodfellow, Bengio and Courville 2016, section 6.2.2.3). After
    `relu` nothing speaks against a class: all classes with a negative sum share the same probability, without
    a gradient that could lower it. After `tanh` or `sigmoid` no class can get more than e^(b - a) / (e^(b - a) + k - 1)
    of numbers between a and b: of ten classes 45 % and 23 %.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> linear(10) -> relu -> softmax
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> linear(10) -> softmax
    ```

    Related: W1203, N1221.
    """

    act: str
    softmax: str
    classes: int
    width: float

    @property
    def message(self) -> str:
        return f"`{self.softmax}` of what `{self.act}` gives: logits have no activation"

    @property
    def label(self) -> str:
        if self.width == inf:
            return "no class can get less than any other that is shut"
        most = exp(self.width) / (exp(self.width) + self.classes - 1)
        return f"no class of {self.classes:,} can get more than {most:.0%}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Softmax, LogSoftmax):
            op, act = op_of(step), net.source(step.inputs[0], *QUIET, *MOVES)
            shut = None if act is None else op_of(act)
            if act is None or not isinstance(op, Softmax | LogSoftmax):
                continue
            if not isinstance(shut, Relu | Relu6 | Sigmoid | HardSigmoid | Tanh | HardTanh | Softsign):
                continue
            made, ends = net.source(act.inputs[0], *QUIET, *NORMS), span(shut)
            if made is not None and isinstance(op_of(made), LINEAR) and ends is not None:
                axis = channel_axis(op.name, step.inputs[0].type, op.axis)
                mistake = cls(shut.name, op.name, net.shape(step.inputs[0])[axis], ends[1] - ends[0])
                yield net.at(mistake, act, related=[net.label(step, "its softmax")], help=without(act.node.span))

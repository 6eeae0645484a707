"""A recurrence without gates over a sequence that is longer than it remembers."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.ops.recurrent import RNN

LEFT = 1e-3
"""The share of a gradient at which a step is forgotten."""


class PlainRecurrence(Lint, code="W1007", name="plain-recurrence"):
    """A recurrent layer without gates is given sequences that its gradients do not come through.

    At each step a gradient is multiplied by the recurrent weights and by the slope of the activation. Of `hidden`
    units with weights of variance v that is at most sqrt(hidden v), and sqrt(1/3) with PyTorch's, so that 1/1000 is
    left after 13 steps at most (9 to 11 where the slope of tanh is counted), and 1e-24 after a hundred: what
    was read further back is not learned from (Bengio, Simard and Frasconi 1994; Pascanu, Mikolov and Bengio 2013).
    Gates keep a way open (`lstm`, `gru`); `init=orthogonal()` makes the first factor 1 and doubles the reach.

    The rule speaks where sequences, at their default length, are more than twice as long.

    ```dl fails
    net f on x[N, T=100, 32] -> [N, 4]:
        rnn(128) -> it[:, -1] -> linear(4)
    ```

    ```dl
    net f on x[N, T=100, 32] -> [N, 4]:
        gru(128) -> it[:, -1] -> linear(4)
    ```

    Related: N1009.
    """

    act: str
    steps: int
    length: int
    left: float

    @property
    def message(self) -> str:
        return f"`rnn` has sequences of {self.length:,} steps, and 1/1000 of a gradient is left after {self.steps}"

    @property
    def label(self) -> str:
        return f"of the first step's at most 10^{self.left:.0f}: no gates"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        layers = net.of(RNN)
        if not layers:
            return
        from dslc.analysis.signal.laws import law  # imported where there is such a layer: a check is to be quick

        for step in layers:
            op = op_of(step)
            weight = next((param for param in net.params(step) if param.name.startswith("weight_hh")), None)
            one = None if weight is None else law(weight)
            if not isinstance(op, RNN) or one is None:
                continue
            gain = math.sqrt(op.hidden * one.var / (2 if op.act == "relu" else 1))
            length = net.shape(step.inputs[0])[1]
            if not 0 < gain < 1:
                continue
            steps = math.ceil(math.log(LEFT) / math.log(gain))
            if length > 2 * steps:
                yield net.at(cls(op.act, steps, length, length * math.log10(gain)), step)

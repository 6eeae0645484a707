"""An LSTM whose forget gates begin half closed, over a long sequence."""

from __future__ import annotations

import math
from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.ops.recurrent import LSTM

LEFT = 1e-3
"""The share of a state at which it is forgotten."""


class ForgetBias(Lint, code="N1009", name="forget-bias"):
    """The forget gates of an LSTM begin at one half, so that a state is halved at each step.

    With biases around 0 a gate is a sigmoid of about 0. Of a cell's state 1/1000 is left after ten steps, and so of
    its gradient; the paths through the other gates make it about 14 (measured 13). A bias of 1 for the forget gate
    opens it to 0.73, and 1/1000 is left after 32 steps or so (Gers, Schmidhuber and Cummins 2000; Jozefowicz, Zaremba
    and Sutskever 2015). PyTorch has no argument for it: the second quarter of `bias_ih` or `bias_hh` is
    set where the network is made. `bias_init=constant(0.5)` opens all the gates by a sum of 1.

    The rule speaks where sequences, at their default length, are more than twice as long.

    ```dl fails
    net f on x[N, T=100, 32] -> [N, 4]:
        lstm(128) -> it[:, -1] -> linear(4)
    ```

    ```dl
    net f on x[N, T=100, 32] -> [N, 4]:
        lstm(128, bias_init=constant(0.5)) -> it[:, -1] -> linear(4)
    ```

    Related: W1007.
    """

    gate: float
    steps: int
    length: int

    @property
    def message(self) -> str:
        return (
            f"the forget gates of `lstm` begin at {self.gate:.2f}: 1/1000 of a state is left after {self.steps} steps, "
            f"and sequences have {self.length:,}"
        )

    @property
    def label(self) -> str:
        return "a bias of 1 for the forget gate is the habit"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        layers = net.of(LSTM)
        if not layers:
            return
        from dslc.analysis.signal.laws import law  # imported where there is such a layer: a check is to be quick

        for step in layers:
            laws = [law(param) for param in net.params(step) if param.name.startswith("bias") and "_l0" in param.name]
            shift = sum(one.mean for one in laws[:2] if one is not None)
            gate = 1 / (1 + math.exp(-min(max(shift, -30.0), 30.0)))
            steps = math.ceil(math.log(LEFT) / math.log(gate)) if gate < 1 else 0
            length = net.shape(step.inputs[0])[1]
            op = op_of(step)
            if op is not None and shift < 0.5 and length > 2 * steps:
                yield net.at(cls(gate, steps, length), step)

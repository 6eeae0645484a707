"""Initial weights that are too small or too large for the depth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import ClassVar

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.gradients.causes import GRADIENT, saturated, stream, verdict, weights, written
from dslc.lints.network import Network, op_of


class UnfitScale(Lint, code="W1003", name="unfit-scale"):
    """Weights begin with a scale at which values or gradients vanish or explode over the depth of the network.

    A linear map multiplies the mean square of its inputs by fan_in times the variance of its weights; a ReLU halves it.
    What is not 1 in all grows with the power of the depth: weights of deviation 0.01 and 256 inputs give 0.11 a layer,
    and 1e-19 after twenty; of deviation 1 they give 11, and 1e21 (Glorot and Bengio 2010; He et al. 2015, section
    2.2). A deviation of sqrt(2 / fan_in) keeps it before a ReLU, `kaiming_normal(nonlinearity="relu")`; sqrt(1 /
    fan_in) before a function that is near the identity around 0.

    ```dl fails
    net f on x[N, 256] -> [N, 10]:
        for i in range(20): linear(256, init=normal(std=0.01)) -> relu
        linear(10)
    ```

    ```dl
    net f on x[N, 256] -> [N, 10]:
        for i in range(20): linear(256, init=kaiming_normal(nonlinearity="relu")) -> relu
        linear(10)
    ```

    Related: W1002, N1006.
    """

    reads_signal: ClassVar[bool] = True
    layer: str
    init: str
    gain: float
    kind: str
    value: float

    @property
    def message(self) -> str:
        return f"`{self.init}` makes {self.result}"

    @property
    def result(self) -> str:
        if self.kind in ("exploding values", "vanishing values"):
            return f"values {'grow' if self.kind == 'exploding values' else 'shrink'} to {self.value:.1e} at the start"
        if self.value > 0:
            return f"gradients vanish: the first layers learn 10^{self.value:.1f} times as slowly as the last"
        return f"gradients grow by 10^{-self.value:.1f} from the last layers to the first"

    @property
    def label(self) -> str:
        return f"`{self.layer}` multiplies the RMS by {self.gain:.2g}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        said = verdict(net, "exploding values", "vanishing values", *GRADIENT)
        own = written(net)
        if said is None or saturated(net) or not own or (said.kind == "exploding values" and stream(net)):
            return
        gains = {step: layer.gain for step in own if (layer := net.passed.get(step.path)) and layer.gain}
        worst = max(gains, key=lambda step: abs(math.log(gains[step])), default=None)
        op = None if worst is None else op_of(worst)
        if worst is not None and op is not None:
            init = next(param.spec.init.kind for param in weights(net, worst))
            yield net.at(cls(op.name, init, gains[worst], said.kind, said.value), worst, net.argument(worst, "init"))

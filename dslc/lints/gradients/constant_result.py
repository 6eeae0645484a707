"""A network whose results do not depend on its input when training starts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.gradients.causes import verdict
from dslc.lints.network import Network


class ConstantResult(Lint, code="W1004", name="constant-result"):
    """At the start all inputs give nearly the same result: biases and means have taken the place of what was read.

    Each layer makes two inputs more alike: their correlation c goes to 1 with depth, faster the less the weights and
    the more the biases are worth (Poole et al. 2016; Schoenholz et al. 2017). What depends on the input is 1 - c of
    the result's mean square; below 1e-4 the loss sees noise, the gradients of all samples point the same way, and
    training begins with a long plateau or does not. Initialisers that keep the mean square, biases of zero, a norm or
    residual sums keep inputs apart.

    The inputs that are followed are noise, whose places have nothing in common: a mean over them leaves less of it than
    of an image. What global pools, means and a softmax at the end take is therefore not counted. Where gradients
    vanish or values explode too, the rule of these speaks in place of this one.

    ```dl fails
    net f on x[N, 32] -> [N, 10]:
        for i in range(6): linear(32, bias_init=constant(5.0)) -> relu
        linear(10)
    ```

    ```dl
    net f on x[N, 32] -> [N, 10]:
        for i in range(6): linear(32, bias_init=zeros) -> relu
        linear(10)
    ```

    Related: W1001, W1002.
    """

    reads_signal: ClassVar[bool] = True
    share: float

    @property
    def message(self) -> str:
        return f"at the start {self.share:.0e} of the result depends on the input"

    @property
    def label(self) -> str:
        return "below 1e-4 from here on"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        said = verdict(net, "constant output")
        step = None if said is None else net.found(said.path)
        if said is None or step is None:
            return
        if verdict(net, "vanishing gradient", "exploding values", "vanishing values") is None:
            yield net.at(cls(said.value), step)

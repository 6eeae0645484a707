"""Values that grow with depth by residual sums."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.gradients.causes import stream, verdict, written
from dslc.lints.network import Network


class GrowingValues(Lint, code="W1005", name="growing-values"):
    """Values grow beyond 1000 at the start: sums without a norm double them again and again.

    A residual sum adds the mean square of its branch to that of the stream. A branch that begins with no norm grows
    with the stream, which each sum then multiplies: by 1.06 with `linear -> relu -> linear` of PyTorch's weights, by 2
    with initialisers that keep the mean square, so that thirty sums make 1e9 of it (Zhang, Dauphin and Ma 2019; Hanin
    and Rolnick 2018). A norm at the beginning of each branch makes the growth linear; a branch that is scaled by 1/sqrt
    of the number of blocks, or that begins at zero, holds it at a constant.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        for i in range(30):
            residual: linear(64, init=kaiming_normal(nonlinearity="relu")) -> relu
        linear(10)
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        for i in range(30):
            residual: ln -> linear(64, init=kaiming_normal(nonlinearity="relu")) -> relu
        ln -> linear(10)
    ```

    Related: W1002, W1003.
    """

    reads_signal: ClassVar[bool] = True
    largest: float

    @property
    def message(self) -> str:
        return f"values grow to {self.largest:.1e} at the start"

    @property
    def label(self) -> str:
        return "above 1000 from here on"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        said = verdict(net, "exploding values")
        step = None if said is None else net.found(said.path)
        if said is not None and step is not None and (stream(net) or not written(net)):
            yield net.at(cls(said.value), step)

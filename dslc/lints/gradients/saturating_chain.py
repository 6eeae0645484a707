"""Sigmoids in a chain, each of which takes most of the gradient."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.gradients.causes import flattened, saturated, verdict
from dslc.lints.network import Network, op_of


class SaturatingChain(Lint, code="W1001", name="saturating-chain"):
    """Activations that are flat on both sides follow each other, and little of a gradient is left behind them.

    The slope of a sigmoid is at most 1/4, that of tanh at most 1 and small wherever its input is not. A gradient is
    multiplied by it at each of them: twenty sigmoids leave 1e-18 of it with PyTorch's initial weights, so that the
    first layers stand still while the last ones learn (Hochreiter 1991; Glorot and Bengio 2010). Initialisers alone do
    not mend a chain of sigmoids: they cannot make a slope steeper. ReLU and its kin, batch norm before each
    activation, or a residual sum around every few layers do; `dslc signal --what-if` says by how much.

    The number is of the weights as they are declared, before training, by the rules of docs/gradients.md.

    ```dl fails
    net f on x[N, 128] -> [N, 10]:
        for i in range(12): linear(128) -> sigmoid
        linear(10)
    ```

    ```dl
    net f on x[N, 128] -> [N, 10]:
        for i in range(12): linear(128) -> bn -> relu
        linear(10)
    ```

    Related: W1002, W1003.
    """

    reads_signal: ClassVar[bool] = True
    act: str
    count: int
    each: float
    ratio: float

    @property
    def message(self) -> str:
        return (
            f"{self.count} `{self.act}` in a chain pass {self.each:.2g} of a gradient each: "
            f"the first layers learn 10^{self.ratio:.1f} times as slowly as the last"
        )

    @property
    def label(self) -> str:
        return "flat on both sides"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        said, chain = verdict(net, "vanishing gradient"), saturated(net)
        op = op_of(chain[0]) if chain else None
        if said is not None and op is not None:
            each = 10 ** (-flattened(net, chain) / len(chain))
            yield net.at(cls(op.name, len(chain), each, said.value), chain[0])

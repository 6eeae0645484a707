"""A sigmoid at the end, and the squared error as the loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.kinds import MOVES, QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.activation import HardSigmoid, Sigmoid


class SigmoidSquared(Lint, code="W1010", name="sigmoid-squared"):
    """The results are sigmoids and the loss is their squared error, which learns least where it is most wrong.

    The gradient of (s - y)^2 at the sigmoid's input is 2 (s - y) s (1 - s): at most 0.3, and 0.002 where a result of
    0.001 should be 1. That of the cross-entropy is s - y there, 500 times as much, as the logarithm undoes the
    exponential (Goodfellow, Bengio and Courville 2016, section 6.2.2.2; Nielsen 2015, chapter 3). For probabilities the
    loss is `bce_logits` on what the sigmoid reads; for numbers between 0 and 1 `bce` takes targets between them too.

    The loss is stated by `--fact loss=mse`, or in `[tool.dslc.lint]`.

    ```dl fails
    net f on x[N, 64] -> [N, 1]:
        linear(32) -> relu -> linear(1) -> sigmoid
    ```

    ```dl
    net f on x[N, 64] -> [N, 1]:
        linear(32) -> relu -> linear(1)
    ```

    Related: W1001.
    """

    wants: ClassVar[tuple[str, ...]] = ("loss",)
    example: ClassVar[Mapping[str, object]] = {"loss": "mse"}

    act: str

    @property
    def message(self) -> str:
        return f"`{self.act}` is the last layer, and the loss is the squared error"

    @property
    def label(self) -> str:
        return "where 0.001 should be 1, the gradient is 1/500 of the cross-entropy's"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        if net.facts.loss != "mse":
            return
        for _, value in net.flat.outputs:
            last = net.source(value, *QUIET, *MOVES)
            op = None if last is None else op_of(last)
            if last is not None and isinstance(op, (Sigmoid, HardSigmoid)):
                yield net.at(cls(op.name), last)

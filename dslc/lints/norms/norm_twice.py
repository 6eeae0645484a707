"""Two norms with nothing between them."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.edits import without
from dslc.lints.kinds import NORMS, QUIET
from dslc.lints.network import Network, op_of


class NormTwice(Lint, code="W1106", name="norm-twice"):
    """Two norms follow each other, and the second finds what it would make: mean 0 and variance 1.

    What a norm gives has the mean and variance that its `bias` and `weight` say; the same norm again takes both away
    (Ioffe and Szegedy 2015, section 3: the norm is there to fix them), so that the first one's weights do nothing and
    its pass over the values is for nothing. Two kinds of norm in a row rarely add anything but time.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1101.
    """

    second: str
    first: str
    idle: int

    @property
    def message(self) -> str:
        return f"`{self.second}` right after `{self.first}` norms what is normed"

    @property
    def label(self) -> str:
        if self.second == self.first and self.idle:
            return f"{self.idle:,} parameters of the first that do nothing"
        return "a pass over the values, and weights, for nothing"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for second in net.of(*NORMS):
            first = net.source(second.inputs[0], *QUIET)
            op, before = op_of(second), None if first is None else op_of(first)
            if first is None or op is None or not isinstance(before, NORMS):
                continue
            if net.after(first, *QUIET) is second:
                idle = sum(param.spec.count for param in net.params(first) if param.spec.kind == "param")
                yield net.at(
                    cls(op.name, before.name, idle),
                    second,
                    related=[net.label(first, "the first")],
                    help=without(second.node.span),
                )

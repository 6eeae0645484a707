"""A softmax of what is a softmax already."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.edits import without
from dslc.lints.kinds import QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.gating import LogSoftmax, Softmax


class SoftmaxTwice(Lint, code="W1203", name="softmax-twice"):
    """A softmax is taken of probabilities, which flattens them.

    Numbers between 0 and 1 differ by at most 1, so that their softmax over k values lies between 1/(k - 1 + e) and
    e/(e + k - 1): of 10 classes none gets more than 23 %. The loss stays near log k whatever is learned, and gradients
    are small (Goodfellow, Bengio and Courville 2016, section 6.2.2.3). One of the two is left over.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        linear(10) -> softmax -> logsoftmax
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        linear(10) -> logsoftmax
    ```

    Related: W1201.
    """

    second: str
    first: str
    classes: int

    @property
    def message(self) -> str:
        return f"`{self.second}` of a `{self.first}`: its inputs are probabilities already"

    @property
    def label(self) -> str:
        most = 2.718281828459045 / (2.718281828459045 + self.classes - 1)
        return f"no class of {self.classes:,} can get more than {most:.0%}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for second in net.of(Softmax, LogSoftmax):
            first = net.source(second.inputs[0], *QUIET)
            op, before = op_of(second), None if first is None else op_of(first)
            if first is not None and op is not None and isinstance(before, Softmax):
                classes = net.shape(first.outs[0])[-1 if before.axis is None else before.axis]
                yield net.at(
                    cls(op.name, before.name, classes),
                    second,
                    related=[net.label(first, "the first")],
                    help=without(first.node.span),
                )

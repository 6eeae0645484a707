"""The sum of two linear maps that both have a bias."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic, Label
from dslc.ir.model import Node
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.kinds import LINEAR, QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.arithmetic import Add


class TwoBiases(Lint, code="N1506", name="two-biases"):
    """Two linear maps are added, and each adds a bias of its own: one number for each channel suffices.

    `W1 a + b1 + W2 b + b2` depends on `b1 + b2` alone, so one of the two is left over; and the sum is one map of both
    end to end, `[W1 W2] [a; b] + b` (Goodfellow, Bengio and Courville 2016, section 10.2, where a recurrent cell has
    one bias). With `bias=false` in one of them nothing is lost. Where features of a kind are joined by concat, a sum of
    two maps is the same with less to copy.

    ```dl fails
    net f on a[N, 32], b[N, 48] -> [N, 10]:
        x = a -> linear(64)
        y = b -> linear(64)
        (x + y) -> tanh -> linear(10)
    ```

    ```dl
    net f on a[N, 32], b[N, 48] -> [N, 10]:
        x = a -> linear(64)
        y = b -> linear(64, bias=false)
        (x + y) -> tanh -> linear(10)
    ```

    Related: W1101, N1505.
    """

    first: str
    second: str
    count: int

    @property
    def message(self) -> str:
        return f"the biases of `{self.first}` and `{self.second}` are added: one of them is left over"

    @property
    def label(self) -> str:
        return f"{self.count:,} parameters that change nothing"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Add):
            if len(step.inputs) != 2:
                continue
            first, second = _biased(net, step, 0), _biased(net, step, 1)
            if first is None or second is None or first.node is second.node:
                continue
            if net.shape(first.outs[0])[1:] != net.shape(second.outs[0])[1:]:
                continue
            assert isinstance(second.node, Node)
            count = second.node.params["bias"].spec.count
            labels: list[Label] = [net.label(first, "one"), net.label(second, "the other")]
            yield net.at(cls(first.path, second.path, count), step, related=labels)


def _biased(net: Network, step: Step, port: int) -> Step | None:
    """The linear map with a bias that alone gives a side of a sum."""
    maker = net.source(step.inputs[port], *QUIET)
    if maker is None or not isinstance(op_of(maker), LINEAR) or not isinstance(maker.node, Node):
        return None
    return maker if "bias" in maker.node.params and net.after(maker, *QUIET) is step else None

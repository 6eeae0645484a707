"""A bias that shuts rectifiers before training begins."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Node
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.drawn import deviation, gain
from dslc.lints.kinds import LINEAR, NORMS, QUIET
from dslc.lints.network import Network, op_of
from dslc.lints.ranges import below
from dslc.ops.activation import Relu, Relu6

OPEN = 0.05
"""Units with a smaller share of inputs that they answer to are as good as dead."""


class DeadAtStart(Lint, code="W1206", name="dead-at-start"):
    """A large negative bias is the beginning of a layer before `relu`, whose units then give 0 and learn nothing.

    Where its input is below 0 a rectifier has no gradient; a unit for which that is so for all samples stays as it is
    for ever (Maas, Hannun and Ng 2013, section 2; Goodfellow, Bengio and Courville 2016, section 6.3, advise a small
    positive bias such as 0.1). For inputs of mean square 1 the sum before the bias is about normal, with the variance
    that the weights' initialiser gives, and the share of inputs above 0 follows from it.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        linear(128, bias_init=constant(-3)) -> relu -> linear(10)
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        linear(128, bias_init=constant(0.1)) -> relu -> linear(10)
    ```

    Related: W1211.
    """

    layer: str
    bias: float
    act: str
    open: float

    @property
    def message(self) -> str:
        return f"`{self.layer}` begins with a bias of {self.bias:g}, and `{self.act}` follows: its units are shut"

    @property
    def label(self) -> str:
        if self.open < 1e-6:
            return "they answer to less than one input in a million"
        return (
            f"they answer to {self.open:.2g} of all inputs"
            if self.open < 0.001
            else f"they answer to {self.open:.1%} of inputs"
        )

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(*LINEAR, *NORMS):
            bias = mean_bias(step)
            if bias is None or bias >= 0:
                continue
            act, op = net.after(step, *QUIET), op_of(step)
            rectifier = None if act is None else op_of(act)
            if op is None or not isinstance(rectifier, Relu | Relu6):
                continue
            width = spread(step)
            share = below(bias / width) if width > 0 else 0.0
            if share < OPEN:
                yield net.at(cls(op.name, bias, rectifier.name, share), step, net.argument(step, "bias_init"))


def mean_bias(step: Step) -> float | None:
    """The mean of a layer's bias at initialisation; none where it has none or it is not known here."""
    bias = step.node.params.get("bias") if isinstance(step.node, Node) else None
    if bias is None or bias.spec.init.default:
        return None
    args = dict(bias.spec.init.args)
    names = {"constant": ("value",), "normal": ("mean",), "trunc_normal": ("mean",), "uniform": ("a", "b")}
    found = [args.get(name, 0.0) for name in names.get(bias.spec.init.kind, ())]
    numbers = [float(value) for value in found if not isinstance(value, str)]
    return sum(numbers) / len(numbers) if numbers else None


def spread(step: Step) -> float:
    """The deviation of a layer's sums at initialisation, for inputs of mean square 1; 1 where it is not known here."""
    weight = step.node.params.get("weight") if isinstance(step.node, Node) else None
    found = None if weight is None else (deviation if isinstance(op_of(step), NORMS) else gain)(weight.spec)
    return 1.0 if found is None else found

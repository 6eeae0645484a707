"""A last activation that does not go with the loss."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.edits import without
from dslc.lints.kinds import LINEAR, MOVES, QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.activation import HardSigmoid, Sigmoid
from dslc.ops.base import Op
from dslc.ops.gating import LogSoftmax, Softmax
from dslc.ops.pool_adaptive import GlobalPool

WANTED: dict[str, tuple[str, tuple[type[Op], ...]]] = {
    "cross_entropy": ("logits", (LogSoftmax,)),
    "bce_logits": ("logits", ()),
    "nll": ("logarithms of probabilities: `logsoftmax`", (LogSoftmax,)),
    "bce": ("probabilities: `sigmoid`", (Sigmoid, HardSigmoid, Softmax)),
}
"""What each loss takes, and the last layers that give it (none: a layer with weights)."""


class LastAndLoss(Lint, code="W1207", name="last-and-loss"):
    """The last layer and the loss do not fit: the loss applies `softmax` or `sigmoid` itself, or wants it applied.

    `cross_entropy` and `bce_logits` take logits and apply the activation in a form that does not overflow; of what has
    one already it is taken twice. The softmax of ten probabilities gives no class more than 23 %, so that the loss
    stays above 1.46, and gradients are small (Goodfellow, Bengio and Courville 2016, section 6.2.2.3). `nll` wants
    logarithms, and of probabilities is -p, which has no large gradient for what is very wrong; `bce` wants numbers
    between 0 and 1.

    The loss is stated by `--fact loss=cross_entropy`, or in `[tool.dslc.lint]`.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> linear(10) -> softmax
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> linear(10)
    ```

    Related: W1203, W1210.
    """

    wants: ClassVar[tuple[str, ...]] = ("loss",)
    example: ClassVar[Mapping[str, object]] = {"loss": "cross_entropy"}

    loss: str
    last: str
    classes: int

    @property
    def message(self) -> str:
        return f"`{self.last}` is the last layer, and the loss `{self.loss}` takes {WANTED[self.loss][0]}"

    @property
    def label(self) -> str:
        if self.loss == "cross_entropy" and self.last == "softmax" and self.classes > 1:
            most = 2.718281828459045 / (2.718281828459045 + self.classes - 1)
            return f"no class of {self.classes:,} can get more than {most:.0%}"
        if self.loss == "bce_logits" and self.last == "sigmoid":
            return "no result below 50 % or above 73 %"
        return ""

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        if net.facts.loss not in WANTED:
            return
        right = WANTED[net.facts.loss][1]
        for result in net.results:
            last = net.source(result, *QUIET, *MOVES)
            op = None if last is None else op_of(last)
            if (
                last is None
                or op is None
                or isinstance(op, right)
                or not (activated(op) or (right and plain(net, last)))
            ):
                continue
            if right and net.facts.loss == "cross_entropy" and not activated(op):
                continue
            axis = op.axis if isinstance(op, Softmax | LogSoftmax) and op.axis is not None else result.type.channel
            yield net.at(
                cls(net.facts.loss, op.name, net.shape(result)[-1 if axis is None else axis]),
                last,
                help=without(last.node.span) if not right or net.facts.loss == "cross_entropy" else (),
            )


def activated(op: Op) -> bool:
    """Whether a layer gives probabilities or their logarithms."""
    return isinstance(op, Sigmoid | HardSigmoid | Softmax | LogSoftmax)


def plain(net: Network, step: Step) -> bool:
    """Whether a step gives any numbers: a linear map, at most pooled."""
    op = op_of(step)
    if isinstance(op, GlobalPool):
        before = net.source(step.inputs[0], *QUIET)
        return before is not None and isinstance(op_of(before), LINEAR)
    return isinstance(op, LINEAR)

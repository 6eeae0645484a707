"""One batch norm at several steps of a recurrence."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Node, Param, Value
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.network import Network
from dslc.ops.norm import BatchNorm


class SharedStatistics(Lint, code="W1104", name="shared-statistics"):
    """One batch norm is used at each step of a recurrence, where values have other means and scales at each.

    A layer that is used again on what came out of it has one running mean and variance for all turns. In training each
    turn is normed by its own statistics; in evaluation all are by their average, which fits none of them, above all
    not the first turns. Statistics per step mend it (Cooijmans et al. 2017, Recurrent batch normalization, section 3),
    or `ln`, which keeps no statistics (Ba, Kiros and Hinton 2016, section 3.1).

    Not spoken of: branches that share a layer and do not follow each other, as twins.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        module step = linear(64, bias=false)
        module norm = bn
        for i in range(4): step -> norm -> tanh
        linear(10)
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        module step = linear(64)
        module norm = ln
        for i in range(4): step -> norm -> tanh
        linear(10)
    ```

    Related: N1124.
    """

    steps: int

    @property
    def message(self) -> str:
        return f"one batch norm, with one running mean and variance, at {self.steps} steps of a recurrence"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        uses: dict[Param, list[Step]] = {}
        for step in net.of(BatchNorm):
            uses.setdefault(mean_of(step), []).append(step)
        shared = {step: 1 << index for index, steps in enumerate(uses.values()) if len(steps) > 1 for step in steps}
        for step in in_turn(net, shared):
            steps = uses.pop(mean_of(step), None)
            if steps is not None:
                yield net.at(cls(len(steps)), steps[0])


def mean_of(step: Step) -> Param:
    """The running mean of a batch norm, which its uses share."""
    assert isinstance(step.node, Node)
    return step.node.params["running_mean"]


def in_turn(net: Network, shared: dict[Step, int]) -> Iterator[Step]:
    """The uses of shared layers, each with a bit of its own, that depend on an earlier use of the same layer."""
    if not shared:
        return
    past: dict[Value, int] = {}
    for step in net.steps:
        bits = 0
        for value in (*step.inputs, *step.tied.values()):
            bits |= past.get(value, 0)
        own = shared.get(step, 0)
        if bits & own:
            yield step
        if bits | own:
            past.update(dict.fromkeys(step.outs, bits | own))

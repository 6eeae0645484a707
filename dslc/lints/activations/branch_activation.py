"""A rectifier at the end of a residual branch."""

from __future__ import annotations

from collections.abc import Iterator
from math import pi, sqrt

from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Value
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.kinds import ACTIVATIONS, LINEAR, NORMS, QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.activation import Relu, Relu6
from dslc.ops.activation_further import Softplus
from dslc.ops.arithmetic import Add

FAR = 32
"""Steps of a branch, and of what stands beside it, that are looked at."""


class BranchActivation(Lint, code="W1205", name="branch-activation"):
    """A residual branch ends with a rectifier, so that the sum can only grow.

    What is added is never below 0: no block can take away what one before it put in, and at initialisation each adds
    a mean of 0.4 deviations, 1 / sqrt(2 pi), to every channel. On CIFAR-10 a ResNet-110 has an error of 7.84 % so, and
    6.61 % with the activation behind the sum (He et al. 2016, Identity mappings in deep residual networks, section 4.1
    and table 2). Put it behind the sum, or at the beginning of the branch.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3)
        for i in range(4):
            y = conv(16, 3) -> bn -> relu
            it + y
        gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3)
        for i in range(4):
            y = conv(16, 3) -> bn
            it + y
            relu
        gap -> flatten -> linear(10)
    ```

    Related: W1204.
    """

    act: str
    blocks: int

    @property
    def message(self) -> str:
        return f"a residual branch ends with `{self.act}`: the sum can only grow"

    @property
    def label(self) -> str:
        if self.blocks == 1:
            return "it adds a mean of 0.4 deviations to each channel"
        return f"{self.blocks} blocks add a mean of {self.blocks / sqrt(2 * pi):.1f} deviations to each channel"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        found = [(add, act) for add in net.of(Add) if (act := last_of_branch(net, add)) is not None]
        for add, act in found:
            op = op_of(act)
            if op is not None:
                yield net.at(cls(op.name, len(found)), act, related=[net.label(add, "the sum")])


def last_of_branch(net: Network, add: Step) -> Step | None:
    """The rectifier that ends one side of a sum, where that side begins at the other and nothing rectifies or norms
    the sum.
    """
    if len(add.inputs) != 2:
        return None
    following = net.after(add, *QUIET)
    if following is not None and isinstance(op_of(following), (*ACTIVATIONS, *NORMS)):
        return None
    for port in (0, 1):
        act = net.source(add.inputs[port], *QUIET)
        if act is None or not isinstance(op_of(act), Relu | Relu6 | Softplus) or net.after(act, *QUIET) is not add:
            continue
        if from_the_other(net, act, add.inputs[1 - port]):
            return act
    return None


def from_the_other(net: Network, act: Step, skip: Value) -> bool:
    """Whether the branch that an activation ends begins at the other side of the sum, or at what that is projected
    from, with weights between.
    """
    begins = {skip}
    before = net.maker(skip)
    while before is not None and isinstance(op_of(before), (*QUIET, *NORMS, *LINEAR)) and len(begins) < FAR:
        begins.add(before.inputs[0])
        before = net.maker(before.inputs[0])
    step, weights = act, False
    for _ in range(FAR):
        if step.inputs and step.inputs[0] in begins:
            return weights
        maker = net.maker(step.inputs[0]) if step.inputs else None
        if maker is None:
            return False
        step, weights = maker, weights or isinstance(op_of(maker), LINEAR)
    return False

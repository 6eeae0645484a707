"""A full convolution that holds most of the multiply-adds."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.lints.windows import sides, sized, written
from dslc.ops.convolution import Conv


class Separable(Lint, code="N1322", name="separable"):
    """A full convolution holds much of the network's cost, and a depthwise separable one would do with a fraction.

    A depthwise k x k convolution followed by a 1x1 one, from C to N channels, has k^2 C + C N weights in place of
    k^2 C N: the part 1/N + 1/k^2, for 3x3 an eighth to a ninth. MobileNet loses about one point of accuracy on ImageNet
    by it (Howard et al. 2017, MobileNets, section 3.1 and table 4).

    It is said of the layer that costs most, if it has a quarter or more of the network's multiply-adds and 32 channels
    or more on both sides. On a GPU less is gained than the count says: depthwise convolutions are bound by memory.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(64, 3) -> bn -> relu -> conv(128, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(64, 3) -> bn -> relu -> sepconv(128, 3) -> gap -> flatten -> linear(10)
    ```

    Related: N1320.
    """

    kernel: tuple[int, ...]
    outs: int
    part: float
    before: int
    after: int

    @property
    def message(self) -> str:
        saved = f"{human(self.before)} multiply-adds would be {human(self.after)}"
        return (
            f"a full {sized(self.kernel)} convolution has {self.part:.0%} of the network's cost: separable its {saved}"
        )

    @property
    def label(self) -> str:
        places = prod(self.kernel)
        return f"the part 1/{self.outs} + 1/{places} = {1 / self.outs + 1 / places:.3f}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        full = [step for step in net.of(Conv) if getattr(op_of(step), "g", 1) == 1]
        costs = {step: cost(net, step) for step in full if min(widths(net, step)) >= 32}
        step = max(costs, key=lambda each: costs[each][0], default=None)
        if step is None:
            return
        (before, after), total = costs[step], net.numbers.cost.macs
        if 4 * before >= total and 4 * after <= before > 0:
            kernel = tuple(side.kernel for side in sides(net, step))
            mistake = cls(kernel, widths(net, step)[1], before / total, before, after)
            yield net.at(mistake, step, written(step, "k"))


def widths(net: Network, step: Step) -> tuple[int, int]:
    """The channels that a convolution reads and makes."""
    return net.shape(step.inputs[0])[1], net.shape(step.outs[0])[1]


def cost(net: Network, step: Step) -> tuple[int, int]:
    """Multiply-adds of a full convolution, and of a separable one in its place; nothing of a 1x1 one."""
    kernel = prod(side.kernel for side in sides(net, step))
    (_, ins, *_), (_, outs, *places) = net.shape(step.inputs[0]), net.shape(step.outs[0])
    return (prod(places) * kernel * ins * outs, prod(places) * (kernel * ins + ins * outs)) if kernel > 1 else (0, 0)


def human(count: int) -> str:
    """`3.2 M`."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return str(count)

"""Grouped convolutions in a row that never exchange a channel."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.kinds import ACTIVATIONS, QUIET
from dslc.lints.network import Network, op_of
from dslc.lints.windows import POOLS, sides, written
from dslc.ops.base import Op
from dslc.ops.borders import Crop, Pad
from dslc.ops.convolution import Conv
from dslc.ops.gating import LogSoftmax, Softmax
from dslc.ops.norm import BatchNorm, InstanceNorm
from dslc.ops.pool_adaptive import AdaptivePool, GlobalPool
from dslc.ops.resample import UpsampleMap
from dslc.ops.shape import Flatten
from dslc.ops.window import per_axis

APART: tuple[type[Op], ...] = (
    *ACTIVATIONS,
    *QUIET,
    *POOLS,
    AdaptivePool,
    BatchNorm,
    Crop,
    Flatten,
    GlobalPool,
    InstanceNorm,
    Pad,
    UpsampleMap,
)
"""Layers that compute each channel from itself."""


class UnmixedGroups(Lint, code="W1307", name="unmixed-groups"):
    """Grouped convolutions follow each other with nothing between that mixes the groups.

    A convolution in g groups is g small networks beside each other. If the next one that reads it has the same groups,
    and only layers of single channels stand between (norms, activations, pools), a channel of the result depends on 1/g
    of the channels before, however many layers there are: "this property blocks information flow between channel groups
    and weakens representation" (Zhang et al. 2018, ShuffleNet, section 3.1). A 1x1 convolution without groups between
    them mixes, and so does `shuffle(g)`, which costs nothing. Likewise for a last 1x1 convolution before the pool of a
    classifier: its classes are told from a part of the channels each.

    Of depthwise convolutions in a row it is said where an activation stands between: without one they are a large
    kernel in two parts (Guo et al. 2023, Visual Attention Network).

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(64, 3) -> bn -> relu -> conv(64, 3, g=4) -> bn -> relu -> conv(64, 3, g=4) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(64, 3) -> bn -> relu -> conv(64, 3, g=4) -> bn -> relu -> shuffle(4) -> conv(64, 3, g=4) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    Related: W1308.
    """

    groups: int
    channels: int
    ins: int
    last: bool

    @property
    def message(self) -> str:
        share = f"{self.ins // self.groups:,} of {self.ins:,} channels"
        if self.last:
            return f"{self.groups} groups and nothing after that mixes them: each result is computed from {share}"
        return f"{self.groups} groups of {self.groups} groups, and nothing between mixes them: each sees {share}"

    @property
    def label(self) -> str:
        return "a result of the network" if self.last else f"{self.groups} networks beside each other"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for first in net.of(Conv):
            op = op_of(first)
            if not isinstance(op, Conv) or op.g == 1:
                continue
            ins = net.shape(first.inputs[0])[1]
            second = net.after(first, *APART)
            if second is not None and follows(net, first, second):
                outs = net.shape(second.outs[0])[1]
                mistake = cls(op.g, outs, ins, last=False)
                yield net.at(mistake, second, written(second, "g"), [net.label(first, "the first")])
            elif ins > op.g and set(per_axis(op.k, first.inputs[0].type.rank - 2, "k")) == {1} and ends(net, first):
                yield net.at(cls(op.g, op.out, ins, last=True), first, written(first, "g"))


def follows(net: Network, first: Step, second: Step) -> bool:
    """Whether two convolutions have the same groups; of depthwise ones only where an activation stands between, without
    which they are one large kernel.
    """
    a, b = op_of(first), op_of(second)
    if not isinstance(a, Conv) or not isinstance(b, Conv) or a.g != b.g:
        return False
    depthwise = [net.shape(step.inputs[0])[1] == a.g for step in (first, second)]
    windows = all(any(side.kernel > 1 for side in sides(net, step)) for step in (first, second))
    between = windows and any(isinstance(op_of(step), ACTIVATIONS) for step in net.chain(first, *APART))
    return not any(depthwise) or (all(depthwise) and between)


def ends(net: Network, step: Step) -> bool:
    """Whether what follows, past layers of single channels and a pool of the whole map, is the end of the network."""
    last, pooled = step, False
    for following in net.chain(step, *APART, Softmax, LogSoftmax):
        last, pooled = following, pooled or isinstance(op_of(following), AdaptivePool | GlobalPool)
    return pooled and isinstance(op_of(last), (*APART, Softmax, LogSoftmax)) and last.outs[0] in net.results

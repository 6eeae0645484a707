"""A depthwise 1x1 convolution beside a norm."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.walk import Step
from dslc.lints.base import Lint
from dslc.lints.kinds import QUIET
from dslc.lints.network import Network, op_of
from dslc.lints.windows import sides, written
from dslc.ops.convolution import Conv
from dslc.ops.norm import BatchNorm, GroupNorm, InstanceNorm


class ScaleAlone(Lint, code="W1308", name="scale-alone"):
    """A 1x1 convolution with a group for each channel is one number per channel, which the norm beside it has already.

    With kernel 1 and as many groups as channels a convolution multiplies each channel by a weight and adds a bias.
    Batch norm does the same after it has normalised (Ioffe and Szegedy 2015, section 3.1), so that one of the two has
    no effect: of a scale before batch norm not even the size matters. A 1x1 convolution that mixes channels, as after
    a depthwise one, has `g=1` (Howard et al. 2017, MobileNets, section 3.1).

    Not spoken of: a branch among several that read the same map, which a network of many branches in training may have
    (MobileOne, RepVGG).

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> conv(16, 3, g=16) -> bn -> relu -> conv(16, 1, g=16) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> conv(16, 3, g=16) -> bn -> relu -> conv(16, 1) -> bn -> relu
        gap -> flatten -> linear(10)
    ```

    Related: W1307.
    """

    channels: int
    norm: str

    @property
    def message(self) -> str:
        what = f"a 1x1 convolution in {self.channels:,} groups mixes nothing"
        return f"{what}: it scales each channel, as `{self.norm}` does"

    @property
    def label(self) -> str:
        return f"{self.channels:,} weights, one for each channel"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Conv):
            op = op_of(step)
            if not isinstance(op, Conv) or op.g == 1 or op.out != op.g or net.shape(step.inputs[0])[1] != op.g:
                continue
            if any(side.kernel > 1 or side.stride > 1 for side in sides(net, step)):
                continue
            if len(net.readers(step.inputs[0])) > 1:
                continue
            norm = net.after(step, *QUIET)
            if not affine(norm):
                before = net.source(step.inputs[0], *QUIET)
                norm = before if before is not None and net.after(before, *QUIET) is step else None
            name = None if norm is None else op_of(norm)
            if norm is not None and name is not None and affine(norm):
                yield net.at(cls(op.g, name.name), step, written(step, "g"), [net.label(norm, "scales too")])


def affine(step: Step | None) -> bool:
    """Whether a step is a norm with a scale of its own for each channel."""
    return (
        step is not None
        and isinstance(op_of(step), (BatchNorm, GroupNorm, InstanceNorm))
        and bool(getattr(step.node, "params", {}).get("weight"))
    )

"""Group norm with one or two channels in a group."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.ops.norm import GroupNorm

ERRORS = {1: 28.4, 2: 25.6}
"""Error of ResNet-50 on ImageNet, in per cent, by the channels of a group: Wu and He 2018, table 3."""


class NarrowGroups(Lint, code="N1123", name="narrow-groups"):
    """Group norm has one or two channels in a group, and is instance norm or near it.

    Groups are there so that channels keep their sizes relative to each other; of one channel alone its mean and scale
    are lost, which image generation wants and recognition does not. ResNet-50 on ImageNet has an error of 28.4 % with
    1 channel in a group, 25.6 % with 2, 24.2 % with 16 (Wu and He 2018, Group normalization, table 3).

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(32, 3) -> gn(32) -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(32, 3) -> gn(4) -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1103.
    """

    channels: int
    groups: int

    @property
    def each(self) -> int:
        return self.channels // self.groups

    @property
    def message(self) -> str:
        if self.each == 1:
            return f"`gn({self.groups})` of {self.channels} channels is instance norm: one channel in each group"
        return f"`gn({self.groups})` of {self.channels} channels has {self.each} in each group"

    @property
    def label(self) -> str:
        return f"ResNet-50 on ImageNet: an error of {ERRORS[self.each]} % so, 24.2 % with 16 in a group"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(GroupNorm):
            op, channels = op_of(step), net.size(step.inputs[0].type.dims[1])
            if isinstance(op, GroupNorm) and channels // op.groups in ERRORS and channels > 2:
                yield net.at(cls(channels, op.groups), step, net.argument(step, "groups"))

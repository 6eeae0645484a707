"""A 1x1 convolution whose result is averaged: the mean can come first."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.cost.pointwise import is_pointwise
from dslc.lints.kinds import QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.convolution import Conv
from dslc.ops.pool import AvgPool
from dslc.ops.pool_adaptive import AdaptivePool, GlobalPool


class PoolAfter(Lint, code="N1510", name="pool-after-pointwise"):
    """A 1x1 convolution is followed by a mean over places: with the mean first it is the same, and costs a part.

    A 1x1 convolution does the same linear map at each place, and the mean of a linear map is the map of the mean, bias
    and all. With the pool in front the convolution runs at one place for each window: a quarter of the multiply-adds
    behind a pool of 2x2. DenseNet's transitions have the pool last (Huang et al. 2017, section 3), the 1x1 classifier
    of SqueezeNet has an activation between and is another matter (Iandola et al. 2016). It is said where a twentieth of
    the network's multiply-adds or more would be saved.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> conv(128, 1) -> avgpool(2) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> avgpool(2) -> conv(128, 1) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: N1511.
    """

    pool: str
    before: int
    after: int

    @property
    def message(self) -> str:
        return f"`{self.pool}` before this 1x1 convolution gives the same for {1 - self.after / self.before:.0%} less"

    @property
    def label(self) -> str:
        return f"{self.before:,} multiply-adds; {self.after:,} behind the pool"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Conv):
            pool = net.after(step, *QUIET) if is_pointwise(net, step) else None
            kind = None if pool is None else op_of(pool)
            if pool is None or not isinstance(kind, AvgPool | AdaptivePool | GlobalPool) or "max" in kind.name:
                continue
            if kind.name == "gmp" or (isinstance(kind, AvgPool) and kind.p not in (0, "valid")):
                continue
            ins, outs = net.shape(step.outs[0])[2:], net.shape(pool.outs[0])[2:] or (1,)
            before = net.numbers.cost.nodes[step.node].macs
            after = before * prod(outs) // prod(ins)
            if 20 * (before - after) >= net.numbers.cost.macs > 0:
                yield net.at(cls(kind.name, before, after), step, related=[net.label(pool, "the mean")])

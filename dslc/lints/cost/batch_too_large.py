"""A batch that the memory stated does not hold in training."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network


class BatchTooLarge(Lint, code="W1509", name="batch-too-large"):
    """The batch does not fit into the memory of the device when the network is trained.

    Beside weights, gradients and the two moments of Adam, a step of training keeps what the backward pass will read,
    and that grows with the batch (Micikevicius et al. 2018, section 3.1; docs/numbers.md has what is counted). It is a
    lower bound: workspaces and the context of the device come on top. A smaller batch with gradients added over
    several, 16 bits (`dslc stats --train` has both), or maps computed twice (Chen et al. 2016) are the ways out.

    ```dl fails
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        conv(64, 3) -> bn -> relu -> conv(64, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=64, W=64] -> [N, 10]:
        conv(64, 3, s=2) -> bn -> relu -> conv(64, 3, s=2) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: N1504.
    """

    wants: ClassVar[tuple[str, ...]] = ("batch", "memory")
    example: ClassVar[Mapping[str, object]] = {"batch": 64, "memory": "200MB"}

    batch: int
    needed: int
    memory: int
    fits: int

    @property
    def message(self) -> str:
        needed, there = f"{self.needed / 1e6:,.1f} MB", f"{self.memory / 1e6:,.1f}"
        return f"a batch of {self.batch:,} takes {needed} to train, and there are {there}"

    @property
    def label(self) -> str:
        return f"{self.fits:,} fit, with Adam in float32" if self.fits else "not one sample fits, with Adam in float32"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        from dslc.analysis.training import training

        batch, memory = net.facts.batch, net.facts.memory
        assert batch is not None and memory is not None
        held = training(net.model, net.trained)
        needed = held.memory(batch).total
        if needed > memory:
            fits = held.fit(memory).batch or 0
            yield cls(batch, needed, memory, fits).at(net.header)

"""Batch norm where a batch is a few samples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network
from dslc.ops.norm import BatchNorm

ERRORS = {2: 34.7, 4: 27.3, 8: 24.8, 16: 23.7}
"""Error of ResNet-50 with batch norm on ImageNet, in per cent, by samples of a batch: Wu and He 2018, table 2."""


class SmallBatch(Lint, code="N1121", name="small-batch"):
    """Batch norm is trained with a few samples in a batch, whose mean and variance are noise.

    The error of a mean over n samples falls with the root of n. On ImageNet ResNet-50 has an error of 23.6 % at batch
    32, 24.8 % at 8, 27.3 % at 4 and 34.7 % at 2; with group norm it is 24.1 % at each of them (Wu and He 2018, Group
    normalization, table 2). The batch is that of one device, unless statistics are exchanged.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> gn(4) -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1102.
    """

    wants: ClassVar[tuple[str, ...]] = ("batch",)
    example: ClassVar[Mapping[str, object]] = {"batch": 2}

    layers: int
    batch: int

    @property
    def message(self) -> str:
        them = "a batch norm takes" if self.layers == 1 else f"{self.layers} batch norms take"
        return f"{them} mean and variance from {self.batch} samples"

    @property
    def label(self) -> str:
        nearest = max(size for size in ERRORS if size <= self.batch)
        return f"ResNet-50 on ImageNet: an error of {ERRORS[nearest]} % at batch {nearest}, 24.1 % with group norm"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        norms = net.of(BatchNorm)
        if net.batch is not None and 2 <= net.batch < 8 and norms:
            yield net.at(cls(len(norms), net.batch), norms[0])

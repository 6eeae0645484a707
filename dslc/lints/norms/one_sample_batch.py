"""Batch norm where a batch is one sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import prod
from typing import ClassVar

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network
from dslc.ops.norm import BatchNorm


class OneSampleBatch(Lint, code="W1102", name="one-sample-batch"):
    """Batch norm is trained at batch 1, where its statistics are those of one sample.

    In training each map is then normed by its own mean and variance, as instance norm does, and in evaluation by
    running ones, which no sample had: the two networks differ. On ImageNet the error of ResNet-50 is 23.6 % at batch
    32, 27.3 % at 4 and 34.7 % at 2, and 24.1 % at each of them with group norm (Wu and He 2018, Group normalization,
    table 2). Where a map is one place there is a single value per channel, and PyTorch refuses to train.

    `gn`, `ln` and `inorm` take each sample by itself. The batch is stated by `--fact batch=1`, or in
    `[tool.dslc.lint]`; gradients that are summed over several steps do not make it larger.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> gn(4) -> relu -> gap -> flatten -> linear(10)
    ```

    Related: N1121, N1122.
    """

    wants: ClassVar[tuple[str, ...]] = ("batch",)
    example: ClassVar[Mapping[str, object]] = {"batch": 1}

    layers: int
    values: int

    @property
    def message(self) -> str:
        them = "a batch norm takes" if self.layers == 1 else f"{self.layers} batch norms take"
        return f"{them} mean and variance from one sample, at batch 1"

    @property
    def label(self) -> str:
        if self.values == 1:
            return "a single value per channel: PyTorch refuses to train it"
        return f"from {self.values:,} values of one map per channel"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        norms = net.of(BatchNorm)
        if net.batch == 1 and norms:
            least = min(norms, key=lambda step: prod(net.shape(step.inputs[0])[2:]))
            yield net.at(cls(len(norms), prod(net.shape(least.inputs[0])[2:])), least)

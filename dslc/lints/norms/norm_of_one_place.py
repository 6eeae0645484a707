"""Batch norm of maps of one place."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.network import Network
from dslc.ops.norm import BatchNorm


class NormOfOnePlace(Lint, code="N1122", name="norm-of-one-place"):
    """Batch norm stands on maps of 1x1, so that a batch of n samples gives n values for each mean and variance.

    On a map of 7x7 there are 49 times as many (Ioffe and Szegedy 2015, section 3.2, count m * p * q). With few samples
    the statistics are noise, and of one sample there is no variance: PyTorch refuses to train a batch of 1, as the
    last one of an epoch may be. Norm before the pool, or by `ln(axis=1)`, which takes each sample by itself.

    ```dl fails
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> relu -> gap -> bn -> flatten -> linear(10)
    ```

    ```dl
    net f on image[N, 3, H=32, W=32] -> [N, 10]:
        conv(16, 3) -> bn -> relu -> gap -> flatten -> linear(10)
    ```

    Related: W1102, N1121.
    """

    channels: int

    @property
    def message(self) -> str:
        return "batch norm of maps of one place: each channel has one value per sample"

    @property
    def label(self) -> str:
        return f"{self.channels:,} means and variances of as many values as the batch has samples"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(BatchNorm):
            x = step.inputs[0].type
            if x.rank > 2 and all(size == 1 for size in x.spatial):
                yield net.at(cls(net.size(x.dims[1])), step)

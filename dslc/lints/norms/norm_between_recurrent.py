"""Batch norm over the steps of a recurrent layer."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.kinds import ACTIVATIONS, MOVES, QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.norm import BatchNorm
from dslc.ops.recurrent import Recurrent


class NormBetweenRecurrent(Lint, code="N1124", name="norm-between-recurrent"):
    """Batch norm stands between two recurrent layers, with one mean and variance for all steps of all sequences.

    The steps of a sequence are alike, so that T of them count for much less than T values; padding of shorter
    sequences is counted in; and running statistics are those of the lengths that were trained. With batch norm between
    its layers an LSTM trains faster and generalises no better (Laurent et al. 2016, Batch normalized recurrent neural
    networks, section 5); `ln` takes each step by itself (Ba, Kiros and Hinton 2016, Layer normalization, section 3.1).

    ```dl fails
    net f on ids: int64[N, T=16] -> [N, 2]:
        embedding(100, 32) -> lstm(64) -> transpose(1, 2) -> bn -> transpose(1, 2) -> lstm(64) -> amax(1) -> linear(2)
    ```

    ```dl
    net f on ids: int64[N, T=16] -> [N, 2]:
        embedding(100, 32) -> lstm(64) -> ln -> lstm(64) -> amax(1) -> linear(2)
    ```

    Related: W1104.
    """

    before: str
    after: str
    steps: int

    @property
    def message(self) -> str:
        return f"batch norm between `{self.before}` and `{self.after}`: one mean and variance for all steps"

    @property
    def label(self) -> str:
        return f"{self.steps} steps, padding counted in; `ln` takes each by itself"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        through = (*ACTIVATIONS, *MOVES, *QUIET)
        for step in net.of(BatchNorm) if net.of(Recurrent) else ():
            before, after = net.source(step.inputs[0], *through), net.after(step, *through)
            first, last = (None if near is None else op_of(near) for near in (before, after))
            if isinstance(first, Recurrent) and isinstance(last, Recurrent):
                yield net.at(cls(first.name, last.name, net.shape(step.inputs[0])[-1]), step)

"""Dropout right before batch norm."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.kinds import ACTIVATIONS, MOVES
from dslc.lints.network import Network, op_of
from dslc.ops.identity import Identity
from dslc.ops.norm import BatchNorm
from dslc.ops.regularise import Dropout, Dropout2d


class DropoutBeforeNorm(Lint, code="W1105", name="dropout-before-norm"):
    """Dropout stands right before batch norm, whose running variance is then that of training alone.

    Dropout with rate p keeps the mean and makes the mean square 1 / (1 - p) times as large, in training only. Batch
    norm keeps that larger variance and divides by it in evaluation, where nothing is dropped: values come out too
    small, by up to sqrt(1 - p), in every layer where it is done. Li, Chen, Hu and Yang 2019 (Understanding the
    disharmony between dropout and batch normalization by variance shift, section 3) measure that accuracy falls. After
    the last norm of the network dropout does no harm (section 5 there); behind the norm's activation it also meets the
    next layer first.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        linear(128, bias=false) -> dropout(0.5) -> bn -> relu -> linear(10)
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        linear(128, bias=false) -> bn -> relu -> dropout(0.5) -> linear(10)
    ```

    Related: W1108.
    """

    dropout: str
    p: float

    @property
    def message(self) -> str:
        return f"`{self.dropout}({self.p:g})` right before batch norm: its running variance holds in training alone"

    @property
    def label(self) -> str:
        if self.p == 1:
            return "it is 0 in training"
        return f"a mean square {1 / (1 - self.p):.2f} times that of evaluation"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Dropout, Dropout2d) if net.of(BatchNorm) else ():
            op, norm = op_of(step), net.after(step, Identity, *ACTIVATIONS, *MOVES)
            if not isinstance(op, Dropout | Dropout2d) or op.p == 0 or norm is None:
                continue
            if isinstance(op_of(norm), BatchNorm):
                yield net.at(cls(op.name, op.p), step, related=[net.label(norm, "here")])

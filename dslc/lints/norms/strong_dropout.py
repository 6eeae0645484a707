"""Dropout of nearly everything."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.edits import instead
from dslc.lints.network import Network, op_of
from dslc.lints.windows import number
from dslc.ops.regularise import AlphaDropout, Dropout, Dropout2d, DropPath

MOST = 0.8


class StrongDropout(Lint, code="W1108", name="strong-dropout"):
    """Dropout takes away more than four of five values.

    Units are kept with a probability between 0.5 and 0.8 (Srivastava et al. 2014, appendix A.4); with 0.1 to 0.2 kept
    the network underfits, as training error itself shows (section 7.3 and figure 9 there). `p` is the probability to
    be dropped: 0.9 keeps one value in ten, and the mean square of what is left is ten times as large in training. In
    some libraries and papers the number is that of being kept. At 1 nothing is left, and no gradient comes through.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> dropout(0.9) -> linear(10)
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> dropout(0.1) -> linear(10)
    ```

    Related: W1105.
    """

    dropout: str
    p: float

    @property
    def message(self) -> str:
        if self.p == 1:
            return f"`{self.dropout}` drops everything in training"
        return f"`{self.dropout}` drops {self.p:.0%} of all values in training"

    @property
    def label(self) -> str:
        if self.p == 1:
            return "nothing before it is trained"
        return f"{1 - self.p:.2g} of them are kept"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Dropout, Dropout2d, AlphaDropout, DropPath):
            op = op_of(step)
            if isinstance(op, Dropout | Dropout2d | AlphaDropout | DropPath) and op.p > MOST:
                kept = instead(number(step, "p"), f"{round(1 - op.p, 6):g}") if op.p < 1 else ()
                yield net.at(cls(op.name, op.p), step, net.argument(step, "p"), help=kept)

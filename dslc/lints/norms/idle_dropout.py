"""Dropout of nothing."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.edits import without
from dslc.lints.network import Network, op_of
from dslc.lints.windows import number
from dslc.ops.regularise import AlphaDropout, Dropout, Dropout2d, DropPath


class IdleDropout(Lint, code="N1127", name="idle-dropout"):
    """A dropout of 0 is written out, and does nothing.

    With probability 0 nothing is dropped and nothing is scaled (Srivastava et al. 2014, section 4). A rate that comes
    from a parameter of the block is not spoken of: its user chooses it.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> dropout(0) -> linear(10)
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> linear(10)
    ```

    Related: W1108.
    """

    dropout: str

    @property
    def message(self) -> str:
        return f"`{self.dropout}(0)` drops nothing"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for step in net.of(Dropout, Dropout2d, AlphaDropout, DropPath):
            op, written = op_of(step), number(step, "p")
            if isinstance(op, Dropout | Dropout2d | AlphaDropout | DropPath) and op.p == 0 and written is not None:
                yield net.at(cls(op.name), step, written, help=without(step.node.span))

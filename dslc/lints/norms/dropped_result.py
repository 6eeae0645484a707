"""Dropout of what a network gives."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.edits import without
from dslc.lints.kinds import LINEAR, MOVES
from dslc.lints.network import Network, op_of
from dslc.ops.base import Op
from dslc.ops.gating import LogSoftmax, Softmax
from dslc.ops.identity import Identity
from dslc.ops.regularise import AlphaDropout, Dropout, Dropout2d

ENDS: tuple[type[Op], ...] = (Identity, Softmax, LogSoftmax, *MOVES)


class DroppedResult(Lint, code="W1110", name="dropped-result"):
    """Dropout stands behind the last layer, and takes away outputs at random.

    Dropout is for what a layer reads, so that it relies on no single unit (Srivastava et al. 2014, section 1). Of the
    outputs themselves it makes errors that nothing can mend: a logit that is dropped is 0, and the others are
    1 / (1 - p) times as large; the loss of an answer that was right grows in every step.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> linear(10) -> dropout(0.5)
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> dropout(0.5) -> linear(10)
    ```

    Related: W1105.
    """

    dropout: str
    p: float
    layer: str
    outputs: int

    @property
    def message(self) -> str:
        return f"`{self.dropout}` behind the last `{self.layer}` drops results of the network"

    @property
    def label(self) -> str:
        return f"in training {self.p * self.outputs:.3g} of {self.outputs:,} outputs are 0"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for result in net.results:
            step = net.source(result, *ENDS)
            op = None if step is None else op_of(step)
            if step is None or not isinstance(op, Dropout | Dropout2d | AlphaDropout) or op.p == 0:
                continue
            made = net.source(step.inputs[0], *ENDS)
            layer = None if made is None else op_of(made)
            if made is not None and isinstance(layer, LINEAR):
                outputs = net.shape(made.outs[0])[1 if made.outs[0].type.channel == 1 else -1]
                yield net.at(cls(op.name, op.p, layer.name, outputs), step, help=without(step.node.span))

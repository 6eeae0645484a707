"""A layer with parameters whose result nothing reads."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Node
from dslc.ir.walk import Needed
from dslc.lints.base import Lint
from dslc.lints.network import Network


class UnreadLayer(Lint, code="N1703", name="unread-layer"):
    """A layer has parameters, and nothing reads what it computes.

    A name that begins with `_` says that a value is not wanted. Where a layer with weights makes it, these are in the
    state dict and in the optimiser, and never change: no gradient reaches them, and where gradients of several machines
    are added up, training stops at them (Li et al. 2020, PyTorch Distributed, section 3.2.3, on unused parameters).
    Leave the layer out, or let a result have it.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        linear(32) -> relu
        _aside = linear(16)
        it -> linear(10)
    ```

    ```dl
    net f on x[N, 64] -> y, aside:
        linear(32) -> relu
        aside = linear(16)
        y = it -> linear(10)
    ```

    Related: W1702.
    """

    layer: str
    count: int

    @property
    def message(self) -> str:
        return f"nothing reads what `{self.layer}` computes"

    @property
    def label(self) -> str:
        return f"{self.count:,} parameters that no gradient reaches"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        used = {param for step in net.steps for param in net.params(step)}
        for step in net.flat.steps:
            if step.needed is not Needed.NEVER or not isinstance(step.node, Node):
                continue
            own = [p for p in step.node.params.values() if p not in used and p.spec.kind == "param"]
            if own:
                used.update(own)
                yield net.at(cls(step.node.op.name, sum(param.spec.count for param in own)), step)

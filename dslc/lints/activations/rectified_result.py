"""A network whose results cannot be below zero."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.edits import without
from dslc.lints.kinds import QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.activation import Relu, Relu6
from dslc.ops.linear import Linear


class RectifiedResult(Lint, code="N1221", name="rectified-result"):
    """The last layer of a network is a rectifier, so that its results cannot be below 0.

    A classifier's logits and most targets have both signs. At initialisation half of the outputs are 0, with no
    gradient, and one that is 0 for all samples stays so (Maas, Hannun and Ng 2013, section 2). For numbers that are
    never negative `softplus` keeps a gradient; features for another network may well be rectified.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> linear(10) -> relu
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> linear(10)
    ```

    Related: W1210.
    """

    act: str
    outputs: int

    @property
    def message(self) -> str:
        return f"the last layer is `{self.act}`: no result can be below 0"

    @property
    def label(self) -> str:
        return f"half of {self.outputs:,} outputs begin without a gradient" if self.outputs > 1 else ""

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for result in net.results:
            act = net.source(result, *QUIET)
            op = None if act is None else op_of(act)
            before = None if act is None else net.source(act.inputs[0], *QUIET)
            if (
                act is None
                or not isinstance(op, Relu | Relu6)
                or before is None
                or not isinstance(op_of(before), Linear)
            ):
                continue
            earlier = [step for step in net.of(Linear) if step is not before]
            if earlier:
                yield net.at(cls(op.name, net.shape(result)[-1]), act, help=without(act.node.span))

"""A norm at the end of a head that predicts numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.edits import without
from dslc.lints.kinds import MOVES, NORMS, QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.norm import BatchNorm


class NormedResult(Lint, code="W1107", name="normed-result"):
    """The last layer of a network that is trained on numbers is a norm.

    A squared or absolute error wants outputs of the targets' mean and scale for each sample. Batch norm gives all of a
    batch mean `bias` and deviation `weight`, so that what one sample gets depends on which others came with it, and in
    evaluation on a running average (Ioffe and Szegedy 2015, section 3.1); a norm of each sample takes away its size,
    which is what was to be learned. Norm the layer before, and end with a linear map.

    The loss is stated by `--fact loss=mse`, or in `[tool.dslc.lint]`; `mse` and `l1` are meant here.

    ```dl fails
    net f on x[N, 64] -> [N, 1]:
        linear(128) -> relu -> linear(1, bias=false) -> bn
    ```

    ```dl
    net f on x[N, 64] -> [N, 1]:
        linear(128, bias=false) -> bn -> relu -> linear(1)
    ```

    Related: W1106.
    """

    wants: ClassVar[tuple[str, ...]] = ("loss",)
    example: ClassVar[Mapping[str, object]] = {"loss": "mse"}

    norm: str
    of_batch: bool
    outputs: int

    @property
    def message(self) -> str:
        return f"`{self.norm}` is the last layer before an error of numbers"

    @property
    def label(self) -> str:
        count = f"each of {self.outputs:,} outputs has" if self.outputs > 1 else "the output has"
        if self.of_batch:
            return f"{count} a fixed mean and deviation over each batch"
        return "a sample's size is taken away"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        if net.facts.loss not in ("mse", "l1"):
            return
        for result in net.results:
            norm = net.source(result, *QUIET, *MOVES)
            op = None if norm is None else op_of(norm)
            if norm is not None and isinstance(op, NORMS):
                outputs = net.size(norm.inputs[0].type.dims[1 if isinstance(op, BatchNorm) else -1])
                yield net.at(cls(op.name, isinstance(op, BatchNorm), outputs), norm, help=without(norm.node.span))

"""Two linear maps with nothing between them."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.base import Lint
from dslc.lints.kinds import QUIET
from dslc.lints.network import Network
from dslc.ops.linear import Linear


class LinearPair(Lint, code="W1201", name="linear-pair"):
    """Two linear maps follow each other with no activation between, and are one linear map.

    The product of two matrices is a matrix: `W2 (W1 x + b1) + b2 = (W2 W1) x + (W2 b1 + b2)`, so that depth adds
    nothing without a function between (Goodfellow, Bengio and Courville 2016, section 6.1). An activation was
    forgotten, or the first map can be left out. Where it is narrower than both its sides the pair is
    a factorisation of low rank, which has fewer parameters than one map and is not spoken of.

    ```dl fails
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> linear(10)
    ```

    ```dl
    net f on x[N, 64] -> [N, 10]:
        linear(128) -> relu -> linear(10)
    ```

    Related: W1203.
    """

    ins: int
    middle: int
    outs: int

    @property
    def message(self) -> str:
        return f"`linear({self.middle})` and `linear({self.outs})` are one linear map: no activation stands between"

    @property
    def label(self) -> str:
        pair, alone = self.middle * (self.ins + self.outs), self.ins * self.outs
        return f"{pair:,} weights do what {alone:,} can"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for second in net.of(Linear):
            first = net.source(second.inputs[0], *QUIET)
            if first is None or first not in net.of(Linear) or net.after(first, *QUIET) is not second:
                continue
            ins, middle, outs = (net.shape(v)[-1] for v in (first.inputs[0], first.outs[0], second.outs[0]))
            if middle * (ins + outs) >= ins * outs:
                yield net.at(cls(ins, middle, outs), second, related=[net.label(first, "the first")])

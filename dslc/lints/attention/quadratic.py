"""Attention whose products of tokens with tokens cost more than all else."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.attends import attentions
from dslc.lints.base import Lint
from dslc.lints.network import Network, op_of
from dslc.ops.attention import Attention


class QuadraticAttention(Lint, code="N1604", name="quadratic-attention"):
    """At the default length, products of tokens with tokens cost more than all weights together.

    Scores and weighted means take 2 T^2 D multiply-adds of T tokens of width D, and the weights of a layer some 12 T
    D^2 (Vaswani et al. 2017, table 1; Kaplan et al. 2020, Scaling Laws for Neural Language Models, table 1): beyond T =
    6 D the square wins, and twice the length costs four times as much. Attention within windows (Liu et al. 2021), keys
    and values at fewer places (Wang et al. 2021, Pyramid Vision Transformer), or larger patches are the remedies. It is
    said where the square takes more than half of the network.

    ```dl fails
    use std.attention: positions, encoder
    net f on ids: int64[N, T=4096] -> [N, 10]:
        embedding(1000, 64) -> positions -> encoder(2) -> mean(1) -> linear(10)
    ```

    ```dl
    use std.attention: positions, encoder
    net f on ids: int64[N, T=256] -> [N, 10]:
        embedding(1000, 64) -> positions -> encoder(2) -> mean(1) -> linear(10)
    ```

    Related: N1502.
    """

    tokens: int
    uses: int
    macs: int
    total: int

    @property
    def message(self) -> str:
        return (
            f"products of {self.tokens:,} tokens with each other take {self.macs / self.total:.0%} of all multiply-adds"
        )

    @property
    def label(self) -> str:
        rest = self.total - self.macs
        times = "in one use" if self.uses == 1 else f"in {self.uses} uses"
        return f"{self.macs:,} {times}, {rest:,} in all else; 4 times as many at twice the length"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        uses = [use for use in attentions(net) if isinstance(op_of(use.step), Attention)]
        uses = [use for use in uses if use.among_themselves]
        if not uses:
            return
        cost = net.numbers.cost
        macs = sum(cost.nodes[use.step.node].macs for use in uses)
        if 2 * macs > cost.macs:
            worst = max(uses, key=lambda use: cost.nodes[use.step.node].macs)
            yield net.at(cls(net.size(worst.places[1]), len(uses), macs, cost.macs), worst.step)

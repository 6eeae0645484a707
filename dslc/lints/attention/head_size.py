"""Heads of a size that hardware pads, or that is too small to tell tokens apart."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.lints.attends import attentions
from dslc.lints.base import Lint
from dslc.lints.network import Network


class HeadSize(Lint, code="N1602", name="head-size"):
    """The features of a head are no multiple of 8, or so few that heads can hardly tell tokens apart.

    Kernels of attention work on 8 features at a time in 16 bits (NVIDIA, Deep Learning Performance Guide, 2023: sizes
    that are multiples of 16 bytes use tensor cores), and fill a head of 7 up to 8, or leave the fast path. And scores
    of heads with d features are a matrix of rank d: of T tokens that are many more, no pattern can be told in which
    each attends to another one (Bhojanapalli et al. 2020, Low-Rank Bottleneck in Multi-head Attention Models, theorem
    1).
    Published networks have 32 to 128 features in a head; fewer heads of the same width have more. It is said of heads
    below 16 where there are more tokens than features, and of sizes that 8 does not divide.

    ```dl fails
    use std.attention: positions, encoder
    net f on ids: int64[N, T=16] -> [N, 10]:
        embedding(1000, 56) -> positions -> encoder(8) -> mean(1) -> linear(10)
    ```

    ```dl
    use std.attention: positions, encoder
    net f on ids: int64[N, T=16] -> [N, 10]:
        embedding(1000, 64) -> positions -> encoder(4) -> mean(1) -> linear(10)
    ```

    Related: W1603.
    """

    size: int
    tokens: int

    @property
    def message(self) -> str:
        return f"heads of {self.size} features"

    @property
    def label(self) -> str:
        full = -(-self.size // 8) * 8
        if full != self.size:
            return f"filled up to {full} in 16 bits: {1 - self.size / full:.0%} of the products are wasted"
        return f"scores of {self.tokens} tokens have rank {self.size}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for use in attentions(net):
            tokens = net.size(use.places[1])
            if use.q.type.rank > 3 and (use.features % 8 or (use.features < 16 and tokens > use.features)):
                yield net.at(cls(use.features, tokens), use.step)

"""Scores of attention that are not divided by the root of the features."""

from __future__ import annotations

from collections.abc import Iterator
from math import sqrt

from dslc.diagnostics.model import Diagnostic
from dslc.lints.attends import attentions, origin, spread
from dslc.lints.base import Lint
from dslc.lints.edits import given
from dslc.lints.network import Network, op_of
from dslc.ops.attention import Attention
from dslc.ops.norm import LayerNorm, RmsNorm
from dslc.ops.norm_length import L2Norm


class UnscaledAttention(Lint, code="W1603", name="unscaled-attention"):
    """The scores of attention are products of many features, and are not scaled: the softmax is close to one choice.

    A product of queries and keys of d features with variance 1 has variance d. "For large values of d the dot products
    grow large in magnitude, pushing the softmax into regions where it has extremely small gradients. To counteract this
    effect, we scale the dot products by 1/sqrt(d)" (Vaswani et al. 2017, section 3.2.1). What is said is how much
    scores of two projections deviate at initialisation, by the initialisers, of inputs with variance 1: it is said
    above 1. Scaled queries, normalised queries and keys, or an initialiser that is as much smaller (Raffel et al. 2020)
    do the same as a scale.

    ```dl fails
    net f on x[N, T=16, 64] -> [N, T, 64]:
        q = x -> linear(64)
        k = x -> linear(64)
        v = x -> linear(64)
        weights = (q @ transpose(k, 1, 2)) -> softmax(axis=-1)
        weights @ v
    ```

    ```dl
    net f on x[N, T=16, 64] -> [N, T, 64]:
        q = x -> linear(64)
        k = x -> linear(64)
        v = x -> linear(64)
        sdpa(q, k, v)
    ```

    Related: N1602.
    """

    features: int
    deviation: float

    @property
    def message(self) -> str:
        return f"scores of attention are sums of {self.features} products, and are not scaled"

    @property
    def label(self) -> str:
        scaled = self.deviation / sqrt(self.features)
        return f"at initialisation they deviate by {self.deviation:.1f}; times 1/sqrt({self.features}) by {scaled:.2g}"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for use in attentions(net):
            if use.factor != 1 or use.features == 1:
                continue
            makers = [origin(net, side).step for side in (use.q, use.k)]
            if any(isinstance(None if step is None else op_of(step), L2Norm | LayerNorm | RmsNorm) for step in makers):
                continue
            sides = [spread(net, side) for side in (use.q, use.k)]
            if sides[0] is None or sides[1] is None:
                continue
            deviation = sqrt(use.features) * sides[0] * sides[1]
            if deviation > 1:
                whole = isinstance(op_of(use.step), Attention)
                span = net.argument(use.step, "scale") if whole else None
                help = given(use.step, "scale", f"1 / sqrt({use.features})") if whole else ()
                yield net.at(cls(use.features, deviation), use.step, span, help=help)

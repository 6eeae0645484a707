"""A bias of keys, which a softmax takes away."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Node
from dslc.lints.attends import attentions, origin
from dslc.lints.base import Lint
from dslc.lints.edits import given
from dslc.lints.network import Network, op_of
from dslc.ops.linear import Linear


class KeyBias(Lint, code="N1606", name="key-bias"):
    """The bias of the keys of attention has no effect.

    It adds the same number, `q b`, to all scores of a query, and a softmax is the same for numbers that are all larger
    by as much: `softmax(s + c) = softmax(s)` (Namazifar, Hazarika and Hakkani-Tur 2023, Role of Bias Terms in
    Dot-Product Attention, section 3). Its gradient is zero. Of one projection for queries, keys and values a third of
    the bias is of that kind, and nothing is said: it costs less than to take it apart. Rotated or normalised keys are
    another matter.

    ```dl fails
    net f on x[N, T=16, 64] -> [N, T, 64]:
        q = x -> linear(64)
        k = x -> linear(64)
        v = x -> linear(64)
        sdpa(q, k, v)
    ```

    ```dl
    net f on x[N, T=16, 64] -> [N, T, 64]:
        q = x -> linear(64)
        k = x -> linear(64, bias=false)
        v = x -> linear(64)
        sdpa(q, k, v)
    ```

    Related: W1101.
    """

    count: int

    @property
    def message(self) -> str:
        return "the bias of these keys has no effect: it adds the same to all scores of a query"

    @property
    def label(self) -> str:
        return f"{self.count:,} parameters that do nothing"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for use in attentions(net):
            keys, queries = origin(net, use.k).step, origin(net, use.q).step
            if keys is None or keys in (queries, origin(net, use.v).step):
                continue
            if not isinstance(keys.node, Node) or keys.node.span.source.is_library:
                continue
            bias = keys.node.params.get("bias")
            alone = keys.outs[0] if isinstance(op_of(keys), Linear) else None
            if bias is None or alone is None or len(net.readers(alone)) > 1:
                continue
            heads = net.shape(use.k)[-3] if use.k.type.rank > 3 else 1
            if use.features * heads == net.shape(alone)[-1]:
                label, help = net.label(use.step, "read here"), given(keys, "bias", "false")
                yield net.at(cls(bias.spec.count), keys, net.argument(keys, "bias"), [label], help)

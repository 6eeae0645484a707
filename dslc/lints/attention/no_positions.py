"""Attention that does not know where a token stands."""

from __future__ import annotations

from collections.abc import Iterator
from math import lgamma, log
from typing import Final

from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Value
from dslc.ir.walk import Step
from dslc.lints.attends import Attended, attentions
from dslc.lints.base import Lint
from dslc.lints.kinds import NORMS, QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.activation import Elementwise
from dslc.ops.arithmetic import Add, Binary, Logical, Neg, Not
from dslc.ops.attention import Attention
from dslc.ops.base import Op
from dslc.ops.convolution import Conv
from dslc.ops.create import Cast, Where
from dslc.ops.einops import Rearrange, Reduce
from dslc.ops.functions import Function
from dslc.ops.gating import Gated, ParametricRelu, Softmax
from dslc.ops.index import Index
from dslc.ops.joining import Cat, Stack
from dslc.ops.linear import Embedding, Linear
from dslc.ops.norm_length import L2Norm
from dslc.ops.pool_adaptive import GlobalPool
from dslc.ops.product import MatMul
from dslc.ops.reduce import Reduction
from dslc.ops.shape import Chunk, Expand, Flatten, Reshape, Split, Transpose, Unbind

ALIKE: Final[tuple[type[Op], ...]] = (
    *NORMS, *QUIET, Elementwise, ParametricRelu, Gated, Function, L2Norm, Softmax, Cast, Neg, Not, Logical,
    Embedding, Reduction, Reduce, GlobalPool, Rearrange, Transpose, Expand, Chunk, Split, Unbind, Cat, Stack,
)  # fmt: skip
"""What does the same to all tokens, or takes them all as one set."""


class NoPositions(Lint, code="W1601", name="no-positions"):
    """Attention gets tokens without their positions: words in any order are the same text to it.

    Attention is a weighted mean, and weights depend on what tokens hold, not on where they stand: with tokens in
    another order its results are in that order too, and a mean over them is the same (Vaswani et al. 2017, section 3.5:
    "since our model contains no recurrence and no convolution .. we must inject some information about the relative or
    absolute position"). Of 16 tokens all 16!, some 2e13 orders, are one. A table of positions, `rotary`, a bias by
    distance, or a causal mask (Haviv et al. 2022, Transformer Language Models without Positional Encodings Still Learn
    Positional Information) tells orders apart. It is said of words and of patches of an image, which have an order;
    points and other sets have none.

    ```dl fails
    use std.attention: encoder
    net f on ids: int64[N, T=16] -> [N, 10]:
        embedding(1000, 64) -> encoder(4) -> mean(1) -> linear(10)
    ```

    ```dl
    use std.attention: encoder, positions
    net f on ids: int64[N, T=16] -> [N, 10]:
        embedding(1000, 64) -> positions -> encoder(4) -> mean(1) -> linear(10)
    ```

    Related: W1607.
    """

    tokens: int
    what: str

    @property
    def message(self) -> str:
        return f"attention does not know where its {self.tokens} tokens stand: no positions of {self.what} reach it"

    @property
    def label(self) -> str:
        power = lgamma(self.tokens + 1) / log(10)
        return f"{self.tokens}! orders, " + (f"{10**power:.0f}" if power < 5 else f"1e{int(power)}") + ", are one to it"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        uses = list(attentions(net))
        ordered = [step for step in net.of(Embedding) if net.shape(step.outs[0])[-2:-1] > (1,)]
        patches = [step for step in net.of(Conv) if _patches(step)]
        if not uses or not (ordered or patches) or _knows_places(net, uses):
            return
        use = next((u for u in uses if u.among_themselves), None)
        if use is not None and (tokens := net.size(use.places[1])) > 1:
            yield net.at(cls(tokens, "words" if ordered else "patches"), use.step)


def _patches(step: Step) -> bool:
    """Whether a convolution cuts a map into patches that share no place."""
    op = op_of(step)
    if not isinstance(op, Conv):
        return False
    kernel, stride = (side if isinstance(side, tuple) else (side,) for side in (op.k, op.s))
    return op.padding_mode == "zeros" and max(kernel) > 1 and max(kernel) <= min(stride) and op.p in (0, "valid")


def _knows_places(net: Network, uses: list[Attended]) -> bool:
    """Whether anything in a network tells one place from another, or may do so."""
    tables = [step for step in net.of(Embedding) if step.inputs[0] in net.model.root.inputs]
    if len({step.inputs[0] for step in tables if _may_number(net, step)}) > 1:
        return True
    moving = set(net.model.root.inputs)
    for step in net.steps:
        if moving.intersection(step.inputs):
            moving.update(step.outs)
            if not _alike(net, step, moving):
                return True
    return any(use.causal for use in uses)


def _may_number(net: Network, step: Step) -> bool:
    """Whether a table has a row for each place, so that a further input may say where tokens stand."""
    op = op_of(step)
    return isinstance(op, Embedding) and op.count >= net.shape(step.outs[0])[-2]


def _alike(net: Network, step: Step, moving: set[Value]) -> bool:
    """Whether a step does the same to all tokens; False where that is not certain."""
    op = op_of(step)
    fixed = [value for value in step.inputs if value not in moving]
    if isinstance(op, Binary | Where | Attention):
        return not any(_differs(net, value) for value in fixed)
    if isinstance(op, MatMul):
        return not fixed
    if isinstance(op, Linear):
        return step.inputs[0].type.channel in (None, step.inputs[0].type.rank - 1)
    if isinstance(op, Conv):
        return _patches(step) or op.k == 1 or (isinstance(op.k, tuple) and max(op.k) == 1)
    if isinstance(op, Index):
        entries = op.entries(step.inputs[0].type)
        return not any(e.tensor is not None or (e.bounds[2] is not None and e.step != 1) for e in entries)
    if isinstance(op, Flatten):
        return (
            net.shape(step.inputs[0])[1:] == net.shape(step.outs[0])[1:]
            or step.outs[0].type.rank > 2
            or all(size == 1 for size in net.shape(step.inputs[0])[2:])
        )
    if isinstance(op, Reshape):
        return step.inputs[0].type.dims[:2] == step.outs[0].type.dims[:2]
    return isinstance(op, ALIKE) and not (isinstance(op, Add) and fixed)


def _differs(net: Network, value: Value) -> bool:
    """Whether a value that no input changes may differ from token to token: it has more than features."""
    return any(size > 1 for size in net.shape(value)[:-1])

"""A language model whose tokens see those that they are to foretell."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Param, Value
from dslc.lints.attends import attentions
from dslc.lints.base import Lint
from dslc.lints.edits import given
from dslc.lints.kinds import NORMS, QUIET
from dslc.lints.network import Network, op_of
from dslc.ops.arithmetic import Add
from dslc.ops.attention import Attention
from dslc.ops.linear import Embedding, Linear


class MissingCausal(Lint, code="W1607", name="missing-causal"):
    """A model of language tells the next word at each place, and each place sees the words after it.

    The loss at place t is that of word t + 1, which attention without a mask has among its keys: the network learns to
    copy it, the loss falls to nothing, and nothing can be written with it (Vaswani et al. 2017, section 3.2.3: "we need
    to prevent leftward information flow in the decoder to preserve the auto-regressive property"). Of T places the
    middle one sees T/2 words too many. `causal=true` of `sdpa`, `attention` and `encoder` hides them.

    It is said where the result has a score for each word of the table at each place, by the table's own weights, right
    behind the last norm; or, with the fact `task=language_model`, of any such result. A model that fills gaps sees both
    sides: it has a layer of its own before these scores (Devlin et al. 2019), and where it has not, allow this.

    ```dl fails
    use std.attention: encoder
    net f(vocab: int = 1000) on ids: int64[N, T=16] -> [N, T, vocab]:
        module words = embedding(vocab, 64, init=normal(std=0.02))
        param places: [1, T, 64] = normal(std=0.02)
        (words(ids) + places) -> encoder(4) -> ln -> linear(vocab, weight=words.weight, bias=false)
    ```

    ```dl
    use std.attention: encoder
    net f(vocab: int = 1000) on ids: int64[N, T=16] -> [N, T, vocab]:
        module words = embedding(vocab, 64, init=normal(std=0.02))
        param places: [1, T, 64] = normal(std=0.02)
        (words(ids) + places) -> encoder(4, causal=true) -> ln -> linear(vocab, weight=words.weight, bias=false)
    ```

    Related: W1601, W1608.
    """

    tokens: int

    @property
    def message(self) -> str:
        return "this tells the next word at each place, and attention sees the words after it: there is no causal mask"

    @property
    def label(self) -> str:
        return f"the first of {self.tokens} places sees {self.tokens - 1} words that are to be told"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        tables = [step for step in net.of(Embedding) if step.inputs[0] in net.model.root.inputs]
        if not tables or not any(_scores(net, value) for value in net.results):
            return
        uses = list(attentions(net))
        if any(use.masked for use in uses):
            return
        for use in uses:
            if use.among_themselves and (tokens := net.size(use.places[1])) > 1:
                whole = isinstance(op_of(use.step), Attention)
                span = net.argument(use.step, "causal") if whole else None
                help = given(use.step, "causal", "true") if whole else ()
                yield net.at(cls(tokens), use.step, span, help=help)


def _scores(net: Network, value: Value) -> bool:
    """Whether a result has scores for each word at each place, as a model of the next word tells them."""
    head = net.source(value, *QUIET)
    if head is None or not isinstance(op_of(head), Linear) or value.type.rank != 3:
        return False
    tables = [step for step in net.of(Embedding) if step.inputs[0] in net.model.root.inputs]
    words = [net.params(step)[0] if net.params(step) else None for step in tables]
    places = {net.shape(step.outs[0])[1:2] for step in tables}
    if net.shape(value)[1:2] not in places:
        return False
    if net.facts.task == "language_model":
        return any(table is not None and table.spec.shape[0] == net.shape(value)[-1] for table in words)
    tied = {value.producer for value in head.tied.values() if isinstance(value.producer, Param)}
    before = net.source(head.inputs[0], *QUIET)
    return (
        bool(tied.intersection(words)) and before is not None and _behind_stream(net, before.inputs[0], op_of(before))
    )


def _behind_stream(net: Network, value: Value, op: object) -> bool:
    """Whether a head reads the norm of a sum, as it does behind the last layer of a stream."""
    if isinstance(op, Add):
        return True
    maker = net.source(value, *QUIET)
    return isinstance(op, NORMS) and maker is not None and isinstance(op_of(maker), Add)

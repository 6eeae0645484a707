"""A table that is the last layer too, and is drawn at a scale that only a table may have."""

from __future__ import annotations

from collections.abc import Iterator
from math import log, sqrt

from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Param
from dslc.lints.attends import origin
from dslc.lints.base import Lint
from dslc.lints.drawn import deviation
from dslc.lints.kinds import NORMS
from dslc.lints.network import Network, op_of
from dslc.ops.linear import Embedding, Linear


class TiedScale(Lint, code="W1608", name="tied-scale"):
    """The table of words is the last layer too, and is drawn so wide that scores are huge at first.

    `embedding` draws numbers of variance 1, as torch.nn.Embedding does, which suits a table that is read. As weights
    over D features of variance 1 they make scores that deviate by sqrt(D): with 768 by 28, so that the first loss is
    about 28 sqrt(2 log(words)), some 130, in place of log(words), and the softmax has one choice. Press and Wolf 2017
    tie the two; Radford et al. 2019 draw both with std 0.02, so that scores deviate by 0.55; Vaswani et al. 2017,
    section 3.4, draw with 1/sqrt(D) and multiply the words that are read by sqrt(D). It is said where scores deviate by
    more than 3.

    ```dl fails
    net f(vocab: int = 1000) on ids: int64[N, T=16] -> [N, T, vocab]:
        module words = embedding(vocab, 64)
        words(ids) -> lstm(64) -> ln -> linear(vocab, weight=words.weight, bias=false)
    ```

    ```dl
    net f(vocab: int = 1000) on ids: int64[N, T=16] -> [N, T, vocab]:
        module words = embedding(vocab, 64, init=normal(std=0.02))
        words(ids) -> lstm(64) -> ln -> linear(vocab, weight=words.weight, bias=false)
    ```

    Related: W1607.
    """

    words: int
    width: int
    std: float
    scores: float

    @property
    def message(self) -> str:
        return f"scores by the table of words deviate by {self.scores:.1f} at initialisation"

    @property
    def label(self) -> str:
        even, edge = log(self.words), sqrt(2 * log(self.words))
        first = self.scores**2 / 2 + even if self.scores < edge else self.scores * edge  # of normal numbers
        return f"{self.width} numbers of std {self.std:g} each: a first loss near {first:.0f}, where {even:.1f} is even"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        tables = {param for step in net.of(Embedding) for param in net.params(step)}
        for head in net.of(Linear):
            tied = head.tied.get("weight")
            table = None if tied is None else tied.producer
            if not isinstance(table, Param) or table not in tables:
                continue
            before = origin(net, head.inputs[0])
            if before.step is None or not isinstance(op_of(before.step), NORMS):
                continue
            words, width = table.spec.shape
            std = deviation(table.spec)
            if std is not None and (scores := std * sqrt(width) * before.factor) > 3:
                yield net.at(cls(words, width, std, scores), head, net.argument(head, "weight"))

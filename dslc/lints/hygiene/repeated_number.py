"""A number that is written again and again."""

from __future__ import annotations

from collections.abc import Iterator

from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Node
from dslc.lints.base import Lint
from dslc.lints.network import Network
from dslc.source import Span
from dslc.syntax import tree
from dslc.syntax.scan import nodes

TIMES = 5
"""How often a number is written, from where on it deserves a name."""

LEAST = 8
"""Smaller numbers are kernels, strides and counts, whose meaning is where they stand."""


class RepeatedNumber(Lint, code="N1705", name="repeated-number"):
    """One width is written at many layers of a body, and has no name.

    To make the network wider it must be changed at each place, and a place that is missed is a mistake of shapes at
    best. A `let` or a parameter with a default says once what the number is, and lets `--set width=96` and sweeps
    change it (Martin 2008, Clean Code, G25; docs/language.md has both). It is said of numbers from 8 on that are the
    same argument in five places of one body, the width of a kind of layer.

    ```dl fails
    ## Scores of ten classes.
    net f on x[N, 64] -> [N, 10]:
        linear(96) -> relu -> linear(96) -> relu -> linear(96) -> relu
        linear(96) -> relu -> linear(96) -> relu -> linear(10)
    ```

    ```dl
    ## Scores of ten classes.
    net f(width: int = 96) on x[N, 64] -> [N, 10]:
        for i in range(5): linear(width) -> relu
        linear(10)
    ```

    Related: N1706.
    """

    layer: str
    number: int
    times: int

    @property
    def message(self) -> str:
        what = f"{self.number} as width of `{self.layer}`"
        return f"{what} is written {self.times} times: a `let` or a parameter gives it a name"

    @property
    def label(self) -> str:
        return "the first of them"

    @classmethod
    def find(cls, net: Network) -> Iterator[Diagnostic]:
        for block in _bodies(net):
            found: dict[tuple[str, int], list[Span]] = {}
            for call in nodes(block.suite):
                if not isinstance(call, tree.Call) or not isinstance(call.target, tree.Name) or not call.arguments:
                    continue
                width = call.arguments[0]
                number = width.value
                if isinstance(number, tree.Number) and number.value >= LEAST and width.name in (None, "out"):
                    found.setdefault((call.target.name, int(number.value)), []).append(number.span)
            for (layer, value), spans in found.items():
                if len(spans) >= TIMES:
                    yield cls(layer, value, len(spans)).at(min(spans, key=lambda span: span.start))


def _bodies(net: Network) -> list[tree.Block]:
    """The bodies of the network's own file that it is made of, each once."""
    owners = dict.fromkeys(step.node.owner for step in net.steps if isinstance(step.node, Node))
    found = {}
    for owner in (net.model.root, *owners):
        block = owner.definition
        if isinstance(block, tree.Block) and block.span.source is net.model.source:
            found[block.span] = block
    return list(found.values())

"""Running rules over a network: what they found, each once at its place, and which lacked a fact."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field

from dslc.analysis.quantities import Numbers
from dslc.collector import paused
from dslc.diagnostics.model import Diagnostic
from dslc.ir.model import Model
from dslc.lints.base import Lint
from dslc.lints.catalogue import WARNINGS, rules
from dslc.lints.facts import NOTHING, Facts
from dslc.lints.network import Network
from dslc.record import entity
from dslc.source import Span


@entity
class Spoken:
    """What rules found: of a line that several uses share, the first of them stands for all, and `counts` says how many
    they are. `silent`: rules that said nothing because facts were not stated, with the names of these.
    """

    found: dict[tuple[str, Span], Diagnostic] = field(default_factory=dict)
    counts: dict[tuple[str, str, str, int, int], int] = field(default_factory=dict)
    silent: dict[type[Lint], tuple[str, ...]] = field(default_factory=dict)

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        return tuple(self.found.values())

    def add(self, diagnostic: Diagnostic) -> None:
        """Keep what was found, once for each line that says it."""
        first = self.found.setdefault((diagnostic.code, diagnostic.span), diagnostic)
        self.counts[first.key] = self.counts.get(first.key, 0) + 1


def lint(
    model: Model,
    facts: Facts = NOTHING,
    chosen: Iterable[type[Lint]] | None = None,
    *,
    numbers: Numbers | None = None,
) -> Spoken:
    """What rules say of a network; by default those of `dslc check`. `numbers`: costs that were computed already."""
    net, spoken = Network(model, facts, numbers), Spoken()
    with paused():  # tables of large networks are full of cycles, which a collection would look through again and again
        for rule in rules(WARNINGS) if chosen is None else chosen:
            lacking = tuple(name for name in rule.wants if not facts.known(name))
            if lacking:
                spoken.silent[rule] = lacking
                continue
            for diagnostic in rule.find(net):
                spoken.add(diagnostic)
    return spoken

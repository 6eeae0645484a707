"""What rules say of networks that other reports mention: how many, and which came and went between two."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

from dslc.analysis.compare import Comparison, compare
from dslc.analysis.quantities import Numbers
from dslc.diagnostics.allow import told
from dslc.diagnostics.levels import DEFAULT, Levels
from dslc.diagnostics.model import Diagnostic, in_order
from dslc.ir.model import Model
from dslc.lints.catalogue import ADVICE, WARNINGS, rules
from dslc.lints.facts import NOTHING, Facts
from dslc.lints.run import lint


def suspicions(
    model: Model, facts: Facts = NOTHING, levels: Levels = DEFAULT, *, numbers: Numbers | None = None
) -> tuple[Diagnostic, ...]:
    """What `dslc lint` tells of a network but for rules about signals, which take longer; in the text's order.

    `numbers`: those of one sample, where they were computed already.
    """
    found = lint(model, facts, tuple(rules((*WARNINGS, *ADVICE))), numbers=numbers).diagnostics
    return tuple(said for each in in_order(told(found)) if (said := levels.applied(each)) is not None)


def compared(a: Model, b: Model, facts: Facts = NOTHING, levels: Levels = DEFAULT) -> Comparison:
    """What changed from `a` to `b`, with what rules say of one and not of the other."""
    found = compare(a, b)
    before, after = (suspicions(n.model, facts, levels, numbers=n) for n in (found.a, found.b))
    return replace(found, appeared=tuple(_without(after, before)), gone=tuple(_without(before, after)))


def _without(found: Sequence[Diagnostic], others: Sequence[Diagnostic]) -> Iterator[Diagnostic]:
    """Those that the others lack: a rule at a text that stands there too, on another line, is the same."""
    left = Counter(map(_place, others))
    for diagnostic in found:
        left[_place(diagnostic)] -= 1
        if left[_place(diagnostic)] < 0:
            yield diagnostic


def _place(diagnostic: Diagnostic) -> tuple[str, str]:
    return diagnostic.code, " ".join(diagnostic.span.text.split())

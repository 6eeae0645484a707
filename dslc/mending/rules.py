"""Which functions propose fixes for which mistakes. A rule gives candidates; it need not know whether they fit."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib import import_module
from typing import Final

from dslc.diagnostics.model import Mistake
from dslc.mending.ground import Candidate, Ground
from dslc.types.dim import Unknown

Rule = Callable[[Ground], Iterator[Candidate]]

RULES: Final[dict[str, list[Rule]]] = {}
"""By the mistake's code, in the order in which they are tried."""

FILES: Final = (
    "arguments",
    "counts",
    "names",
    "imports",
    "habits",
    "heads",
    "branches",
    "recurrent",
    "features",
    "stated",
    "projections",
    "results",
    "joins",
    "apart",
    "axes",
    "ports",
    "sizes",
    "odd",
    "groups",
    "letters",
    "patterns",
    "lengths",
    "shared",
    "suites",
    "indentation",
    "bodies",
    "chains",
    "steps",
)
"""Files of this folder that hold rules; imported when the first fix is looked for."""


def mends(*mistakes: type[Mistake]) -> Callable[[Rule], Rule]:
    """Marks a function as a rule for some mistakes."""

    def register(rule: Rule) -> Rule:
        for mistake in mistakes:
            RULES.setdefault(mistake.code, []).append(rule)
        return rule

    return register


def _known(found: Iterator[Candidate]) -> Iterator[Candidate]:
    """What a rule gives, until it asks for a size that another mistake left unknown."""
    with suppress(Unknown):
        yield from found


def candidates(ground: Ground) -> Iterator[Candidate]:
    """What may mend a mistake, the likeliest first; each change of the text once."""
    for name in FILES:
        import_module(f"dslc.mending.{name}")
    seen = set()
    for rule in RULES.get(ground.diagnostic.code, ()):
        for candidate in _known(rule(ground)):
            key = tuple(sorted((e.span.start, e.span.end, e.text) for e in candidate.edits))
            if candidate.edits and key not in seen:
                seen.add(key)
                yield candidate

"""`--strict`: a report with a number that is only a lower bound is a failure."""

from __future__ import annotations

from dslc.analysis.errors import Incomplete
from dslc.analysis.quantities import QUANTITIES
from dslc.diagnostics.model import Failure
from dslc.reports.stats import Stats


def check_complete(stats: Stats) -> None:
    """Raise a Failure that names every quantity with something missing, and what that is.

    A net without places in its inputs has no receptive field, which is not a gap.
    """
    gaps = {
        name: gap
        for name, quantity in QUANTITIES.items()
        if (gap := quantity.gap(stats)) and not (name == "receptive_field" and not stats.seen)
    }
    if gaps:
        raise Failure(Incomplete(stats.model.name, tuple(gaps), tuple(dict.fromkeys(gaps.values()))))

"""What initialisers draw, as rules ask for it."""

from __future__ import annotations

from math import sqrt

from dslc.ops.base import ParamSpec
from dslc.ops.initialisers import fans


def deviation(spec: ParamSpec) -> float | None:
    """The root mean square of a tensor's elements; none where they differ by their place (`dirac`, `eye`)."""
    from dslc.analysis.signal.laws import law_of  # imported where it is asked for: a check is to be quick

    law = law_of(spec)
    return None if law is None else sqrt(law.square)


def gain(spec: ParamSpec) -> float | None:
    """The root mean square of what a layer with these weights makes of inputs of mean square 1 and mean 0."""
    each = deviation(spec)
    return None if each is None else each * sqrt(fans(spec.shape)[0])

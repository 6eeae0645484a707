"""The gradients of a loss at a network's results, where walks back begin."""

from __future__ import annotations

import math
from typing import Final

from dslc.analysis.signal.forward import Forward
from dslc.analysis.signal.result import Gap
from dslc.analysis.signal.softmax import softmax
from dslc.analysis.signal.stats import NONE, Part, Slope, Slopes, added, pairs, plain, product, times
from dslc.ir.model import Value
from dslc.ir.walk import Flat

INDEPENDENT: Final = "independent cotangents"
LOSSES: Final = ("independent", "cross_entropy", "mse")


def named(loss: str) -> str:
    """The loss as reports name it. Raises `ValueError` for one that has no rule."""
    if loss not in LOSSES:
        raise ValueError(f"`{loss}` is none of {', '.join(LOSSES)}")
    return INDEPENDENT if loss == "independent" else loss


def cotangents(loss: str, flat: Flat, there: Forward) -> dict[Value, Slopes]:
    """The gradients at all float results, of the sum of their losses. What has no rule is a gap of `there`."""
    found: dict[Value, Slopes] = {}
    for name, value in flat.outputs:
        known = there.values.get(value)
        if known is None or not value.type.dtype.is_float:
            continue
        shape = there.shapes.get(value)
        terms = known.samples * known.places
        if loss == "cross_entropy":
            if shape is None or shape.width < 2:
                there.gaps.append(Gap(str(name), "cross_entropy", "a result of one class has no cross-entropy"))
                continue
            found[value] = added(found.get(value), tuple(entropy(p, shape.width, terms) for p in known.parts))
        elif loss == "mse":
            found[value] = added(found.get(value), tuple(squared(p, terms * known.width) for p in known.parts))
        else:
            found[value] = added(found.get(value), tuple(plain(1.0, NONE, part) for part in known.parts))
    return found


def entropy(part: Part, classes: int, terms: int) -> Slope:
    """Of the mean cross-entropy over `terms` samples and places, with K classes and labels that are independent of the
    results and equally frequent: (p - y) / terms, p the softmax, y 1 at the label.

    E (p - y)^2 = E p^2 - 2 / K^2 + 1 / K, which is (1 - 1/K) / K for results near 0. Of two samples labels are
    independent, so that E p p' - 1 / K^2 is left: results that all samples have in common push all of them alike. For
    results of correlation r that is (exp(a r) - 1) / K^2, with a such that r = 1 gives E p^2 (of a small variance v, or
    many classes, a is v).
    """
    square = softmax(classes, part.var).squares / classes
    a = math.log(max(square * classes**2, 1.0))
    share = 1 / terms**2
    alike = [math.expm1(a * max(1 - d / part.var, 0.0)) / classes**2 if part.var > 0 else 0.0 for d in part.d]
    g = share * (square - 2 / classes**2 + 1 / classes)
    return plain(g, times((alike[0], alike[1], alike[2], alike[3]), share), part)


def squared(part: Part, count: int) -> Slope:
    """Of the mean square error over all elements, for targets of mean 0 and variance 1: 2 (x - y) / count. The share
    of x in it depends on the value.
    """
    by = 4 / count**2
    c = pairs(part)
    var, square = part.var, part.m * part.m
    # x - y times x - m: for normal numbers E (x - m)^4 = 3 var^2.
    r = by * (3 * var * var + (square + 1) * var)
    k = times(c, by)
    apart = product(k, (c[0] - square, c[1] - square, c[2] - square, c[3] - square))
    every = tuple(a + by * (var * var) for a in apart)
    return Slope(by * (part.q + 1), k, r, (every[0], every[1], every[2], every[3]))

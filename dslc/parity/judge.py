"""Whether two results are one: by their difference, beside the error that PyTorch makes itself."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from dslc.types.tensor import DType
from dslc.weights.memory import Array

LIMITS = {DType.FLOAT32: 1e-4, DType.FLOAT16: 2e-2, DType.BFLOAT16: 1.6e-1}
"""Greatest difference of an output, relative to its largest magnitude, by the type that a network runs in: 24, 11 and 8
bits, of which a network of many layers loses some.
"""

OWN_ERRORS = 20
"""Or a difference within so many times the error that PyTorch makes itself, of networks that amplify rounding."""


def agree(found: Array, expected: Array, exact: Callable[[], Array | None], limit: float) -> tuple[bool, float]:
    """Whether a graph's result is a module's, and their relative difference.

    `exact` computes the module's result in float64, asked for only where the difference is above `limit`; none where
    that cannot run. Elements that leave the range of the module's type on the way, though the exact ones
    are finite, say nothing and are left out.
    """
    difference = relative_difference(found, expected)
    if difference <= limit:
        return True, difference
    better = exact()
    if better is None or better.shape != expected.shape or found.shape != expected.shape:
        return False, difference
    said = np.isfinite(expected) | ~np.isfinite(better)
    if not said.any():
        return True, 0.0
    difference = relative_difference(found[said], expected[said])
    return difference <= limit or difference <= OWN_ERRORS * relative_difference(
        expected[said], better[said]
    ), difference


def relative_difference(a: Array, b: Array) -> float:
    """The largest difference over the largest magnitude of `b`; 0 for two empty or two zero tensors.

    Equal infinities and two NaNs agree; an infinity or a NaN agrees with nothing else.
    """
    if a.shape != b.shape:
        return float("inf")
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    differ = (a != b) & ~(np.isnan(a) & np.isnan(b))
    if not differ.any():
        return 0.0
    finite = b[np.isfinite(b)]
    scale = float(np.max(np.abs(finite))) if finite.size else 0.0
    with np.errstate(invalid="ignore"):
        worst = float(np.max(np.abs(a[differ] - b[differ])))
    return worst / scale if scale else worst

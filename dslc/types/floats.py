"""What the float types hold: the largest number of each, and what is rounded to nothing.

A type has `p` binary digits, the first one implied, and exponents up to `e`: its largest number is
`(2 - 2**(1 - p)) * 2**e`, its least above zero `2**(2 - e - p)` (IEEE 754-2019, section 3.3; bfloat16 is the upper
half of binary32).
"""

from __future__ import annotations

import math

from dslc.types.tensor import DType

_FORMS = {DType.FLOAT32: (24, 127), DType.FLOAT16: (11, 15), DType.BFLOAT16: (8, 127)}

LARGEST = {dtype: (2 - 2.0 ** (1 - p)) * 2.0**e for dtype, (p, e) in _FORMS.items()}
"""The largest number of each float type."""


def overflows(number: float, dtype: DType) -> bool:
    """Whether a finite number is rounded to infinity: what lies half a step and more above the largest."""
    if dtype not in _FORMS or not math.isfinite(number):
        return False
    digits, exponent = _FORMS[dtype]
    return abs(number) >= (2 - 2.0**-digits) * 2.0**exponent


def vanishes(number: float, dtype: DType) -> bool:
    """Whether a number is rounded to zero and is none: half the least one and less (ties go to even)."""
    if dtype not in _FORMS or number == 0:
        return False
    digits, exponent = _FORMS[dtype]
    return abs(number) <= 2.0 ** (1 - exponent - digits)


def holds(number: float, dtype: DType) -> bool:
    """Whether a finite number is within a type; `float` is whatever a build makes it, and a truth value takes any."""
    if dtype in (DType.INT64, DType.INT32):
        most = 2.0 ** (8 * dtype.bytes - 1)
        return -most <= number < most
    return not overflows(number, dtype)

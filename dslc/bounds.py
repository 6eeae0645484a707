"""The numbers and names a program may hold, by one rule: whole ones have 64 bits, floats are finite in float32.

Every number is held to it where it enters (a literal, an argument from outside) or is computed; so none can be wrong
further on, where torch, ONNX and numpy would wrap it around, make it infinite or stop.
"""

from __future__ import annotations

from typing import Final

WHOLE: Final = range(-(2**63), 2**63)
INFINITE: Final = 2.0**128 - 2.0**103
"""The least float that rounds to infinity in float32: half a step above its largest, (2 - 2**-23) * 2**127."""

LONGEST_NAME: Final = 200
"""Letters of a name: file systems take no more than 255 bytes for `NAME.safetensors`."""


def held(number: float) -> bool:
    """Whether a program may hold a number."""
    if isinstance(number, int):
        return number in WHOLE
    return -INFINITE < number < INFINITE  # false for nan


def unheld(value: object) -> float | None:
    """The first number of a value, nested or not, that no program may hold."""
    if isinstance(value, list | tuple):
        return next((found for item in value if (found := unheld(item)) is not None), None)
    return value if isinstance(value, int | float) and not held(value) else None


def beyond(number: float) -> str:
    """What a number that is not `held` is beyond, in words."""
    if isinstance(number, int):
        return "beyond what a whole number of 64 bits holds (9.2e18)"
    return "no number" if number != number else "beyond what a float of 32 bits holds (3.4e38)"


def shown(number: float) -> str:
    """A number in a message: a whole one of very many digits by their count."""
    digits = number.bit_length() * 1233 >> 12 if isinstance(number, int) else 0  # log10(2) is 0.30103
    return f"a number of {digits:,} digits" if digits > 60 else str(number)

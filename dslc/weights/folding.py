"""Many names as few: `blocks.{0..11}.norm.weight` stands for twelve."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

T = TypeVar("T")


NUMBER = re.compile(r"(\d{1,9})")
"""Digits that are read as one number: Python reads no number of thousands."""

LONGEST = 160
"""Letters of a name that are shown; a stranger's file may have names of any length."""


def pattern(name: str) -> str:
    """A name without its numbers."""
    return NUMBER.sub("#", name)


def folded(names: Mapping[str, T]) -> list[tuple[str, list[str], T]]:
    """Names that differ in numbers alone and go with the same value: a text, the names, the value; in their order."""
    groups: dict[tuple[str, T], list[str]] = {}
    for name, value in names.items():
        groups.setdefault((pattern(name), value), []).append(name)
    return [(shown(members), members, value) for (_, value), members in groups.items()]


def shown(names: Iterable[str]) -> str:
    """Names that differ in numbers alone as one text."""
    pieces = [NUMBER.split(name) for name in names]
    text = "".join(
        part[0] if index % 2 == 0 or len(set(part)) == 1 else f"{{{ranges(sorted({int(p) for p in part}))}}}"
        for index, part in enumerate(zip(*pieces, strict=True))
    )
    return short(text)


def short(name: str) -> str:
    """A name with its middle left out, if it is long."""
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 60]}..{name[-50:]}"


def ranges(numbers: list[int]) -> str:
    """`0..3,7` for 0, 1, 2, 3 and 7."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    return ",".join(f"{run[0]}" if len(run) == 1 else f"{run[0]}..{run[-1]}" for run in runs)

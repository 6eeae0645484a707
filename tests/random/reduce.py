"""A smaller program with the same fault, by leaving out lines, steps and results for as long as the fault stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

ARROW = " -> "
RESULTS = re.compile(r"^((?:net|block) .*?\])( -> )([\w, ]+):$")


def reduced(text: str, fails: Callable[[str], bool], most: int = 400) -> str:
    """The smallest program found; `fails` says whether one still has the fault; at most so many are tried."""
    tries = 0
    while True:
        for smaller in candidates(text):
            tries += 1
            if tries > most:
                return text
            if fails(smaller):
                text = smaller
                break
        else:
            return text


def candidates(text: str) -> Iterator[str]:
    """Programs with less in them, those that lack the most first."""
    lines = text.splitlines()
    size = len(lines) // 2
    while size:
        for start in range(0, len(lines) - size + 1, max(size // 2, 1)):
            rest = lines[:start] + lines[start + size :]
            if rest:
                yield "\n".join(rest) + "\n"
        size //= 2
    for index, line in enumerate(lines):
        for other in shorter(line, lines):
            yield "\n".join(changed for changed in replaced(lines, index, other)) + "\n"


def replaced(lines: list[str], index: int, other: list[str] | str) -> list[str]:
    return other if isinstance(other, list) else [*lines[:index], other, *lines[index + 1 :]]


def shorter(line: str, lines: list[str]) -> Iterator[list[str] | str]:
    """A line without one of its steps, or the lines without one of the results that a header names."""
    header = RESULTS.match(line)
    if header is not None:
        names = header[3].split(", ")
        for name in names:
            rest = [n for n in names if n != name]
            head = header[1] + (ARROW + ", ".join(rest) if len(rest) > 1 else "") + ":"
            drop = {name, *(rest if len(rest) == 1 else ())}
            yield [head if x == line else x for x in lines if x.strip().partition(" = ")[0] not in drop]
        return
    indent = line[: len(line) - len(line.lstrip())]
    steps = line.strip().split(ARROW)
    if len(steps) > 1 and '"' not in line:
        for gone in range(len(steps)):
            yield indent + ARROW.join(steps[:gone] + steps[gone + 1 :])

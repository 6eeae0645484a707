"""A smaller program with the same fault, by leaving out lines, steps and results for as long as the fault stays."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

ARROW = " -> "
RESULTS = re.compile(r"^((?:net|block) .*?\])( -> )([\w, ]+):$")
WORD = re.compile(r"\w+")


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
    heads = [i for i, line in enumerate(lines) if line[:1].strip()]
    for start, stop in zip(heads, [*heads[1:], len(lines)], strict=True):
        rest = lines[:start] + lines[stop:]
        if rest:
            yield "\n".join(rest) + "\n"
    for name in dict.fromkeys(name for line in lines for name in defined(line)):
        yield "\n".join(without(lines, name)) + "\n"
    for index, line in enumerate(lines):
        for other in shorter(line):
            yield "\n".join([*lines[:index], other, *lines[index + 1 :]]) + "\n"


def defined(line: str) -> list[str]:
    """The names that a line gives to values."""
    left, equals, _ = line.strip().partition(" = ")
    names = left.split(", ")
    return names if equals and all(name.isidentifier() for name in names) else []


def without(lines: list[str], name: str) -> list[str]:
    """The lines without those that make a value or read it, and what only those make; headers name no such result."""
    gone, again = {name}, True
    while again:
        lost = [line for line in lines if RESULTS.match(line) is None and gone & set(WORD.findall(line))]
        more = {found for line in lost for found in defined(line)} - gone
        for line in lines:
            header = RESULTS.match(line)
            names = header[3].split(", ") if header else []
            if len(set(names) - gone - more) == 1 and len(names) > 1:
                more |= set(names) - gone
        gone, again = gone | more, bool(more)
    kept = []
    for line in lines:
        header = RESULTS.match(line)
        if header is not None:
            names = [n for n in header[3].split(", ") if n not in gone]
            kept.append(header[1] + (ARROW + ", ".join(names) if names else "") + ":")
        elif not gone & set(WORD.findall(line)):
            kept.append(line)
    return kept


def shorter(line: str) -> Iterator[str]:
    """A line without one of its steps."""
    indent = line[: len(line) - len(line.lstrip())]
    steps = line.strip().split(ARROW)
    if len(steps) > 1 and '"' not in line and not line.startswith(("net ", "block ")):
        for gone in range(len(steps)):
            yield indent + ARROW.join(steps[:gone] + steps[gone + 1 :])

"""Budgets that are given beside a program, as texts: `"macs<=300M, peak_memory<=8MB"`."""

from __future__ import annotations

import re
from collections.abc import Collection

from dslc.diagnostics.place import Given
from dslc.ir.model import Budget
from dslc.syntax.text import number

LIMIT = re.compile(r"\s*([A-Za-z_]\w*)\s*(<=|>=|==|!=|<|>)\s*([\d_.]+[A-Za-z]*|[\d_.]+[eE][+-]?\d+)\s*")
COMPARISONS = ("<=", ">=", "==", "!=", "<", ">")
NUMBER = re.compile(r"\d[\d_]*(\.\d+)?([eE][+-]?\d+)?([KMGT](i?B)?|kB|B)?")


def limits(texts: Collection[str], option: str) -> tuple[Budget, ...]:
    """The limits of all texts, in order; a mistake shows its text as a line of a file named by the option.

    A ValueError for a text that is no limit.
    """
    found = []
    for text in texts:
        source, start = Given(option, text), 0
        for part in text.split(","):
            match = LIMIT.fullmatch(part)
            limit = number(match[3]) if match is not None and NUMBER.fullmatch(match[3]) else None
            if match is None or limit is None:
                raise ValueError(f"`{part.strip()}` is not a limit such as {example(part)}")
            first, end = start + match.start(1), start + match.end(3)
            value = source.span(start + match.start(3), end)
            found.append(Budget(match[1], match[2], limit, source.span(first, end), value))
            start += len(part) + 1
    return tuple(found)


def example(wrong: str) -> str:
    """A limit that a wrong one may have been meant as; else one of each kind."""
    from dslc.syntax.units import plain

    match = re.fullmatch(r"\s*([A-Za-z_]\w*)\s*(<=|>=|==|!=|=<|=>|<|>|=)\s*(\S.*)", wrong)
    limit = plain(match[3]) if match is not None else None
    if match is None or limit is None:
        return "`macs<=300M` or `peak_memory<=8MB`"
    return f"`{match[1]}{match[2] if match[2] in COMPARISONS else '<='}{limit}`"

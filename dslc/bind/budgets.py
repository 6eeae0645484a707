"""Limits of budgets, as far as their text tells: a number of bytes where things are counted."""

from __future__ import annotations

import re

from dslc.diagnostics.model import Applicability, Edit, Help, Mistake
from dslc.source import Span
from dslc.syntax.units import COUNTED

BYTES = r"\d[\d_]*(\.\d+)?([KMGT]?i?|k)B"
"""A number of bytes, as it is written."""

MEMORY_OF = {"params": "weights_memory", "acts": "activation_memory"}
"""The memory that holds what is counted."""


class LimitOfBytes(Mistake, code="E0705"):
    """A budget compares a count with a number of bytes.

    `1MB` are bytes, and parameters, multiply-adds and activations are counted one by one: `1M` is a million of them.
    The memories (`weights_memory`, `activation_memory`, `peak_memory`, `onnx_peak_memory`) are in bytes; a parameter
    takes four of them in float32.

    ```dl fails
    net f on x[N, 3, 32, 32]:
        conv(64, 3) -> gap -> flatten
        budget params <= 1MB
    ```

    ```dl
    net f on x[N, 3, 32, 32]:
        conv(64, 3) -> gap -> flatten
        budget params <= 1M, weights_memory <= 1MB
    ```

    Related: E0169, E0701, E0702.
    """

    name: str
    op: str
    limit: str
    subject: Span | None = None  # the text of the name, where it stands in a program

    @property
    def message(self) -> str:
        return f"`{self.limit}` are bytes, and `{self.name}` is a count"

    @property
    def help(self) -> tuple[Help, ...]:
        count = self.limit.removesuffix("B").removesuffix("i").replace("k", "K")
        memory = MEMORY_OF.get(self.name)
        as_count = Help(f"a count: `{self.name} {self.op} {count}`", count)
        if memory is None:
            return (as_count,)
        edits = () if self.subject is None else (Edit(self.subject, memory),)
        said = f"the bytes of it: `{memory} {self.op} {self.limit}`"
        return Help(said, edits=edits, applicability=Applicability.MAYBE), as_count


def of_bytes(
    name: str, op: str, limit: str, subject: Span | None = None, counted: bool | None = None
) -> LimitOfBytes | None:
    """The mistake in a limit of a quantity, as it is written, if it is in bytes and the quantity is not.

    `counted`: whether it is not; none where only the names that the syntax knows tell.
    """
    is_count = name in COUNTED if counted is None else counted
    return LimitOfBytes(name, op, limit, subject) if is_count and re.fullmatch(BYTES, limit) else None

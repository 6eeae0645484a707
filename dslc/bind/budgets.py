"""Limits of budgets, as far as their text tells: a number of bytes where things are counted."""

from __future__ import annotations

import re

from dslc.diagnostics.model import Help, Mistake

BYTES = re.compile(r"\d[\d_]*(\.\d+)?([KMGT]?i?|k)B")
"""A number of bytes, as it is written."""

COUNTED = ("params", "macs", "flops", "acts", "receptive_field")
"""Quantities that are no memories."""

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

    @property
    def message(self) -> str:
        return f"`{self.limit}` are bytes, and `{self.name}` is a count"

    @property
    def help(self) -> tuple[Help, ...]:
        count = self.limit.removesuffix("B").removesuffix("i").replace("k", "K")
        memory = MEMORY_OF.get(self.name)
        other = (Help(f"the bytes of it are `{memory} {self.op} {self.limit}`"),) if memory else ()
        return (Help(f"write `{count}`", replace=count), *other)


def of_bytes(name: str, op: str, limit: str) -> LimitOfBytes | None:
    """The mistake in a limit of a quantity, as it is written, if it is in bytes and the quantity is not."""
    return LimitOfBytes(name, op, limit) if name in COUNTED and BYTES.fullmatch(limit) else None

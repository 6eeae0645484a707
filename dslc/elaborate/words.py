"""Words of the language that are no layers and no functions, and the ops that are written as operators."""

from __future__ import annotations

from typing import Final

from dslc.types.tensor import DType

OPERATORS: Final = {"+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow", "@": "matmul"}
COMPARISONS: Final = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
UNNAMED: Final = frozenset(
    {*OPERATORS.values(), *COMPARISONS.values(), "neg", "logical_not", "logical_and", "logical_or", "index"}
    - {"matmul"}
)
"""Ops that are written as operators, so their names are free for the user."""
WORDS: Final = ("half", "valid", "same_tf", "auto")
DTYPES: Final = {d.value: d for d in DType}

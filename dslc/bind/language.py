"""What the names of the language mean where a program gives them no other meaning."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from dslc.ops.base import REGISTRY
from dslc.ops.initialisers import INITIALISERS
from dslc.types.tensor import DType
from dslc.values.arithmetic import ARITY

OPERATORS: Final = {"+": "add", "-": "sub", "*": "mul", "/": "div", "**": "pow", "@": "matmul"}
COMPARISONS: Final = {"==": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
UNNAMED: Final = frozenset(
    {*OPERATORS.values(), *COMPARISONS.values(), "neg", "logical_not", "logical_and", "logical_or", "index"}
    - {"matmul"}
)
"""Ops that are written as operators, so their names are free for the user."""
WORDS: Final = ("half", "valid", "same_tf", "auto")
DTYPES: Final = {d.value: d for d in DType}

OF_INDICES: Final = frozenset(
    ("max", "min", "int", "round", "ceil", "floor", "abs", "sqrt", "log", "exp", "sin", "cos")
)
"""The functions of a tensor's value by index, and of a `fn` that such a value calls; some are layers elsewhere."""

LanguageKind: TypeAlias = Literal["layer", "function", "word", "initialiser", "element type"]


def kind_of(name: str) -> LanguageKind | None:
    """What a name of the language stands for; a layer goes before a function or initialiser of its name."""
    if name in REGISTRY and name not in UNNAMED:
        return "layer"
    if name in ARITY:
        return "function"
    if name in WORDS:
        return "word"
    if name in INITIALISERS:
        return "initialiser"
    return "element type" if name in DTYPES else None


def names() -> list[str]:
    """All that `kind_of` knows but the element types, for near-name search."""
    return [*(n for n in REGISTRY if n not in UNNAMED), *ARITY, *WORDS, *INITIALISERS]


def reserved() -> frozenset[str]:
    """Names that no definition and no header may give another meaning."""
    return frozenset((*REGISTRY, *INITIALISERS, *ARITY)) - UNNAMED

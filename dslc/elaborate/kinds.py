"""Types of arguments: what a value must be for an op's attribute or a header's parameter, and the words for it."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Final

from dslc.elaborate.arithmetic import is_number
from dslc.elaborate.recipe import Builtin, Recipe
from dslc.ir.model import Value
from dslc.ops.base import Init
from dslc.ops.initialisers import INITIALISERS, initialiser
from dslc.syntax import tree
from dslc.types.dim import Dim
from dslc.types.tensor import DType


def whole(value: object) -> bool:
    """An int or a symbolic size."""
    return isinstance(value, int | Dim) and not isinstance(value, bool)


def _pairs(value: object) -> bool:
    return isinstance(value, tuple | list) and all(
        whole(v) or (isinstance(v, tuple | list) and len(v) == 2 and all(whole(e) for e in v)) for v in value
    )


KINDS: Final[dict[str, tuple[str, Callable[[object], bool]]]] = {
    "int": ("a whole number", whole),
    "float": ("a number", is_number),
    "bool": ("true or false", lambda v: isinstance(v, bool)),
    "str": ("a word", lambda v: isinstance(v, str)),
    "None": ("none", lambda v: v is None),
    "Sides": (
        "a whole number or a size such as 3x3",
        lambda v: whole(v) or (isinstance(v, tuple) and all(map(whole, v))),
    ),
    "Padding": (
        "a padding (a number, a size, pairs, or half, valid, same_tf)",
        lambda v: whole(v) or _pairs(v),
    ),
    "Init": ("an initialiser", lambda v: isinstance(v, Init)),
    "Op": ("a layer", lambda v: isinstance(v, Recipe)),
    "Tensor": ("a tensor", lambda v: isinstance(v, Value)),
    "Value": ("a tensor", lambda v: isinstance(v, Value)),
    "Const": ("a value", lambda v: True),
    "Size": ("a size", whole),
    "DType": ("an element type", lambda v: isinstance(v, DType)),
    "object": ("a value", lambda v: True),
    "tuple[int, ...]": ("whole numbers", lambda v: isinstance(v, tuple | list) and all(map(whole, v))),
    "tuple[float, ...]": ("numbers", lambda v: isinstance(v, tuple | list) and all(map(is_number, v))),
    "tuple[Size, ...]": ("sizes", lambda v: isinstance(v, tuple | list) and all(map(whole, v))),
}

TYPES: Final[dict[str, tuple[str, Callable[[object], bool]]]] = {
    "int": KINDS["int"],
    "float": KINDS["float"],
    "bool": KINDS["bool"],
    "str": ("text", lambda v: isinstance(v, str)),
    "size": ("a size such as 3x3, or a whole number", KINDS["Sides"][1]),
    "layer": ("a layer", lambda v: isinstance(v, Recipe)),
    "init": ("an initialiser", lambda v: isinstance(v, Init)),
    "dtype": ("an element type", lambda v: isinstance(v, DType)),
}


def initial(value: object) -> object:
    """`zeros` and `ones` name both a layer and an initialiser: here the initialiser is meant."""
    if not isinstance(value, Recipe) or value.layer.op is None or value.bound:
        return value
    name = value.layer.op.name
    return initialiser(name, [], {}) if name in INITIALISERS else value


def element_type(value: object) -> object:
    """`float` names both a function of numbers and the network's own type: here the type is meant."""
    return DType.FLOAT if isinstance(value, Builtin) and value.name == DType.FLOAT.value else value


def named(kind: str, value: object) -> object:
    """What a name stands for where a type is asked for, of those that name two things."""
    return initial(value) if kind == "init" else element_type(value) if kind == "dtype" else value


def numbers_in(value: object) -> list[float]:
    """The numbers of a value, nested or not; tables of many thousands are not rare."""
    if isinstance(value, tuple | list):
        numbers: list[float] = []
        for v in value:
            if type(v) is int or type(v) is float:
                numbers.append(v)
            else:
                numbers += numbers_in(v)
        return numbers
    if isinstance(value, int | float) and not isinstance(value, bool):
        return [value]
    return []


def matches(declared: tree.TypeExpr, value: object) -> bool:
    """Whether a value has a header's type, or can be `fitted` to it."""
    if declared.optional and value is None:
        return True
    if declared.kind == "list":
        return isinstance(value, list | tuple | range) and all(matches(declared.items[0], v) for v in value)
    if declared.kind == "tuple":
        return (
            isinstance(value, tuple | list)
            and len(value) == len(declared.items)
            and all(matches(t, v) for t, v in zip(declared.items, value, strict=True))
        )
    return TYPES[declared.kind][1](named(declared.kind, value))


def fitted(declared: tree.TypeExpr, value: object) -> object:
    """A value that `matches`, in the form of its type, at any depth: a whole number as a float, a range as a list.

    What a block computes with a parameter then does not depend on how its caller made the value.
    """
    if declared.kind == "float" and isinstance(value, int):
        return float(value)
    if declared.kind in ("init", "dtype"):
        return named(declared.kind, value)
    if declared.kind in ("list", "tuple") and isinstance(value, list | tuple | range):
        kinds = declared.items if declared.kind == "tuple" else declared.items * len(value)
        made = [fitted(kind, item) for kind, item in zip(kinds, value, strict=True)]
        wanted = list if declared.kind == "list" else tuple
        if type(value) is wanted and all(map(operator.is_, made, value)):
            return value
        return wanted(made)
    return value


def literal_kind(default: tree.Expr | None) -> str | None:
    """The type of a parameter whose default is a plain literal."""
    match default:
        case tree.Number(value=value):
            return "int" if isinstance(value, int) else "float"
        case tree.Word(word="true" | "false"):
            return "bool"
        case tree.Text():
            return "str"
        case tree.SizeLiteral():
            return "size"
    return None


def spell_type(declared: tree.TypeExpr) -> str:
    """A header's type in words."""
    if declared.kind == "list":
        text = f"a list, each item {spell_type(declared.items[0])}"
    elif declared.kind == "tuple":
        text = f"({', '.join(spell_type(t) for t in declared.items)})"
    else:
        text = TYPES[declared.kind][0]
        if declared.calls is not None:
            text += f" that takes ({', '.join(declared.calls)})"
    return f"{text} or none" if declared.optional else text

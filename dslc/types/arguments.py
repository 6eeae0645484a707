"""What a caller gives from Python as values of the language: numbers of numpy as numbers, types of torch as types."""

from __future__ import annotations

from collections.abc import Mapping
from operator import index
from typing import SupportsIndex

from dslc.types.dtypes import element_type, shown, spelled
from dslc.types.tensor import DType


def argument(value: object) -> object:
    """A value for a net's parameter. Raises `TypeError` for what the language has no value for."""
    if value is None or isinstance(value, bool | int | float | str | DType | range):
        return int(value) if type(value) is not bool and isinstance(value, int) else value
    if isinstance(value, list | tuple):
        return (list if isinstance(value, list) else tuple)(argument(item) for item in value)
    if spelled(value) is not None and (kind := element_type(value)) is not None:
        return kind
    if hasattr(value, "tolist"):  # scalars and arrays of numpy and torch
        return argument(value.tolist())
    if isinstance(value, SupportsIndex):
        return index(value)
    values = "numbers, texts, true and false, none, element types, lists and tuples"
    raise TypeError(f"{shown(value)} is no value of a program: those are {values}")


def whole(name: str, value: object) -> int:
    """The number of a size. Raises `TypeError` for what is no whole number."""
    if isinstance(value, bool) or not isinstance(value, SupportsIndex):
        raise TypeError(f"the size `{name}` is a whole number, not {shown(value)}")
    return index(value)


def arguments(given: Mapping[str, object]) -> dict[str, object]:
    """`argument` for each, by name. Raises `TypeError` with the name of one that is no value."""
    found = {}
    for name, value in given.items():
        try:
            found[name] = argument(value)
        except TypeError as error:
            raise TypeError(f"`{name}`: {error}") from None
    return found


def sizes_of(given: Mapping[str, object] | None) -> dict[str, int]:
    """Default sizes by name. Raises `TypeError` for what is none."""
    if given is not None and not isinstance(given, Mapping):
        raise TypeError(f'`sizes` are numbers by name, such as {{"H": 384}}, not {shown(given)}')
    return {name: whole(name, value) for name, value in (given or {}).items()}

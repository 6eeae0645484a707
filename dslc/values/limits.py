"""What a program may hold at compile time: numbers by `dslc.bounds`, lists and texts by length."""

from __future__ import annotations

from typing import Any, Final

from dslc.bounds import beyond, held, shown
from dslc.diagnostics.model import Reject
from dslc.syntax import mistakes
from dslc.types.dim import Dim
from dslc.values.mistakes import TooLong

MAX_LENGTH: Final = 1_000_000
_LONG: Final = (list, tuple, range, str)  # a union would be made anew at every value


def in_range(value: Any) -> Any:
    """A number or size that has just been computed; a Reject where a program may not hold it."""
    if isinstance(value, Dim):
        for _, coefficient in value.terms:
            in_range(coefficient)
    elif not held(value):
        raise Reject(mistakes.NumberRange(shown(value), beyond(value)))
    return value


def short(count: int) -> int:
    """The length of a list or text. A Reject above `MAX_LENGTH`."""
    if count > MAX_LENGTH:
        raise Reject(TooLong(count, MAX_LENGTH))
    return count


def weight(value: object) -> int:
    """The items of a list, range or text, those of lists in it counted too; 0 for anything else.

    A list that holds one list many times is as long as its text would be: whatever walks it takes that long.
    Counting stops above `MAX_LENGTH`.
    """
    if not isinstance(value, _LONG):
        return 0
    count = len(value)
    todo: list[list[object] | tuple[object, ...]] = [value] if isinstance(value, list | tuple) else []
    while todo and count <= MAX_LENGTH:
        for item in todo.pop():
            if type(item) is list or type(item) is tuple:
                count += len(item)
                todo.append(item)
    return count

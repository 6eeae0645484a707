"""A hole: the value of what failed. Its mistake has been told, so everything on it stays silent."""

from __future__ import annotations

from typing import Final

from dslc.source import Span
from dslc.types.const import Const


class Hole:
    """The class of `HOLE`, its one instance."""

    def __repr__(self) -> str:
        return "hole"


HOLE: Final = Hole()


class Hollow(list[object]):
    """A list some of whose items are holes; how many items it has is known."""


def hole(span: Span) -> Const:
    """The constant that stands for what failed at `span`."""
    return Const(HOLE, None, None, span)


def is_hole(value: object) -> bool:
    """Whether a value is that of what failed; a list with such items is none, since its length is known."""
    return value is HOLE


def failed(*consts: Const) -> bool:
    """Whether one of these is a hole, or has one."""
    for const in consts:  # a loop and no call: this is asked of every argument of every use
        value = const.value
        if value is HOLE or type(value) is Hollow:
            return True
    return False

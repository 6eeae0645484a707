"""Ops whose result looks into their input, whole or in part: their rule for storage."""

from __future__ import annotations

from collections.abc import Iterable

from dslc.ops.base import Types
from dslc.ops.counting import SAME, STRIDED, Storage
from dslc.types.dim import Size


def extended(dims: Iterable[Size]) -> list[Size]:
    """The sizes that are not 1: an axis of one place says nothing of where elements lie."""
    return [size for size in dims if size != 1]


class PartView:
    """Rule of an op that takes places of its input, or repeats them, in their order: SAME where it takes each once."""

    def storage(self, ins: Types, outs: Types) -> Storage:
        return SAME if extended(ins[0].dims) == extended(outs[0].dims) else STRIDED

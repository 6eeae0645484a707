"""Sizes in the words of the block that a tensor lives in: `N, out, H // s, W // s`, right for all its expansions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final

from dslc.ir.model import Instance, Value
from dslc.syntax import tree
from dslc.syntax.printer import unparse
from dslc.types.const import Const, Ref
from dslc.types.dim import UNKNOWN, Dim, Size

EXPANSIONS: Final = 8
"""Expansions that are asked; where a block has more, those are as different as it gets."""
LONGEST: Final = 32
"""Letters of a size above which its value is shorter to read."""


def shape_in_words(made: Sequence[tuple[Instance, Value]]) -> str | None:
    """The shape of a tensor in the words of its block, the same in all expansions; none where ranks differ.

    A size without words is one that all have, or `_` where they differ.
    """
    made = made[:EXPANSIONS]
    types = [value.type for _, value in made]
    first = types[0]
    if any(t.rank != first.rank or t.dtype is not first.dtype for t in types):
        return None
    parts = [_size(made, axis) for axis in range(first.rank)]
    text = f"[{', '.join(parts)}]"
    return text if str(first).startswith("[") else f"{first.dtype.value}{text}"


def _size(made: Sequence[tuple[Instance, Value]], axis: int) -> str:
    """One size in words."""
    (owner, value), *rest = made
    size = value.type.dims[axis]
    for text in _words(owner, value, axis):
        if len(text) <= LONGEST and all(text in _words(o, v, axis) for o, v in rest):
            return text
    return str(size) if all(_same(size, v.type.dims[axis]) for _, v in rest) else "_"


def _words(owner: Instance, value: Value, axis: int) -> Iterator[str]:
    """What a size can be called, the best first. A net's own sizes are in its words as they are."""
    size = value.type.dims[axis]
    if owner.kind == "net":
        yield str(size)
    word = value.type.word(axis)
    if word is not None and word.origin is not None and (text := _origin(word, owner)) is not None:
        yield text
    if size is UNKNOWN:
        yield "?"
    if size is UNKNOWN or owner.kind == "net":
        return
    names = sorted(_names(owner), key=lambda named: named[0] != _of_axis(owner, value, axis))
    yield from (name for name, own, _ in names if _same(own, size))
    for name, own, dim in names:
        if dim and own is not UNKNOWN:
            yield from _parts(name, own, size, names)


def _parts(name: str, own: Size, size: Size, names: Sequence[tuple[str, Size, bool]]) -> Iterator[str]:
    """A part of a size of the input, or a multiple of it: by a parameter of the block, else by a number."""
    by = [(n, v) for n, v, dim in names if not dim and isinstance(v, int) and v > 0]
    for text, number in (*by, *((str(n), n) for n in (2, 4, 8, 16, 32))):
        if _same(own // number, size):
            yield f"{name} // {text}"
        if _same(-(-own // number), size):
            yield f"ceil({name} / {text})"
        if _same(own * number, size):
            yield f"{text} * {name}"


def _of_axis(owner: Instance, value: Value, axis: int) -> str | None:
    """The name that a header gives this axis of an input of the same rank: of two sizes alike it is the one meant."""
    for port in (owner.definition.ports or ()) if owner.definition is not None else ():
        dims = port.spec.dims or ()
        if len(dims) == value.type.rank and not any(dim.rest for dim in dims):
            name = dims[axis].value
            return name.name if isinstance(name, tree.Name) else None
    return None


def _names(owner: Instance) -> Iterator[tuple[str, Size, bool]]:
    """The numbers that have a name in a block, and whether it is a size of its input."""
    for name, binding in islice(owner.scope.names.items(), 64):
        value = binding.value.value if isinstance(binding.value, Const) else None
        if binding.kind in ("dim", "parameter") and isinstance(value, int | Dim) and not isinstance(value, bool):
            yield name, value, binding.kind == "dim"


def _origin(word: Const, owner: Instance) -> str | None:
    """The text of what a size was said by, where each name in it is one of the block."""
    names: set[str] = set()
    scope = word.scope
    while scope is not None and scope.kind in ("turn", "suite"):  # the words of a loop are of the block around it
        names |= scope.names.keys()
        scope = scope.parent
    if word.origin is None or scope is not owner.scope:
        return None
    names |= owner.scope.names.keys()
    todo: list[object] = [word.origin]
    while todo:
        match todo.pop():
            case tree.Number():
                pass
            case tree.Name(name=name):
                if name not in names:
                    return None
            case tree.Binary(left=left, right=right):
                todo += [left, right]
            case Ref() | _:
                return None
    return unparse(word.origin)


def _same(a: Size, b: Size) -> bool:
    return type(a) is type(b) and a is not UNKNOWN and a == b

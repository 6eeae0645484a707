"""Patterns over dotted names: `blocks.{i}.attn.qkv.{p}` on the left of an arrow, `layers.{i + 1}.qkv.{p}` on its right.

A part in braces stands for one or more characters without a dot; `{p:weight|bias}` for one of these words; and on the
left a part that some expression reckons with, for digits. On the right braces hold a name or a sum of whole numbers,
names, their products, `count(s, b)`: how many different pairs of `s` and `b` the tensors have that stand before, and
`len(blocks)`: how many different parts follow `blocks.`.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import TypeAlias

from dslc.record import frozen

Bound: TypeAlias = dict[str, str]
"""What the parts in braces stand for in one name."""

BRACES = re.compile(r"\{([^{}]*)\}")
PLAIN = re.compile(r"[\w.\-/]*")
VARIABLE = re.compile(r"([A-Za-z_]\w*)(?::([\w|]+))?")
COUNT = "count"
LONGEST_SUM = 200
"""Letters; Python's parser nests no deeper in them than it can."""

DIGITS = r"\d{1,9}"

LEN = "len"
Sum: TypeAlias = "int | str | Counted | Length | Operation"


@frozen
class Counted:
    """`count(s, b)`."""

    names: tuple[str, ...]


@frozen
class Length:
    """`len(blocks)`."""

    module: str


@frozen
class Operation:
    """A sum, a difference or a product."""

    sign: str
    left: Sum
    right: Sum


SIGNS: dict[str, Callable[[int, int], int]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_SIGNS: dict[type[ast.operator], str] = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*"}


class BadPattern(Exception):
    """A pattern that cannot be read: why, and where in its text."""

    def __init__(self, why: str, start: int, end: int) -> None:
        super().__init__(why)
        self.why, self.start, self.end = why, start, end


@frozen
class Piece:
    """A part in braces of a pattern: its name, and the words that it may stand for (none: any)."""

    name: str
    words: tuple[str, ...] = ()


@frozen
class Template:
    """A name with parts in braces: `pieces` are texts and, where a name stands in braces, pieces or sums."""

    text: str
    pieces: tuple[str | Piece | Sum, ...]

    @property
    def names(self) -> set[str]:
        """All names in braces."""
        return {name for piece in self.pieces if not isinstance(piece, str) for name in used(piece)}

    @property
    def reckoned(self) -> set[str]:
        """Names in braces that stand for numbers."""
        return {name for piece in self.pieces if not isinstance(piece, (str, Piece)) for name in used(piece)}

    def filled(self, bound: Mapping[str, str], count: Callable[[Counted | Length], int]) -> str:
        """The name for parts that are known."""
        found = []
        for piece in self.pieces:
            if isinstance(piece, str):
                found.append(piece)
            elif isinstance(piece, Piece):
                found.append(bound[piece.name])
            else:
                found.append(str(_value(piece, bound, count)))
        return "".join(found)

    def regex(self, numbers: set[str]) -> re.Pattern[str]:
        """What matches such a name as a whole; the parts in `numbers` are digits."""
        found, seen = "", set[str]()
        for piece in self.pieces:
            if isinstance(piece, str):
                found += re.escape(piece)
                continue
            assert isinstance(piece, Piece), "a parser lets no sum into a pattern"
            if piece.name in seen:
                found += f"(?P={piece.name})"
                continue
            seen.add(piece.name)
            words = "|".join(map(re.escape, piece.words)) or (DIGITS if piece.name in numbers else r"[^.]+")
            found += f"(?P<{piece.name}>{words})"
        return re.compile(found)


def used(piece: str | Piece | Sum) -> set[str]:
    """Names that a part in braces reads."""
    if isinstance(piece, Piece):
        return {piece.name}
    if isinstance(piece, Counted):
        return set(piece.names)
    if isinstance(piece, Operation):
        return used(piece.left) | used(piece.right)
    return {piece} if isinstance(piece, str) else set()


def _value(piece: Sum, bound: Mapping[str, str], count: Callable[[Counted | Length], int]) -> int:
    if isinstance(piece, (Counted, Length)):
        return count(piece)
    if isinstance(piece, Operation):
        return SIGNS[piece.sign](_value(piece.left, bound, count), _value(piece.right, bound, count))
    return int(bound[piece]) if isinstance(piece, str) else piece


def pattern(text: str, sums: bool) -> Template:
    """A pattern as written; `sums`: braces may hold sums. Raises `BadPattern`."""
    pieces: list[str | Piece | Sum] = []
    at = 0
    for braces in BRACES.finditer(text):
        pieces.append(_plain(text, at, braces.start()))
        at = braces.end()
        inside = braces[1].strip()
        name = VARIABLE.fullmatch(inside)
        if name is not None:
            pieces.append(Piece(name[1], tuple(name[2].split("|")) if name[2] else ()))
        elif sums:
            pieces.append(_sum(inside, braces.start(), braces.end()))
        else:
            raise BadPattern("braces on the left of an arrow hold a name", braces.start(), braces.end())
        if len(pieces) > 2 and pieces[-2] == "" and not sums:
            raise BadPattern("two parts in braces have nothing between them", braces.start(), braces.end())
    pieces.append(_plain(text, at, len(text)))
    return Template(text, tuple(piece for piece in pieces if piece != ""))


def _plain(text: str, start: int, end: int) -> str:
    found = PLAIN.match(text, start, end)
    if found is None or found.end() < end:
        at = start if found is None else found.end()
        raise BadPattern(f"`{text[at]}` cannot stand in a name", at, at + 1)
    return text[start:end]


def _sum(text: str, start: int, end: int) -> Piece | Sum:
    """What braces hold beside a name. Python's own parser reads it; numbers, names, `+ - *`, `count` and `len` pass."""
    try:
        tree = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        tree = None
    found = None if tree is None or len(text) > LONGEST_SUM else _of(tree)
    if found is None:
        why = f"braces hold a name, or a sum of numbers and names such as `{{2 * i + 1}}`, not `{text}`"
        raise BadPattern(why, start, end)
    return Piece(found) if isinstance(found, str) else found


def _of(tree: ast.expr) -> Sum | None:
    if isinstance(tree, ast.Constant) and type(tree.value) is int:
        return tree.value
    if isinstance(tree, ast.Name):
        return tree.id
    if isinstance(tree, ast.BinOp) and type(tree.op) in _SIGNS:
        left, right = _of(tree.left), _of(tree.right)
        return None if left is None or right is None else Operation(_SIGNS[type(tree.op)], left, right)
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == COUNT:
        names = tuple(a.id for a in tree.args if isinstance(a, ast.Name))
        return Counted(names) if names and len(names) == len(tree.args) and not tree.keywords else None
    if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == LEN and len(tree.args) == 1:
        module = ast.unparse(tree.args[0])
        return Length(module) if PLAIN.fullmatch(module) else None
    return None

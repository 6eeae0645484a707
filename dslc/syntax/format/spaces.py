"""Between which tokens of a logical line a space stands, where both are on one line of text."""

from __future__ import annotations

from collections.abc import Sequence

from dslc.record import entity
from dslc.syntax.tokens import Token

OPENING = frozenset(["LPAR", "LSQB"])
CLOSING = frozenset(["RPAR", "RSQB"])
HEADERS = frozenset(["BLOCK", "NET", "FN"])
COMPARISONS = frozenset(["EQUAL", "UNEQUAL", "AT_MOST", "AT_LEAST", "LESSTHAN", "MORETHAN", "IN"])
LOOSE = COMPARISONS | frozenset(["ARROW", "IF", "OR", "AND", "NOT"])
"""What binds looser than arithmetic: a keyword argument with one of these is written `k = a if b else c`."""

OPERANDS = CLOSING | frozenset(
    "NAME NUMBER SIZE STRING TICKED IT SEQ NONE TRUE FALSE TRAINING ELLIPSIS MAYBE".split(),
)
"""Kinds of token that end a value: after one of them, `-` is a subtraction, `(` a call and `[` an index."""

_TENSORS = frozenset(["PARAM", "BUFFER", "CONST"])
_SIGNS = frozenset(["PLUS", "MINUS", "TIMES"])
_CLINGING = CLOSING | frozenset(["COMMA", "MAYBE", "COLON", "_TYPED", "POWER"])


@entity
class _Bracket:
    """An open bracket. `kind`: `parameters` of a header, `dims` of a tensor, or `values`."""

    kind: str
    assign: int | None = None  # the `=` of the argument that is being read


def spaces(tokens: Sequence[Token]) -> list[bool]:
    """Whether a space stands before each token."""
    found = [False] * len(tokens)
    brackets: list[_Bracket] = []
    part = "header" if any(token.kind in HEADERS for token in tokens[:2]) else "body"  # of the line
    tight = True  # nothing stands between the last token and this one
    before = ""
    for i, token in enumerate(tokens):
        kind = token.kind
        inside = brackets[-1] if brackets else None
        if not tight:
            found[i] = _apart(before, kind)
        tight = kind in OPENING or kind in ("DOT", "POWER") or (kind in _SIGNS and before not in OPERANDS)
        if kind in OPENING:
            brackets.append(_Bracket(_kind(part, kind) if inside is None else "values"))
        elif kind in CLOSING:
            brackets.pop()
        elif inside is None:
            part = _part(part, kind)
        elif kind == "COMMA":
            inside.assign = None
        elif kind == "COLON":
            tight = inside.kind == "values"
        elif kind == "ASSIGN" and inside.kind != "parameters":
            inside.assign = i
            found[i] = False
            tight = True
        elif kind in LOOSE and inside.assign is not None:
            found[inside.assign] = found[inside.assign + 1] = True
            inside.assign = None
        before = kind
    return found


def _apart(before: str, kind: str) -> bool:
    if kind == "COLON" and before == "COMMA":
        return True
    if kind in _CLINGING:
        return False
    if kind == "DOT":
        return before in ("NUMBER", "SIZE")  # `1.x` would be a number
    return not (kind in OPENING and before in OPERANDS)


def _kind(part: str, kind: str) -> str:
    """What the outermost bracket of that kind in a part of a line holds."""
    if part == "header" and kind == "LPAR":
        return "parameters"
    return "dims" if part in ("ports", "tensor") and kind == "LSQB" else "values"


def _part(part: str, kind: str) -> str:
    """The part of a line that a token outside brackets leads to: `header ports`, `tensor`, then `body`."""
    if kind in _TENSORS:
        return "tensor"
    if part == "header" and kind in ("ON", "ARROW"):
        return "ports"
    ends = kind == "ASSIGN" or (kind == "COLON" and part != "tensor")
    return "body" if ends else part

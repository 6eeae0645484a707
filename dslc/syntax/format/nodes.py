"""A logical line as a tree of its brackets, with the comments and line breaks that the author put between tokens.

Commas and breaks are normalised here: no comma before a closing bracket but that of a one-tuple, breaks after commas
and before operators. How long each part is, on one line of text or several, is known from below.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from dslc.record import entity
from dslc.syntax.format.spaces import CLOSING, COMPARISONS, HEADERS, OPENING, OPERANDS, spaces
from dslc.syntax.tokens import Token

CLAUSE, ARROW = 1, 2
_RANKS = {"FOR": CLAUSE, "ARROW": ARROW, "IF": 3, "ELSE": 3, "OR": 4, "AND": 5, "NOT": 6, "PLUS": 7, "MINUS": 7}
_RANKS |= dict.fromkeys(COMPARISONS, 6)
_RANKS |= dict.fromkeys(["TIMES", "DIVIDE", "FLOORDIV", "MODULO", "MATMUL"], 8)
_NEED_OPERAND = frozenset(["NOT", "PLUS", "MINUS", "TIMES"])  # a sign, `not` or `*` where no value is before them


@entity
class Remark:
    """A comment. `column`: where it began; `distance`: spaces between the code before it and the comment;
    `blank`: an empty line stands before it.
    """

    text: str
    column: int
    distance: int
    own_line: bool
    blank: bool = False


@entity
class Gap:
    """What stands before a token: comments, and whether a line of text begins, after an empty one."""

    remarks: list[Remark] = field(default_factory=list)
    breaks: bool = False
    blank: bool = False

    @property
    def forced(self) -> bool:
        return self.breaks or bool(self.remarks)


class Shape(NamedTuple):
    """How wide a piece of a line is: its first line of text, the widest between, its last (none: it is one line)."""

    head: int
    middle: int = 0
    tail: int | None = None

    @property
    def last(self) -> int:
        """The width of its last line of text."""
        return self.head if self.tail is None else self.tail

    def then(self, after: Shape, space: bool) -> Shape:
        """This piece and another behind it."""
        line = self.last + space + after.head
        if self.tail is None:
            return Shape(line, after.middle, after.tail)
        if after.tail is None:
            return Shape(self.head, self.middle, line)
        return Shape(self.head, max(self.middle, after.middle, line), after.tail)

    def fits(self, width: int) -> bool:
        return self.head <= width and self.middle <= width and (self.tail or 0) <= width


EMPTY = Shape(0)
_BROKEN = Shape(1, 0, 1)


@entity
class Leaf:
    """A token. `rank`: how loose an operator is before which a line may begin, from 1 (loosest); 0: none."""

    kind: str
    text: str
    space: bool
    gap: Gap | None
    rank: int = 0

    @property
    def shape(self) -> Shape:
        return Shape(len(self.text))


@entity
class Group:
    """Brackets and what is in them. `broken`: they stand at the ends of lines of text, what they hold between."""

    open: Leaf
    body: list[Node]
    close: Leaf
    broken: bool
    clauses: bool  # a comprehension: its commas separate no items
    shape: Shape = EMPTY
    rank: int = 0
    kind: str = "GROUP"

    @property
    def space(self) -> bool:
        return self.open.space

    @property
    def gap(self) -> Gap | None:
        return self.open.gap

    def break_up(self) -> None:
        """Puts what the brackets hold on lines of its own."""
        self.broken = True
        self.shape = _BROKEN

    def items(self) -> list[list[Node]]:
        """What the commas separate, each with its comma."""
        if self.clauses or not self.body:
            return [self.body] if self.body else []
        found: list[list[Node]] = [[]]
        for node in self.body:
            found[-1].append(node)
            if node.kind == "COMMA":
                found.append([])
        return found if found[-1] else found[:-1]


Node: TypeAlias = Leaf | Group


def shape(nodes: Iterable[Node]) -> Shape:
    """The shape of nodes side by side."""
    found = EMPTY
    for i, node in enumerate(nodes):
        found = found.then(node.shape, node.space and i > 0)
    return found


def forced(node: Node) -> bool:
    """Whether a line of text begins before a node."""
    return node.gap is not None and node.gap.forced


def line_of(tokens: Sequence[Token], gaps: Sequence[Gap | None]) -> list[Node]:
    """The tree of a logical line; `gaps` are what stands before each of its tokens."""
    tokens = tokens[: _end(tokens)]
    stack: list[tuple[Leaf, list[Node], bool]] = []  # open brackets, what holds them, whether they call or index
    body: list[Node] = []
    before = ""
    for token, space, gap in zip(tokens, spaces(tokens), gaps, strict=False):
        leaf = Leaf(token.kind, token.text, space, gap)
        if token.kind in OPENING:
            stack.append((leaf, body, before in OPERANDS))
            body = []
        elif token.kind in CLOSING:
            opened, outer, applied = stack.pop()
            outer.append(_group(opened, body, leaf, applied))
            body = outer
        else:
            leaf.rank = _rank(token.kind, before)
            body.append(leaf)
        before = token.kind
    return body


def _end(tokens: Sequence[Token]) -> int:
    """How many tokens remain without a comma at the end that says nothing."""
    if tokens[-1].kind != "COMMA":
        return len(tokens)
    depth = commas = 0
    for token in reversed(tokens):
        depth += (token.kind in CLOSING) - (token.kind in OPENING)
        if depth == 0:
            if token.kind in ("ASSIGN", "GROW") or (token.kind == "COLON" and commas):
                break
            commas += token.kind == "COMMA"
    said = commas == 1 and all(token.kind not in ("USE", "BUDGET") for token in tokens)
    return len(tokens) if said else len(tokens) - 1


def _rank(kind: str, before: str) -> int:
    if (kind in _NEED_OPERAND and before not in OPERANDS) or (kind == "IN" and before == "NOT"):
        return 0
    return _RANKS.get(kind, 0)


def _group(opened: Leaf, body: list[Node], close: Leaf, applied: bool) -> Group:
    clauses = _mark_clauses(body)
    if body and body[-1].kind == "COMMA" and not _one_tuple(opened, body, applied):
        _move(body.pop().gap, close)
    for i, node in enumerate(body):
        if node.gap is not None:
            _settle(body, i, close)
    _first(close, body)
    broken = forced(close) or any(forced(node) for node in body)
    made = Group(opened, body, close, broken, clauses)
    made.shape = _BROKEN if broken else Shape(1).then(shape(body), False).then(Shape(1), False)
    return made


def _mark_clauses(body: list[Node]) -> bool:
    """Whether there is a `for`; the `if` after one begins a clause, and `in` belongs to it."""
    found = False
    for node in body:
        found = found or node.kind == "FOR"
        if found and node.kind in ("IF", "IN"):
            node.rank = CLAUSE if node.kind == "IF" else 0
    return found


def _one_tuple(opened: Leaf, body: list[Node], applied: bool) -> bool:
    return opened.kind == "LPAR" and not applied and sum(node.kind == "COMMA" for node in body) == 1


def _settle(body: list[Node], i: int, close: Leaf) -> None:
    """Keeps a break before a node if a line may begin there, else moves it to where one may, or drops it."""
    node, gap = body[i], body[i].gap
    assert gap is not None
    after = body[i + 1] if i + 1 < len(body) else close
    if node.kind == "COMMA":
        _move(gap, after.open if isinstance(after, Group) else after)
        (node.open if isinstance(node, Group) else node).gap = None
    elif i > 0 and not gap.remarks and not node.rank and body[i - 1].kind != "COMMA":
        operator = body[i - 1]
        gap.breaks = False
        if operator.rank and i > 1 and isinstance(operator, Leaf):
            operator.gap = operator.gap or Gap()
            operator.gap.breaks = True


def _move(gap: Gap | None, to: Leaf) -> None:
    """Puts what stood before a comma behind it."""
    if gap is None:
        return
    if to.gap is None:
        to.gap = Gap()
    to.gap.remarks[:0] = gap.remarks
    to.gap.breaks |= gap.breaks


def _first(close: Leaf, body: list[Node]) -> None:
    """No empty lines at the inner sides of brackets."""
    if close.gap is not None:
        close.gap.blank = False
    gap = body[0].gap if body else close.gap
    if gap is not None:
        if gap.remarks:
            gap.remarks[0].blank = False
        else:
            gap.blank = False


def parameters(nodes: Sequence[Node]) -> Group | None:
    """The brackets with a header's parameters; none in another line."""
    if any(node.kind in HEADERS for node in nodes[:2]):
        for name, node in pairwise(nodes[1:4]):
            if name.kind == "NAME" and isinstance(node, Group):
                return node
    return None

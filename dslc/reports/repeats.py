"""Equal parts one after the other, which pages and pictures show as one, x11.

Rows are a network's parts and the uses of ops in them, in program order: what is in a part stands behind it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import field

from dslc.record import entity, record


@record
class Piece:
    """A row. `parent` is the number of the part around it, -1 for none; `kind` says what it is by itself.

    `reads` and `makes` are its values, in whatever form they are known by.
    """

    parent: int
    name: str
    kind: object
    reads: Sequence[Hashable] = ()
    makes: Sequence[Hashable] = ()


@record
class Run:
    """Equal parts, the numbers of their rows; each has `length` rows, its own among them."""

    parts: list[int]
    length: int


@entity
class Tree:
    """Where the rows of each row's part end, how deep each row is, and what makes each value: (row, which result)."""

    pieces: Sequence[Piece]
    ends: list[int] = field(init=False)
    depths: list[int] = field(init=False)
    makers: dict[Hashable, tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        pieces = self.pieces
        self.ends, self.depths = list(range(1, len(pieces) + 1)), [0] * len(pieces)
        for i in reversed(range(len(pieces))):
            if (parent := pieces[i].parent) >= 0:
                self.ends[parent] = max(self.ends[parent], self.ends[i])
        for i, piece in enumerate(pieces):
            self.depths[i] = self.depths[piece.parent] + 1 if piece.parent >= 0 else 0
        self.makers = {value: (i, at) for i, piece in enumerate(pieces) for at, value in enumerate(piece.makes)}

    def inside(self, value: Hashable, start: int) -> tuple[int, int] | None:
        """What makes a value within the part at `start`: how many rows behind it, and which result."""
        maker, at = self.makers.get(value, (-1, 0))
        return (maker - start, at) if start < maker < self.ends[start] else None

    def structure(self, start: int) -> list[object]:
        """What is in a part but for its name and what it reads from without: equal lists, equal parts."""
        found: list[object] = [self.pieces[start].kind]
        for i in range(start + 1, self.ends[start]):
            piece = self.pieces[i]
            reads = tuple(self.inside(value, start) for value in piece.reads)
            found.append((piece.kind, self.depths[i] - self.depths[start], piece.name, reads))
        return found

    def outer(self, start: int) -> list[Hashable]:
        """What a part reads from without, in order."""
        rows = self.pieces[start + 1 : self.ends[start]]
        return [value for piece in rows for value in piece.reads if self.inside(value, start) is None]


def runs(tree: Tree) -> Iterator[Run]:
    """Parts that are the same as the part right before them, in all but names and weights.

    Linear in the rows and the nesting.
    """
    before: dict[int, tuple[Run, list[object]]] = {}  # the part that was met last in each part, and what is in it
    for i, piece in enumerate(tree.pieces):
        last = before.pop(piece.parent, None)
        length = tree.ends[i] - i
        mine = tree.structure(i) if length > 1 else []
        if last is not None and last[1] == mine:
            last[0].parts.append(i)
            before[piece.parent] = last
        else:
            if last is not None and len(last[0].parts) > 1:
                yield last[0]
            if length > 1:
                before[piece.parent] = Run([i], length), mine
    yield from (run for run, _ in before.values() if len(run.parts) > 1)


def chains(tree: Tree, results: Sequence[Hashable]) -> Iterator[Run]:
    """Runs of which each part goes on with what the part before it gives, and nothing else reads that.

    A picture of the first part with `x12` then says how all are joined. `results` are those of the network.
    """
    readers: dict[Hashable, list[int]] = {}
    for i, piece in enumerate(tree.pieces):
        for value in piece.reads:
            readers.setdefault(value, []).append(i)
    for value in results:
        readers.setdefault(value, []).append(len(tree.pieces))
    for run in runs(tree):
        found = Run([run.parts[0]], run.length)
        way: list[object] | None = None
        for last, part in zip(run.parts, run.parts[1:], strict=False):
            step = goes_on(tree, last, part, readers)
            if step is None or (way is not None and step != way):
                if len(found.parts) > 1:
                    yield found
                found, way = Run([part], run.length), None
            else:
                found.parts.append(part)
                way = step
        if len(found.parts) > 1:
            yield found


def goes_on(tree: Tree, last: int, part: int, readers: dict[Hashable, list[int]]) -> list[object] | None:
    """How a part follows the one before it: what it reads from there, or what both read; none where it does not."""
    if any(
        not last < reader < tree.ends[part]
        for piece in tree.pieces[last + 1 : tree.ends[last]]
        for value in piece.makes
        for reader in readers.get(value, ())
    ):
        return None
    way: list[object] = []
    follows: dict[Hashable, object] = {}
    for old, new in zip(tree.outer(last), tree.outer(part), strict=True):
        made = tree.inside(new, last)
        if (made is None and new != old) or follows.setdefault(old, made) != made:
            return None
        way.append(made)
    return way if any(made is not None for made in way) else None

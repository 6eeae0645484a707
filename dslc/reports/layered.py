"""Where the boxes and lines of a picture of a graph stand: rows from top to bottom, lines that bend between them.

The method is that of Sugiyama, Tagawa and Toda (Methods for Visual Understanding of Hierarchical System Structures,
1981): rows by the longest path, order within rows by barycentres, then places. The same graph gives the same picture.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import field
from itertools import pairwise

from dslc.record import entity

SWEEPS = 12
"""Passes over the rows, to order what is in them and then to place it."""

SPACE = 18.0
"""Least free width between two boxes of one row; lines need half of it."""


@entity
class Spot:
    """A box, or a place where a long line passes a row (`bend`). `x` is its middle, `y` its top.

    `width` is that of the box; `left` and `right` are how far it and what is written beside its line go from `x`.
    `fed`: it depends on an input of the network. `faded`: it is beside the matter, so that others stand straight.
    `last`: it stands in the last row. Lines bend above `roof` and below `foot`, the edges of its row with what is
    written there.
    """

    width: float = 0.0
    height: float = 0.0
    left: float = 0.0
    right: float = 0.0
    bend: bool = False
    fed: bool = False
    faded: bool = False
    last: bool = False
    row: int = 0
    x: float = 0.0
    y: float = 0.0
    roof: float = 0.0
    foot: float = 0.0
    above: list[Spot] = field(default_factory=list)
    below: list[Spot] = field(default_factory=list)


@entity
class Line:
    """A tensor on its way: result `slot` of `source`, read by `target`.

    `trunk` has the bends that the lines of this tensor share; this one leaves it after `passed` of them.
    """

    source: Spot
    slot: int
    target: Spot
    trunk: list[Spot] = field(default_factory=list)
    passed: int = 0

    @property
    def last(self) -> Spot | None:
        """The bend before the target, if any."""
        return self.trunk[self.passed - 1] if self.passed else None


Gap = Callable[[Sequence[Spot]], tuple[float, float]]
"""The height below a row: of what is written there, which lines pass upright, then of where they bend."""


def place(boxes: Sequence[Spot], lines: Sequence[Line], gap: Gap) -> tuple[float, float]:
    """Give every box `x` and `y`, and every line its bends; the width and height of it all.

    `boxes` are in the order of the program, so that each stands after those it reads.
    """
    for box in boxes:
        box.above, box.below = [], []
    set_rows(boxes, lines)
    rows: list[list[Spot]] = [[] for _ in range(max((box.row for box in boxes), default=-1) + 1)]
    for box in boxes:
        rows[box.row].append(box)
    for spot in bend(lines):
        rows[spot.row].append(spot)
    rows = narrow(rows)
    y = bend_height = 0.0
    for row in rows:
        height = max(spot.height for spot in row)
        text_height, bend_height = gap(row)
        for spot in row:
            spot.y = y + (height - spot.height) / 2 if not spot.bend else y
            spot.height = spot.height if not spot.bend else height + text_height
            spot.roof, spot.foot = y, y + height + text_height
        y += height + text_height + bend_height
    left = min((spot.x - spot.left for row in rows for spot in row), default=0.0)
    for row in rows:
        for spot in row:
            spot.x -= left
    right = max((spot.x + spot.right for row in rows for spot in row), default=0.0)
    return right, y - bend_height


# ---- rows


def set_rows(boxes: Sequence[Spot], lines: Sequence[Line]) -> None:
    """Rows by the longest path from an input; what depends on no input stands just above its first reader."""
    reads: dict[Spot, list[Spot]] = {box: [] for box in boxes}
    read: dict[Spot, list[Spot]] = {box: [] for box in boxes}
    for line in lines:
        reads[line.target].append(line.source)
        read[line.source].append(line.target)
    for box in boxes:
        box.row = max((source.row + 1 for source in reads[box]), default=0)
        box.fed = box.fed or any(source.fed for source in reads[box])
    for box in reversed(boxes):
        if not box.fed and read[box]:
            box.row = min(target.row for target in read[box]) - 1
    end = max((box.row for box in boxes), default=0)
    for box in boxes:
        box.row = end if box.last else box.row


def bend(lines: Sequence[Line]) -> list[Spot]:
    """Bends for all lines that pass rows; lines of one tensor share theirs. Links every spot to its neighbours."""
    trunks: dict[tuple[Spot, int], list[Spot]] = {}
    for line in lines:
        trunk = trunks.setdefault((line.source, line.slot), [])
        while line.source.row + 1 + len(trunk) < line.target.row:
            spot = Spot(left=SPACE / 4, right=SPACE / 4, bend=True, row=line.source.row + 1 + len(trunk))
            link(trunk[-1] if trunk else line.source, spot)
            trunk.append(spot)
        line.trunk, line.passed = trunk, line.target.row - line.source.row - 1
        link(line.last or line.source, line.target)
    return [spot for trunk in trunks.values() for spot in trunk]


def link(upper: Spot, lower: Spot) -> None:
    upper.below.append(lower)
    lower.above.append(upper)


# ---- order and places


def narrow(rows: list[list[Spot]]) -> list[list[Spot]]:
    """Rows in order with their places. What depends on no input may stand at the left: then lines that pass it need not
    go around it. That is so where no more lines cross and the picture is clearly narrower.
    """
    best, least = placed(rows)
    if any(not (spot.fed or spot.bend) for row in rows for spot in row):
        places = {spot: spot.x for row in best for spot in row}
        other, found = placed([sorted(row, key=lambda spot: spot.fed or spot.bend) for row in rows])
        if found[0] <= least[0] and found[1] < 0.9 * least[1]:
            return other
        for spot, x in places.items():
            spot.x = x
    return best


def placed(rows: Iterable[list[Spot]]) -> tuple[list[list[Spot]], tuple[int, float]]:
    """The rows in the best order that is found from this one, with places: how often lines cross, and the width."""
    tried = [list(row) for row in rows]
    order(tried)
    cross = crossings(tried)
    set_x(tried)
    spots = [spot for row in tried for spot in row]
    left = min((spot.x - spot.left for spot in spots), default=0.0)
    return tried, (cross, max((spot.x + spot.right for spot in spots), default=0.0) - left)


def order(rows: list[list[Spot]]) -> None:
    """Order each row by the mean place of the neighbours above, then below, and keep the order that crosses least."""
    best = [list(row) for row in rows]
    least = crossings(rows)
    for sweep in range(SWEEPS):
        if not least:
            break
        down = sweep % 2 == 0
        for row in rows if down else reversed(rows):
            places = {spot: float(i) for i, spot in enumerate(row)}
            for spot in row:
                near = spot.above if down else spot.below
                if near:
                    places[spot] = mean(near)
            row.sort(key=places.__getitem__)
            number(row)
        if (found := crossings(rows)) < least:
            best, least = [list(row) for row in rows], found
    rows[:] = best


def number(row: Iterable[Spot]) -> None:
    for i, spot in enumerate(row):
        spot.x = i


def crossings(rows: Iterable[list[Spot]]) -> int:
    """How often lines cross between rows, in the order as it is."""
    rows = list(rows)
    for row in rows:
        number(row)
    count = 0
    for row in rows:
        before: list[float] = []
        for _, x in sorted((spot.x, other.x) for spot in row for other in spot.below):
            count += len(before) - bisect_right(before, x)
            insort(before, x)
    return count


def set_x(rows: list[list[Spot]]) -> None:
    """Places within rows: spots that are one column share theirs, each column near those it is linked to."""
    columns = list(column(rows))
    owner = {spot: mine for mine in columns for spot in mine.spots}
    for row in rows:
        for a, b in pairwise(row):
            space = SPACE / 2 if a.bend or b.bend else SPACE
            apart = a.right + b.left + space
            owner[a].right.append((owner[b], apart))
            owner[b].left.append((owner[a], apart))
    for mine in columns:
        mine.links = [owner[x] for spot in mine.spots for x in (*spot.above, *spot.below) if owner[x] is not mine]
    waiting = {mine: len(mine.left) for mine in columns}
    ready = [mine for mine in columns if not mine.left]
    for mine in ready:  # grows: columns whose left neighbours all stand
        mine.x = max((other.x + apart for other, apart in mine.left), default=0.0)
        for other, _ in mine.right:
            waiting[other] -= 1
            if not waiting[other]:
                ready.append(other)
    assert len(ready) == len(columns), "columns cross"
    for sweep in range(2 * SWEEPS):
        for mine in reversed(ready) if sweep % 2 == 0 else ready:
            low = max((other.x + apart for other, apart in mine.left), default=float("-inf"))
            high = min((other.x - apart for other, apart in mine.right), default=float("inf"))
            if mine.links:
                wanted = sum(other.x for other in mine.links) / len(mine.links)
                mine.x = max(low, min(high, wanted))
    for mine in columns:
        for spot in mine.spots:
            spot.x = mine.x


@entity
class Column:
    """Spots that stand above each other. `left` and `right`: columns beside it, and how far away at least."""

    spots: list[Spot]
    left: list[tuple[Column, float]] = field(default_factory=list)
    right: list[tuple[Column, float]] = field(default_factory=list)
    links: list[Column] = field(default_factory=list)
    x: float = 0.0


def column(rows: list[list[Spot]]) -> Iterator[Column]:
    """The columns: each spot goes on below its best reader, as far as no two such lines cross."""
    for row in rows:
        number(row)
    lower: dict[Spot, Spot] = {}
    read = {spot: mean(spot.below) for row in rows for spot in row if spot.below}
    made = {spot: mean(spot.above) for row in rows for spot in row if spot.above}
    for row in rows:
        pairs = [(rank(a, b, made[b], read[a]), a, b) for a in row for b in a.below]
        taken: list[tuple[float, float]] = []
        for _, a, b in sorted(pairs, key=lambda pair: pair[0]):
            i = bisect_right(taken, (a.x, b.x))
            if (not i or (taken[i - 1][0] < a.x and taken[i - 1][1] < b.x)) and (
                i == len(taken) or (taken[i][0] > a.x and taken[i][1] > b.x)
            ):
                taken.insert(i, (a.x, b.x))
                lower[a] = b
    inner = set(lower.values())
    for row in rows:
        for spot in row:
            if spot not in inner:
                spots = [spot]
                while spots[-1] in lower:
                    spots.append(lower[spots[-1]])
                yield Column(spots)


def rank(a: Spot, b: Spot, above: float, below: float) -> tuple[int, float]:
    """How good it is to have two linked spots in one column, best first: `above` is the mean place of those that `b`
    reads, `below` of those that read `a`.

    A long line is straight; then a box stands below one that it alone reads; then below the middle one of several. What
    depends on no input, such as weights, stands beside the way of the data, or each block would stand beside the last.
    """
    if a.bend and b.bend:
        return 0, 0.0
    alone = (len(a.below) > 1) + (len(b.above) > 1)
    middle = abs(a.x - above) + abs(b.x - below)
    return 1 + alone + 2 * (a.bend or b.bend) + 2 * b.faded + 4 * (b.fed and not a.fed and not a.bend), middle


def mean(spots: Sequence[Spot]) -> float:
    """The mean place of spots, of which there is at least one."""
    return sum(spot.x for spot in spots) / len(spots)

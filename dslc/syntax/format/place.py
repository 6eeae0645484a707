"""Where the lines of text of a logical line begin.

Lines that the author broke stay broken, lines that fit stay whole. A line that is too long is broken at its loosest
place: before `->`, filling each line; in brackets after commas, else before operators; where only brackets are left, in
those that make it fit. What is written here is laid out the same way when it is read again.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from dslc.syntax.format.nodes import ARROW, EMPTY, Group, Leaf, Node, Shape, forced, parameters, shape
from dslc.syntax.format.rows import Writer

WIDTH = 100
UNIT = 4

_OPENED = Shape(1)


class Placer:
    """Writes logical lines to a writer."""

    def __init__(self, writer: Writer) -> None:
        self.out = writer

    def line(self, nodes: list[Node], indent: int, suite: bool) -> None:
        """A logical line, on the line of text that was begun; `suite`: lines are indented under it."""
        more = indent + (2 * UNIT if suite else UNIT)
        header = parameters(nodes)
        self._place(nodes, indent, more, inside=False, header=header)

    def _place(self, nodes: list[Node], indent: int, more: int, inside: bool, header: Group | None = None) -> None:
        """Nodes with forced breaks between them."""
        starts = [0, *(i for i in range(1, len(nodes)) if forced(nodes[i])), len(nodes)]
        for start, end in pairwise(starts):
            if start > 0:
                self.out.next_line(nodes[start].gap, more)
            part = nodes[start:end]
            at = more if start else indent
            if header is None or not self._header(part, header, at, more):
                self._segment(part, at, more, inside)
            header = None

    def _header(self, nodes: list[Node], parameters: Group, indent: int, more: int) -> bool:
        """Breaks a long header before its arrows if that is enough, else in its parameters; whether it is written."""
        if shape(nodes).fits(WIDTH - indent):
            return False
        lines = _filled(_steps(nodes, ARROW), indent, more)
        if all(shape(line).fits(WIDTH - (more if i else indent)) for i, line in enumerate(lines)):
            self._lines(lines, indent, more, inside=False)
            return True
        if parameters.body and not parameters.broken:
            parameters.break_up()
        return False

    # ---- without forced breaks

    def _segment(self, nodes: list[Node], indent: int, more: int, inside: bool) -> None:
        """Nodes with no forced break between them."""
        if not shape(nodes).fits(WIDTH - indent):
            ranks = {node.rank for node in nodes[1:] if node.rank and (inside or node.rank == ARROW)}
            if ranks:
                steps = _steps(nodes, min(ranks))
                lines = _filled(steps, indent, more) if min(ranks) == ARROW else steps
                self._lines(lines, indent, more, inside)
                return
            _break_groups(nodes, WIDTH - indent)
        self._write(nodes, indent, fresh=True)

    def _lines(self, lines: list[list[Node]], indent: int, more: int, inside: bool) -> None:
        for i, line in enumerate(lines):
            if i > 0:
                self.out.line(more)
            at = more if i else indent
            if shape(line).fits(WIDTH - at):
                self._write(line, at, fresh=True)
            else:
                self._segment(line, at, more, inside)

    def _write(self, nodes: Sequence[Node], indent: int, fresh: bool) -> None:
        """Nodes side by side, on lines of text indented by `indent` where brackets are broken."""
        for i, node in enumerate(nodes):
            space = node.space and not (fresh and i == 0)
            if isinstance(node, Leaf):
                self.out.put(node.text, space)
                continue
            self.out.put(node.open.text, space)
            if node.broken:
                self._broken(node, indent)
            else:
                self._write(node.body, indent, fresh=True)
            self.out.put(node.close.text, False)

    # ---- in brackets

    def _broken(self, group: Group, indent: int) -> None:
        """What broken brackets hold; the closing one begins the next line."""
        inner = indent + UNIT
        rows: list[list[list[Node]]] = []
        for item in group.items():
            if rows and not forced(item[0]):
                rows[-1].append(item)
            else:
                rows.append([item])
        if len(rows) > 1 and _refillable(rows, inner) and not all(_one_line(row, inner) for row in rows):
            rows = [[item for row in rows for item in row]]
        rows = [part for row in rows for part in ([row] if _one_line(row, inner) else _fill(row, inner))]
        if len(rows) > 1 and all(len(row) == 1 for row in rows) and rows[-1][0][-1].kind != "COMMA":
            rows[-1][0].append(Leaf("COMMA", ",", False, None))
        for row in rows:
            self.out.next_line(row[0][0].gap, inner)
            if len(row) == 1:
                self._place(row[0], inner, inner + UNIT, inside=True)
            else:
                self._write([node for item in row for node in item], inner, fresh=True)
        self.out.next_line(group.close.gap, indent, inner)


def _one_line(row: list[list[Node]], indent: int) -> bool:
    """Whether a row of items fits as it is, without breaks between its nodes."""
    nodes = [node for item in row for node in item]
    return shape(nodes).fits(WIDTH - indent) and not any(forced(node) for node in nodes[1:])


def _refillable(rows: list[list[list[Node]]], indent: int) -> bool:
    """Whether rows have no comments or empty lines between them, and no item that is longer than a line."""
    gaps = (row[0][0].gap for row in rows)
    plain = not any(gap.remarks or gap.blank for gap in gaps if gap is not None)
    return plain and all(_one_line([item], indent) and shape(item).tail is None for row in rows for item in row)


def _fill(row: list[list[Node]], indent: int) -> list[list[list[Node]]]:
    """Items on as few lines as they fit on; one that has several lines by its author's choice stands alone."""
    rows: list[list[list[Node]]] = []
    width: Shape | None = None  # of the last row; none: nothing may follow on it
    for item in row:
        own = None if any(forced(node) for node in item[1:]) else shape(item)
        together = None if width is None or own is None else width.then(own, True)
        if together is not None and together.fits(WIDTH - indent):
            rows[-1].append(item)
            width = together
        else:
            rows.append([item])
            width = own
    return rows


def _steps(nodes: list[Node], rank: int) -> list[list[Node]]:
    """Nodes cut before each operator of a rank."""
    steps: list[list[Node]] = [[]]
    for i, node in enumerate(nodes):
        if i > 0 and node.rank == rank:
            steps.append([])
        steps[-1].append(node)
    return steps


def _filled(steps: list[list[Node]], indent: int, more: int) -> list[list[Node]]:
    """As many steps on a line as fit, the first line at `indent`, the others at `more`."""
    lines = [list(steps[0])]
    width = shape(steps[0])
    room = WIDTH - indent
    for step in steps[1:]:
        own = shape(step)
        together = width.then(own, True)
        if together.fits(room):
            lines[-1] += step
            width = together
        else:
            lines.append(list(step))
            width, room = own, WIDTH - more
    return lines


# ---- choosing brackets


def _break_groups(nodes: Sequence[Node], room: int) -> None:
    """Breaks the last brackets that alone make the line fit; if none do, all that cross the margin."""
    ahead = EMPTY
    prefixes = []  # up to each node, with the space before it
    for i, node in enumerate(nodes):
        space = node.space and i > 0
        prefixes.append(ahead.then(EMPTY, space))
        ahead = ahead.then(node.shape, space)
    behind = EMPTY
    for i in reversed(range(len(nodes))):
        node = nodes[i]
        if isinstance(node, Group) and node.body and not node.broken:
            last = _OPENED.then(behind, i + 1 < len(nodes) and nodes[i + 1].space)
            if prefixes[i].then(_OPENED, False).fits(room) and last.fits(room):
                node.break_up()
                return
        behind = node.shape.then(behind, i + 1 < len(nodes) and nodes[i + 1].space)
    _break_crossing(nodes, room)


def _break_crossing(nodes: Sequence[Node], room: int) -> None:
    """Breaks brackets from the left: those that cross the margin, or the last before what crosses it otherwise."""
    width = 0  # of the line of text up to here
    whole: Group | None = None  # the last brackets on it that could be broken
    whole_end = 0  # where they end
    for i, node in enumerate(nodes):
        width += node.space and i > 0
        group = node if isinstance(node, Group) and (node.body or node.broken) else None
        if group is not None and not group.broken and Shape(width).then(group.shape, False).fits(room):
            width = Shape(width).then(group.shape, False).last
            whole, whole_end = group, width
            continue
        least = width + (1 if group is not None else node.shape.head)
        if least > room and whole is not None:
            whole.break_up()
            width, whole = width - whole_end + 1, None
        if group is None:
            width += node.shape.head
        elif not group.broken and Shape(width).then(group.shape, False).fits(room):
            width = Shape(width).then(group.shape, False).last
            whole, whole_end = group, width
        else:
            group.break_up()
            width, whole = 1, None

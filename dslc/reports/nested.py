"""A picture's graph with frames as a graph of graphs: what is in a frame is placed by itself, then the frame as a box.

A tensor that goes into a frame or out of it has a port there, at its head or its foot, so that no line from without
passes between the boxes of a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import field

from dslc.record import entity
from dslc.reports.layered import Gap, Line, Spot, place
from dslc.reports.picture import Box, Frame, Graph, around, members

PAD = 12.0
"""Free space between a frame and what is in it."""

Tensor = tuple[Box, int]
"""A box and which of its results."""


@entity
class Port(Spot):
    """Where a tensor goes into a frame, or out of it."""


@entity
class Group(Spot):
    """A frame as a box of the graph around it, and what is in it; the one without a frame is the whole picture.

    `inset` is how far its left edge is from `x`, `head` the height of its title.
    """

    frame: Frame | None = None
    spots: list[Spot] = field(default_factory=list)
    lines: dict[tuple[Spot, int, Spot, Port | None], Line] = field(default_factory=dict)
    arrives: dict[Line, Port] = field(default_factory=dict)
    entries: dict[Tensor, Port] = field(default_factory=dict)
    exits: dict[Tensor, Port] = field(default_factory=dict)
    inset: float = 0.0
    head: float = 0.0

    def join(self, source: Spot, slot: int, target: Spot, port: Port | None = None) -> None:
        """A line within this group, to a port where its target is a group."""
        if (source, slot, target, port) not in self.lines:
            line = self.lines[source, slot, target, port] = Line(source, slot, target)
            if port is not None:
                self.arrives[line] = port

    def everything(self) -> Iterator[Spot]:
        """What was placed in it: boxes, groups, ports, bends of lines."""
        yield from self.spots
        yield from {spot: None for line in self.lines.values() for spot in line.trunk}


def nested(graph: Graph) -> list[Group]:
    """The groups of a picture: the whole, then those in it, each behind the one around it."""
    groups: dict[Frame | None, Group] = {None: Group()} | {frame: Group(frame=frame) for frame in graph.frames}
    for outer, items in members(graph).items():
        groups[outer].spots = [groups[item] if isinstance(item, Frame) else item for item in items]
    for source, slot, target in graph.lines:
        connect(groups, source, slot, target)
    for group in groups.values():
        group.spots = [*group.entries.values(), *group.spots, *group.exits.values()]
    return list(groups.values())


def connect(groups: dict[Frame | None, Group], source: Box, slot: int, target: Box) -> None:
    """The line of a tensor: out of the frames around its source alone, into those around its target alone."""
    up, down = around(source), around(target)
    while up and down and up[0] is down[0]:
        del up[0], down[0]
    here: Spot = source
    tensor, at = (source, slot), slot
    for frame in reversed(up):
        group = groups[frame]
        port = group.exits.setdefault(tensor, Port(last=True))
        group.join(here, at, port)
        here, at = group, list(group.exits).index(tensor)
    for frame in down:
        group = groups[frame]
        port = group.entries.setdefault(tensor, Port(fed=True))
        groups[frame.parent].join(here, at, group, port)
        here, at = port, 0
    groups[target.frame].join(here, at, target)


def arrange(
    groups: Sequence[Group],
    gap: Gap,
    head: Callable[[Frame], tuple[float, float]],
) -> tuple[float, float]:
    """Give all boxes, groups and bends their places; the width and height of the picture.

    `head` is the width and height of a frame's title.
    """
    size = 0.0, 0.0
    for group in reversed(groups):
        size = place(group.spots, list(group.lines.values()), gap)
        if group.frame is not None:
            enclose(group, size, head(group.frame))
    for group in groups[1:]:
        dx, dy = group.x - group.inset + PAD, group.y + group.head
        for spot in group.everything():
            spot.x += dx
            spot.y += dy
            spot.roof += dy
            spot.foot += dy
        for port in group.exits.values():
            port.y = group.y + group.height
        for port in group.entries.values():
            port.y = group.y + group.head
    return size


def enclose(group: Group, size: tuple[float, float], head: tuple[float, float]) -> None:
    """A group's own size, from that of what is in it and of its title; it hangs on the line that goes on from it."""
    width, group.head = head
    room = max(width - size[0] - 2 * PAD, 0.0)
    group.width, group.height = size[0] + 2 * PAD + room, size[1] + group.head + (0.0 if group.exits else PAD)
    ports = [*group.exits.values(), *group.entries.values()]
    group.inset = PAD + (ports[0].x if ports else size[0] / 2)
    group.left, group.right = group.inset, group.width - group.inset

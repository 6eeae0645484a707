"""A network's structure as an SVG picture.

The text is plain SVG 1.1 without fonts or scripts of its own, the same for the same network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from dslc.ir.model import Model
from dslc.reports.colours import FAMILIES, LIGHT, OTHER
from dslc.reports.columns import shape_text
from dslc.reports.heat import tell
from dslc.reports.layered import Line, Spot
from dslc.reports.nested import Group, Port, arrange, nested
from dslc.reports.picture import Box, Frame, Graph

WIDE, NARROW = "mwMW@%", "ijltfrI.,:;|!'()[] "
FONT, SMALL = 12.0, 9.5
"""Sizes of letters in pixels: what a box is, and its path or the shapes."""

HEAD = """\
<svg xmlns="http://www.w3.org/2000/svg" class="dslc" width="{w}" height="{h}" viewBox="0 0 {w} {h}" \
font-family="Helvetica, Arial, sans-serif" font-size="12" text-anchor="middle">
<title>{title}</title>
<style>.dslc .s {{ font-size: 9.5px; fill: {note} }} .dslc .h {{ fill: {hot} }} .dslc .a {{ fill: {line} }}
.dslc .l {{ fill: none; stroke: {line}; stroke-width: 1.2 }} .dslc .w {{ fill: {paper} }}
.dslc .f {{ fill: {frame} }}</style>
<rect class="w" width="{w}" height="{h}" rx="6"/>"""

MARGIN, PITCH = 14.0, 12.0
"""Free space around the picture, and between lines beside each other."""


def picture(model: Model, depth: int | None = None) -> str:
    """The text of an SVG file; `depth` closes parts so many levels deep (1: the first level alone)."""
    return svg(Graph(model, depth))


def svg(graph: Graph) -> str:
    """The picture of a graph."""
    tell(graph)
    sized(graph)
    groups = nested(graph)
    width, height = arrange(groups, below, head_size)
    w, h = number_text(width + 2 * MARGIN), number_text(height + 2 * MARGIN)
    parts = [HEAD.format(w=w, h=h, title=escape(graph.model.entry), **LIGHT)]
    parts.append(f'<g transform="translate({MARGIN:g} {MARGIN:g})">')
    parts += [framed(group, group.frame) for group in groups if group.frame is not None]
    for group in groups:
        lines = list(group.lines.values())
        ports = arrivals(lines, group.arrives)
        trunks = {(line.source, line.slot): line for line in lines if line.trunk}
        parts += [trunk(line) for line in trunks.values()]
        parts += [branch(line, ports[line]) for line in lines]
    parts += [f"<g><title>{escape(tip(box, graph))}</title>{drawn(box)}</g>" for box in graph.boxes]
    return "\n".join((*parts, "</g>\n</svg>\n"))


def sized(graph: Graph) -> None:
    """Widths and heights from the texts. A shape is written where it changes; to the left where several lines leave."""
    sizes = graph.model.sizes
    read: dict[Box, list[Box]] = {box: [] for box in graph.boxes}
    readers = dict.fromkeys(graph.boxes, 0)
    for source, _, target in graph.lines:
        read[target].append(source)
        readers[source] += 1
    for box in graph.boxes:
        shapes = [shape_text(out, sizes) for out in box.outs]
        if box.family != "input" and shapes != [shape_text(out, sizes) for s in read[box][:1] for out in s.outs]:
            box.label = "  ".join(dict.fromkeys(shapes))
            if len(shapes) > 1 and len(set(shapes)) == 1:
                box.label = f"{len(box.outs)} x {box.label}"
        ports = 16 + PITCH * max(1, len(read[box]), len(box.outs))
        box.width = max(letters(box.title, FONT) + 18, *(letters(note, SMALL) + 18 for note in box.notes), ports)
        box.height = 24.0 + 12 * len(box.notes)
        beside = letters(box.label, SMALL) + 8 + fan(box) if box.label else 0.0
        box.label_left = readers[box] > len(box.outs)
        box.left = max(box.width / 2, beside * box.label_left)
        box.right = max(box.width / 2, beside * (not box.label_left))


def letters(text: str, size: float) -> float:
    """About how wide a text is, in pixels: no font is at hand."""
    widths = (0.92 if c in WIDE else 0.36 if c in NARROW else 0.7 if c.isupper() else 0.6 for c in text)
    return sum(widths) * size


def below(row: Sequence[Spot]) -> tuple[float, float]:
    """The heights below a row: of the shapes that are written there, and of where lines bend."""
    if any(isinstance(spot, Box) and spot.label for spot in row):
        return 14.0, 22.0
    return 0.0, 36.0 if any(not spot.bend and len(spot.below) > 1 for spot in row) else 18.0


def head_size(frame: Frame) -> tuple[float, float]:
    """The width and height of a frame's title."""
    widths = (letters(frame.heading, FONT), *(letters(note, SMALL) for note in frame.notes))
    return max(widths) + 24, 24.0 + 12 * len(frame.notes)


def arrivals(lines: Sequence[Line], ports: Mapping[Line, Port]) -> dict[Line, float]:
    """Where each line meets what reads it: at its port, or below where it comes from, apart from the others."""
    by_target: dict[Spot, list[Line]] = {}
    found: dict[Line, float] = {}
    for line in lines:
        if line in ports or isinstance(line.target, Port):
            found[line] = ports.get(line, line.target).x
        else:
            by_target.setdefault(line.target, []).append(line)
    for target, arriving in by_target.items():
        last = {line: start(line)[0] for line in arriving}
        arriving.sort(key=lambda line: last[line])
        room = target.width / 2 - 8
        step = min(PITCH, 2 * room / len(arriving))
        for i, line in enumerate(arriving):
            low = -room + i * step
            high = room - (len(arriving) - 1 - i) * step
            if i:
                low = max(low, found[arriving[i - 1]] - target.x + step)
            found[line] = target.x + min(max(last[line] - target.x, low), high)
    return found


def leaving(line: Line) -> float:
    """Where a line leaves its source: results stand side by side."""
    source = line.source
    if isinstance(source, Group):
        return list(source.exits.values())[line.slot].x
    count = len(source.outs) if isinstance(source, Box) else 1
    return source.x + (line.slot - (count - 1) / 2) * PITCH


def fan(box: Box) -> float:
    """How far from the middle of a box its outermost result leaves."""
    return max(len(box.outs) - 1, 0) / 2 * PITCH


def start(line: Line) -> tuple[float, float]:
    """Where a line leaves its trunk, or its source if it passes no row."""
    spot = line.last or line.source
    return (spot.x if line.passed else leaving(line)), spot.y + spot.height


def trunk(line: Line) -> str:
    """What the lines of a tensor share: the way past rows that do not read it."""
    here, foot = (leaving(line), line.source.y + line.source.height), line.source.foot
    text = [f"M{at(here)}"]
    for spot in line.trunk:
        text.append(bow((here[0], foot), (spot.x, spot.roof), here[1]))
        here, foot = (spot.x, spot.y + spot.height), spot.foot
        text.append(f"V{number_text(here[1])}")
    return f'<path class="l" d="{"".join(text)}"/>'


def branch(line: Line, port: float) -> str:
    """The last part of a line, with its arrow's head."""
    here, x, y = start(line), port, line.target.y
    foot, roof = (line.last or line.source).foot, min(line.target.roof, y)
    dash = ' stroke-dasharray="4 3"' if line.target.faded else ""
    way = f"M{at(here)}{bow((here[0], foot), (x, roof), here[1])}" + (f"V{number_text(y)}" if roof < y else "")
    path = f'<path class="l" d="{way}"{dash}/>'
    if isinstance(line.target, Port):
        return path
    return f'{path}<path d="M{at((x - 3.5, y - 6))}L{at((x, y))}L{at((x + 3.5, y - 6))}z" class="a"/>'


def bow(here: tuple[float, float], there: tuple[float, float], top: float) -> str:
    """From a height straight down to a place, and on to another, upright at both."""
    if here[0] == there[0]:
        return f"V{number_text(there[1])}"
    middle = (here[1] + there[1]) / 2
    down = f"V{number_text(here[1])}" if here[1] > top else ""
    return f"{down}C{at((here[0], middle))} {at((there[0], middle))} {at(there)}"


def tip(box: Box, graph: Graph) -> str:
    """What browsers show where the pointer stays: the whole path, what is there, the shapes of its results."""
    shapes = " ".join(shape_text(out, graph.model.sizes) for out in box.outs)
    return "\n".join(words for words in (box.path, box.words or box.title, shapes, *box.costs.values()) if words)


def frame_tip(frame: Frame) -> str:
    """What browsers show of a frame: the path of the first part, what it is, how many follow, what they cost."""
    return "\n".join((frame.path, frame.words, f"{frame.times} equal parts", *frame.costs.values()))


def framed(group: Group, frame: Frame) -> str:
    """A frame, empty, with its title."""
    fill, edge = FAMILIES["part"]
    left, top = number_text(group.x - group.inset), number_text(group.y)
    width, height = number_text(group.width), number_text(group.height)
    middle = number_text(group.x - group.inset + group.width / 2)
    times = frame.heading.removeprefix(frame.title).strip()
    title = f'{escape(frame.title)} <tspan font-weight="bold">{times}</tspan>'
    texts = [f'<text x="{middle}" y="{number_text(group.y + 16)}">{title}</text>']
    for i, note in enumerate(frame.notes):
        y = number_text(group.y + 29 + 12 * i)
        texts.append(f'<text class="s" x="{middle}" y="{y}">{escape(note)}</text>')
    at_ = f'x="{left}" y="{top}" width="{width}"'
    return (
        f"<g><title>{escape(frame_tip(frame))}</title>"
        f'<rect {at_} height="{height}" rx="8" class="f" stroke="{edge}"/>'
        f'<rect {at_} height="{number_text(group.head)}" rx="8" fill="{fill}" stroke="{edge}"/>'
        f"{''.join(texts)}</g>"
    )


def drawn(box: Box) -> str:
    """A box with its texts, and the shapes of its results below it."""
    fill, edge = FAMILIES.get(box.family, OTHER)
    fill = box.tint or fill
    round_ = box.height / 2 if box.family == "input" else 5
    dash = ' stroke-dasharray="4 3"' if box.faded else ""
    left = box.x - box.width / 2
    parts = [
        f'<rect x="{number_text(left)}" y="{number_text(box.y)}" width="{number_text(box.width)}" '
        f'height="{number_text(box.height)}" rx="{number_text(round_)}" fill="{fill}" stroke="{edge}"{dash}/>',
        f'<text x="{number_text(box.x)}" y="{number_text(box.y + 16)}">{escape(box.title)}</text>',
    ]
    for i, note in enumerate(box.notes):
        y = number_text(box.y + 29 + 12 * i)
        letter = "s h" if box.tint else "s"
        parts.append(f'<text class="{letter}" x="{number_text(box.x)}" y="{y}">{escape(note)}</text>')
    if box.label:
        side = -1 if box.label_left else 1
        x, y = number_text(box.x + (6 + fan(box)) * side), number_text(box.y + box.height + 11)
        anchor = "end" if box.label_left else "start"
        parts.append(f'<text class="s t" text-anchor="{anchor}" x="{x}" y="{y}">{escape(box.label)}</text>')
    return "".join(parts)


def at(point: tuple[float, float]) -> str:
    """A place in a path."""
    return f"{number_text(point[0])} {number_text(point[1])}"


def number_text(number: float) -> str:
    """With one decimal at most, so that a picture is the same on every machine."""
    return f"{round(number, 1):g}"

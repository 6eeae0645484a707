"""A network's picture as text that other programs lay out, Graphviz and Mermaid, and as a page."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from html import escape

from dslc.reports.colours import DARK, FAMILIES, OTHER
from dslc.reports.columns import shape_text
from dslc.reports.heat import tell
from dslc.reports.picture import Box, Frame, Graph, members
from dslc.reports.svg import svg, tip

PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ margin: 1rem; font-family: Helvetica, Arial, sans-serif; background: #f4f5f7; color: #1d2430 }}
svg {{ max-width: none; display: block; margin: auto }}
@media (prefers-color-scheme: dark) {{
body {{ background: #14181f; color: #f4f5f7 }}
svg.dslc .w {{ fill: {paper} }} svg.dslc .f {{ fill: {frame} }} svg.dslc .t {{ fill: {label} }}
svg.dslc .l {{ stroke: {line} }} svg.dslc .a {{ fill: {line} }}
}}
@media print {{ svg {{ max-width: 100%; height: auto }} }}
</style>
</head>
<body>
<main>
<h1>{title}</h1>
{svg}</main>
</body>
</html>
"""


def html(graph: Graph) -> str:
    """A page with the picture in it: one file, which loads nothing. A box under the pointer says what it is in full."""
    return PAGE.format(title=escape(graph.model.entry), svg=svg(graph), **DARK)


def dot(graph: Graph) -> str:
    """The text of a Graphviz file. Equal parts that are drawn once are a cluster."""
    tell(graph)
    ids, frames = names(graph), {frame: f"cluster_{i}" for i, frame in enumerate(graph.frames)}
    lines = [
        f"digraph {quoted(graph.model.entry)} {{",
        '    node [shape=box, style="rounded,filled", fontname="Helvetica"];',
        '    graph [fontname="Helvetica"];',
    ]
    for indent, item in outline(graph):
        pad = "    " * indent
        if isinstance(item, Frame):
            fill, edge = FAMILIES["part"]
            label = quoted("\n".join((item.heading, *item.notes)))
            lines.append(f"{pad}subgraph {frames[item]} {{")
            lines.append(f'{pad}    label={label}; style="rounded,filled"; fillcolor="{fill}"; color="{edge}";')
        elif item is None:
            lines.append(f"{pad}}}")
        else:
            fill, edge = colours(item)
            dashes = "rounded,filled,dashed" if item.faded else "rounded,filled"
            label, tooltip = quoted("\n".join((item.title, *item.notes))), quoted(tip(item, graph))
            lines.append(
                f'{pad}{ids[item]} [label={label}, tooltip={tooltip}, fillcolor="{fill}", color="{edge}", '
                f'style="{dashes}"];'
            )
    for source, slot, target in graph.lines:
        lines.append(f"    {ids[source]} -> {ids[target]} [label={quoted(shape(graph, source, slot))}];")
    return "\n".join((*lines, "}\n"))


def mermaid(graph: Graph) -> str:
    """The text of a Mermaid flowchart, as GitHub draws it in a fence marked `mermaid`."""
    tell(graph)
    ids, frames = names(graph), {frame: f"g{i}" for i, frame in enumerate(graph.frames)}
    lines = ["flowchart TD"]
    for indent, item in outline(graph):
        pad = "    " * indent
        if isinstance(item, Frame):
            label = "<br>".join(plain(words) for words in (item.heading, *item.notes))
            lines.append(f'{pad}subgraph {frames[item]}["{label}"]')
        elif item is None:
            lines.append(f"{pad}end")
        else:
            label = "<br>".join(plain(words) for words in (item.title, *item.notes))
            ends = ("([", "])") if item.family == "input" else ("[", "]")
            lines.append(f'{pad}{ids[item]}{ends[0]}"{label}"{ends[1]}')
    for source, slot, target in graph.lines:
        arrow = "-.->" if target.faded else "-->"
        text = plain(shape(graph, source, slot))
        lines.append(
            f'    {ids[source]} {arrow}|"{text}"| {ids[target]}' if text else f"    {ids[source]} {arrow} {ids[target]}"
        )
    for box, name in ids.items():
        fill, edge = colours(box)
        lines.append(f"    style {name} fill:{fill},stroke:{edge},color:#000")
    fill, edge = FAMILIES["part"]
    lines += [f"    style {name} fill:{fill},stroke:{edge},color:#000" for name in frames.values()]
    return "\n".join((*lines, ""))


def outline(graph: Graph) -> Iterator[tuple[int, Box | Frame | None]]:
    """Boxes in the frames around them, with how deep they are; none: a frame ends."""
    found = members(graph)
    stack = [iter(found[None])]
    while stack:
        item = next(stack[-1], None)
        if item is not None:
            yield len(stack), item
            if isinstance(item, Frame):
                stack.append(iter(found[item]))
        else:
            stack.pop()
            if stack:
                yield len(stack), None


def names(graph: Graph) -> dict[Box, str]:
    """A name for each box, in the order of the program."""
    return {box: f"n{i}" for i, box in enumerate(graph.boxes)}


def colours(box: Box) -> tuple[str, str]:
    """Fill and edge."""
    fill, edge = FAMILIES.get(box.family, OTHER)
    return box.tint or fill, edge


def shape(graph: Graph, source: Box, slot: int) -> str:
    """That of a tensor on its way."""
    return shape_text(source.outs[slot], graph.model.sizes) if slot < len(source.outs) else ""


def quoted(text: str) -> str:
    """A text of Graphviz; only these three have a meaning in it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


ESCAPED = r"[^\w .,:=/\[\](){}\u00b7\u2026\u00d7\u00f7\u2212\u2264\u2265\u2260]|(?<=^\d)\.(?= )"
"""Any letter but those that Mermaid reads as they are, wherever they stand: among these are signs of our op names."""


def plain(text: str) -> str:
    """A text of Mermaid, which reads quotes, tags, Markdown and `#..;` in labels: those letters go by their numbers."""
    return re.sub(ESCAPED, lambda found: f"#{ord(found[0])};", text)


WRITERS: Mapping[str, Callable[[Graph], str]] = {
    ".svg": svg,
    ".html": html,
    ".png": svg,
    ".mmd": mermaid,
    ".dot": dot,
}
"""What writes a picture, by the end of the file's name; a .png is made of the .svg."""


def writer(path: str) -> Callable[[Graph], str] | None:
    """What writes a file of that name; none: nothing does."""
    return next((write for end, write in WRITERS.items() if path.endswith(end)), None)

"""What notebooks show: a network's numbers as a table, with all that a program wrote escaped."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from dslc.reports.numbers import short

if TYPE_CHECKING:
    from dslc.reports.tables import LayerNumbers, NetworkStats

MOST_ROWS = 200
"""Layers that a notebook keeps for one answer; the text of `print(stats)` has all."""

HEADINGS = ("layer", "op", "output", "params", "MACs")


def stats_html(stats: NetworkStats) -> str:
    """The totals, and the layers to open below them."""
    totals = stats.totals
    wanted = (("params", "params"), ("macs", "MACs"))
    known = [f"{short(int(value))} {words}" for name, words in wanted if (value := totals[name]) is not None]
    least = "at least " if stats.unknown else ""
    layers = [layer for layer in stats.layers if not layer.part]
    rows = "".join(map(row, layers[:MOST_ROWS]))
    more = len(layers) - MOST_ROWS
    left = f"<p>and {more:,} layers more: <code>print(stats)</code> has all</p>" if more > 0 else ""
    head = "".join(f'<th scope="col">{heading}</th>' for heading in HEADINGS)
    return (
        f"<div><p><b>{escape(stats.net)}</b>: {least}{', '.join(known)}</p>"
        f"<details><summary>{len(layers):,} layers</summary><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{rows}</tbody></table>{left}</details></div>"
    )


def row(layer: LayerNumbers) -> str:
    """One layer; what it has none of is left empty."""
    outs = " ".join(f"[{', '.join('?' if n is None else str(n) for n in out)}]" for out in layer.outputs)
    counts = [f"{value:,}" if value else "" for value in (layer.params, layer.macs)]
    return "<tr>" + "".join(f"<td>{escape(str(x))}</td>" for x in (layer.path, layer.op, outs, *counts)) + "</tr>"

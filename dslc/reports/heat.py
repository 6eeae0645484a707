"""Numbers on the boxes of a picture: how much of the network each has, in words and as a colour."""

from __future__ import annotations

from dslc.analysis.metrics import METRICS, Elements, Number, PerUse, Work, unit_text
from dslc.analysis.quantities import Numbers
from dslc.reports.numbers import bytes_text, short
from dslc.reports.picture import Box, Graph

HEATS = {"params": "params", "macs": "macs", "memory": "activation_memory"}
"""What `--heat` shows, by the name of its metric: counts at the default sizes, for one sample."""

COLD, HOT = (255, 255, 255), (240, 128, 96)
"""Colours of nothing and of the greatest number; dark letters can be read on both."""


def amounts(graph: Graph, heat: str) -> dict[Box, Number]:
    """What the ops of each box add up to."""
    adds = METRICS[HEATS[heat]].adds
    assert isinstance(adds, Elements | Work | PerUse), f"{heat} does not add up over layers"
    by_use = adds.by_use(Numbers(graph.model, graph.flat))
    return {box: sum(by_use.get(use, 0) for use in box.uses) for box in graph.boxes if box.uses}


def warm(graph: Graph, heat: str) -> None:
    """Write each box's number and its share of all below its name, and colour it by its share of the greatest."""
    metric = METRICS[HEATS[heat]]
    found = amounts(graph, heat)
    total, most = sum(found.values()), max(found.values(), default=0)
    for box in graph.boxes:
        value = found.get(box, 0)
        box.tint = colour(value / most if most else 0.0)
        if value:
            number = bytes_text(value) if metric.unit == "B" else short(int(value)) + unit_text(metric.unit)
            words = "" if metric.unit == "B" else f" {metric.title}"
            box.notes = (*box.notes, f"{number}{words} · {value / total:.1%}")


def colour(share: float) -> str:
    """Between cold and hot: 0 to 1."""
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in zip(COLD, HOT, strict=True))

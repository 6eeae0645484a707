"""Numbers of a picture's boxes and frames: how much of the network each has, in words and as a colour."""

from __future__ import annotations

from dslc.analysis.cost import Count
from dslc.analysis.metrics import METRICS, Elements, Metric, Number, PerUse, Work, unit_text
from dslc.analysis.quantities import Numbers
from dslc.ir.model import Param
from dslc.reports.colours import heat_colour
from dslc.reports.numbers import bytes_text, short
from dslc.reports.picture import Box, Frame, Graph, around

HEATS = {"params": "params", "macs": "macs", "memory": "activation_memory"}
"""What `--heat` shows, by the name of its metric: counts at the default sizes, for one sample."""


class Amounts:
    """What the ops and tensors of each box and frame add up to, by the names of HEATS."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.numbers = Numbers(graph.model, graph.flat)

    def boxes(self, heat: str) -> dict[Box, Number]:
        """The numbers of all boxes; a tensor counts where it is first used."""
        adds = METRICS[HEATS[heat]].adds
        assert isinstance(adds, Elements | Work | PerUse), f"{heat} does not add up over layers"
        by_use = adds.by_use(self.numbers)
        found: dict[Box, Number] = {box: sum(by_use.get(use, 0) for use in box.uses) for box in self.graph.boxes}
        seen: set[Param] = set()
        if isinstance(adds, Elements):
            for box in self.graph.boxes:
                count = Count()
                for param in box.tensors.keys() - seen:
                    count.add(param, param in self.numbers.cost.train_only_params)
                seen |= box.tensors.keys()
                found[box] += adds.of(count)
        return found

    def frames(self, found: dict[Box, Number]) -> dict[Frame, Number]:
        """The sums over what is in each frame."""
        sums: dict[Frame, Number] = dict.fromkeys(self.graph.frames, 0)
        for box, number in found.items():
            for frame in around(box):
                sums[frame] += number
        return sums


def warm(graph: Graph, heat: str) -> None:
    """Write each box's number and its share of all below its name, and colour it by its share of the greatest."""
    metric = METRICS[HEATS[heat]]
    amounts = Amounts(graph)
    found = amounts.boxes(heat)
    total, most = sum(found.values()), max(found.values(), default=0)
    for box, value in found.items():
        box.tint = heat_colour(value / most if most else 0.0)
        if value:
            box.notes = (*box.notes, f"{amount_text(metric, value, box.times)} · {value / total:.1%}")
    for frame, value in amounts.frames(found).items():
        if value:
            frame.cost = f"{amount_text(metric, value, frame.all)} · {value / total:.1%}"


def tell(graph: Graph) -> None:
    """Parameters and multiply-adds of all boxes and frames, for who asks; equal parts say what they hold."""
    amounts = Amounts(graph)
    for heat in ("params", "macs"):
        metric, found = METRICS[HEATS[heat]], amounts.boxes(heat)
        for box, value in found.items():
            if value:
                box.costs[heat] = amount_text(metric, value, box.times)
        for frame, value in amounts.frames(found).items():
            if value:
                frame.costs[heat] = amount_text(metric, value, frame.all)
    for box in graph.boxes:
        cost = box.costs.get("params", "")
        if box.repeats > 1 and cost and not box.tint and cost not in box.notes:
            box.notes = (*box.notes, cost)
    for frame in graph.frames:
        frame.cost = frame.cost or frame.costs.get("params", "")


def amount_text(metric: Metric, value: Number, times: int) -> str:
    """`7.088 M params`; of equal parts `12 × 7.088 M = 85.054 M params`."""  # noqa: RUF002
    words = "" if metric.unit == "B" else f" {metric.title}"
    if times == 1 or value % times:
        return number_text(metric, value) + words
    each = number_text(metric, value // times)
    return f"{times} × {each} = {number_text(metric, value)}{words}"  # noqa: RUF001


def number_text(metric: Metric, value: Number) -> str:
    """A number with its unit."""
    return bytes_text(value) if metric.unit == "B" else short(int(value)) + unit_text(metric.unit)

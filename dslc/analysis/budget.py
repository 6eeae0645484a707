"""Budgets: what a program or a command line says a network may cost, against what it costs."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction

from dslc.analysis.cost import Use
from dslc.analysis.errors import Incomplete, OpenBudget, OverBudget, UnknownQuantity
from dslc.analysis.memory import Holds
from dslc.analysis.metrics import QUANTITIES, unit_text
from dslc.analysis.quantities import Numbers
from dslc.bind.budgets import LimitOfBytes, of_bytes
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Label, Mistake, Sink
from dslc.ir.model import Budget, Model
from dslc.ir.walk import Needed
from dslc.syntax import tree
from dslc.vocabulary import table

MOST_SHOWN = 3
"""Layers that a message about an exceeded budget shows."""
MOST_HALVED = 8
"""Layers that a help proposes to halve."""

COMPARE: dict[str, Callable[[int | float | Fraction, int | float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def check_budgets(model: Model, sink: Sink, more: Sequence[Budget] = ()) -> None:
    """Add a mistake for each budget of the program, and of `more`, that the network does not keep."""
    budgets = [*model.budgets, *more]
    if not budgets:
        return
    numbers = Numbers(model)
    for budget in budgets:
        mistake = broken(budget, numbers)
        if mistake is None:
            continue
        related: list[Label] = []
        at = budget.span
        if isinstance(mistake, OverBudget):
            related = [
                layer.label(mistake.unit, share=not mistake.reason)
                for layer in layers(budget.name, numbers)[:MOST_SHOWN]
            ]
        elif isinstance(mistake, UnknownQuantity):
            at = at.source.span(at.start, at.start + len(budget.name))
        elif isinstance(mistake, LimitOfBytes) and budget.value is not None:
            at = budget.value
        found = mistake.at(at, related=related)
        if found.key not in sink.found:  # binding has told of it
            sink.add(found)


def check_names(lines: Iterable[tree.Budget], sink: Sink) -> None:
    """Add a mistake for each limit of no quantity: all that can be said of a budget where there is no network."""
    for subject in (limit.values[0] for line in lines for limit in line.limits):
        if isinstance(subject, tree.Name) and subject.name not in QUANTITIES:
            sink.add(_unknown(subject.name).at(subject.span))


def _unknown(name: str) -> UnknownQuantity:
    return UnknownQuantity(name, tuple(QUANTITIES), table.quantity(name) or nearest(name, QUANTITIES))


def broken(budget: Budget, numbers: Numbers) -> Mistake | None:
    """The mistake in one budget, if any. A lower bound can break a limit from above, and keep one from below."""
    quantity = QUANTITIES.get(budget.name)
    if quantity is None:
        return _unknown(budget.name)
    if budget.value is not None:
        wrong = of_bytes(budget.name, budget.op, budget.value.text, counted=quantity.unit != "B")
        if wrong is not None:
            return wrong
    value, gap = quantity.value(numbers), quantity.gap(numbers)
    holds = value is not None and COMPARE[budget.op](value, budget.limit)
    bounded = budget.name != "receptive_field"  # a module of the user's may see less than its input's field too
    surely_over = bounded and budget.op in ("<", "<=") and value is not None and not holds
    surely_kept = bounded and budget.op in (">", ">=") and holds
    if gap and not surely_over and not surely_kept:
        return OpenBudget(budget.name, gap)
    if holds:
        return None
    shown = [f"{v:,}" if isinstance(v, int) else str(v) for v in (value, budget.limit)]
    advice = ""
    if budget.op in ("<", "<=") and not gap:
        advice = halving(layers(budget.name, numbers), int(value or 0), budget, quantity.unit)
    return OverBudget(budget.name, shown[0], budget.op, shown[1], unit_text(quantity.unit), advice, gap)


def check_complete(numbers: Numbers, sink: Sink) -> None:
    """Add a mistake that names every quantity with something missing, at the first use that does not state it.

    A net without places in its inputs has no receptive field, which is not a gap.
    """
    gaps = {
        name: gap
        for name, quantity in QUANTITIES.items()
        if (gap := quantity.gap(numbers)) and not (name == "receptive_field" and not numbers.seen)
    }
    if not gaps:
        return
    unknown = {*numbers.cost.unknown, *numbers.memory.unknown}
    places = (step.node.span for step in numbers.flat.steps if step.path in unknown)
    mistake = Incomplete(numbers.model.name, tuple(gaps), tuple(dict.fromkeys(gaps.values())))
    sink.add(mistake.at(next(places, numbers.model.root.site)))


class Layer:
    """A layer's part in a number, and what the network saves if that part is halved."""

    __slots__ = ("part", "path", "saves", "total", "use")

    def __init__(self, use: Use, path: str, part: int, saves: int, total: int) -> None:
        self.use, self.path, self.part, self.saves, self.total = use, path, part, saves, total

    def label(self, unit: str, share: bool = True) -> Label:
        """The layer at its place: `conv1`: 118,013,952 (2.9 %); halving it saves 59,006,976.

        Without `share` no part of the total is given: that of a lower bound is not known.
        """
        of_all = f" ({self.part / self.total:.1%})" if self.total and share else ""
        saves = f"halving it saves {self.saves:,}{unit}" if self.saves else "halving it alone saves nothing"
        return Label(self.use.span, f"`{self.path}`: {self.part:,}{unit}{of_all}; {saves}")


def layers(name: str, numbers: Numbers) -> list[Layer]:
    """The layers that make a number what it is, the heaviest first. None for a receptive field."""
    found = list(live_at_peak(numbers) if name == "peak_memory" else added(name, numbers))
    return sorted(found, key=lambda layer: -layer.part)


def added(name: str, numbers: Numbers) -> Iterator[Layer]:
    """The layers of a number that is a sum over layers."""
    metric = QUANTITIES[name]
    if metric.adds is None:
        return
    total = int(metric.value(numbers) or 0)
    parts = metric.adds.by_use(numbers)
    for step in numbers.flat.steps:
        part = int(parts.get(step.node, 0)) if step.needed is Needed.ALWAYS else 0
        if part:
            yield Layer(step.node, step.path, part, part // 2, total)


def live_at_peak(numbers: Numbers) -> Iterator[Layer]:
    """The buffers that live at the peak, under the layers that make them.

    Halving one lowers the peak by half of it at most: by less where another moment becomes the peak.
    """
    memory = numbers.memory
    uses = {step.path: step.node for step in numbers.flat.steps}
    if memory.peak_at is None:
        return
    lives = [step.live for step in memory.steps]
    for buffer in memory.live(memory.peak_at):
        if buffer.holds is Holds.INPUT:
            continue
        outside = max((*lives[: buffer.first], *lives[buffer.last + 1 :]), default=0)
        inside = max(lives[buffer.first : buffer.last + 1]) - buffer.bytes // 2
        saves = memory.peak - max(outside, inside)
        yield Layer(uses[buffer.path], buffer.path, buffer.bytes, saves, memory.peak)


def halving(heaviest: Sequence[Layer], value: int, budget: Budget, unit: str) -> str:
    """How many of the heaviest layers must be halved to keep a budget; empty where a few do not suffice.

    Savings of a sum add up; those of a peak do not, so only one is proposed there.
    """
    names = []
    most = 1 if budget.name == "peak_memory" else MOST_HALVED
    left = value
    for layer in heaviest[:most]:
        left -= layer.saves
        names.append(f"`{layer.path}`")
        if COMPARE[budget.op](left, budget.limit):
            listed = names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
            return f"halving {listed} would keep it: {left:,}{unit_text(unit)}"
    return ""

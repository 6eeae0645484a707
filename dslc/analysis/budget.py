"""Budgets: what a program says its network may cost, against what it costs."""

from __future__ import annotations

import operator
from collections.abc import Callable
from dataclasses import dataclass

from dslc.analysis.cost import Cost, costs
from dslc.analysis.errors import OpenBudget, OverBudget, UnknownQuantity
from dslc.analysis.field import Number, Status
from dslc.analysis.receptive import Fields, receptive_fields
from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Label, Mistake, Sink
from dslc.ir.model import Budget, Model, Node
from dslc.ir.walk import Flat, flatten

QUANTITIES = ("macs", "params", "receptive_field")
MOST_SHOWN = 3
"""Layers that a message about an exceeded budget names."""

COMPARE: dict[str, Callable[[Number | float, Number | float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


@dataclass(frozen=True, slots=True)
class Numbers:
    """What budgets are held against."""

    flat: Flat
    cost: Cost
    fields: Fields


def check_budgets(model: Model, sink: Sink) -> None:
    """Add a mistake for each budget that the network does not keep. Costs nothing where there is none."""
    if not model.budgets:
        return
    flat = flatten(model)
    numbers = Numbers(flat, costs(model, flat), receptive_fields(model, flat))
    for budget in model.budgets:
        mistake = broken(budget, numbers)
        if mistake is not None:
            related = heaviest(budget.name, numbers) if isinstance(mistake, OverBudget) else ()
            at = budget.span
            if isinstance(mistake, UnknownQuantity):
                at = at.source.span(at.start, at.start + len(budget.name))
            sink.add(mistake.at(at, related=related))


def broken(budget: Budget, numbers: Numbers) -> Mistake | None:
    """The mistake in one budget, if any."""
    if budget.name not in QUANTITIES:
        return UnknownQuantity(budget.name, QUANTITIES, nearest(budget.name, QUANTITIES))
    value, gap = measured(budget.name, numbers)
    holds = value is not None and COMPARE[budget.op](value, budget.limit)
    if gap and (holds or budget.name == "receptive_field"):
        return OpenBudget(budget.name, gap)
    if holds:
        return None
    shown = [f"{v:,}" if isinstance(v, int) else str(v) for v in (value, budget.limit)]
    return OverBudget(budget.name, shown[0], budget.op, shown[1])


def measured(name: str, numbers: Numbers) -> tuple[Number | None, str]:
    """The network's number, and what is missing from it (empty: nothing)."""
    cost = numbers.cost
    if name != "receptive_field":
        gap = f"{', '.join(f'`{path}`' for path in cost.unknown)} does not say" if cost.unknown else ""
        return (cost.macs if name == "macs" else cost.count.params), gap
    fields = [t.field for _, value in numbers.flat.outputs for t in numbers.fields.get(value, ())]
    if not fields:
        return None, "no result depends on places of an input"
    unknown = next((f.cause for f in fields if f.status is Status.UNKNOWN), "")
    return min(f.size for f in fields), f"{unknown} does not say" if unknown else ""


def heaviest(name: str, numbers: Numbers) -> list[Label]:
    """The layers that count most, at their places."""
    if name == "receptive_field":
        return []
    sizes = [
        (cost.macs if name == "macs" else cost.count.params, node)
        for node, cost in numbers.cost.nodes.items()
        if isinstance(node, Node)
    ]
    sizes.sort(key=lambda pair: -pair[0])
    return [Label(node.span, f"`{node.path}`: {value:,}") for value, node in sizes[:MOST_SHOWN] if value]

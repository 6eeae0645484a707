"""A bridge to another tool's number, as lines of a report and as a record for JSON."""

from __future__ import annotations

from dslc.analysis.conventions import Bridge, Item
from dslc.reports.numbers import short

MAX_UNKNOWN = 5
"""Uses whose number cannot be stated that are shown; the rest is counted."""


def bridge_lines(bridge: Bridge) -> list[str]:
    """The total, its items with their reasons, and what the tool does not count.

    `as fvcore counts: 4,111,512,576 flops (4.112 G)`, then `multiply-adds 4,089,184,256`, `+ batch norm ...`.
    """
    tool = bridge.tool
    bound = "" if bridge.is_exact else "at least "
    lines = [f"as {tool.name} counts: {bound}{bridge.total:,} {tool.unit} ({short(bridge.total)})"]
    width = max(len(f"{number:,}") for number in (bridge.macs, *(abs(item.amount) for item in bridge.items)))
    labels = max(len(label) for label in ("multiply-adds", *(item.label for item in bridge.items)))
    lines.append(f"    {'multiply-adds':<{labels}} {bridge.macs:>{width},}")
    lines += [f"  {item_text(item, labels, width)}" for item in bridge.items]
    if bridge.uncounted:
        kinds = ", ".join(f"{line.op} x{line.uses}" for line in bridge.uncounted)
        lines.append(f"  not counted by {tool.name}: {kinds}")
    lines += [f"  unknown: {line}" for line in bridge.unknown[:MAX_UNKNOWN]]
    if len(bridge.unknown) > MAX_UNKNOWN:
        lines.append(f"  unknown: {len(bridge.unknown) - MAX_UNKNOWN} more uses")
    lines.append(f"  {tool.name} {tool.version}: {tool.definition} ({tool.source})")
    if bridge.in_functions != bridge.total:
        lines.append(
            f"  each op stands as its class of torch.nn; where forward calls functions instead (F.relu), "
            f"down to {bridge.in_functions:,}"
        )
    return lines


def item_text(item: Item, labels: int, width: int) -> str:
    """`+ batch norm   22,227,968  53 uses: 2 per element`."""
    sign = "-" if item.amount < 0 else "+"
    uses = "1 use" if item.uses == 1 else f"{item.uses} uses"
    return f"{sign} {item.label:<{labels}} {abs(item.amount):>{width},}  {uses}: {item.reason}"


def bridge_record(bridge: Bridge) -> dict[str, object]:
    """The bridge as plain values: `total` = `macs` + the sum of the items' `amount`."""
    tool = bridge.tool
    return {
        "tool": tool.name,
        "unit": tool.unit,
        "version": tool.version,
        "source": tool.source,
        "definition": tool.definition,
        "total": bridge.total,
        "total_in_functions": bridge.in_functions,
        "exact": bridge.is_exact,
        "macs": bridge.macs,
        "items": [
            {"label": item.label, "amount": item.amount, "uses": item.uses, "reason": item.reason}
            for item in bridge.items
        ],
        "uncounted": [{"op": line.op, "uses": line.uses, "flops": line.flops} for line in bridge.uncounted],
        "unknown": list(bridge.unknown),
    }

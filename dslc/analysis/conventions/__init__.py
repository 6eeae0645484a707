"""Another tool's number for a network, and an itemised bridge to it from this project's multiply-adds.

A tool's total is stated for the network in evaluation, one sample, default sizes, with every op standing as the class
that torch.nn has for it (`nn.ReLU`, `nn.AdaptiveAvgPool2d`), as in torchvision's ResNet. Tools of hooks see less, or
count once instead of twice, where `forward` calls a function (`F.relu`): the nodes given as `functions` are counted
so, and `in_functions` is the total where every op that can be a function is one. Generated code lies between the two.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import field

from dslc.analysis.conventions import fvcore, ptflops, thop, torchvision
from dslc.analysis.conventions.model import Counted, Tool
from dslc.analysis.conventions.reading import applied
from dslc.analysis.cost import Cost, Use, value_at
from dslc.ir.model import Call, Model
from dslc.ir.walk import Flat, Needed
from dslc.record import entity, frozen

TOOLS: dict[str, Tool] = {tool.name: tool for tool in (torchvision.TOOL, fvcore.TOOL, thop.TOOL, ptflops.TOOL)}
"""The conventions that `--as` knows, by name."""


@frozen
class Item:
    """One line of a bridge: what is added (or, below zero, left out), over how many uses, and the tool's rule."""

    label: str
    amount: int
    uses: int
    reason: str


@frozen
class Uncounted:
    """A kind of op for which the tool counts nothing, its uses, and its FLOPs (full) by this project's definition."""

    op: str
    uses: int
    flops: int


@entity
class Bridge:
    """`total` = `macs` + the items' amounts, in the tool's unit; `nodes` has the tool's number of each use.

    `unknown` has a line for each use whose number cannot be stated: `total` is then a lower bound.
    """

    tool: Tool
    macs: int
    total: int = 0
    in_functions: int = 0
    items: list[Item] = field(default_factory=list)
    uncounted: list[Uncounted] = field(default_factory=list)
    nodes: dict[Use, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    @property
    def is_exact(self) -> bool:
        """Whether every use's number is known."""
        return not self.unknown


def bridge(model: Model, flat: Flat, cost: Cost, tool: str, functions: Collection[Use] = ()) -> Bridge:
    """The bridge to a tool of TOOLS (KeyError for another). Linear in the number of uses."""
    found = Bridge(TOOLS[tool], cost.macs)
    sums: dict[tuple[str, str], list[int]] = {}
    silent: dict[str, list[int]] = {}
    for step in flat.steps:
        if step.needed is not Needed.ALWAYS:
            continue
        here = cost.nodes[step.node]
        if isinstance(step.node, Call):
            found.unknown.append(f"`{step.path}` is a module of its own: {tool} would look into it")
            add(sums, "modules of its own", "what its author states is not what the tool would find", -here.macs)
            found.nodes[step.node] = 0
            continue
        use = applied(step, node=step.node, macs=here.macs, at=model.sizes.default)
        counted = found.tool.count(use, step.node in functions)
        take(counted, use.op.name, here.macs, sums)
        if counted.unknown:
            found.unknown.append(f"`{step.path}`: {counted.unknown}")
        found.nodes[step.node] = counted.total
        found.total += counted.total
        found.in_functions += found.tool.count(use, True).total
        flops = value_at(here.flops, model.sizes.default)
        if not counted.total and flops and not counted.unknown:
            entry = silent.setdefault(use.op.name, [0, 0])
            entry[0] += 1
            entry[1] += flops
    found.items = [Item(label, amount, uses, reason) for (label, reason), (amount, uses) in sums.items() if amount]
    found.items.sort(key=lambda item: -abs(item.amount))
    found.uncounted = [Uncounted(op, uses, flops) for op, (uses, flops) in silent.items()]
    found.uncounted.sort(key=lambda line: -line.flops)
    return found


def take(counted: Counted, op: str, macs: int, sums: dict[tuple[str, str], list[int]]) -> None:
    """Put the differences between a tool's count and the multiply-adds into the sums by label and reason."""
    for extra in counted.extras:
        add(sums, extra.label, extra.reason, extra.amount)
    if counted.products != macs:
        add(sums, f"products of {op}", counted.reason or counted.unknown, counted.products - macs)


def add(sums: dict[tuple[str, str], list[int]], label: str, reason: str, amount: int) -> None:
    """Count a difference of one use."""
    entry = sums.setdefault((label, reason), [0, 0])
    entry[0] += amount
    entry[1] += 1

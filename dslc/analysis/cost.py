"""What a network costs: parameters and multiply-adds, exact, per use of an op and in total.

Counts are for one sample: a size without a default (the batch) counts as 1. What only training computes is
kept apart and is in no total. A multiply-add is a product inside a linear map; everything else costs none.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from dslc.ir.model import Call, Instance, Model, Node, Param, Value
from dslc.ir.walk import Flat, Needed, Step
from dslc.ops.base import Work
from dslc.types.dim import Atom, Dim, Size, evaluate, substitute, symbol, terms_of

Terms: TypeAlias = dict[tuple[Dim, ...], int]
"""A sum kept factored: for each product of symbolic sizes, how often it counts; `()` is the plain number."""

Use: TypeAlias = Node | Call


@dataclass(slots=True)
class Count:
    """Elements of distinct tensors, by what becomes of them. A `const` is in no column: it is no state."""

    params: int = 0
    buffers: int = 0
    train_only: int = 0  # trained, but used by what only training computes

    def add(self, param: Param, train_only: bool) -> None:
        elements = param.spec.count
        if param.spec.kind == "buffer":
            self.buffers += elements
        elif param.spec.kind == "param" and train_only:
            self.train_only += elements
        elif param.spec.kind == "param":
            self.params += elements


@dataclass(frozen=True, slots=True)
class NodeCost:
    """One use of an op: multiply-adds at the default sizes, the same by size, the parameters first used here.

    `known` is false for a user's own module (`extern`) that does not state what it costs.
    """

    macs: int
    terms: Terms
    count: Count
    needed: Needed
    known: bool = True


@dataclass(slots=True)
class Cost:
    """A network's costs. `terms` is exact for every allowed size and is `macs` at the default ones.

    `unknown` lists the uses whose cost is not known: the totals are then lower bounds.
    """

    macs: int = 0
    terms: Terms = field(default_factory=dict)
    count: Count = field(default_factory=Count)
    nodes: dict[Use, NodeCost] = field(default_factory=dict)
    declared: dict[Instance, Count] = field(default_factory=dict)  # by `param` and `buffer` lines
    train_only_macs: int = 0
    train_only_params: set[Param] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)


def costs(model: Model, flat: Flat) -> Cost:
    """The costs of a network; `flat` is its `walk.flatten`. Linear in the number of ops."""
    total = Cost()
    ones: dict[Atom, Size] = {s: 1 for name in model.sizes.universal for s in symbols_of(symbol(name))}
    kept = evaluated_params(flat)
    seen: set[Param] = set()
    for step in flat.steps:
        node = step.node
        count = Count()
        if isinstance(node, Call):
            terms, known = stated(node.instance, step.needed, count, ones)
            total.count.params += count.params
            total.count.train_only += count.train_only
            if not known:
                total.unknown.append(step.path)
        else:
            terms, known = work_terms(step, node, ones), True
            for param in node.params.values():
                if param not in seen:
                    seen.add(param)
                    count.add(param, param not in kept)
        macs = value_at(terms, model.sizes.default)
        total.nodes[node] = NodeCost(macs, terms, count, step.needed, known)
        if step.needed is Needed.ALWAYS:
            total.macs += macs
            for sizes, number in terms.items():
                total.terms[sizes] = total.terms.get(sizes, 0) + number
        elif step.needed is Needed.TRAINING:
            total.train_only_macs += macs
    for param in model.params.values():
        if param not in kept:
            total.train_only_params.add(param)
        total.count.add(param, param not in kept)
        if isinstance(param.owner, Instance):
            total.declared.setdefault(param.owner, Count()).add(param, param not in kept)
    return total


def evaluated_params(flat: Flat) -> set[Param]:
    """The parameters that evaluation uses; those of nothing that is read count as used, since they are in the
    file.
    """
    kept: set[Param] = set()
    for step in flat.steps:
        if step.needed is Needed.TRAINING:
            continue
        if isinstance(step.node, Node):
            kept.update(step.node.params.values())
        for value in (*step.inputs, *step.tied.values()):
            add_read(kept, value)
    for _, value in flat.outputs:
        add_read(kept, value)
    return kept


def add_read(kept: set[Param], value: Value) -> None:
    """Note the parameter that a value reads, if it is such a read."""
    if isinstance(value.producer, Param):
        kept.add(value.producer)


def stated(extern: Instance, needed: Needed, count: Count, ones: dict[Atom, Size]) -> tuple[Terms, bool]:
    """What a user's module states: its multiply-adds, its parameters into `count`, and whether it states both."""
    macs, params = extern.facts.get("macs"), extern.facts.get("params")
    if isinstance(params, int) and extern.first is None:
        count.params, count.train_only = (0, params) if needed is Needed.TRAINING else (params, 0)
    if not isinstance(macs, int | Dim):
        return {}, False
    sizes, number = factored(Work(1, (macs,)), ones)
    return {sizes: number}, isinstance(params, int)


def work_terms(step: Step, node: Node, ones: dict[Atom, Size]) -> Terms:
    """The multiply-adds of a use for one sample; numbers among the sizes are multiplied into the count."""
    ins, outs = tuple(v.type for v in step.inputs), tuple(v.type for v in step.outs)
    terms: Terms = {}
    for work in node.op.macs(ins, outs):
        sizes, number = factored(work, ones)
        terms[sizes] = terms.get(sizes, 0) + number
    return terms


def factored(work: Work, ones: dict[Atom, Size]) -> tuple[tuple[Dim, ...], int]:
    """(symbolic sizes in a fixed order, number) of one piece of work, its universal symbols being 1."""
    number = work.count
    symbolic = []
    for size in work.sizes:
        one = substitute(size, ones) if isinstance(size, Dim) and ones else size
        if isinstance(one, Dim):
            symbolic.append(one)
        else:
            number *= one
    if len(symbolic) > 1:
        symbolic.sort(key=str)
    return tuple(symbolic), number


def value_at(terms: Terms, at: dict[str, int]) -> int:
    """The number that a factored sum is at given sizes."""
    total = 0
    for sizes, number in terms.items():
        for size in sizes:
            number *= evaluate(size, at)
        total += number
    return total


def symbols_of(size: Size) -> list[Atom]:
    """The symbols of a size."""
    return [atom for monomial, _ in terms_of(size) for atom in monomial]

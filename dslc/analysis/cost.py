"""What a network costs: parameters, multiply-adds, FLOPs and activations, exact, per use of an op and in total.

Counts are for one sample: a size without a default (the batch) counts as 1. What only training computes is
kept apart and is in no total. A multiply-add (MAC) is a product inside a linear map; everything else costs none.
FLOPs are two per multiply-add (core), and with what ops do beside them (full). `acts` are the elements that
linear maps write. docs/numbers.md has the definitions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from math import prod
from typing import TypeAlias

from dslc.ir.model import Call, Instance, Model, Node, Param, Value
from dslc.ir.walk import Flat, Needed, Step
from dslc.ops.base import Work
from dslc.record import entity, record
from dslc.types.dim import Atom, Dim, Size, evaluate, substitute, symbol, terms_of

Terms: TypeAlias = dict[tuple[Dim, ...], int]
"""A sum kept factored: for each product of symbolic sizes, how often it counts; `()` is the plain number."""

Use: TypeAlias = Node | Call


@entity
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


@record
class NodeCost:
    """One use of an op: multiply-adds at the default sizes, the same by size, the parameters first used here.

    `known` is false for a user's own module (`extern`) that does not state what it costs.
    """

    macs: int
    terms: Terms
    count: Count
    needed: Needed
    known: bool = True
    flops: Terms = field(default_factory=dict)  # full: two per multiply-add, and what the op does beside
    acts: Terms = field(default_factory=dict)


@entity
class Cost:
    """A network's costs. `terms` is exact for every allowed size and is `macs` at the default ones.

    `unknown` lists the uses whose cost is not known: the totals are then lower bounds. Uses that only training
    computes are in a list of their own: they make nothing but the numbers for training lower bounds.
    """

    macs: int = 0
    terms: Terms = field(default_factory=dict)
    flops: Terms = field(default_factory=dict)
    acts: Terms = field(default_factory=dict)
    count: Count = field(default_factory=Count)
    nodes: dict[Use, NodeCost] = field(default_factory=dict)
    declared: dict[Instance, Count] = field(default_factory=dict)  # by `param` and `buffer` lines
    train_only_macs: int = 0
    train_only_params: set[Param] = field(default_factory=set)
    unknown: list[str] = field(default_factory=list)
    unknown_in_training: list[str] = field(default_factory=list)


def costs(model: Model, flat: Flat) -> Cost:
    """The costs of a network; `flat` is its `walk.flatten`. Linear in the number of ops."""
    total = Cost()
    factor = Factors(model)
    kept = evaluated_params(flat)
    seen: set[Param] = set()
    for step in flat.steps:
        node = step.node
        here = extern_cost(step, node.instance, factor) if isinstance(node, Call) else op_cost(step, node, factor)
        if isinstance(node, Call):
            total.count.params += here.count.params
            total.count.train_only += here.count.train_only
            if not here.known:
                (total.unknown_in_training if step.needed is Needed.TRAINING else total.unknown).append(step.path)
        else:
            for param in node.params.values():
                if param not in seen:
                    seen.add(param)
                    here.count.add(param, param not in kept)
        total.nodes[node] = here
        if step.needed is Needed.ALWAYS:
            total.macs += here.macs
            add_terms(total.terms, here.terms)
            add_terms(total.flops, here.flops)
            add_terms(total.acts, here.acts)
        elif step.needed is Needed.TRAINING:
            total.train_only_macs += here.macs
    for param in model.params.values():
        if param not in kept:
            total.train_only_params.add(param)
        total.count.add(param, param not in kept)
        if isinstance(param.owner, Instance):
            total.declared.setdefault(param.owner, Count()).add(param, param not in kept)
    return total


def op_cost(step: Step, node: Node, factor: Factors) -> NodeCost:
    """What one use of an op costs; its parameters are left to be counted."""
    ins, outs = tuple(v.type for v in step.inputs), tuple(v.type for v in step.outs)
    terms = factor.terms(node.op.macs(ins, outs))
    flops = core_flops(terms)
    add_terms(flops, factor.terms(node.op.flops(ins, outs)))
    acts = factor.terms(node.op.acts(ins, outs))
    return NodeCost(factor.values.of(terms), terms, Count(), step.needed, True, flops, acts)


def extern_cost(step: Step, extern: Instance, factor: Factors) -> NodeCost:
    """What a user's module says it costs: multiply-adds and parameters; known only if it says both.

    Its FLOPs are then the core ones, and `acts` its results where it has multiply-adds: lower bounds.
    """
    macs, params = extern.facts.get("macs"), extern.facts.get("params")
    count = Count()
    if isinstance(params, int) and extern.first is None:
        count.params, count.train_only = (0, params) if step.needed is Needed.TRAINING else (params, 0)
    if not isinstance(macs, int | Dim):
        return NodeCost(0, {}, count, step.needed, False)
    terms = factor.terms((Work(1, (macs,)),))
    flops = core_flops(terms)
    acts = factor.terms(tuple(Work(1, v.type.dims) for v in step.outs)) if macs != 0 else {}
    known = isinstance(params, int)
    return NodeCost(factor.values.of(terms), terms, count, step.needed, known, flops, acts)


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


class Factors:
    """Work as factored sums at batch 1; products of the same sizes, which most layers share, are factored once."""

    def __init__(self, model: Model) -> None:
        self.default = model.sizes.default
        self.ones: dict[Atom, Size] = {s: 1 for name in model.sizes.universal for s in symbols_of(symbol(name))}
        self.known: dict[tuple[Size, ...], tuple[tuple[Dim, ...], int]] = {}
        self.values = Values(self.default)

    def terms(self, works: tuple[Work, ...]) -> Terms:
        """The sum of some work; numbers among the sizes are multiplied into the count."""
        terms: Terms = {}
        for work in works:
            sizes, number = self.known.get(work.sizes) or self.factored(work.sizes)
            if work.count and number:
                terms[sizes] = terms.get(sizes, 0) + work.count * number
        return terms

    def factored(self, product: tuple[Size, ...]) -> tuple[tuple[Dim, ...], int]:
        """`factored` of these sizes, kept."""
        found = self.known[product] = factored(Work(1, product), self.ones)
        return found


def factored(work: Work, ones: Mapping[Atom, Size]) -> tuple[tuple[Dim, ...], int]:
    """(symbolic sizes in a fixed order, number) of one piece of work, with `ones` put in for symbols."""
    number = work.count
    symbolic = []
    for size in work.sizes:
        one = size if isinstance(size, int) or size.symbols.isdisjoint(ones) else substitute(size, ones)
        if isinstance(one, Dim):
            symbolic.append(one)
        else:
            number *= one
    if len(symbolic) > 1:
        symbolic.sort(key=str)
    return tuple(symbolic), number


def core_flops(macs: Terms) -> Terms:
    """The floating-point operations of multiply-adds: two each."""
    return {sizes: 2 * number for sizes, number in macs.items()}


def add_terms(total: Terms, more: Terms) -> None:
    """`total += more`."""
    for sizes, number in more.items():
        total[sizes] = total.get(sizes, 0) + number


def value_at(terms: Terms, at: dict[str, int]) -> int:
    """The number that a factored sum is at given sizes. For many sums, `Values` is faster."""
    return Values(at).of(terms)


class Values:
    """The numbers that factored sums are at given sizes; products of sizes, which most layers share, are kept."""

    def __init__(self, at: dict[str, int]) -> None:
        self.at = at
        self.products: dict[tuple[Dim, ...], int] = {}

    def of(self, terms: Terms) -> int:
        """The number of a sum."""
        total = 0
        for sizes, number in terms.items():
            product = self.products.get(sizes)
            if product is None:
                product = self.products[sizes] = prod(evaluate(size, self.at) for size in sizes)
            total += number * product
        return total


def symbols_of(size: Size) -> list[Atom]:
    """The symbols of a size."""
    return [atom for monomial, _ in terms_of(size) for atom in monomial]

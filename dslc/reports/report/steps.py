"""What a network executes, for the page to replay at other sizes: values, and what each step reads, makes and moves.

The page runs the rules of `analysis.memory` and `analysis.roofline` over these records; the test compares its numbers
with theirs at other sizes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dslc.analysis.cost import symbols_of
from dslc.analysis.measure import Measure, batch_names
from dslc.analysis.memory import last_reads, storage_of
from dslc.analysis.roofline import UNREAD, Nodes, own
from dslc.ir.model import Call, Param, Value
from dslc.ir.walk import Needed, Step
from dslc.ops.base import Work
from dslc.ops.counting import Held, Kind
from dslc.reports.report.pool import Pool
from dslc.reports.stats import Stats
from dslc.types.cost import Cost
from dslc.types.dim import Size, substitute, symbol
from dslc.types.tensor import DType, TensorType

Json = dict[str, object]

FLOATS = 0
"""Stands for the width of an element that the arithmetic decides."""


class Steps:
    """The executed steps of a network and the values between them, by number."""

    def __init__(self, stats: Stats, pool: Pool) -> None:
        self.stats, self.pool, self.flat = stats, pool, stats.flat
        self.measure = Measure(stats.model)
        self.ones = {s: 1 for name in _others(stats) for s in symbols_of(symbol(name))}
        self.numbers: dict[Value, int] = {}
        self.values: list[list[object]] = []
        self.tensors: dict[int, Param] = {}
        runs = [step for step in self.flat.steps if step.needed is Needed.ALWAYS]
        self.until = last_reads(runs, [storage_of(step) for step in runs], self.flat)
        self.nodes = Nodes(stats.model, self.flat, 1)
        for value in stats.model.root.inputs:
            self.value(value)
        self.records = [self.record(step) for step in self.flat.steps]
        self.outputs = [(name, self.value(value)) for name, value in self.flat.outputs]

    def value(self, value: Value) -> int:
        """The number of a value; `values` has its type, its bytes and the last place of a run that reads it.

        A place past the last is that of a result; of what no run makes there is -1.
        """
        found = self.numbers.get(value)
        if found is None:
            found = self.numbers[value] = len(self.values)
            if isinstance(value.producer, Param):
                self.tensors[found] = value.producer
            bytes = self.pool.sum(self.measure.tensor(value.type).cost.terms)
            self.values.append([*self.type(value.type), bytes, self.until.get(value, -1)])
        return found

    def type(self, type: TensorType) -> list[object]:
        """Element type and shape."""
        return [type.built(self.stats.model.float).dtype.value, self.pool.shape(type.dims)]

    def record(self, step: Step) -> Json:
        """What one use of an op reads and makes, where its results lie, and what a device does and moves for it."""
        storage = storage_of(step)
        found: Json = {
            "ins": [self.value(value) for value in step.inputs],
            "outs": [self.value(value) for value in step.outs],
        }
        if step.tied:
            found["tied"] = [self.value(value) for value in step.tied.values()]
        if step.needed is not Needed.ALWAYS:
            return found | {"needed": step.needed.value}
        if storage.kind is not Kind.FRESH:
            found["storage"] = storage.kind.value
        if storage.scratch:
            found["scratch"] = [self.held(held) for held in storage.scratch]
        return found | self.work(step, storage.kind)

    def held(self, held: Held) -> int:
        """The bytes of a tensor beside values."""
        return self.pool.sum(self.measure.held(held.count, held.sizes, held.dtype).cost.terms)

    def work(self, step: Step, kind: Kind) -> Json:
        """FLOPs; elements that are written and read, each as `[elements, bytes of one]`, and those of weights.

        `less`: an operand is read no further than is written (a strided view, the rows of a table). `fused`: what
        remains is one operand of a sum, or nothing.
        """
        node = step.node
        if isinstance(node, Call):
            terms = self.stats.cost.nodes[node].terms
            batch = [symbol(name) for name in batch_names(self.stats.model)]
            cost = Cost({(*product, *batch): 2 * count for product, count in terms.items()})
        else:
            ins, outs = tuple(v.type for v in step.inputs), tuple(v.type for v in step.outs)
            works = [Work(2 * work.count, work.sizes) for work in node.op.macs(ins, outs)]
            cost = Cost.total(self.cost(work.count, work.sizes) for work in (*works, *node.op.flops(ins, outs)))
        found: Json = {"flops": self.pool.sum(cost.terms)} if cost.terms else {}
        if kind is Kind.SAME:
            return found
        reads = list(dict.fromkeys((*step.inputs, *step.tied.values())))
        tables = []
        if self.nodes.fused(step):
            found["fused"] = True
            return found | {"write": [self.moved(step.outs[0])] if len(step.inputs) > 1 else []}
        if not isinstance(node, Call):
            found |= self.weights(own(node))
            if node.op.core.name == "embedding":
                tables = [value for value in reads if isinstance(value.producer, Param)]
                found["less"] = "weights"
        found["write"] = [self.moved(out) for out in step.outs]
        found["read"] = [self.moved(value) for value in reads if value not in tables and kind is not Kind.STRIDED]
        rows = [self.moved(value) for value in reads if value in tables or kind is Kind.STRIDED]
        return found | ({"rows": rows} if rows else {})

    def moved(self, value: Value) -> list[int]:
        """A tensor as elements and the bytes of one."""
        cost = self.cost(1, value.type.dims)
        return [self.pool.sum(cost.terms), width(value.type.dtype)]

    def weights(self, params: Iterable[Param]) -> Json:
        """Elements of weights that a device reads, by the bytes of one."""
        found: dict[int, int] = {}
        for param in params:
            if param.name not in UNREAD:
                key = width(param.spec.dtype)
                found[key] = found.get(key, 0) + param.spec.count
        return {"weights": [[count, key] for key, count in found.items()]} if found else {}

    def cost(self, count: int, sizes: Sequence[Size]) -> Cost:
        """A product of sizes, with one for every open size but the batch."""
        put = [size if isinstance(size, int) else substitute(size, self.ones) for size in sizes]
        return Cost.of(count, put)


def width(dtype: DType) -> int:
    """Bytes of an element, or FLOATS."""
    return FLOATS if dtype is DType.FLOAT else dtype.bytes


def _others(stats: Stats) -> list[str]:
    """The open sizes that are not the batch."""
    batch = batch_names(stats.model)
    return [name for name in stats.model.sizes.universal if name not in batch]

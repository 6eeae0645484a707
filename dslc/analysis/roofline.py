"""The roofline of each op on a device: bytes moved, operations, which of the two takes longer, and how long.

An op's time is at least `max(operations / peak, bytes / bandwidth)` (Williams, Waterman and Patterson, Roofline, CACM
52(4), 2009). Operations are two per multiply-add and what the op does beside (full FLOPs). Bytes are its inputs, its
results and its weights, each moved once: an op whose result is its input's bytes moves none, one in place reads and
writes, a strided view is copied (and reads no more than it writes), a table reads only the rows asked for.

The sum over ops is a lower bound for a runtime that runs them one after the other; one that fuses ops moves fewer
bytes. Launches, caches too small for the operands and rates below the peak come on top.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from math import prod

from dslc.analysis.cost import Cost, Terms, Use
from dslc.analysis.devices import BYTES, Device
from dslc.analysis.measure import batch_names
from dslc.ir.model import Call, Model, Node, Param, Value
from dslc.ir.walk import Flat, Needed, Step
from dslc.ops.base import Work
from dslc.ops.counting import Kind
from dslc.record import entity, frozen
from dslc.types.dim import evaluate
from dslc.types.tensor import DType

UNREAD = ("num_batches_tracked",)
"""Buffers that only training reads."""

COMPUTE, MEMORY = "compute", "memory"


@frozen
class Bound:
    """One use of an op. `flops` is full: two per multiply-add and the rest. `limit` says what takes longer.

    `limit` is empty, and `seconds` 0, for an op that neither computes nor moves anything.
    """

    path: str
    op: str
    macs: int
    flops: int
    bytes: int
    seconds: float
    limit: str

    @property
    def intensity(self) -> float:
        """Multiply-adds per byte moved; 0 where nothing moves."""
        return self.macs / self.bytes if self.bytes else 0.0

    @property
    def flops_per_byte(self) -> float:
        """Operations per byte moved: what the ridge point is compared with; 0 where nothing moves."""
        return self.flops / self.bytes if self.bytes else 0.0


@frozen
class Part:
    """All uses of one kind of op: how many, their seconds, and the share of the whole."""

    op: str
    uses: int
    seconds: float
    share: float


@entity
class Roofline:
    """A network on a device, for a batch and an element type; `bounds` in program order.

    `unknown` lists uses whose operations or bytes are not known: all totals are then lower bounds for that reason too.
    `batched` is false where the source fixes the batch and `batch` changes nothing.
    """

    device: Device
    dtype: str
    batch: int
    batched: bool
    bounds: dict[Use, Bound] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    @property
    def peak(self) -> int:
        """Operations a second."""
        return self.device.peak(self.dtype)

    @property
    def ridge(self) -> float:
        """Operations per byte above which arithmetic takes longer than memory."""
        return self.peak / self.device.bandwidth

    @property
    def seconds(self) -> float:
        """The least time of all ops one after the other."""
        return sum(bound.seconds for bound in self.bounds.values())

    @property
    def macs(self) -> int:
        return sum(bound.macs for bound in self.bounds.values())

    @property
    def flops(self) -> int:
        return sum(bound.flops for bound in self.bounds.values())

    @property
    def bytes(self) -> int:
        return sum(bound.bytes for bound in self.bounds.values())

    def seconds_of(self, limit: str) -> float:
        """The time of the ops that one side bounds."""
        return sum(bound.seconds for bound in self.bounds.values() if bound.limit == limit)

    def shares(self) -> dict[Use, float]:
        """The part of the time that each use takes; they add up to 1 unless all are 0."""
        total = self.seconds
        return {use: bound.seconds / total if total else 0.0 for use, bound in self.bounds.items()}

    def by_op(self) -> list[Part]:
        """Where the time goes, by kind of op, the longest first."""
        sums: dict[str, tuple[int, float]] = {}
        for bound in self.bounds.values():
            uses, seconds = sums.get(bound.op, (0, 0.0))
            sums[bound.op] = uses + 1, seconds + bound.seconds
        total = self.seconds
        parts = [Part(op, uses, s, s / total if total else 0.0) for op, (uses, s) in sums.items()]
        return sorted(parts, key=lambda part: -part.seconds)

    def longest(self, count: int) -> list[Bound]:
        """The uses that take most of the time, the longest first."""
        return sorted(self.bounds.values(), key=lambda bound: -bound.seconds)[:count]


def roofline(model: Model, flat: Flat, cost: Cost, device: Device, *, batch: int = 1, dtype: str = "fp32") -> Roofline:
    """The roofline of a network in evaluation, at the default sizes. Linear in the number of ops.

    `dtype` is the element type of the arithmetic; all floats lie in memory as it does (`devices.BYTES`), integers as
    they are. A DeviceError for a type that the device has no rate for.
    """
    peak = device.peak(dtype)
    open_sizes = batch_names(model)
    at = {**model.sizes.default, **dict.fromkeys(open_sizes, batch)}
    found = Roofline(device, dtype, batch, bool(open_sizes))
    moved = Traffic(at, BYTES[dtype])
    for step in flat.steps:
        if step.needed is not Needed.ALWAYS:
            continue
        node = step.node
        if isinstance(node, Call):
            found.unknown.append(step.path)
            macs = evaluated_terms(cost.nodes[node].terms, at) * (batch if open_sizes else 1)
            flops, op = 2 * macs, "extern"
        else:
            ins, outs = tuple(v.type for v in step.inputs), tuple(v.type for v in step.outs)
            macs, op = evaluated(node.op.macs(ins, outs), at), node.op.name
            flops = 2 * macs + evaluated(node.op.flops(ins, outs), at)
        size = moved.of(step)
        found.bounds[node] = bound_of(step.path, op, macs, flops, size, peak, device.bandwidth)
    return found


def bound_of(path: str, op: str, macs: int, flops: int, size: int, peak: int, bandwidth: int) -> Bound:
    """The bound of one use; equal times count as compute."""
    computing, moving = flops / peak, size / bandwidth
    limit = "" if not flops and not size else COMPUTE if flops * bandwidth >= size * peak else MEMORY
    return Bound(path, op, macs, flops, size, max(computing, moving), limit)


def evaluated(works: Iterable[Work], at: dict[str, int]) -> int:
    """The number that pieces of work are."""
    return sum(work.count * prod(evaluate(size, at) for size in work.sizes) for work in works)


def evaluated_terms(terms: Terms, at: dict[str, int]) -> int:
    """The number that a factored sum is."""
    return sum(number * prod(evaluate(size, at) for size in sizes) for sizes, number in terms.items())


@entity
class Traffic:
    """Bytes that ops move, at given sizes, with floats of `width` bytes."""

    at: dict[str, int]
    width: int

    def of(self, step: Step) -> int:
        """The bytes of one use: inputs, results, and the weights it owns or is given."""
        node = step.node
        written = sum(self.value(out) for out in step.outs)
        inputs = list(dict.fromkeys((*step.inputs, *step.tied.values())))
        reads = [self.value(value) for value in inputs]
        if isinstance(node, Call):
            return written + sum(reads)
        storage = node.op.storage(tuple(v.type for v in step.inputs), tuple(v.type for v in step.outs))
        if storage.kind is Kind.SAME:
            return 0
        if storage.kind is Kind.STRIDED:
            reads = [min(size, written) for size in reads]
        weights = sum(self.param(param) for param in own(node))
        if node.op.core.name == "embedding":
            table = [i for i, value in enumerate(inputs) if isinstance(value.producer, Param)]
            weights = min(weights, written)
            reads = [min(size, written) if i in table else size for i, size in enumerate(reads)]
        return written + sum(reads) + weights

    def value(self, value: Value) -> int:
        """The bytes of a tensor."""
        type = value.type
        return self.bytes(type.dtype) * prod(evaluate(size, self.at) for size in type.dims)

    def param(self, param: Param) -> int:
        """The bytes of a weight; none for what only training reads."""
        return 0 if param.name in UNREAD else self.bytes(param.spec.dtype) * param.spec.count

    def bytes(self, dtype: DType) -> int:
        """The bytes of one element."""
        return self.width if dtype is DType.FLOAT else dtype.bytes


def own(node: Node) -> Iterable[Param]:
    """The weights of an op that it is not given as inputs."""
    return (param for name, param in node.params.items() if name not in node.tied)

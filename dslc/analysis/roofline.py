"""The roofline of each op on a device: bytes moved, operations, which of the two takes longer, and how long.

An op's time is at least `max(operations / peak, bytes / bandwidth)` (Williams, Waterman and Patterson, Roofline, CACM
52(4), 2009). Operations are two per multiply-add and what the op does beside (full FLOPs). Bytes are its inputs, its
results and its weights, each moved once: an op whose result is its input's bytes moves none, one in place reads and
writes, a strided view is copied (and reads no more than it writes), a table reads only the rows asked for. What
onnxruntime does within the op before it moves nothing: a norm or an activation in a convolution; of a sum there, the
other operand. Where a device has caches, maps move at their rate, and weights at the memory's if they are too many for
a cache (a roofline of two levels: Ilic, Pratas and Sousa, Cache-aware Roofline Model, IEEE CAL 13(1), 2014).

The sum over ops is the lower end: no runtime that runs the ops one after the other is faster. For a CPU there is an
upper end: what onnxruntime's nodes, copies between layouts too, take at the part of the rates that such nodes typically
reach (`TYPICAL`), but at most 2.5 times the lower one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field
from math import prod

from dslc.analysis.cost import Cost, Terms, Use
from dslc.analysis.devices import BYTES, Device
from dslc.analysis.emitted.fuse import fuse
from dslc.analysis.emitted.graph import Emitted, Piece, emitted
from dslc.analysis.emitted.layout import block
from dslc.analysis.emitted.plan import VIEWS
from dslc.analysis.measure import batch_names
from dslc.ir.model import Call, Model, Node, Param, Value
from dslc.ir.walk import Flat, Needed, Step
from dslc.ops.base import Work
from dslc.ops.counting import Kind
from dslc.record import entity, frozen, replace
from dslc.types.dim import evaluate
from dslc.types.tensor import DType

UNREAD = ("num_batches_tracked",)
"""Buffers that only training reads."""

COMPUTE, MEMORY = "compute", "memory"

CACHE = 2 * 2**20
"""Bytes that a node may move and still find in a cache of its own: the second level of current cores."""

HELD = 8 * CACHE
"""Bytes of weights that may still lie in a cache from one run to the next."""

WIDEST = 2.5
"""The most that the upper end may be of the lower: beyond that a range says nothing."""

TYPICAL = {"dense": 0.55, "depthwise": 0.2, "grouped": 0.1, "near": 0.4, "far": 0.6, "moves": 0.12}
"""The part of a rate that nodes reach in onnxruntime on one core, batch 1: products of the peak; of the bandwidths
nodes that compute, in caches and in memory, and nodes that only move elements. Chosen on 17 networks of examples/, of
which the range then holds 16 (benchmarks/roofline.py).
"""

NODE = 1e-6
"""Seconds that it takes onnxruntime to start a node."""

SIMPLE = 8
"""How many times as long an operation outside of linear maps takes as one in them: no fused multiply-add, functions."""

MOVES = frozenset(
    "Transpose Slice Concat Split Gather GatherND GatherElements Pad Expand Tile Where ReorderInput ReorderOutput "
    "DepthToSpace SpaceToDepth Resize".split()
)
COPIES = ("ReorderInput", "ReorderOutput")


@frozen
class Bound:
    """One use of an op. `flops` is full: two per multiply-add and the rest. `limit` says what takes longer.

    `most`: seconds that it typically takes at most; 0 where that is not known. `fused`: it is done within another op.
    `limit` is empty, and `seconds` 0, for an op that neither computes nor moves anything.
    """

    path: str
    op: str
    macs: int
    flops: int
    bytes: int
    seconds: float
    limit: str
    most: float = 0.0
    fused: bool = False

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
    def most(self) -> float | None:
        """The upper end of the range of times; none but for CPUs, or where some use is not known."""
        if not self.device.cpu or self.unknown:
            return None
        return min(sum(max(bound.most, bound.seconds) for bound in self.bounds.values()), WIDEST * self.seconds)

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
    nodes = Nodes(model, flat, batch)
    weights = sum(moved.param(param) for param in model.params.values())
    rates = Rates(peak, device.nearest, device.bandwidth if weights > HELD else device.nearest, device.bandwidth)
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
        maps, held = moved.of(step)
        fused = nodes.fused(step)
        if fused:  # of a sum the operand that is not the result of the op that it is done in
            maps = moved.value(step.outs[0]) if len(step.inputs) > 1 else 0
            held = 0
        bound = bound_of(step.path, op, macs, flops, maps, held, rates)
        found.bounds[node] = replace(bound, most=nodes.seconds(step, bound, held, rates), fused=fused)
    return found


@frozen
class Rates:
    """Operations a second, and bytes a second of maps, of weights, and of what no cache holds."""

    peak: int
    near: int
    weights: int
    far: int


def bound_of(path: str, op: str, macs: int, flops: int, maps: int, held: int, rates: Rates) -> Bound:
    """The bound of one use that moves so many bytes of maps and of weights; equal times count as compute."""
    computing, moving = flops / rates.peak, maps / rates.near + held / rates.weights
    size = maps + held
    limit = "" if not flops and not size else COMPUTE if computing >= moving else MEMORY
    return Bound(path, op, macs, flops, size, max(computing, moving), limit)


class Nodes:
    """What onnxruntime runs for each use: the nodes of the emitted graph that are left after its rewrites."""

    def __init__(self, model: Model, flat: Flat, batch: int) -> None:
        self.graph: Emitted = emitted(model, flat, batch=batch)
        self._written = {piece.path for piece in self.graph.pieces if piece.kind not in VIEWS}
        fuse(self.graph)
        block(self.graph)
        self._left: dict[str, list[Piece]] = {}
        for piece in self.graph.pieces:
            if piece.kind not in VIEWS:
                self._left.setdefault(piece.path, []).append(piece)

    def fused(self, step: Step) -> bool:
        """Whether a use is done within another one."""
        return step.path in self._written and all(p.kind in COPIES for p in self._left.get(step.path, ()))

    def seconds(self, step: Step, bound: Bound, held: int, rates: Rates) -> float:
        """What the nodes of a use typically take at most, in onnxruntime on a CPU."""
        tensors, taken = self.graph.tensors, 0.0
        for piece in self._left.get(step.path, ()):
            names = [*(name for name in piece.inputs if name not in self.graph.constants), *piece.outputs]
            size = sum(tensors[name].bytes for name in names if name)
            near, far = rates.near * TYPICAL["near"], rates.far * TYPICAL["far"]
            if piece.kind in MOVES:
                near = rates.near * TYPICAL["moves"]
            taken += size / (min(near, far) if size > CACHE else near) + NODE
        if not bound.macs:
            return taken + SIMPLE * bound.flops / rates.peak
        taken += held / (TYPICAL["far"] * rates.weights)
        return max(taken, bound.flops / (rates.peak * TYPICAL[_product(step)]))


def _product(step: Step) -> str:
    """How the products of a linear map lie: a word of TYPICAL."""
    op = step.node.op.core if isinstance(step.node, Node) else None
    groups = getattr(op, "g", 1)
    if groups in (1, None):
        return "dense"
    return "depthwise" if groups == "depthwise" or step.inputs[0].type.dims[1] == groups else "grouped"


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

    def of(self, step: Step) -> tuple[int, int]:
        """The bytes of one use: of inputs and results, and of the weights it owns."""
        node = step.node
        written = sum(self.value(out) for out in step.outs)
        inputs = list(dict.fromkeys((*step.inputs, *step.tied.values())))
        reads = [self.value(value) for value in inputs]
        if isinstance(node, Call):
            return written + sum(reads), 0
        storage = node.op.storage(tuple(v.type for v in step.inputs), tuple(v.type for v in step.outs))
        if storage.kind is Kind.SAME:
            return 0, 0
        if storage.kind is Kind.STRIDED:
            reads = [min(size, written) for size in reads]
        weights = sum(self.param(param) for param in own(node))
        if node.op.core.name == "embedding":
            table = [i for i, value in enumerate(inputs) if isinstance(value.producer, Param)]
            weights = min(weights, written)
            reads = [min(size, written) if i in table else size for i, size in enumerate(reads)]
        return written + sum(reads), weights

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

"""Which buffers onnxruntime's CPU provider holds while it runs a graph, and how many bytes live at once.

The plan is that of onnxruntime 1.30's `allocation_planner.cc`, in the order of the graph: views have no buffer; some
kernels overwrite their input where nothing else reads it; any other result takes the buffer of a tensor of the same
shape that is not read any more, *the last one freed first*, and a buffer that is to be taken again is held till then.
That is why a network of many equal layers needs one buffer of each shape for as long as it runs.

Not counted: weights (and the copies that kernels make of them), inputs of the net (the caller's), and what the arena
rounds up.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate
from math import prod

from dslc.analysis.emitted.fuse import fuse
from dslc.analysis.emitted.graph import Emitted, Piece, Tensor, emitted
from dslc.analysis.emitted.layout import block
from dslc.analysis.emitted.shapes import broadcast
from dslc.ir.model import Model
from dslc.ir.walk import Flat
from dslc.record import entity, record

VIEWS = frozenset("Reshape Squeeze Unsqueeze Flatten Identity Dropout".split())
OVERWRITES = frozenset(
    "Relu Sigmoid Tanh HardSigmoid Elu Selu LeakyRelu Softplus Softsign Softmax LogSoftmax Celu ThresholdedRelu Clip "
    "Cast".split()
)
"""Kernels that may write over their input (measured one by one); sums and products do not."""


@record
class EmittedMemory:
    """Memory of one run of the emitted graph in onnxruntime on a CPU, in bytes.

    `peak`: the most that lives at once, at the use `peak_at` (none: the graph is empty). `copies`: how many nodes
    only copy maps between layouts. `missing`: uses without a form in ONNX; the peak is then what the rest takes.
    """

    peak: int
    peak_at: str | None
    nodes: int
    copies: int
    missing: tuple[str, ...]


@entity
class _Life:
    bytes: int
    first: int
    last: int
    readers: int = 0


def emitted_memory(model: Model, flat: Flat, *, batch: int = 1) -> EmittedMemory:
    """The memory of one run of the graph that a static build writes. Linear in the number of nodes."""
    graph = emitted(model, flat, batch=batch)
    fuse(graph)
    block(graph)
    live = live_bytes(graph)
    peak = max(live, default=0)
    at = graph.pieces[live.index(peak)].path if live else None
    copies = sum(piece.kind in ("ReorderInput", "ReorderOutput") for piece in graph.pieces)
    return EmittedMemory(peak, at, len(graph.pieces), copies, tuple(graph.missing))


def live_bytes(graph: Emitted) -> list[int]:
    """The bytes that live while each node runs."""
    end = len(graph.pieces)
    uses: dict[str, int] = {}
    for piece in graph.pieces:
        for name in piece.inputs:
            uses[name] = uses.get(name, 0) + 1
    for name in graph.outputs:
        uses[name] = uses.get(name, 0) + 1
    plan = _Plan(graph, uses)
    for place, piece in enumerate(graph.pieces):
        plan.run(place, piece)
    changes = [0] * (end + 1)
    for life in plan.lives:
        changes[life.first] += life.bytes
        changes[min(life.last, end - 1) + 1] -= life.bytes
    return [
        now + piece.scratch + scratch(piece, graph.tensors)
        for now, piece in zip(accumulate(changes[:end]), graph.pieces, strict=True)
    ]


class _Plan:
    """Buffers while they are given out: `held` has the buffer of each tensor, `free` those to be taken again."""

    def __init__(self, graph: Emitted, uses: Mapping[str, int]) -> None:
        self.graph = graph
        self.uses = uses
        self.returned = set(graph.outputs)
        self.lives: list[_Life] = []
        self.held: dict[str, _Life] = {}
        self.free: dict[Tensor, list[_Life]] = {}
        self.shapes: dict[int, Tensor] = {}

    def run(self, place: int, piece: Piece) -> None:
        """Give the results of a node their buffers, then take back what it reads last."""
        for name in piece.outputs:
            life = self.held[name] = self.buffer(place, piece, name)
            life.readers += self.uses.get(name, 0)
            life.last = len(self.graph.pieces)
        for name in piece.inputs:
            held = self.held.get(name)
            if held is not None:
                held.readers -= 1
                if not held.readers:
                    self.give_back(held, place)
        for name in piece.outputs:
            if not self.uses.get(name):
                self.give_back(self.held[name], place)

    def give_back(self, life: _Life, place: int) -> None:
        life.last = place
        self.free.setdefault(self.shapes[id(life)], []).append(life)

    def buffer(self, place: int, piece: Piece, name: str) -> _Life:
        tensor = self.graph.tensors[name]
        if name not in self.returned:
            found = self.overwritten(piece, tensor)
            if found is not None:
                return found
            waiting = self.free.get(tensor)
            if waiting:
                return waiting.pop()
        life = _Life(tensor.bytes, place, place)
        self.lives.append(life)
        self.shapes[id(life)] = tensor
        return life

    def overwritten(self, piece: Piece, tensor: Tensor) -> _Life | None:
        """The buffer of an input that a node's result lies in."""
        if piece.kind in VIEWS:
            return self.held.get(piece.inputs[0])
        summed = piece.kind == "Conv" and len(piece.inputs) > 3
        if not summed and piece.kind not in OVERWRITES:
            return None
        name = piece.inputs[3 if summed else 0]
        life = self.held.get(name)
        alone = life is not None and life.readers == 1
        return life if alone and self.graph.tensors[name] == tensor else None


def scratch(piece: Piece, tensors: Mapping[str, Tensor]) -> int:
    """Bytes that a kernel needs beside its inputs and results (measured kind by kind)."""
    inputs = [tensors[name] for name in piece.inputs if name]
    result = tensors[piece.outputs[0]].bytes
    match piece.kind:
        case "Where":  # each side by itself, as large as the condition makes it
            sides = (broadcast((inputs[0].dims, side.dims)) for side in inputs[1:])
            return sum(map(prod, sides)) * inputs[1].width
        case "HardSwish" | "Mish":  # two nodes and more, whose first result is as large
            return result
        case "Softmax" | "LogSoftmax":  # along another axis than the last: a transposed copy, there and back
            axis = piece.attributes.get("axis", -1)
            return 0 if axis in (-1, len(inputs[0].dims) - 1) else 2 * result
        case "LRN":  # squares, and their sums
            return 2 * result
        case "ConvTranspose":  # a column for each place of the input
            return prod(inputs[1].dims[1:]) * prod(inputs[0].dims[2:]) * inputs[0].width
        case "LSTM" | "GRU" | "RNN":  # the gates of all steps; for two directions also what one of them reverses
            steps, batch, features = inputs[0].dims
            _, ways, _, hidden = tensors[piece.outputs[0]].dims
            gates = {"LSTM": 4 * ways, "GRU": 3 * ways, "RNN": 1}[piece.kind] * hidden
            turned = features + hidden if ways == 2 and piece.kind != "RNN" else 0
            return steps * batch * (gates + turned) * inputs[0].width
        case "Einsum":  # operands with all axes, and transposed; the product before it is transposed
            return 2 * sum(tensor.bytes for tensor in inputs) + result
        case _:
            return 0

"""Where onnxruntime keeps maps in blocks of channels (NCHWc), and the copies into and out of that layout.

The rules are those of onnxruntime 1.30's `nchwc_transformer.cc`, seen in the models it writes out: a convolution takes
and gives blocks; pools, sums, joins and activations stay in blocks; whatever else reads a map gets a copy without.
"""

from __future__ import annotations

from dslc.analysis.emitted.fuse import ACTIVATIONS
from dslc.analysis.emitted.graph import Emitted, Piece, Tensor

BLOCK = 16
"""Channels of a block: 16 with AVX-512 (and on ARM), 8 with AVX2; channels are padded to whole blocks."""

ALIGN = 4
"""What the channels of a map must be a multiple of for a copy into blocks."""

UNARY = frozenset("Relu Clip LeakyRelu Sigmoid Tanh HardSigmoid HardSwish Gelu QuickGelu".split())
POOLS = ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool")


def block(graph: Emitted) -> None:
    """Put maps into blocks where onnxruntime does, with the copies that takes, in place. Linear in the nodes."""
    blocks = _Blocks(graph)
    readers = graph.readers()
    for piece in graph.pieces:
        blocks.place(piece, readers)
    for name in graph.outputs:
        if name in blocks.makers:
            blocks.out(name, blocks.makers[name][0].path)
    graph.pieces = blocks.pieces


class _Blocks:
    """The pieces so far; `blocked` has for each tensor in blocks its name there, `plain` the copies out."""

    def __init__(self, graph: Emitted) -> None:
        self.graph = graph
        self.pieces: list[Piece] = []
        self.blocked: dict[str, str] = {}
        self.inside: set[str] = set()  # made in blocks: to be copied out before others read them
        self.makers: dict[str, tuple[Piece, int]] = {}  # the node that makes it, and its place

    def place(self, piece: Piece, readers: dict[str, list[Piece]]) -> None:
        kind, tensors = piece.kind, self.graph.tensors
        if kind == "Conv" and _takes_blocks(tensors[piece.inputs[0]], tensors[piece.inputs[1]], piece):
            if tensors[piece.inputs[0]].dims[1] >= BLOCK:
                self.into(piece.inputs, [0], piece.path)
            self.make(piece)
        elif kind in POOLS and self.pools(piece):
            self.into(piece.inputs, [0], piece.path)
            self.make(piece)
        elif self.activates(piece, readers):
            pass
        elif self.stays(piece):
            sums = self.summed(piece, readers) if kind == "Add" else None
            self.into(piece.inputs, range(len(piece.inputs)), piece.path, constants=False)
            if sums is not None:
                name, other = sums
                conv = self.makers[name][0]
                conv.inputs = [*conv.inputs, *[""] * (3 - len(conv.inputs)), self.blocked[other]]
                result = piece.outputs[0]
                self.blocked[result] = self.blocked[name]
                self.inside.add(result)
                self.makers[result] = self.makers[name]
            else:
                self.make(piece)
        elif self.absorbs(piece, readers):
            pass
        else:
            for name in piece.inputs:
                self.out(name, piece.path)
            self.pieces.append(piece)

    def make(self, piece: Piece) -> None:
        """A node whose result lies in blocks."""
        name = piece.outputs[0]
        self.blocked[name] = inside = self.graph.name()
        self.graph.tensors[inside] = _padded(self.graph.tensors[name])
        self.inside.add(name)
        self.makers[name] = piece, len(self.pieces)
        piece.outputs = [inside]
        self.pieces.append(piece)

    def into(self, names: list[str], places: range | list[int], path: str, *, constants: bool = True) -> None:
        """Read inputs of a node in blocks; a map that is not there yet is copied, once."""
        for place in places:
            name = names[place]
            if not name or (name in self.graph.constants and not constants):
                continue
            if name not in self.blocked:
                self.blocked[name] = copy = self.graph.name()
                self.graph.tensors[copy] = _padded(self.graph.tensors[name])
                self.pieces.append(Piece("ReorderInput", [name], [copy], {}, path))
            names[place] = self.blocked[name]

    def out(self, name: str, path: str) -> None:
        """Copy a map out of blocks, once, because something else reads it."""
        if name in self.inside:
            self.inside.remove(name)
            self.pieces.append(Piece("ReorderOutput", [self.blocked[name]], [name], {}, path))

    def pools(self, piece: Piece) -> bool:
        """Whether a pool works in blocks: of whole ones; a global one only where the map lies in blocks already."""
        if len(piece.outputs) > 1:
            return False
        name = piece.inputs[0]
        dims = self.graph.tensors[name].dims
        whole = len(dims) == 4 and dims[1] % BLOCK == 0 and self.graph.tensors[name].width == 4
        return whole and (name in self.blocked or not piece.kind.startswith("Global"))

    def stays(self, piece: Piece) -> bool:
        """Whether a node stays in blocks, all it reads being there."""
        tensors = self.graph.tensors
        if piece.kind in UNARY:
            return piece.inputs[0] in self.blocked
        if piece.kind in ("Add", "Mul"):
            alike = len({tensors[name].dims for name in piece.inputs}) == 1
            return alike and all(name in self.blocked for name in piece.inputs)
        if piece.kind == "Concat":
            whole = all(name in self.blocked and tensors[name].dims[1] % BLOCK == 0 for name in piece.inputs)
            return whole and piece.attributes.get("axis") == 1
        if piece.kind == "BatchNormalization":
            name = piece.inputs[0]
            return name in self.blocked and tensors[name].dims[1] % BLOCK == 0
        if piece.kind == "Resize":
            return piece.inputs[0] in self.blocked and _by_neighbours(piece)
        return False

    def summed(self, piece: Piece, readers: dict[str, list[Piece]]) -> tuple[str, str] | None:
        """The input whose convolution takes a sum in (of two the later one), and the other, which it adds to."""
        ready = []
        for name, other in (piece.inputs, piece.inputs[::-1]):
            maker, place = self.makers.get(name, (None, 0))
            alone = len(readers[name]) == 1 and name not in self.graph.outputs
            if maker is not None and maker.kind == "Conv" and alone and len(maker.inputs) < 4:
                before = self.makers.get(other)
                if not maker.attributes.get("activated") and (before is None or before[1] < place):
                    ready.append((name, other))
        return ready[-1] if ready else None

    def activates(self, piece: Piece, readers: dict[str, list[Piece]]) -> bool:
        """An activation after a sum that a convolution takes in: it takes that in too."""
        name = piece.inputs[0] if piece.inputs else ""
        maker, place = self.makers.get(name, (None, 0))
        alone = len(readers.get(name, ())) == 1 and name not in self.graph.outputs
        if piece.kind not in ACTIVATIONS or maker is None or maker.kind != "Conv" or not alone:
            return False
        if maker.attributes.get("activated"):
            return False
        maker.attributes = {**maker.attributes, "activated": True}
        result = piece.outputs[0]
        self.blocked[result] = self.blocked[name]
        self.inside.add(result)
        self.makers[result] = maker, place
        return True

    def absorbs(self, piece: Piece, readers: dict[str, list[Piece]]) -> bool:
        """A move of channels to the end, in the copy out of blocks."""
        name = piece.inputs[0] if piece.inputs else ""
        if piece.kind != "Transpose" or tuple(piece.attributes.get("perm", ())) != (0, 2, 3, 1):
            return False
        if name not in self.inside or len(readers[name]) != 1:
            return False
        self.inside.remove(name)
        self.pieces.append(Piece("ReorderOutput", [self.blocked[name]], list(piece.outputs), {}, piece.path))
        return True


def _padded(tensor: Tensor) -> Tensor:
    n, channels, *places = tensor.dims
    return Tensor((n, -(-channels // BLOCK) * BLOCK, *places), tensor.width)


def _by_neighbours(piece: Piece) -> bool:
    return piece.attributes.get("mode", "nearest") in ("nearest", "linear") and not piece.attributes.get("antialias")


def _takes_blocks(x: Tensor, weight: Tensor, piece: Piece) -> bool:
    """Whether a convolution has a kernel for blocks: float32, two axes, groups of whole blocks or of one channel."""
    if x.width != 4 or len(x.dims) != 4:
        return False
    groups = piece.attributes.get("group", 1)
    out, each = weight.dims[:2]
    if groups > 1:
        depthwise = each == 1 and out == groups
        return out % ALIGN == 0 if depthwise else each % BLOCK == 0 and out // groups % BLOCK == 0
    return each < BLOCK or each % ALIGN == 0

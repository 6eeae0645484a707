"""What onnxruntime's CPU provider makes of a graph before it runs, as far as buffers show it.

The rewrites of `ORT_ENABLE_ALL`, seen in the models that onnxruntime 1.30 writes to `optimized_model_filepath`, and
those of our own build: batch norm in a linear map, activations and sums in convolutions, bias in MatMul, scale and
transposition in MatMul, Sigmoid and Mul in QuickGelu, Add in LayerNormalization, Pad in a convolution.
"""

from __future__ import annotations

from math import prod

from dslc.analysis.emitted.graph import Emitted, Piece, Tensor

LINEAR = ("Conv", "ConvTranspose", "Gemm")
ACTIVATIONS = ("Relu", "Clip", "LeakyRelu", "Sigmoid", "Tanh", "HardSigmoid", "HardSwish")


def fuse(graph: Emitted) -> None:
    """Rewrite a graph in place. Linear in its nodes."""
    for rewrite in (_norms, _gates, _sums_and_norms, _products, _activations):
        rewrite(graph, graph.readers(), {name: piece for piece in graph.pieces for name in piece.outputs})
        graph.pieces = [piece for piece in graph.pieces if piece.kind]


Readers = dict[str, list[Piece]]
Makers = dict[str, Piece]


def _alone(graph: Emitted, readers: Readers, name: str) -> bool:
    """Whether one node reads a tensor, once, and no caller does."""
    return len(readers.get(name, ())) == 1 and name not in graph.outputs


def _gone(piece: Piece) -> None:
    piece.kind = ""


def _norms(graph: Emitted, readers: Readers, makers: Makers) -> None:
    """A batch norm after a linear map, and padding with zeros before a convolution."""
    for piece in graph.pieces:
        before = makers.get(piece.inputs[0]) if piece.inputs else None
        if before is None or not _alone(graph, readers, piece.inputs[0]):
            continue
        if piece.kind == "BatchNormalization" and before.kind in LINEAR:
            before.outputs[0] = piece.outputs[0]
            makers[piece.outputs[0]] = before
            _gone(piece)
        elif piece.kind == "Conv" and before.kind == "Pad" and before.attributes.get("mode", "constant") == "constant":
            piece.inputs[0] = before.inputs[0]
            _gone(before)


def _gates(graph: Emitted, readers: Readers, makers: Makers) -> None:
    """`x * sigmoid(x)` is one node."""
    for piece in graph.pieces:
        if piece.kind != "Mul":
            continue
        for x, gate in (piece.inputs, piece.inputs[::-1]):
            maker = makers.get(gate)
            if maker is not None and maker.kind == "Sigmoid" and maker.inputs[0] == x and _alone(graph, readers, gate):
                piece.kind, piece.inputs = "QuickGelu", [x]
                _gone(maker)
                break


def _sums_and_norms(graph: Emitted, readers: Readers, makers: Makers) -> None:
    """A bias in the product before it (a Gemm over rows), and a sum in the layer norm that alone reads it."""
    made: list[Piece] = []
    for piece in graph.pieces:
        made.append(piece)
        if piece.kind == "Add":
            _bias(graph, piece, readers, makers, made)
        elif piece.kind == "LayerNormalization":
            total = makers.get(piece.inputs[0])
            if (
                total is not None
                and total.kind == "Add"
                and _alone(graph, readers, piece.inputs[0])
                and len({graph.tensors[name].dims for name in total.inputs}) == 1
            ):
                piece.inputs = [*total.inputs, *piece.inputs[1:]]
                _gone(total)
    graph.pieces = made


def _bias(graph: Emitted, piece: Piece, readers: Readers, makers: Makers, made: list[Piece]) -> None:
    """MatMul of rows by a matrix and Add of a vector: Reshape, Gemm, Reshape."""
    for x, bias in (piece.inputs, piece.inputs[::-1]):
        product = makers.get(x)
        if product is None or product.kind != "MatMul" or not _alone(graph, readers, x):
            continue
        weight = product.inputs[1]
        if bias not in graph.constants or weight not in graph.constants or len(graph.tensors[weight].dims) != 2:
            continue
        result = graph.tensors[x]
        if prod(graph.tensors[bias].dims) != result.dims[-1] or len(graph.tensors[bias].dims) != 1:
            continue
        rows = graph.name()
        graph.tensors[rows] = Tensor((prod(result.dims[:-1]), result.dims[-1]), result.width)
        made[-1:] = [
            Piece("Gemm", [product.inputs[0], weight, bias], [rows], {}, piece.path),
            Piece("Reshape", [rows], list(piece.outputs), {}, piece.path),
        ]
        _gone(product)
        return


def _products(graph: Emitted, readers: Readers, makers: Makers) -> None:
    """A factor, and the transposition of the last two axes, in the product that alone reads them."""
    for piece in graph.pieces:
        if piece.kind != "MatMul":
            continue
        for place, name in enumerate(piece.inputs):
            before = makers.get(name)
            while before is not None and _alone(graph, readers, name) and _absorbed(graph, before):
                name = piece.inputs[place] = next(n for n in before.inputs if n not in graph.constants)
                readers[name] = [piece if reader is before else reader for reader in readers[name]]
                _gone(before)
                before = makers.get(name)


def _absorbed(graph: Emitted, piece: Piece) -> bool:
    """Whether a product takes a node in: a factor that is one number, or the last two axes swapped."""
    if piece.kind == "Transpose":
        perm = tuple(piece.attributes.get("perm", ()))
        rank = len(perm)
        return rank > 1 and perm == (*range(rank - 2), rank - 1, rank - 2)
    if piece.kind not in ("Mul", "Div"):
        return False
    numbers = [name for name in piece.inputs if name in graph.constants]
    return len(numbers) == 1 and prod(graph.tensors[numbers[0]].dims) == 1


def _activations(graph: Emitted, readers: Readers, makers: Makers) -> None:
    """An activation in the convolution before it."""
    for piece in graph.pieces:
        if piece.kind not in ACTIVATIONS:
            continue
        before = makers.get(piece.inputs[0])
        if before is not None and before.kind == "Conv" and _alone(graph, readers, piece.inputs[0]):
            before.outputs[0] = piece.outputs[0]
            makers[piece.outputs[0]] = before
            before.attributes = {**before.attributes, "activated": True}
            _gone(piece)

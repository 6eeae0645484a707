"""ONNX files, written field by field: the protobuf wire format of the messages a graph needs.

Importing onnx takes 115 ms and protobuf's classes would copy each weight three times; this needs no import
and copies none. Field numbers are those of onnx.proto (onnx 1.23); the tests read every file back with onnx
itself. The same graph always gives the same bytes: fields and map entries are written in a fixed order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from dslc.backends.onnx.graph import IR_VERSION, NodeDef, OnnxGraph, TensorInfo
from dslc.backends.onnx.origins import properties
from dslc.output import Buffer
from dslc.types.tensor import DType
from dslc.weights.memory import Stored, raw

DTYPE_CODES = {
    DType.FLOAT32: 1,
    DType.INT32: 6,
    DType.INT64: 7,
    DType.BOOL: 9,
    DType.FLOAT16: 10,
    DType.BFLOAT16: 16,
}
"""TensorProto.DataType."""

_NUMPY_CODES = {dtype.value: code for dtype, code in DTYPE_CODES.items()} | {"float64": 11}
_FLOAT, _INT, _STRING, _TENSOR, _FLOATS, _INTS, _STRINGS = 1, 2, 3, 4, 6, 7, 8  # AttributeProto.AttributeType
_EXTERNAL = 1  # TensorProto.DataLocation

Piece: TypeAlias = "bytes | Stored"
"""Part of a file. An array is turned into its bytes only when they are written."""


@dataclass(slots=True)
class ExternalData:
    """Where large tensors go: the name of the file beside the model, and what it holds so far."""

    location: str
    least: int  # bytes below which a tensor stays in the model
    pieces: list[Piece] = field(default_factory=list)
    size: int = 0

    def add(self, array: Stored, align: int = 4096) -> tuple[int, int]:
        """Append a tensor; its offset (a multiple of the page size, so that it can be mapped) and length."""
        pad = -self.size % align
        if pad:
            self.pieces.append(bytes(pad))
        offset = self.size + pad
        self.pieces.append(array)
        self.size = offset + array.nbytes
        return offset, array.nbytes

    def chunks(self) -> Iterator[Buffer]:
        """The content of the file, once the model's own bytes have been asked for."""
        yield from map(_buffer, self.pieces)


def model_chunks(
    graph: OnnxGraph,
    producer: tuple[str, str],
    metadata: Mapping[str, str],
    external: ExternalData | None = None,
) -> Iterator[Buffer]:
    """The bytes of a ModelProto in pieces; the weights are views of the arrays' own memory."""
    body: list[Piece] = [_graph_head(graph)]
    for name, array in graph.initializers.items():
        body += _initializer(name, array, external)
    length = sum(map(_nbytes, body))
    domains = sorted({node.domain for node in graph.nodes} | {""})
    yield b"".join(
        (
            _number(1, IR_VERSION),
            _text(2, producer[0]),
            _text(3, producer[1]),
            *(_bytes(8, _text(1, domain) + _number(2, graph.opset if not domain else 1)) for domain in domains),
            *(_bytes(14, _text(1, key) + _text(2, metadata[key])) for key in sorted(metadata)),
            _tag(7, 2),
            _varint(length),
        )
    )
    yield from map(_buffer, body)


# ---- messages


def _graph_head(graph: OnnxGraph) -> bytes:
    """A GraphProto but for its initialisers."""
    parts = [_bytes(1, _node(node)) for node in graph.nodes]
    parts.append(_text(2, graph.name))
    if graph.doc:
        parts.append(_text(10, graph.doc))
    parts += [_bytes(11, _value(name, info)) for name, info in graph.inputs.items()]
    parts += [_bytes(12, _value(name, info)) for name, info in graph.outputs.items()]
    parts += [
        _bytes(13, _value(name, info))
        for name, info in graph.values.items()
        if name not in graph.inputs and name not in graph.outputs and name not in graph.initializers
    ]
    return b"".join(parts)


def _node(node: NodeDef) -> bytes:
    parts = [_text(1, name) for name in node.inputs]
    parts += [_text(2, name) for name in node.outputs]
    parts.append(_text(3, node.name))
    parts.append(_text(4, node.kind))
    parts += [_bytes(5, _attribute(name, node.attributes[name])) for name in sorted(node.attributes)]
    if node.domain:
        parts.append(_text(7, node.domain))
    if node.origins:
        parts += [_bytes(9, _text(1, key) + _text(2, text)) for key, text in properties(node.origins).items()]
    return b"".join(parts)


def _attribute(name: str, value: object) -> bytes:
    head = _text(1, name)
    if isinstance(value, DType):
        value = DTYPE_CODES[value]
    if isinstance(value, bool | int | np.integer):
        return head + _number(3, int(value)) + _number(20, _INT)
    if isinstance(value, float | np.floating):
        return head + _tag(2, 5) + struct.pack("<f", value) + _number(20, _FLOAT)
    if isinstance(value, str):
        return head + _text(4, value) + _number(20, _STRING)
    if isinstance(value, np.ndarray):
        return head + _bytes(5, b"".join(map(_buffer, _tensor("", value, None)))) + _number(20, _TENSOR)
    if isinstance(value, Sequence):
        if all(isinstance(item, int | np.integer) for item in value):
            return head + _ints(tuple(map(int, value)))
        if all(isinstance(item, int | float | np.number) for item in value):
            floats = b"".join(_tag(7, 5) + struct.pack("<f", item) for item in value)
            return head + floats + _number(20, _FLOATS)
        if all(isinstance(item, str) for item in value):
            return head + b"".join(_text(9, item) for item in value) + _number(20, _STRINGS)
    raise TypeError(f"attribute `{name}` cannot be written: {value!r}")


@lru_cache(4096)
def _ints(value: tuple[int, ...]) -> bytes:
    return b"".join(_number(8, item) for item in value) + _number(20, _INTS)


def _value(name: str, info: TensorInfo) -> bytes:
    return _text(1, name) + _type(info)


@lru_cache(4096)
def _type(info: TensorInfo) -> bytes:
    dims = b"".join(
        _bytes(1, _number(1, extent) if isinstance(extent, int) else _text(2, extent)) for extent in info.shape
    )
    tensor = _number(1, DTYPE_CODES[info.dtype]) + _bytes(2, dims)
    return _bytes(2, _bytes(1, tensor))


def _initializer(name: str, array: Stored, external: ExternalData | None) -> list[Piece]:
    """A tensor as field 5 of the graph: what stands before its elements, and these."""
    tensor = _tensor(name, array, external)
    length = sum(map(_nbytes, tensor))
    return [_tag(5, 2) + _varint(length) + _buffer(tensor[0]), *tensor[1:]]


def _tensor(name: str, array: Stored, external: ExternalData | None) -> list[Piece]:
    head = [_number(1, side) for side in array.shape]
    head.append(_number(2, _NUMPY_CODES[array.dtype.name]))
    if name:
        head.append(_text(8, name))
    if external is not None and array.nbytes >= external.least:
        offset, length = external.add(array)
        entries = {"location": external.location, "offset": str(offset), "length": str(length)}
        head += [_bytes(13, _text(1, key) + _text(2, text)) for key, text in entries.items()]
        head.append(_number(14, _EXTERNAL))
        return [b"".join(head)]
    head += [_tag(9, 2), _varint(array.nbytes)]
    return [b"".join(head), array]


# ---- fields: a tag (number and wire type), then a varint, four bytes, or a length and that many bytes


_SMALL = tuple(bytes((n,)) for n in range(128))


def _varint(value: int) -> bytes:
    if 0 <= value < 128:
        return _SMALL[value]
    if value < 0:
        value += 1 << 64  # two's complement of 64 bits, as protobuf's int64
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _tag(number: int, kind: int) -> bytes:
    return _varint(number << 3 | kind)


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _text(number: int, value: str) -> bytes:
    encoded = value.encode()
    if len(encoded) < 128:  # nearly all names: both numbers are one byte each
        return _SMALL[number << 3 | 2] + _SMALL[len(encoded)] + encoded
    return _bytes(number, encoded)


def _nbytes(piece: Piece) -> int:
    return len(piece) if isinstance(piece, bytes) else piece.nbytes


def _buffer(piece: Piece) -> bytes | memoryview:
    return piece if isinstance(piece, bytes) else raw(piece)

"""ONNX files on disk: weights inside the file, or beside it where they are large."""

from __future__ import annotations

from pathlib import Path

from dslc import stamp
from dslc.backends.onnx.model import OnnxModel
from dslc.backends.onnx.wire import ExternalData
from dslc.output import Output, data, write_all

INLINE_LIMIT = 1_000_000_000
"""Bytes of weights above which they go to a second file: protobuf reads no message of 2 GiB or more."""

EXTERNAL_LEAST = 1024
"""Bytes below which a tensor stays in the model all the same."""


def save(model: OnnxModel, path: str | Path, *, inline_limit: int = INLINE_LIMIT) -> list[Path]:
    """Write the model; the files written. Raises `OutputError`, and then nothing is changed."""
    files = outputs(model, path, inline_limit=inline_limit)
    write_all(files)
    return [file.path for file in files]


def outputs(model: OnnxModel, path: str | Path, *, inline_limit: int = INLINE_LIMIT) -> list[Output]:
    """The files of a model, to be written together with others.

    Weights of more than `inline_limit` bytes go to `NAME.onnx.data`, each at a multiple of 4096 bytes, so
    that onnxruntime can map them (onnx #6248). Both files bear a stamp that tells whether they belong together.
    """
    target = Path(path)
    if model.weight_bytes <= inline_limit:
        return [data(target, model.chunks())]
    external = ExternalData(f"{target.name}.data", EXTERNAL_LEAST)
    large = {n: a for n, a in model.graph.initializers.items() if a.nbytes >= EXTERNAL_LEAST}
    digest = stamp.of_weights(large)
    stamped = OnnxModel(model.graph, model.version, {**model.metadata, stamp.DATA: digest})
    chunks = list(stamped.chunks(external))
    external.pieces.append(stamp.TRAILER + digest.encode())
    return [data(target.with_name(external.location), external.chunks()), data(target, chunks)]

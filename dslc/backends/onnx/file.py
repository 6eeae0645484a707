"""ONNX files on disk: weights inside the file, or beside it where they are large."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from dslc import stamp
from dslc.backends.onnx.model import OnnxModel
from dslc.backends.onnx.wire import ExternalData
from dslc.diagnostics.model import Failure, Help, Mistake
from dslc.output import Output, Target, data, is_path, write_all, write_stream

INLINE_LIMIT = 1_000_000_000
"""Bytes of weights above which they go to a second file: protobuf reads no message of 2 GiB or more."""

EXTERNAL_LEAST = 1024
"""Bytes below which a tensor stays in the model all the same."""


MESSAGE_LIMIT = 2**31 - 1
"""Bytes that a protobuf message, and so a model in one piece, can have."""


class NoSecondFile(Mistake, code="E0637"):
    """A model of 2 GiB or more cannot be written to a stream.

    Protobuf has no message of that size, so the weights of a large model go to a second file beside it, and a stream
    has nothing beside it. Write to a path, or export in 16 bits.

    ```python
    net.to_onnx("net.onnx")
    ```

    ```sh
    dslc build net.dl -o build/
    ```

    Related: E0601, E0615.
    """

    size: int

    @property
    def message(self) -> str:
        return f"{self.size / 1e9:.1f} GB do not fit into one ONNX file, and a stream has no second one for the weights"

    @property
    def help(self) -> tuple[Help, ...]:
        return (Help("give a path: the weights then lie beside it, in `NAME.onnx.data`"),)


def save(
    model: OnnxModel, target: Target, *, inline_limit: int = INLINE_LIMIT, message_limit: int = MESSAGE_LIMIT
) -> list[Path]:
    """Write the model to a path or to a stream; the files written, none of a stream.

    Raises `OutputError`, and then nothing is changed; `Failure` for a model of more than `message_limit` bytes that is
    to go to a stream. Nothing goes to a stream before all of it is made.
    """
    if not is_path(target):
        chunks = list(model.chunks())
        size = sum(memoryview(chunk).nbytes for chunk in chunks)
        if size > message_limit:
            raise Failure(NoSecondFile(size))
        write_stream(target, chunks)
        return []
    files = outputs(model, target, inline_limit=inline_limit)
    write_all(files)
    return [file.path for file in files]


def outputs(model: OnnxModel, path: str | PathLike[str], *, inline_limit: int = INLINE_LIMIT) -> list[Output]:
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

"""Where a graph goes: a path, a stream of bytes; and that nothing is half written."""

from __future__ import annotations

import gzip
import io
import re
import tempfile
from pathlib import Path
from typing import IO, Any

import onnx
import pytest
import torch

import dslc
from dslc.backends.onnx.file import NoSecondFile, save
from dslc.diagnostics.model import Failure
from dslc.live.export import to_model
from dslc.module import Module
from dslc.output import OutputError

TEXT = "net f on x[N, 300]:\n    linear(200)\n"


@pytest.fixture
def net() -> Module:
    torch.manual_seed(0)
    return dslc.load(TEXT)()


def test_a_stream_gets_what_a_file_does(net: Module, tmp_path: Path) -> None:
    (path,) = net.to_onnx(tmp_path / "net.onnx")
    data = path.read_bytes()
    onnx.checker.check_model(onnx.load_model_from_string(data), full_check=True)
    memory = io.BytesIO(b"before ")
    memory.seek(0, io.SEEK_END)
    assert net.to_onnx(memory) == [] and memory.getvalue() == b"before " + data and not memory.closed
    for buffering in (-1, 0):
        with open(tmp_path / "raw.onnx", "wb", buffering=buffering) as raw:
            dslc.export_onnx(net, raw)
        assert (tmp_path / "raw.onnx").read_bytes() == data
    with gzip.open(tmp_path / "net.gz", "wb") as packed:
        net.to_onnx(packed)
    assert gzip.decompress((tmp_path / "net.gz").read_bytes()) == data
    with tempfile.NamedTemporaryFile(dir=tmp_path) as named:
        net.to_onnx(named)
        named.seek(0)
        assert named.read() == data


class Slow:
    """A stream that takes few bytes at a time, and keeps what it is given."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self.parts.append(data[:50_000])
        return len(self.parts[-1])


def test_a_stream_may_take_parts_and_keep_them(net: Module) -> None:
    slow, memory = Slow(), io.BytesIO()
    net.to_onnx(slow)
    net.to_onnx(memory)
    with torch.no_grad():
        net.linear.weight.zero_()
    assert b"".join(slow.parts) == memory.getvalue() and len(slow.parts) > 4


def test_a_stream_that_cannot_be_written(net: Module, tmp_path: Path) -> None:
    def refused(stream: IO[bytes], words: str) -> None:
        with pytest.raises(OutputError, match=re.escape(words)):
            net.to_onnx(stream)

    (tmp_path / "read").write_bytes(b"")
    with open(tmp_path / "read", "rb") as read:
        refused(read, f"cannot write `{tmp_path}/read`: it is not open for writing")
    with open("/dev/full", "wb", buffering=0) as full:
        refused(full, "cannot write `/dev/full`: no space left on device")
    closed = io.BytesIO()
    closed.close()
    refused(closed, "cannot write `<BytesIO>`: it is closed")
    with open(tmp_path / "text", "w") as text, pytest.raises(TypeError, match="is open for text: open it with mode"):
        net.to_onnx(text)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"`<StringIO>` is open for text"):
        net.to_onnx(io.StringIO())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^a target is a path, or a stream of bytes such as `io\.BytesIO\(\)`, not 5"):
        net.to_onnx(5)  # type: ignore[arg-type]


def test_nothing_goes_to_a_stream_before_all_is_made(net: Module) -> None:
    stream = io.BytesIO()
    wrong: list[dict[str, Any]] = [{"dynamic": "Q"}, {"dtype": "int8"}]
    for options in wrong:
        with pytest.raises((Failure, ValueError)):
            net.to_onnx(stream, **options)
    with torch.no_grad():
        net.linear.weight.fill_(1e6)
    with pytest.raises(Failure):
        net.to_onnx(stream, dtype="fp16")
    with pytest.raises(Failure) as failure:
        save(to_model(net), stream, message_limit=100_000)
    assert isinstance(failure.value.mistakes[0], NoSecondFile)
    assert failure.value.mistakes[0].message == (
        "0.0 GB do not fit into one ONNX file, and a stream has no second one for the weights"
    )
    assert stream.getvalue() == b""


def test_a_path_that_cannot_be_written(net: Module, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=re.escape(f"there is no folder `{tmp_path}/none`")):
        net.to_onnx(tmp_path / "none" / "net.onnx")
    with pytest.raises(OutputError, match="its name holds what no file's can"):
        net.to_onnx("net\0.onnx")
    assert list(tmp_path.iterdir()) == []

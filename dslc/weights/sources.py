"""Files of weights of any kind, told apart by what they hold and not by their names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dslc.reading import regular
from dslc.weights import file, sharded
from dslc.weights.errors import UnreadableWeights, WeightsError
from dslc.weights.tensors import Renamed, Tensors

START = 512
"""Bytes by which a file is known."""

PICKLES = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")
"""How files of `torch.save` begin: a zip, or a pickle alone."""

CHECKPOINTS = (".pth", ".pt", ".bin", ".ckpt")
"""How they are named."""

FOREIGN = (
    (b"version https://git-lfs.github.com/spec/", "it is a Git LFS pointer, not the weights: run `git lfs pull`"),
    (b"\x89HDF", "it is a file of HDF5 (Keras), which is not read"),
    (b"GGUF", "it is a file of GGUF, which is not read"),
    (b"\x93NUMPY", "it is one array of numpy, without a name"),
    (b"\x1f\x8b", "it is compressed by gzip: unpack it"),
    (b"BZh", "it is compressed by bzip2: unpack it"),
    (b"\xfd7zXZ", "it is compressed by xz: unpack it"),
    (b"\x28\xb5\x2f\xfd", "it is compressed by zstd: unpack it"),
    (b"7z\xbc\xaf", "it is a 7z archive: unpack it"),
)
"""What is taken for weights, or saved under their name, with words for each."""

OTHERS = {
    ".onnx": "it is an ONNX graph, not weights by name: give the file that the graph was made from",
    ".npz": "it is a file of numpy's, which is not read: save it as .safetensors",
    ".npy": "it is one array of numpy, without a name",
}
"""Names that say what a file is where its first bytes do not."""

PAGES = (b"<!doctype", b"<html", b"<?xml", b"<head", b"<body", b"<script")


@contextmanager
def opened(path: str | Path) -> Iterator[Mapping[str, Tensors]]:
    """The sets of tensors of a file or folder by name: one, `""`, but where a checkpoint holds several state dicts.

    They can be read within the `with`. Raises `WeightsError` for what cannot be read, and for a file that changes.
    """
    try:
        with _opened(Path(path)) as found:
            yield found
    except OSError as error:
        raise WeightsError(UnreadableWeights(str(path), (error.strerror or str(error)).lower())) from error


@contextmanager
def _opened(path: Path) -> Iterator[Mapping[str, Tensors]]:
    if path.is_dir():
        path = sharded.weights_of(path)
    if path.name.endswith(".json"):
        with sharded.opened(path, _file) as shards:
            yield {"": shards}
    else:
        with _file(path) as found:
            yield {part: _alone(path, tensors) for part, tensors in found.items()}


def _alone(path: Path, tensors: Tensors) -> Tensors:
    """The tensors of a file, with a note where it is one shard of several."""
    shard = sharded.SHARD.search(path.name)
    if shard is None or int(shard[1]) < 2:
        return tensors
    note = f"`{path.name}` is one of {int(shard[1])} shards: the index beside them, or their folder, names all"
    return Renamed(tensors, {name: name for name in tensors.specs}, note)


@contextmanager
def _file(path: Path) -> Iterator[Mapping[str, Tensors]]:
    """One file, of safetensors or a checkpoint of PyTorch."""
    with regular(path) as opening:
        start = opening.read(START)
    if reason := OTHERS.get(path.suffix) or _foreign(start):
        raise WeightsError(UnreadableWeights(str(path), reason))
    named = path.suffix in CHECKPOINTS
    if named and not start.startswith(PICKLES) and start[8:9] != b"{":
        what = f"begins with {start[:8]!r}" if start else "is empty"
        raise WeightsError(UnreadableWeights(str(path), f"it is no checkpoint of PyTorch: it {what}"))
    if start.startswith(PICKLES) and path.suffix != ".safetensors":
        from dslc.weights import pickled

        with pickled.opened(path) as parts:
            yield parts
    else:
        with file.opened(path) as tensors:
            yield {"": tensors}


def _foreign(start: bytes) -> str | None:
    """What a file is that holds no weights, or that none are read from."""
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith(PAGES):
        return "it is a page of the web, not the weights: the download failed, or needs a login"
    if start[257:262] == b"ustar":
        return "it is a tar archive: unpack it"
    return next((words for head, words in FOREIGN if start.startswith(head)), None)

"""Files of tensors: the header of a .safetensors file, held to the format, and its tensors, read one at a time.

A file is a length of eight bytes, a header of JSON of that length, and the elements of all tensors, row-major and
little-endian (safetensors, README, section Format). Nothing that a header claims is believed: a tensor is read only
where it lies inside the file, has the bytes that its shape needs, and shares none with another one.
"""

from __future__ import annotations

import json
import math
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from io import FileIO
from itertools import pairwise
from mmap import ACCESS_COPY, mmap
from pathlib import Path
from typing import Any, TypeGuard

import ml_dtypes
import numpy as np

from dslc.diagnostics.model import Mistake
from dslc.reading import read_into, regular, unchanged
from dslc.weights.errors import CHECKPOINT, UnreadableTensor, UnreadableWeights, WeightsError
from dslc.weights.memory import Array
from dslc.weights.tensors import Tensors, TensorSpec

CODES: dict[str, Any] = {
    "U64": np.uint64,
    "I64": np.int64,
    "F64": np.float64,
    "F32": np.float32,
    "U32": np.uint32,
    "I32": np.int32,
    "BF16": ml_dtypes.bfloat16,
    "F16": np.float16,
    "U16": np.uint16,
    "I16": np.int16,
    "F8_E5M2FNUZ": ml_dtypes.float8_e5m2fnuz,
    "F8_E4M3FNUZ": ml_dtypes.float8_e4m3fnuz,
    "F8_E8M0": ml_dtypes.float8_e8m0fnu,
    "F8_E4M3": ml_dtypes.float8_e4m3fn,
    "F8_E5M2": ml_dtypes.float8_e5m2,
    "I8": np.int8,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
"""Element types of the format by their names in a header, in the order in which the library writes tensors."""

METADATA = "__metadata__"
"""The name in a header that is no tensor's: a table of texts."""

LONGEST_HEADER = 100_000_000
"""Bytes, the library's own limit (safetensors/src/tensor.rs, `MAX_HEADER_SIZE`)."""

MOST_AXES = 64
LARGEST = 2**63 - 1
"""Numpy's limits of a shape."""

CHECKPOINTS = (b"PK\x03\x04", b"\x80\x02")
"""How files of `torch.save` begin: a zip, or a pickle alone."""


@dataclass(frozen=True, slots=True)
class Entry(TensorSpec):
    """What a tensor is, and where its elements begin."""

    start: int


class TensorFile(Tensors):
    """An open file of tensors.

    It is mapped into memory, privately, when the first tensor is read: pages come from the system's cache as they are
    touched, which takes a fifth of the time of copying them, and what is written to an array never reaches the file.
    """

    def __init__(self, file: FileIO, size: int, path: str, entries: dict[str, Entry], metadata: dict[str, str]) -> None:
        self.file = file
        self.size = size
        self.path = path
        self.specs = self.entries = entries
        self.metadata = metadata
        self._mapped: mmap | None = None

    def origin(self, name: str) -> str:
        return f"`{name}` of `{self.path}`"

    def read(self, name: str) -> Array:
        """One tensor, as it is mapped; a copy where the file has it at an odd place. Raises `OSError`."""
        entry = self.entries[name]
        unchanged(self.file, self.size)  # a page beyond the end of the file would end the process
        if self._mapped is None:
            self._mapped = mmap(self.file.fileno(), self.size, access=ACCESS_COPY)
        bits = np.dtype(f"<u{entry.dtype.itemsize}")
        found: Array = np.frombuffer(self._mapped, bits, entry.count, entry.start)
        if not found.flags.aligned:
            found = found.copy()
        return found.astype(bits.newbyteorder("="), copy=False).view(entry.dtype).reshape(entry.shape)

    def read_into(self, name: str, place: Array) -> None:
        entry = self.entries[name]
        if not place.flags.c_contiguous or sys.byteorder == "big":
            super().read_into(name, place)
            return
        self.file.seek(entry.start)
        read_into(self.file, place.reshape(-1).view(np.uint8).data)


@contextmanager
def opened(path: str | Path) -> Iterator[TensorFile]:
    """A file of tensors, open. Raises `WeightsError` for what is none, and for one that changes while it is read."""
    try:
        with regular(path) as file:
            size = os.fstat(file.fileno()).st_size
            yield TensorFile(file, size, str(path), *_header(file, size, str(path)))
            unchanged(file, size)
    except OSError as error:
        raise WeightsError(UnreadableWeights(str(path), (error.strerror or str(error)).lower())) from error


def _header(file: FileIO, size: int, path: str) -> tuple[dict[str, Entry], dict[str, str]]:
    """The tensors of a file of `size` bytes by name, and what it says of itself. Raises `WeightsError`."""

    def refused(reason: str) -> WeightsError:
        return WeightsError(UnreadableWeights(path, f"it is no .safetensors file: {reason}"))

    head = bytearray(min(size, 8))
    read_into(file, memoryview(head))
    if head.startswith(CHECKPOINTS):
        raise WeightsError(UnreadableWeights(path, f"{CHECKPOINT} under the name of another kind of file"))
    if size < 8:
        raise refused(f"it has {size} bytes")
    length = int.from_bytes(head, "little")
    if length > size - 8 or length > LONGEST_HEADER:
        raise refused(f"its header would have {length:,} bytes, and the file has {size:,}")
    text = bytearray(length)
    read_into(file, memoryview(text))
    try:
        header = json.loads(text.decode(), object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        raise refused(f"its header cannot be read ({error})") from error
    if not isinstance(header, _Pairs):
        raise refused("its header is no table of tensors")
    rows = [(name, value) for name, value in header if name != METADATA]
    said = [pair for name, value in header if name == METADATA and isinstance(value, _Pairs) for pair in value]
    twice = [name for name, count in Counter(name for name, _ in rows).items() if count > 1]
    if twice:
        raise WeightsError(*(UnreadableTensor(name, path, "it is there twice") for name in twice))
    found = {name: _entry(value, size - 8 - length) for name, value in rows}
    wrong: list[Mistake] = [UnreadableTensor(n, path, why) for n, why in found.items() if isinstance(why, str)]
    entries = {name: entry for name, entry in found.items() if isinstance(entry, Entry)}
    wrong = wrong or [UnreadableTensor(name, path, why) for name, why in _overlaps(entries)]
    if wrong:
        raise WeightsError(*wrong)
    held = sum(entry.nbytes for entry in entries.values())
    if held != size - 8 - length:
        raise refused(f"its tensors have {held:,} bytes, and {size - 8 - length:,} follow the header")
    moved = {name: replace(entry, start=entry.start + 8 + length) for name, entry in entries.items()}
    return moved, {key: text for key, text in said if isinstance(text, str)}


class _Pairs(list[tuple[str, object]]):
    """A table of JSON as its pairs: a name may be there twice."""


def _entry(value: object, size: int) -> Entry | str:
    """A tensor by its line of the header, or what is wrong with that; `size` bytes of elements follow the header."""
    if not isinstance(value, _Pairs) or sorted(key for key, _ in value) != ["data_offsets", "dtype", "shape"]:
        return "its line of the header has not just `dtype`, `shape` and `data_offsets`"
    row = dict(value)
    code, shape, offsets = row["dtype"], row["shape"], row["data_offsets"]
    if not isinstance(code, str) or code not in CODES:
        return f"its element type {_shown(code)} is none of {', '.join(CODES)}"
    if not _whole(shape) or len(shape) > MOST_AXES or math.prod(side or 1 for side in shape) > LARGEST:
        return f"its shape is {_shown(shape)}"
    if not _whole(offsets) or len(offsets) != 2:
        return f"its offsets are {_shown(offsets)}"
    entry = Entry(tuple(shape), np.dtype(CODES[code]), offsets[0])
    if offsets[1] > size:
        return f"it would end at byte {_shown(offsets[1])}, and {size:,} follow the header"
    if offsets[1] - offsets[0] != entry.nbytes:
        return f"{_shown(list(shape))} of {code} takes {_shown(entry.nbytes)} bytes, not {offsets[1] - offsets[0]:,}"
    return entry


def _whole(value: object) -> TypeGuard[list[int]]:
    """Whether a value is a list of whole numbers of 64 bits, none negative."""
    return isinstance(value, list) and all(type(item) is int and 0 <= item <= LARGEST for item in value)


def _shown(value: object) -> str:
    """A value of a header as a message has it: short, and with nothing that a terminal would obey."""
    text = ascii([list(pair) for pair in value] if isinstance(value, _Pairs) else value)
    return f"`{re.sub(r'(?<=.{40}).+', '...', text)}`"


def _overlaps(entries: dict[str, Entry]) -> Iterator[tuple[str, str]]:
    """Tensors that share bytes with the one before."""
    ordered = sorted((name for name in entries if entries[name].nbytes), key=lambda name: entries[name].start)
    for one, other in pairwise(ordered):
        if entries[other].start < entries[one].start + entries[one].nbytes:
            yield other, f"its bytes overlap those of `{one}`"

"""Checkpoints of PyTorch (`.pth`, `.pt`, `.bin`, `.ckpt`), opened by `torch.load(weights_only=True)` alone.

Such a file is a pickle: a small program that may call any function. PyTorch's reader for `weights_only` knows no
function but those that make tensors and plain containers, and stops at any other name. What it refuses is named here
by reading the pickle as text. The tensors of a file that was written as a zip are mapped into memory, not copied.
"""

from __future__ import annotations

import argparse
import io
import os
import pickletools
import re
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from dslc.errors import NotInstalled
from dslc.reading import regular, unchanged
from dslc.weights.errors import UnreadableTensor, UnreadableWeights, UnsafeCheckpoint, WeightsError
from dslc.weights.memory import Array
from dslc.weights.tensors import Tensors, TensorSpec

if TYPE_CHECKING:
    from torch import Tensor

READER = "read by torch.load(weights_only=True)"

SAFE_SINCE = (2, 6)
"""Before this PyTorch, `weights_only` could be made to run code (CVE-2025-32434)."""

NAMES = {
    "float64": np.float64,
    "float32": np.float32,
    "float16": np.float16,
    "bfloat16": ml_dtypes.bfloat16,
    "float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "float8_e4m3fnuz": ml_dtypes.float8_e4m3fnuz,
    "float8_e5m2": ml_dtypes.float8_e5m2,
    "float8_e5m2fnuz": ml_dtypes.float8_e5m2fnuz,
    "float8_e8m0fnu": ml_dtypes.float8_e8m0fnu,
    "complex64": np.complex64,
    "complex128": np.complex128,
    "int64": np.int64,
    "int32": np.int32,
    "int16": np.int16,
    "int8": np.int8,
    "uint64": np.uint64,
    "uint32": np.uint32,
    "uint16": np.uint16,
    "uint8": np.uint8,
    "bool": np.bool_,
}
"""Element types by their names in torch."""

BITS = {1: "uint8", 2: "int16"}
"""Types of torch that numpy has too, by their bytes: bfloat16 and 8-bit floats are handed over as these."""

LARGEST_PICKLE = 1 << 28
"""Bytes of the description of a checkpoint's objects that are searched for names."""

DEEPEST = 4
"""Levels of dictionaries that are searched for state dicts."""

TRAINING = {
    "optimizer", "optimizers", "optimizer_states", "optimizer_state_dict", "optim", "opt", "opt_state", "lr_scheduler",
    "lr_schedulers", "scheduler", "scheduler_state_dict", "scaler", "amp", "amp_scaler", "loss_scaler", "grad_scaler",
    "callbacks", "loops", "rng_state", "rng_states", "random_states", "hyper_parameters", "hparams", "args", "config",
}  # fmt: skip
"""Names of what training keeps beside the weights: no state dict is looked for in them."""


class Loaded(Tensors):
    """One state dict of a checkpoint, in memory or mapped into it."""

    notes = (READER,)

    def __init__(self, found: Mapping[str, Tensor], path: str, part: str) -> None:
        self.found = found
        self.where = f"`{path}`" + (f", `{part}`" if part else "")
        self.specs = {name: TensorSpec(tuple(t.shape), np.dtype(NAMES[_type(t)])) for name, t in found.items()}

    def read(self, name: str) -> Array:
        import torch

        tensor = self.found[name].detach().resolve_conj().resolve_neg()
        kind = self.specs[name].dtype
        if kind.isbuiltin != 1:  # of ml_dtypes: torch hands numpy its bits
            plain: Array = tensor.view(getattr(torch, BITS[kind.itemsize])).numpy()
            return plain.view(kind)
        array: Array = tensor.numpy()
        return array

    def origin(self, name: str) -> str:
        return f"`{name}` of {self.where}"


@contextmanager
def opened(path: str | Path) -> Iterator[dict[str, Tensors]]:
    """The state dicts of a checkpoint by the keys that lead to them (`""`, `model`, `state.model_ema`).

    Raises `WeightsError` for what is no such file, and for one that asks for more than tensors; none of it is run.
    """
    with regular(path) as file:
        size = os.fstat(file.fileno()).st_size
        zipped = file.read(4) == b"PK\x03\x04"
        records = _records(str(path)) if zipped else None
        whole = _load(str(path), zipped)
        found = dict(_state_dicts(whole))
        if not found:
            raise _unreadable(path, f"it holds no tensors by name, but {_shape_of(whole)}")
        wrong = [m for part, table in found.items() for m in _misfits(table, str(path), records)]
        if wrong:
            raise WeightsError(*wrong)
        yield {part: Loaded(table, str(path), part) for part, table in found.items()}
        unchanged(file, size)


def _unreadable(path: str | Path, reason: str) -> WeightsError:
    return WeightsError(UnreadableWeights(str(path), reason))


def _records(path: str) -> Counter[int]:
    """How many records of each size hold numbers in a zip of `torch.save`. Raises `WeightsError` where it is none."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RecursionError, OverflowError) as error:
        raise _unreadable(path, "it was cut off or damaged: it begins as a checkpoint, and its list of records is not "
                          "at its end") from error  # fmt: skip
    names = [entry.filename for entry in entries]
    if any(name.endswith("/constants.pkl") or "/code/" in name for name in names):
        raise _unreadable(path, "it is a TorchScript archive, which holds code: save the module's `state_dict()`")
    if sum(name == "data.pkl" or name.endswith("/data.pkl") for name in names) != 1:
        raise _unreadable(path, "it is a zip without `data.pkl`: no checkpoint of PyTorch")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise _unreadable(path, "its records are compressed, which `torch.save` never does")
    return Counter(entry.file_size for entry in entries if re.search(r"(^|/)data/[^/]+$", entry.filename))


def _load(path: str, zipped: bool) -> Any:
    """What `torch.load(weights_only=True)` makes of a file. Raises `WeightsError` for whatever it raises."""
    try:
        import torch
    except ImportError as error:
        raise WeightsError(NotInstalled("torch", "torch", f"reading `{path}`")) from error
    version = tuple(int(part) for part in torch.__version__.split(".")[:2])
    if version < SAFE_SINCE:
        raise _unreadable(path, f"`weights_only` of PyTorch {torch.__version__} can run code: 2.6 is safe")
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(harmless()):
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=zipped)
    except MemoryError:
        raise
    except Exception as error:  # on damaged bytes PyTorch's reader raises whatever its code happens to
        raise _refusal(path, zipped, error) from error


def harmless() -> list[Any]:
    """What is let through beside PyTorch's own list: options of `argparse`, and single numbers of numpy.

    Runs keep both beside their weights (`args`, `best_acc`). The first only sets attributes, the second only reads
    bytes as a number; the documentation of `torch.load` names it as an example.
    """
    core = getattr(np, "_core", None) or np.core
    scalar = core.multiarray.scalar
    named = [(scalar, f"numpy.{name}.multiarray.scalar") for name in ("core", "_core")]
    kinds = [getattr(np.dtypes, name) for name in np.dtypes.__all__ if name != "ObjectDType"]
    return [argparse.Namespace, *named, np.dtype, *kinds]


def _refusal(path: str, zipped: bool, error: Exception) -> WeightsError:
    """Why a checkpoint was not read: what it wanted to import, or PyTorch's own words."""
    with suppress(OSError, ValueError, KeyError, zipfile.BadZipFile):
        names, whole = wants(_pickle_of(path, zipped))
        if names:
            return WeightsError(UnsafeCheckpoint(path, names, whole))
    words = str(error).rpartition("WeightsUnpickler error:")[2].strip().split("\n")[0] or type(error).__name__
    if words.startswith("Unsupported operand"):
        words = "it was pickled by a protocol above 2: leave `pickle_protocol` of `torch.save` as it is"
    return _unreadable(path, f"PyTorch cannot read it ({words[:200]})")


def _pickle_of(path: str, zipped: bool) -> bytes:
    """The pickle of a checkpoint; of an old one the whole file, in which several stand one after the other."""
    if not zipped:
        with regular(path) as file:
            return file.read(LARGEST_PICKLE)
    with zipfile.ZipFile(path) as archive:
        (entry,) = (e for e in archive.infolist() if e.filename.rpartition("/")[2] == "data.pkl")
        if entry.file_size > LARGEST_PICKLE:
            raise ValueError("a pickle of gigabytes")
        return archive.read(entry)


TENSORS = re.compile(
    r"torch\.(_utils\._rebuild_\w+|\w*Storage|storage\.\w*Storage|Size|device|Tensor|nn\.parameter\.\w+|_tensor\.\w+"
    r"|(b?float|int|uint|complex|bool)\w*)|collections\.(OrderedDict|Counter)|argparse\.Namespace|_codecs\.encode"
    r"|numpy\.(dtype|_?core\.multiarray\.scalar)"
)
"""What checkpoints of tensors name."""


def wants(pickle: bytes) -> tuple[tuple[str, ...], bool]:
    """What a pickle would import beside what makes tensors, and whether it holds a whole module. Nothing is run.

    Raises `ValueError` where it is no pickle from its first byte on.
    """
    names: dict[str, None] = {}
    texts: set[str] = set()
    stream = io.BytesIO(pickle)
    with suppress(ValueError, IndexError), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes in texts
        while stream.tell() < len(pickle):
            memo: dict[int, str | None] = {}
            pushed: list[str | None] = [
                None,
                None,
            ]  # the last two values, which STACK_GLOBAL takes, where they are texts
            for op, argument, _ in pickletools.genops(stream):
                if op.name in ("GLOBAL", "INST"):
                    names[str(argument).replace(" ", ".")] = None
                elif op.name == "STACK_GLOBAL":
                    names[".".join(text or "?" for text in pushed)] = None
                if op.name == "MEMOIZE":
                    memo[len(memo)] = pushed[1]
                elif op.name.endswith("BINPUT") or op.name == "PUT":
                    memo[int(str(argument))] = pushed[1]
                elif op.name.endswith("BINGET") or op.name == "GET":
                    pushed = [pushed[1], memo.get(int(str(argument)))]
                else:
                    text = argument if isinstance(argument, str) and op.name != "GLOBAL" else None
                    pushed = [pushed[1], text]
                    texts.add(text or "")
    whole = {"_parameters", "_buffers", "_modules"} <= texts
    return tuple(name for name in names if not TENSORS.fullmatch(name)), whole


def _state_dicts(value: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[str, dict[str, Tensor]]]:
    """Every dictionary that holds tensors by name, with the keys that lead to it."""
    import torch

    if not isinstance(value, Mapping) or len(keys) > DEEPEST:
        return
    tensors = {key: item for key, item in value.items() if isinstance(key, str) and isinstance(item, torch.Tensor)}
    if tensors:
        yield ".".join(keys), tensors
    for key, item in value.items():
        if isinstance(key, str) and key.lower() not in TRAINING:
            yield from _state_dicts(item, (*keys, key))


def _shape_of(value: Any) -> str:
    """A few words on an object that is no state dict."""
    if isinstance(value, Mapping):
        keys = ", ".join(f"`{key}`: {type(item).__name__}" for key, item in list(value.items())[:5])
        return f"a dictionary of {len(value):,} ({keys})" if value else "an empty dictionary"
    kind = type(value).__name__
    return f"{'an' if kind[0].lower() in 'aeiou' else 'a'} `{kind}`"


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _misfits(table: Mapping[str, Tensor], path: str, records: Counter[int] | None) -> Iterator[UnreadableTensor]:
    """Tensors without numbers of their own, or whose numbers are not those that the file has for them."""
    for name, tensor in table.items():
        if (reason := _fault(tensor, records)) is not None:
            yield UnreadableTensor(name, path, reason)


def _fault(tensor: Tensor, records: Counter[int] | None) -> str | None:
    """Why a tensor cannot be read, if it cannot."""
    import torch

    kind = _type(tensor)
    if tensor.is_quantized:
        return f"it is quantised ({kind}): save `dequantize()` of it"
    if tensor.layout != torch.strided or tensor.is_nested:
        return f"it is sparse or nested ({str(tensor.layout).removeprefix('torch.')}): save `to_dense()` of it"
    if tensor.device.type != "cpu":
        return f"its numbers are not in the file (device `{tensor.device}`)"
    if kind not in NAMES:
        return f"its element type {kind} is none that is read"
    storage = tensor.untyped_storage().nbytes()
    if tensor.numel() * tensor.element_size() > storage:
        return f"{list(tensor.shape)} of {kind} takes {tensor.numel() * tensor.element_size():,} bytes, not {storage:,}"
    if records is not None and storage and not records[storage]:
        return f"it claims {storage:,} bytes, and the file has no record of that length"
    return None

"""Read and write state dicts as .safetensors."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Mistake
from dslc.ir.model import Instance
from dslc.output import Buffer, Output, data
from dslc.types.errors_numbers import UnheldNumber
from dslc.types.tensor import DType
from dslc.weights.errors import (
    ExtraWeight,
    MissingWeight,
    NotANumber,
    TooSmallNumber,
    WeightsError,
    WrongWeightShape,
    WrongWeightType,
)
from dslc.weights.file import CODES, METADATA, opened
from dslc.weights.init import is_float, numpy_type
from dslc.weights.memory import Array, raw
from dslc.weights.tensors import Arrays, Tensors, TensorSpec

if TYPE_CHECKING:
    from dslc.ir.model import Param
    from dslc.ops.base import ParamSpec

NEAR_NAMES = 200
"""Above this many missing and surplus names together, none is searched for near names: it takes their
product.
"""


def read(path: str | Path, params: Mapping[str, Param]) -> dict[str, Array]:
    """The state dict of a file, in the network's order and element types; one tensor is read at a time.

    Raises `WeightsError` with every tensor that is missing, surplus, of another shape or kind, or that holds numbers
    which no network of these types can have (see `fitted`).
    """
    with opened(path) as file:
        return take(file, params)


def load(path: str | Path, params: Mapping[str, Param] | None = None) -> dict[str, Array]:
    """All tensors of a file as they are. Raises `WeightsError` as `read` does, if `params` are those of a network."""
    with opened(path) as file:
        if params is not None:
            take(file, params, keep=False)
        return {name: file.read(name) for name in file.specs}


def fit(found: Mapping[str, Array], params: Mapping[str, Param]) -> dict[str, Array]:
    """`found` in the network's order and element types; raises `WeightsError` as `read` does.

    A missing `num_batches_tracked` is 0, as in PyTorch (torch/nn/modules/batchnorm.py,
    `_load_from_state_dict`).
    """
    return take(Arrays(found), params)


def take(found: Tensors, params: Mapping[str, Param], keep: bool = True) -> dict[str, Array]:
    """The tensors of a network, each read once all have the right shapes and kinds. Raises as `read` does.

    `keep=False` only looks at them, and gives none back.
    """
    wanted = {path: param for path, param in params.items() if param.spec.kind != "const"}
    mistakes = misfits(found.specs, {path: param.spec for path, param in wanted.items()})
    if mistakes:
        raise WeightsError(*mistakes)
    state: dict[str, Array] = {}
    for name, param in wanted.items():
        try:
            if name in found.specs:
                array = fitted(found.read(name), param)
            else:
                array = np.zeros(param.spec.shape, numpy_type(param.spec.dtype))
        except WeightsError as error:
            mistakes += error.mistakes
            continue
        if keep:
            state[name] = array
    if mistakes:
        raise WeightsError(*mistakes)
    return state


def misfits(found: Mapping[str, TensorSpec], wanted: Mapping[str, ParamSpec]) -> list[Mistake]:
    """Tensors that are missing, surplus, or of another shape or kind of elements."""
    missing = [n for n in wanted if n not in found and not n.endswith("num_batches_tracked")]
    surplus = [n for n in found if n not in wanted]
    near = len(missing) + len(surplus) <= NEAR_NAMES
    mistakes: list[Mistake] = [MissingWeight(n, wanted[n].shape, _like(n, surplus) if near else None) for n in missing]
    mistakes += [ExtraWeight(n, found[n].shape, _like(n, missing) if near else None) for n in sorted(surplus)]
    for name, spec in wanted.items():
        if name not in found:
            continue
        if found[name].shape != spec.shape:
            mistakes.append(WrongWeightShape(name, spec.shape, found[name].shape))
        elif not _converts(found[name].dtype, spec.dtype):
            mistakes.append(WrongWeightType(name, spec.dtype.value, str(found[name].dtype)))
    return mistakes


def _converts(found: np.dtype[Any], wanted: DType) -> bool:
    """Whether elements convert: floats to floats, truth values to truth values, these and integers to integers."""
    if is_float(found) or wanted.is_float:
        return is_float(found) and wanted.is_float
    return found.kind == "b" or (found.kind in "iu" and wanted is not DType.BOOL)


def fitted(array: Array, param: Param) -> Array:
    """A tensor in the element type of its parameter.

    Raises `WeightsError` for NaN, for infinities but in a buffer that the program declares (a mask holds them), for
    numbers below the least that the parameter may have, and for those beyond its element type.
    """
    spec, wanted = param.spec, numpy_type(param.spec.dtype)
    if array.dtype == np.bool_ or not array.size:
        return array.astype(wanted, copy=False)
    if spec.dtype.is_float and array.dtype.kind != "f":
        array = array.astype(np.float32)  # exact: bfloat16, and 8 bits
    with np.errstate(invalid="ignore"):
        ends = np.array([array.min(), array.max()])  # NaN if one number is
    if spec.dtype.is_float and not np.isfinite(ends).all():
        infinite = spec.kind == "buffer" and isinstance(param.owner, Instance)
        wrong = np.argwhere(np.isnan(array) if infinite else ~np.isfinite(array))
        if len(wrong):
            index = tuple(map(int, wrong[0]))
            raise WeightsError(NotANumber(param.path, str(array[index]), index, len(wrong), array.size))
    elif spec.least is not None and ends[0] < spec.least:
        index = tuple(map(int, np.argwhere(array < spec.least)[0]))
        raise WeightsError(TooSmallNumber(param.path, float(array[index]), index, spec.least))
    elif beyond(ends, wanted):
        raise WeightsError(UnheldNumber(param.path, max(ends.tolist(), key=abs), spec.dtype.value))
    return array.astype(wanted, copy=False)


def beyond(ends: Array, wanted: np.dtype[Any]) -> bool:
    """Whether finite numbers overflow in an element type."""
    if not is_float(wanted):
        least, most = np.iinfo(wanted).min, np.iinfo(wanted).max
        return not all(least <= end <= most for end in ends.tolist())
    with np.errstate(over="ignore"):
        return not np.isfinite(ends.astype(wanted).astype(np.float64)).all()


def output(path: str | Path, state: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> Output:
    """The state dict as a .safetensors file to be written with `output.write_all`."""
    return data(path, chunks(state, metadata))


def chunks(state: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> Iterator[Buffer]:
    """The bytes of a .safetensors file: length of the header, header, tensors. No tensor is copied.

    Written here because the library's `save_file` renames a file of its own, unreadable for others, over
    whatever the target is. Wide elements come first, as there, so that every tensor is aligned to its
    elements.
    """
    names = sorted(state, key=lambda name: (_ORDER[state[name].dtype.name], name))
    header: dict[str, dict[str, object]] = {METADATA: dict(metadata)} if metadata else {}
    end = 0
    for name in names:
        array = state[name]
        start, end = end, end + array.nbytes
        header[name] = {"dtype": _NAMES[array.dtype.name], "shape": array.shape, "data_offsets": (start, end)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for name in names:
        yield raw(state[name])


_NAMES: dict[str, str] = {np.dtype(kind).name: code for code, kind in CODES.items()}

_ORDER = {name: place for place, name in enumerate(_NAMES)}


def _like(name: str, others: Collection[str]) -> str | None:
    """The other name most like this one; the same last part counts first."""
    last = name.rsplit(".", 1)[-1]
    return nearest(name, [n for n in others if n.rsplit(".", 1)[-1] == last]) or nearest(name, others)

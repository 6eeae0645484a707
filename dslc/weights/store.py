"""Read and write state dicts as .safetensors."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.diagnostics.model import Mistake
from dslc.ir.model import Instance
from dslc.output import Buffer, Output, data
from dslc.types.errors_numbers import UnheldNumber
from dslc.weights.errors import NotANumber, TooSmallNumber, WeightsError
from dslc.weights.file import CODES, METADATA
from dslc.weights.init import is_float, numpy_type
from dslc.weights.memory import Array, raw
from dslc.weights.misfits import compared, mistake
from dslc.weights.tensors import Arrays, Tensors

if TYPE_CHECKING:
    from dslc.ir.model import Param

MOST_WRONG = 5
"""Tensors with NaN that are named one by one."""


def fit(found: Mapping[str, Array], params: Mapping[str, Param]) -> dict[str, Array]:
    """`found` in the network's order and element types.

    Raises `WeightsError` with all that is missing, surplus, of another shape or kind, and for numbers that no network
    of these types can have (see `fitted`). A missing `num_batches_tracked` is 0, as in PyTorch
    (torch/nn/modules/batchnorm.py, `_load_from_state_dict`).
    """
    return take(Arrays(found), params)


def take(found: Tensors, params: Mapping[str, Param], keep: bool = True) -> dict[str, Array]:
    """The tensors of a network, each read once all have the right shapes and kinds. Raises as `fit` does.

    `keep=False` only looks at them, and gives none back.
    """
    wanted = {path: param for path, param in params.items() if param.spec.kind != "const"}
    misfits = compared(found.specs, wanted)
    if misfits.count:
        raise WeightsError(mistake(misfits, wanted, found.notes))
    state: dict[str, Array] = {}
    wrong: list[Mistake] = []
    for name, param in wanted.items():
        try:
            if name in found.specs:
                array = fitted(found.read(name), param)
            else:
                array = np.zeros(param.spec.shape, numpy_type(param.spec.dtype))
        except WeightsError as error:
            wrong += error.mistakes
            continue
        if keep:
            state[name] = array
    if wrong:
        raise WeightsError(*shortened(wrong))
    return state


def shortened(wrong: list[Mistake]) -> list[Mistake]:
    """Wrong numbers of many tensors: the first few, the last of which says how many more there are."""
    nan = [m for m in wrong if isinstance(m, NotANumber)]
    if len(nan) <= MOST_WRONG:
        return wrong
    kept, last = nan[: MOST_WRONG - 1], nan[MOST_WRONG - 1]
    summed = NotANumber(**{**vars(last), "others": len(nan) - MOST_WRONG})
    return [*kept, summed, *(m for m in wrong if not isinstance(m, NotANumber))]


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
    return data(path, chunks(Arrays(state), metadata))


def chunks(tensors: Tensors, metadata: Mapping[str, str] | None = None) -> Iterator[Buffer]:
    """The bytes of a .safetensors file: length of the header, header, tensors, each read when its turn comes.

    Written here because the library's `save_file` renames a file of its own, unreadable for others, over
    whatever the target is. Wide elements come first, as there, so that every tensor is aligned to its
    elements.
    """
    specs = tensors.specs
    names = sorted(specs, key=lambda name: (_ORDER[specs[name].dtype.name], name))
    header: dict[str, dict[str, object]] = {METADATA: dict(metadata)} if metadata else {}
    end = 0
    for name in names:
        spec = specs[name]
        start, end = end, end + spec.nbytes
        header[name] = {"dtype": _NAMES[spec.dtype.name], "shape": spec.shape, "data_offsets": (start, end)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for name in names:
        yield raw(tensors.read(name))


def writable(dtype: np.dtype[Any]) -> bool:
    """Whether a .safetensors file has tensors of a type."""
    return dtype.name in _NAMES


_NAMES: dict[str, str] = {np.dtype(kind).name: code for code, kind in CODES.items()}

_ORDER = {name: place for place, name in enumerate(_NAMES)}

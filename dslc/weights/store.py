"""Read and write state dicts as .safetensors."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from dslc.diagnostics.codes import nearest
from dslc.diagnostics.model import Mistake
from dslc.output import Buffer, Output, data
from dslc.weights.errors import (
    ExtraWeight,
    MissingWeight,
    UnreadableWeights,
    WeightsError,
    WrongWeightShape,
    WrongWeightType,
)
from dslc.weights.init import numpy_type
from dslc.weights.memory import Array, raw

if TYPE_CHECKING:
    from dslc.ir.model import Param

NEAR_NAMES = 200
"""Above this many missing and surplus names together, none is searched for near names: it takes their
product.
"""


def read(path: str | Path, params: Mapping[str, Param]) -> dict[str, Array]:
    """The state dict of a file, in the network's order and element types.

    Raises `WeightsError` with every tensor that is missing, surplus or of another shape or kind.
    """
    return fit(load(path), params)


def load(path: str | Path) -> dict[str, Array]:
    """All tensors of a file as they are."""
    import safetensors

    try:
        with open(path, "rb"):
            pass
        with safetensors.safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
    except safetensors.SafetensorError as error:
        reason = f"it is no .safetensors file ({error})"
    raise WeightsError(UnreadableWeights(str(path), reason))


def fit(found: Mapping[str, Array], params: Mapping[str, Param]) -> dict[str, Array]:
    """`found` in the network's order and element types; raises `WeightsError` as `read` does.

    A missing `num_batches_tracked` is 0, as in PyTorch (torch/nn/modules/batchnorm.py,
    `_load_from_state_dict`).
    """
    wanted = {path: param.spec for path, param in params.items() if param.spec.kind != "const"}
    missing = [n for n in wanted if n not in found and not n.endswith("num_batches_tracked")]
    surplus = [n for n in found if n not in wanted]
    near = len(missing) + len(surplus) <= NEAR_NAMES
    mistakes: list[Mistake] = [MissingWeight(n, wanted[n].shape, _like(n, surplus) if near else None) for n in missing]
    mistakes += [ExtraWeight(n, found[n].shape, _like(n, missing) if near else None) for n in sorted(surplus)]
    state: dict[str, Array] = {}
    for name, spec in wanted.items():
        array = found.get(name)
        wanted_type = numpy_type(spec.dtype)
        if array is None:
            state[name] = np.zeros(spec.shape, wanted_type)
        elif array.shape != spec.shape:
            mistakes.append(WrongWeightShape(name, spec.shape, array.shape))
        elif _is_float(array.dtype) != spec.dtype.is_float:
            mistakes.append(WrongWeightType(name, spec.dtype.value, str(array.dtype)))
        else:
            state[name] = array.astype(wanted_type, copy=False)
    if mistakes:
        raise WeightsError(*mistakes)
    return state


def output(path: str | Path, state: Mapping[str, Array]) -> Output:
    """The state dict as a .safetensors file to be written with `output.write_all`."""
    return data(path, chunks(state))


def chunks(state: Mapping[str, Array]) -> Iterator[Buffer]:
    """The bytes of a .safetensors file: length of the header, header, tensors. No tensor is copied.

    Written here because the library's `save_file` renames a file of its own, unreadable for others, over
    whatever the target is. Wide elements come first, as there, so that every tensor is aligned to its
    elements.
    """
    names = sorted(state, key=lambda name: (_ORDER[state[name].dtype.name], name))
    header: dict[str, dict[str, object]] = {}
    end = 0
    for name in names:
        array = state[name]
        start, end = end, end + array.nbytes
        header[name] = {"dtype": _CODES[array.dtype.name], "shape": array.shape, "data_offsets": (start, end)}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    yield len(text).to_bytes(8, "little") + text
    for name in names:
        yield raw(state[name])


_CODES = {
    "int64": "I64",
    "float64": "F64",
    "float32": "F32",
    "int32": "I32",
    "bfloat16": "BF16",
    "float16": "F16",
    "bool": "BOOL",
}
"""Names of element types in the header (safetensors, README, section Format), in the library's order."""

_ORDER = {name: place for place, name in enumerate(_CODES)}


def _is_float(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "f" or dtype.name == "bfloat16"


def _like(name: str, others: Collection[str]) -> str | None:
    """The other name most like this one; the same last part counts first."""
    last = name.rsplit(".", 1)[-1]
    return nearest(name, [n for n in others if n.rsplit(".", 1)[-1] == last]) or nearest(name, others)

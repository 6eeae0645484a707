"""The weights of a network in the shapes of its converted form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from dslc.ir.model import Model
from dslc.weights.checkpoint import Checkpoint, Taken, opened
from dslc.weights.memory import Array
from dslc.weights.store import take


def converted_weights(path: str | Path, before: Model, after: Model) -> Taken:
    """The state dict of a file for `after`, with what was done to it: a linear weight `[out, C * h * w]` becomes
    `[out, C, h, w]`.

    Row-major order is that of `flatten`, so no element moves, and element types stay those of the file. Raises
    `WeightsError` where the file does not fit `before`.
    """
    with opened(Checkpoint(path), before.params) as tensors:
        take(tensors, before.params, keep=False)
        return Taken(reshaped({name: tensors.read(name) for name in tensors.specs}, after), tensors.notes)


def reshaped(state: Mapping[str, Array], after: Model) -> dict[str, Array]:
    """The tensors of a state dict in the shapes of `after`."""
    return {
        name: array.reshape(after.params[name].spec.shape) if name in after.params else array
        for name, array in state.items()
    }

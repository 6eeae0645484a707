"""What the signal analysis reads of trained weights: the moments of each tensor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from dslc.analysis.signal.laws import Law
from dslc.ir.model import Param
from dslc.weights.checkpoint import Checkpoint, read


def laws(weights: str | Path | Checkpoint, params: Mapping[str, Param]) -> tuple[dict[Param, Law], tuple[str, ...]]:
    """The mean, the mean square and the spread of squares of each trained tensor in a file, and notes for the user.

    Raises `WeightsError` as `checkpoint.read` does.
    """
    taken = read(weights, params)
    found = {params[name]: law(values) for name, values in taken.state.items() if params[name].spec.kind != "const"}
    return found, taken.notes


def law(values: np.ndarray) -> Law:
    """Its elements as if they were drawn independently; `kurt`, of their squares about the mean."""
    numbers = np.asarray(values, np.float64).ravel()
    if numbers.size == 0:
        return Law(0.0, 0.0)
    mean = float(numbers.mean())
    squares = np.square(numbers - mean)
    var = float(squares.mean())
    kurt = float(np.square(squares).mean()) / (var * var) - 1 if var > 0 else 0.0
    return Law(mean, var + mean * mean, max(kurt, 0.0))

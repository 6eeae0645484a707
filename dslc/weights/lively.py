"""Weights for checks: through many layers they keep the scale of values, so that results depend on the input.

A fresh network may hide its input: a last layer of zeros, a layer scale of 1e-6, or norms that pass on values
which shrink from layer to layer. Two programs then agree on results that are biases alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from dslc.weights.derived import derived
from dslc.weights.memory import Array

if TYPE_CHECKING:
    from dslc.ir.model import Param

VECTOR_SPREAD = 0.1


def lively(
    params: Mapping[str, Param], state: Mapping[str, Array], gain: float = 1.0, seed: int = 0
) -> dict[str, Array]:
    """A state dict of the same shapes and types, from a given one.

    Weights of two axes and more are drawn as He et al. 2015 (arXiv:1502.01852, eq. 10) draw them, times `gain`;
    biases, and scales of channels, move a little from where they are. Buffers and integers stay; what follows
    from a weight (lengths of rows, singular vectors) follows from the new one.
    """
    rng = np.random.default_rng(seed)
    found = dict(state)
    for path, value in state.items():
        spec = params[path].spec
        if spec.kind == "param" and spec.dtype.is_float and spec.init.kind != "length":
            found[path] = drawn(value, gain, rng)
    for path, value in state.items():
        if params[path].spec.init.kind in ("length", "singular"):
            found[path] = following(params[path], found, seed).astype(value.dtype)
    return found


def drawn(value: Array, gain: float, rng: np.random.Generator) -> Array:
    """New numbers of one weight."""
    noise = rng.standard_normal(value.shape, np.float32)
    if sum(side > 1 for side in value.shape) <= 1:
        noise = VECTOR_SPREAD * noise + value.astype(np.float32)
    else:
        noise *= np.float32(gain * (2 * value.shape[0] / value.size) ** 0.5)
    return noise.astype(value.dtype)


def following(param: Param, state: Mapping[str, Array], seed: int) -> Array:
    """What follows from another weight of its layer; its singular vectors both start from the same numbers."""
    rng = np.random.default_rng(seed)
    return derived(param, lambda other: state[other.path], lambda own: rng.standard_normal(own.spec.shape))

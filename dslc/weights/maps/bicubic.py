"""Grids of numbers resampled by cubic kernels that widen where a grid shrinks, as PyTorch's antialiased ones do."""

from __future__ import annotations

import numpy as np

from dslc.weights.memory import Array

A = -0.5
"""The kernel's free number: -0.5 with antialiasing as in Pillow, and -0.75 without (PyTorch, UpSampleKernel.cpp)."""

REACH = 2.0
"""Of the kernel on each side, in places."""


def kernel(x: Array) -> Array:
    """Keys, Cubic Convolution Interpolation for Digital Image Processing, 1981, eq. 15."""
    x = np.abs(x)
    near = ((A + 2) * x - (A + 3)) * x * x + 1
    far = ((A * x - 5 * A) * x + 8 * A) * x - 4 * A
    return np.where(x < 1, near, np.where(x < REACH, far, 0.0))


def weights(before: int, after: int) -> Array:
    """What each of `after` places reads of `before`: `[after, before]`, rows of sum 1, in double precision."""
    step = before / after
    wide = max(step, 1.0)
    middle = step * (np.arange(after) + 0.5)
    first = np.maximum((middle - REACH * wide + 0.5).astype(np.int64), 0)
    end = np.minimum((middle + REACH * wide + 0.5).astype(np.int64), before)
    places = np.arange(before)
    found = kernel((places + 0.5 - middle[:, None]) / wide)
    found[(places < first[:, None]) | (places >= end[:, None])] = 0
    return np.asarray(found / found.sum(1, keepdims=True))


def resampled(grid: Array, height: int, width: int) -> Array:
    """`[H, W, D]` as `[height, width, D]` in single precision."""
    rows = np.tensordot(weights(grid.shape[0], height), grid.astype(np.float64), 1)
    columns = weights(grid.shape[1], width)
    return np.asarray(np.einsum("vw,hwd->hvd", columns, rows).astype(np.float32))

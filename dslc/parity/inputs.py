"""Inputs of a kind: ordinary ones, and those at which a wrong graph and a right one differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from dslc.analysis.feeds import Feed
from dslc.ir.model import Model, Value
from dslc.parity.cases import FLAT, LARGE, MASKED, NEGATIVE, TINY, WHOLE, Case
from dslc.types.tensor import DType
from dslc.weights.memory import Array

LARGE_FACTOR = {DType.FLOAT16: 30.0}
"""How many times as large as ordinary values are large ones, else a thousand: products of a few stay in range."""

TINY_FACTOR = {DType.FLOAT16: 1e-3}
"""The same for tiny values, else 1e-5: below the square root of the usual `eps`; the type still holds them."""

SPREAD = 0.02
"""How far values that are nearly equal lie apart."""

RANGES = ((-(2**31), 2**31), (0, 2**31), (0, 1000), (0, 2))
"""Whole numbers whose use is not known are drawn from the first of these that the module accepts."""


def kinds(values: Sequence[Value], known: Sequence[Feed]) -> list[str]:
    """The kinds that say something about these inputs, beside ordinary values."""
    found: list[str] = []
    if any(value.type.dtype.is_float for value in values):
        found += [LARGE, TINY, NEGATIVE, FLAT]
    if any(feed.mask or value.type.dtype is DType.BOOL for value, feed in zip(values, known, strict=True)):
        found.append(MASKED)
    if any(loose(value, feed) for value, feed in zip(values, known, strict=True)):
        found.append(WHOLE)
    return found


def loose(value: Value, feed: Feed) -> bool:
    """Whether an input takes whole numbers of which nothing is known."""
    dtype = value.type.dtype
    return not dtype.is_float and dtype is not DType.BOOL and not feed.places


def draw(
    model: Model,
    known: Sequence[Feed],
    kinds: Sequence[DType],
    case: Case,
    seed: int,
    between: tuple[int, int] = RANGES[-1],
) -> list[Array]:
    """An array for each input of a network. `kinds` are the element types of the graph's inputs, `between` is where
    whole numbers lie of which nothing is known.
    """
    rng = np.random.default_rng(seed)
    found = []
    for value, feed, dtype in zip(model.root.inputs, known, kinds, strict=True):
        shape = tuple(model.sizes.evaluate(size, case.sizes) for size in value.type.dims)
        if dtype.is_float:
            array = _floats(shape, dtype, case.kind, feed.mask, rng)
        elif dtype is DType.BOOL:
            array = _truths(shape, case.kind, rng)
        else:
            array = _whole(shape, feed, case.sizes, model, between, rng).astype(dtype.value)
        found.append(array)
    return found


def _floats(shape: tuple[int, ...], dtype: DType, kind: str, mask: bool, rng: np.random.Generator) -> Array:
    """Normal numbers, changed as their kind says. A mask is 0 and -inf, in one row -inf alone.

    Maps and sequences have another mean for each of their first two axes, which a pool over the others still shows.
    """
    drawn: Array = rng.standard_normal(shape)
    if len(shape) > 2:
        drawn += rng.standard_normal((*shape[:2], *(1,) * (len(shape) - 2)))
    if kind == MASKED and mask:
        drawn = np.where(_truths(shape, kind, rng), 0.0, -np.inf)
    elif kind == LARGE:
        drawn *= LARGE_FACTOR.get(dtype, 1e3)
    elif kind == TINY:
        drawn *= TINY_FACTOR.get(dtype, 1e-5)
    elif kind == NEGATIVE:
        drawn = -np.abs(drawn)
    elif kind == FLAT:
        drawn = 1 + SPREAD * drawn
    return drawn.astype(dtype.value)


def _truths(shape: tuple[int, ...], kind: str, rng: np.random.Generator) -> Array:
    """Both truth values; of a mask the first row along the last axis is false alone."""
    drawn: Array = rng.integers(0, 2, shape).astype(bool)
    if kind == MASKED and drawn.ndim:
        drawn[(0,) * (drawn.ndim - 1)] = False
    return drawn


def _whole(
    shape: tuple[int, ...],
    feed: Feed,
    sizes: Mapping[str, int],
    model: Model,
    between: tuple[int, int],
    rng: np.random.Generator,
) -> Array:
    """Indices over all their places, the first and the last among them; other numbers between two bounds."""
    if feed.places:
        between = 0, min(model.sizes.evaluate(size, sizes) for size, _ in feed.places)
    drawn: Array = rng.integers(*between, shape)
    if drawn.size > 1:
        drawn.flat[0], drawn.flat[-1] = between[0], between[1] - 1
    return drawn

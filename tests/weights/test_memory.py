"""Arrays as bytes of a file."""

from __future__ import annotations

import numpy as np
import pytest

from dslc.weights.memory import Array, raw, transposed

RNG = np.random.default_rng(5)
BASE = RNG.normal(size=(6, 5, 4)).astype(np.float32)
VIEWS: dict[str, Array] = {
    "plain": BASE,
    "reversed axes": BASE.T,
    "every other": BASE[:, ::2],
    "column order": np.asfortranarray(BASE),
    "big-endian": BASE.astype(">f4"),
    "matrix": BASE[0],
    "transposed": BASE.reshape(40, 3).T,
    "scalar": np.array(2.5),
    "empty": np.zeros((0, 3), np.float32),
    "row": BASE[0, :1].T,
    "truth": BASE[0] > 0,
}


@pytest.mark.parametrize("name", VIEWS)
def test_raw(name: str) -> None:
    array = VIEWS[name]
    assert bytes(raw(array)) == array.astype(array.dtype.newbyteorder("<")).tobytes("C")


def test_raw_is_a_view_where_it_can_be() -> None:
    array = np.zeros(3, np.float32)
    view = raw(array)
    array[0] = 1
    assert np.frombuffer(view, np.float32)[0] == 1


@pytest.mark.parametrize("shape", [(1, 1), (7, 40), (100, 3), (48, 32)])
def test_transposed(shape: tuple[int, int]) -> None:
    array = RNG.normal(size=shape)
    assert np.array_equal(transposed(array), array.T)
    assert transposed(array).flags.c_contiguous

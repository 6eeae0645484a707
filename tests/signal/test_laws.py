"""The law of each initialiser against the numbers that are drawn."""

from __future__ import annotations

import numpy as np
import pytest

from dslc.analysis.signal.laws import law_of
from dslc.ops.base import Init, ParamSpec
from dslc.ops.initialisers import INITIALISERS, initialiser
from dslc.weights.init import sample

DRAWN = [name for name in INITIALISERS if name not in ("dirac", "eye_")]


@pytest.mark.parametrize("name", DRAWN)
def test_a_law_is_that_of_what_is_drawn(name: str) -> None:
    init = initialiser(name, [0.7] if name == "constant" else [], {})
    spec = ParamSpec("weight", (300, 40, 3, 3), init)
    found, values = law_of(spec), sample(spec, "weight").astype(np.float64)
    assert found is not None
    assert found.mean == pytest.approx(values.mean(), abs=0.02)
    assert found.square == pytest.approx(np.square(values).mean(), rel=0.02)


@pytest.mark.parametrize("args", [(1.0, 0.0, -2.0, 2.0), (0.5, 0.2, -0.1, 0.4), (1.0, 3.0, 0.0, 10.0)])
def test_a_truncated_normal(args: tuple[float, ...]) -> None:
    spec = ParamSpec(
        "weight", (400, 400), Init("trunc_normal", tuple(zip(("std", "mean", "a", "b"), args, strict=True)))
    )
    found, values = law_of(spec), sample(spec, "weight").astype(np.float64)
    assert found is not None
    assert (found.mean, found.square) == pytest.approx((values.mean(), np.square(values).mean()), rel=0.02, abs=0.01)


@pytest.mark.parametrize("name", ["dirac", "eye_"])
def test_what_is_placed_has_no_law(name: str) -> None:
    assert law_of(ParamSpec("weight", (8, 8, 3, 3), initialiser(name, [], {}))) is None

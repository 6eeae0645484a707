"""Sizes that a weight pins and a `require` ties or narrows: what is pinned, and the size that a message proposes."""

from __future__ import annotations

import pytest

from dslc.api import compile_model
from dslc.diagnostics.model import CompileError

SQUARE = """net f on x[N, 3, H=32, W=32]:
    require H % 8 == 0, "whole patches only"
    require W == H
    conv(8, 8, s=8, p=0) -> flatten -> linear(10)
"""


@pytest.mark.parametrize(
    ("body", "pinned"),
    [
        ("require W == H\n    flatten -> linear(10)", {"H": 32, "W": 32}),
        ("require H == 32\n    param p: [1, 3, 32, 1] = ones\n    it * p", {"H": 32}),
        ('require W == 32\n    rearrange("n c h w -> n h (c w)") -> linear(4)', {"W": 32}),
        ("flatten -> linear(10)\n    require W == H", {"H": 32, "W": 32}),
    ],
)
def test_a_size_that_a_condition_left_with_one_number_is_pinned_too(body: str, pinned: dict[str, int]) -> None:
    model = compile_model(f"net f on x[N, 3, H=32, W=32]:\n    {body}\n")
    assert {name: pin.value for name, pin in model.sizes.pins.items()} == pinned


@pytest.mark.parametrize(
    ("sizes", "said"),
    [
        ({"H": 30, "W": 30}, ["whole patches only: `H % 8 == 0` does not hold at H=30", "24 and 32"]),
        ({"H": 40, "W": 32}, ["`W == H` does not hold at H=40, W=32", "needs W == 40"]),
    ],
)
def test_a_size_that_is_refused_comes_with_the_nearest_that_is_not(sizes: dict[str, int], said: list[str]) -> None:
    with pytest.raises(CompileError) as error:
        compile_model(SQUARE, sizes=sizes)
    (found,) = error.value.diagnostics
    assert found.message == said[0]
    assert said[1] in found.help[0].text
    fitting = dict.fromkeys(("H", "W"), 40)
    assert compile_model(SQUARE, sizes=fitting).sizes.pins["W"].value == 40

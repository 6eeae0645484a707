"""The invariants of a finished model, and its dump."""

from __future__ import annotations

from pathlib import Path

import pytest

from dslc.api import compile_model, nets
from dslc.ir.dump import dump
from dslc.ir.model import Node
from dslc.ir.verify import BrokenModel, verify
from tests.conftest import Golden
from tests.elaborate.programs import body

ROOT = Path(__file__).parents[2]
EXAMPLES = [(p, n) for p in sorted((ROOT / "examples").glob("*.dl")) for n in nets(p, complete=True)]


@pytest.mark.parametrize(("path", "net"), EXAMPLES, ids=[n for _, n in EXAMPLES])
def test_every_example_is_a_sound_model(path: Path, net: str) -> None:
    verify(compile_model(path, net))


@pytest.mark.parametrize(
    "lines",
    [
        ["seq as s:", "    y = conv(3, 3)", "    it + y", "it + y", "gap -> flatten"],
        ["module m = seq: conv(3, 3) -> relu", "m -> m", "gap -> flatten"],
        ["(dropout(0.5) if training else id)", "gap -> flatten"],
        ["for i in range(3):", "    residual: conv(3, 3)", "gap -> flatten"],
    ],
)
def test_regions_groups_and_shared_modules_are_sound(lines: list[str]) -> None:
    verify(body(*lines))


def test_a_value_read_before_it_is_made_is_found() -> None:
    model = body("conv(3, 3) -> relu", "gap -> flatten")
    model.root.body.reverse()
    with pytest.raises(BrokenModel, match="before or outside"):
        verify(model)


def test_a_parameter_that_the_model_does_not_hold_is_found() -> None:
    model = body("conv(3, 3) -> relu", "gap -> flatten")
    node = model.root.body[0]
    assert isinstance(node, Node)
    del model.params["conv.weight"]
    with pytest.raises(BrokenModel, match=r"conv\.weight"):
        verify(model)


@pytest.mark.parametrize("net", ["lenet", "resnet18", "mobilenet_v2", "vit_b_16"])
def test_dump(net: str, golden: Golden) -> None:
    path = next(p for p, n in EXAMPLES if n == net)
    golden(ROOT / "tests" / "golden" / net / "ir.txt", dump(compile_model(path, net)))

"""Operators: what meets element by element, in which type, with which channels; and their mistakes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest
import torch

from dslc.diagnostics.model import Mistake, Reject
from dslc.ops.base import Op
from dslc.ops.broadcasting import promoted, promoted_number
from dslc.ops.errors_dtype import BoolArithmetic
from dslc.ops.errors_product import ClampBounds
from dslc.ops.errors_tensor import RankMismatch, ShapeMismatch
from dslc.types.guards import Pinned
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType
from tests.ops.context import SPAN, Infer, infer, torch_type
from tests.ops.sample import bools, ints, maps, plain, tokens
from tests.ops.samples_tensors import use

NUMERIC = [dtype for dtype in DType if dtype is not DType.BOOL]


@dataclass
class Loose(Infer):
    """Surroundings in which some inputs are parameters."""

    parameters: set[int] = field(default_factory=set)

    def loose(self, index: int) -> bool:
        return index in self.parameters


def joined(op: Op, *ins: TensorType, parameters: set[int], sizes: Sizes | None = None) -> TensorType:
    found = op.infer(Loose(sizes or Sizes(), parameters), *ins)
    assert isinstance(found, TensorType)
    return found


@pytest.mark.parametrize(("a", "b"), list(itertools.product(NUMERIC, repeat=2)))
@pytest.mark.parametrize("shapes", [((2,), (2,)), ((), (2,)), ((2,), ()), ((), ())])
def test_promotion_is_that_of_torch(a: DType, b: DType, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> None:
    """But for two types of floats, which never mix."""
    types = TensorType(shapes[0], a), TensorType(shapes[1], b)
    if a.is_float and b.is_float and a is not b:
        with pytest.raises(Reject, match=rf"joins .*{a.value}.*: `cast"):
            promoted("+", *types)
        return
    left, right = (torch.zeros(s, dtype=torch_type(d)) for s, d in zip(shapes, (a, b), strict=True))
    assert torch_type(promoted("+", *types)) is torch.result_type(left, right)


@pytest.mark.parametrize("dtype", NUMERIC)
@pytest.mark.parametrize("number", [2, 0.5])
def test_promotion_of_a_number_is_that_of_torch(dtype: DType, number: float) -> None:
    expected = torch.result_type(torch.zeros(2, dtype=torch_type(dtype)), number)
    assert torch_type(promoted_number(TensorType((2,), dtype), number)) is expected


# ---- shapes


def test_only_a_written_one_is_repeated() -> None:
    assert infer(use("add"), (maps(2, 3, 5, 4), maps(2, 3, 1, 1)))[0].dims == (2, 3, 5, 4)
    assert infer(use("add"), (maps(1, 3, 1, 4), maps(2, 1, 5, 4)))[0].dims == (2, 3, 5, 4)
    sizes = Sizes()
    height = sizes.symbol("H", 1, SPAN)
    with pytest.raises(Reject):
        infer(use("add"), (maps(2, 3, 5, 4), TensorType((2, 3, height, 4), channel=1)), sizes)


def test_a_parameter_may_have_fewer_axes() -> None:
    x = tokens(2, 5, 6)
    assert joined(use("add"), x, plain(6), parameters={1}).dims == (2, 5, 6)
    assert joined(use("mul"), plain(5, 6), x, parameters={0}).dims == (2, 5, 6)
    assert joined(use("mul"), plain(), x, parameters={0}).dims == (2, 5, 6)
    with pytest.raises(Reject) as caught:
        joined(use("add"), x, plain(6), parameters={0})
    assert isinstance(caught.value.mistake, RankMismatch)


def test_a_parameter_pins_the_size_it_meets() -> None:
    sizes = Sizes()
    time = sizes.symbol("T", 16, SPAN)
    x = TensorType((1, time, 8), channel=2)
    with pytest.raises(Pinned, match="T == 16"):
        joined(use("add"), x, plain(1, 16, 8), parameters={1}, sizes=sizes)
    with pytest.raises(Reject):
        joined(use("add"), x, plain(1, 16, 8), parameters=set(), sizes=sizes)


@pytest.mark.parametrize(
    ("a", "b", "parameters", "channel"),
    [
        (maps(2, 3, 5, 4), maps(2, 3, 1, 1), set(), 1),
        (maps(2, 3, 5, 4), plain(2, 3, 5, 4), set(), 1),
        (plain(2, 3, 5), tokens(2, 3, 5), set(), 2),
        (maps(2, 3, 5), tokens(2, 3, 5), set(), None),
        (maps(2, 3, 5, 4), tokens(1, 3, 1, 1), {1}, 1),
        (tokens(1, 3, 4, 4), maps(2, 3, 4, 4), {0}, 1),
        (tokens(2, 5, 6), tokens(5, 6), {1}, 2),
        (tokens(5, 6), plain(2, 5, 6), {0}, 2),
    ],
)
def test_channels_of_a_sum(a: TensorType, b: TensorType, parameters: set[int], channel: int | None) -> None:
    assert joined(use("add"), a, b, parameters=parameters).channel == channel


def test_a_guard_is_learned_where_sizes_meet() -> None:
    sizes = Sizes()
    height = sizes.symbol("H", 224, SPAN)
    halves = TensorType((1, 3, 2 * (height // 2), 4), channel=1)
    infer(use("add"), (TensorType((1, 3, height, 4), channel=1), halves), sizes)
    assert 222 in sizes.domain["H"]
    assert 223 not in sizes.domain["H"]


# ---- mistakes


@pytest.mark.parametrize(
    ("op", "ins", "kind", "words"),
    [
        (use("add"), (maps(2, 64, 5, 4), maps(2, 256, 5, 4)), ShapeMismatch, "64 and 256 channels"),
        (use("sub"), (maps(2, 3, 5, 4), maps(2, 3, 5, 6)), ShapeMismatch, "axis 3 is 4 on one side and 6"),
        (use("mul"), (maps(2, 3, 5, 4), maps(2, 3)), RankMismatch, "4 axes and 2 axes"),
        (use("add"), (bools(2, 3), bools(2, 3)), BoolArithmetic, "`+`"),
        (use("mul", number=2.0), (bools(2, 3),), BoolArithmetic, "`*`"),
        (use("lt", number=1), (bools(2, 3),), BoolArithmetic, "`<`"),
        (use("neg"), (bools(2, 3),), BoolArithmetic, "`-`"),
        (use("logical_and"), (bools(2, 3), bools(2, 4)), ShapeMismatch, "`and` joins"),
        (use("where"), (bools(2, 3), plain(2, 3), plain(2, 4)), ShapeMismatch, "`where` joins"),
        (use("clamp"), (plain(2, 3),), ClampBounds, "no bound"),
        (use("clamp", min=6.0, max=0.0), (plain(2, 3),), ClampBounds, "from 6.0 to 0.0"),
    ],
)
def test_mistakes(op: Op, ins: tuple[TensorType, ...], kind: type[Mistake], words: str) -> None:
    with pytest.raises(Reject) as caught:
        infer(op, ins)
    mistake = caught.value.mistake
    assert type(mistake) is kind
    assert words in f"{mistake.message} {mistake.label}"


def test_equality_of_truth_values_is_no_arithmetic() -> None:
    assert infer(use("eq"), (bools(2, 3), bools(2, 3)))[0].dtype is DType.BOOL
    assert infer(use("ne", number=1), (ints(2, 3),))[0].dtype is DType.BOOL

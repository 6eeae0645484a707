"""Indexing: bounds, guards, words, channels; results themselves are compared in test_every_op.py."""

from __future__ import annotations

import pytest

from dslc.diagnostics.model import Mistake, Reject
from dslc.ops.base import Axes, Shift, Window
from dslc.ops.errors_index import EmptySlice, IndexOutOfRange, TooManyIndices
from dslc.types.const import Const
from dslc.types.dim import Size
from dslc.types.sizes import Sizes
from dslc.types.tensor import TensorType
from tests.ops.context import SPAN, infer
from tests.ops.sample import ints, maps, plain, tokens
from tests.ops.samples_tensors import const, span, use


def part(x: TensorType, *items: object, sizes: Sizes | None = None) -> TensorType:
    return infer(use("index", items=items), (x,), sizes)[0]


def upto(stop: Size) -> tuple[Const | None, ...]:
    return (None, const(stop), None)


@pytest.mark.parametrize(
    ("items", "kind", "words"),
    [
        ((span(), const(5)), IndexOutOfRange, "index 5 is outside axis 1, which has 5"),
        ((span(), const(-6)), IndexOutOfRange, "index -6"),
        ((span(), span(0, 6)), IndexOutOfRange, "slice bound 6"),
        ((span(), span(-6)), IndexOutOfRange, "slice bound -6"),
        ((span(), span(2, 2)), EmptySlice, "`2:2` of axis 1, which has 5, takes nothing"),
        ((span(), span(3, -3)), EmptySlice, "`3:-3`"),
        ((span(), span(None, None, 0)), EmptySlice, "step 0"),
        ((span(), span(None, None, -1)), EmptySlice, "step -1"),
        ((span(), span(), span(), const(0)), TooManyIndices, "4 indices"),
        (("...", span(), "..."), TooManyIndices, "2 times"),
    ],
)
def test_mistakes(items: tuple[object, ...], kind: type[Mistake], words: str) -> None:
    with pytest.raises(Reject) as caught:
        part(tokens(2, 5, 6), *items)
    mistake = caught.value.mistake
    assert type(mistake) is kind
    assert words in f"{mistake.message} {mistake.label}"


def test_a_table_of_positions_bounds_the_length() -> None:
    sizes = Sizes()
    time = sizes.symbol("T", 128, SPAN)
    found = part(tokens(1, 1024, 8), span(), upto(time), sizes=sizes)
    assert found.dims == (1, time, 8)
    assert 1024 in sizes.domain["T"]
    assert 1025 not in sizes.domain["T"]


def test_a_slice_from_the_end_bounds_the_length_below() -> None:
    sizes = Sizes()
    time = sizes.symbol("T", 128, SPAN)
    x = TensorType((1, time, 8), channel=2)
    assert str(part(x, span(), span(-3), sizes=sizes)) == "[1, 3, 8]"
    assert 2 not in sizes.domain["T"]
    assert 3 in sizes.domain["T"]
    assert str(part(x, span(), span(None, -7), sizes=sizes)) == "[1, T - 7, 8]"
    assert 7 not in sizes.domain["T"]
    assert 8 in sizes.domain["T"]


def test_a_symbolic_start_counted_from_the_end() -> None:
    sizes = Sizes()
    time = sizes.symbol("T", 128, SPAN)
    found = part(tokens(1, 1024, 8), span(), (const(-time), None, None), sizes=sizes)
    assert found.dims == (1, time, 8)
    assert 1025 not in sizes.domain["T"]


def test_a_place_bounds_the_length_below() -> None:
    sizes = Sizes()
    time = sizes.symbol("T", 128, SPAN)
    part(TensorType((1, time, 8), channel=2), span(), const(9), sizes=sizes)
    assert 9 not in sizes.domain["T"]
    assert 10 in sizes.domain["T"]


def test_steps_round_up() -> None:
    sizes = Sizes()
    height = sizes.symbol("H", 224, SPAN)
    found = part(TensorType((1, 3, height, 8), channel=1), "...", span(None, None, 2), span(), sizes=sizes)
    assert str(found) == "[1, 3, ceil(H/2), 8]"


@pytest.mark.parametrize(
    ("x", "items", "channel"),
    [
        (tokens(2, 5, 6), (span(), const(0)), 1),
        (tokens(2, 5, 6), (span(), span(), const(0)), None),
        (maps(2, 3, 5, 4), (const(0),), 0),
        (maps(2, 3, 5, 4), (span(), "none"), 2),
        (maps(2, 3, 5, 4), (span(), span(0, 2)), 1),
        (tokens(2, 5, 6), ("none", "..."), 3),
    ],
)
def test_channels(x: TensorType, items: tuple[object, ...], channel: int | None) -> None:
    assert part(x, *items).channel == channel


def test_channels_chosen_by_a_tensor_stay_channels() -> None:
    assert infer(use("index", items=(span(), "tensor")), (maps(2, 9, 4), ints(5)))[0].channel == 1
    assert infer(use("index", items=(span(), "tensor")), (maps(2, 9, 4), ints(5, 2)))[0].channel is None
    assert infer(use("index", items=("tensor",)), (plain(9, 4), ints(5, 2)))[0].channel is None


def test_index_tensors_must_fit_each_other() -> None:
    op = use("index", items=("tensor", "tensor"))
    with pytest.raises(Reject):
        infer(op, (plain(9, 4), ints(5), ints(3)))
    assert infer(op, (plain(9, 4), ints(5, 1), ints(3)))[0].dims == (5, 3)


def test_reach() -> None:
    def reach(x: TensorType, *items: object) -> object:
        op = use("index", items=items)
        return op.reach((x,), infer(op, (x,)))

    assert reach(maps(2, 3, 8, 8), "...", span(1), span(-3)) == Shift((1, 5))
    assert reach(maps(2, 3, 8, 8), "...", span(1, None, 2)) == Window((1, 1), (1, 2), (0, -1), (1, 1))
    assert reach(tokens(2, 5, 6), span(), const(0)) == Axes((0, 2), offset=(0, 0))
    assert reach(tokens(2, 5, 6), span(), span(1)) == Axes((0, 1, 2), offset=(0, 1, 0))
    assert reach(tokens(2, 5, 6), span(), span(None, None, 2)) == Axes((0, 1, 2), False, (0, 0, 0), (1, 2, 1))

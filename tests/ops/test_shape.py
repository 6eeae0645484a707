"""Ops that shape, join, crop and reduce: channels, sizes that depend on the input, and mistakes."""

from __future__ import annotations

import pytest

from dslc.diagnostics.model import Mistake, Reject
from dslc.ops.base import Op
from dslc.ops.errors import WrongSides
from dslc.ops.errors_axis import NoChannelAxis
from dslc.ops.errors_none import BadSize
from dslc.ops.errors_product import TooManyWanted
from dslc.ops.errors_tensor import (
    BadPadding,
    CannotFlatten,
    CannotSplit,
    CropForm,
    ExpandSize,
    NoSuchAxis,
    RankMismatch,
    RepeatedAxis,
    ReshapeCount,
    ShapeMismatch,
    SplitSum,
)
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType
from tests.ops.context import SPAN, infer
from tests.ops.sample import ints, maps, plain, tokens
from tests.ops.samples_tensors import use

MAP, TOKENS = maps(2, 6, 5, 4), tokens(2, 5, 6)


@pytest.mark.parametrize(
    ("op", "x", "channel"),
    [
        (use("flatten"), MAP, 1),
        (use("flatten", start=2), MAP, 1),
        (use("flatten", start=0, end=1), MAP, 0),
        (use("flatten"), TOKENS, 1),
        (use("flatten", start=0, end=1), TOKENS, 1),
        (use("reshape", sizes=(2, 6, 20)), MAP, 1),
        (use("reshape", sizes=(2, 3, 2, 20)), MAP, None),
        (use("reshape", sizes=(10, 6)), TOKENS, 1),
        (use("transpose", a=1, b=3), MAP, 3),
        (use("transpose", a=2, b=3), MAP, 1),
        (use("unbind", axis=0), MAP, 0),
        (use("unbind", axis=1), MAP, None),
        (use("stack", axis=1), MAP, 2),
        (use("stack", axis=-1), MAP, 1),
        (use("mean", axis=1), TOKENS, 1),
        (use("mean", axis=1), MAP, None),
        (use("mean", axis=1, keep=True), MAP, 1),
        (use("topk", k=2), TOKENS, 2),
        (use("chunk", n=2), MAP, 1),
        (use("chunk", n=5, axis=1), TOKENS, 2),
        (use("expand", sizes=(-1, -1, 6)), tokens(2, 5, 1), 2),
        (use("pad", p=1), MAP, 1),
        (use("crop", margins=1), MAP, 1),
        (use("roll", shift=1, axis=2), TOKENS, 2),
        (use("cast", dtype=DType.INT64), MAP, 1),
    ],
)
def test_channels(op: Op, x: TensorType, channel: int | None) -> None:
    assert infer(op, (x,))[0].channel == channel


def test_channels_of_joined_tensors_are_those_of_the_first_that_has_them() -> None:
    assert infer(use("cat", axis=1), (plain(2, 3, 5), tokens(2, 4, 5)))[0].channel == 2
    assert infer(use("cat"), (plain(2, 3, 5), maps(2, 4, 5)))[0].dims == (2, 7, 5)


# ---- sizes that depend on the input


def symbolic() -> tuple[Sizes, TensorType]:
    """A map of any batch and height."""
    sizes = Sizes()
    batch = sizes.symbol("N", None, SPAN)
    height = sizes.symbol("H", 32, SPAN)
    return sizes, TensorType((batch, 6, height, 4), channel=1)


def test_flatten_multiplies() -> None:
    sizes, x = symbolic()
    assert str(infer(use("flatten"), (x,), sizes)[0]) == "[N, 24*H]"


def test_reshape_infers_and_narrows() -> None:
    sizes, x = symbolic()
    batch, _, height, _ = x.dims
    assert infer(use("reshape", sizes=(batch, -1)), (x,), sizes)[0].dims == (batch, 24 * height)
    assert infer(use("reshape", sizes=(-1, 6 * height * 4)), (x,), sizes)[0].dims[0] is batch
    assert sizes.guards == []
    infer(use("reshape", sizes=(batch, -1, 16 * 24)), (x,), sizes)
    assert 48 in sizes.domain["H"]
    assert 40 not in sizes.domain["H"]


def test_chunk_narrows() -> None:
    sizes, x = symbolic()
    assert len(infer(use("chunk", n=8, axis=2), (x,), sizes)) == 8
    assert 40 in sizes.domain["H"]
    assert 36 not in sizes.domain["H"]


def test_cat_adds() -> None:
    sizes, x = symbolic()
    assert str(infer(use("cat", axis=2), (x, x), sizes)[0]) == "[N, 6, 2*H, 4]"


def test_reflected_padding_bounds_the_size_below() -> None:
    sizes, x = symbolic()
    assert str(infer(use("pad", p=((3, 0), (0, 0)), mode="reflect"), (x,), sizes)[0]) == "[N, 6, H + 3, 4]"
    assert 3 not in sizes.domain["H"]
    assert 4 in sizes.domain["H"]


def test_padding_up_to_windows_needs_no_guard() -> None:
    sizes, x = symbolic()
    height = x.dims[2]
    padded = infer(use("pad", p=((0, -height % 7), (0, 0))), (x,), sizes)[0]
    infer(use("chunk", n=7, axis=2), (padded,), sizes)
    assert sizes.guards == []


def test_crop_like_a_smaller_map() -> None:
    sizes, x = symbolic()
    batch, _, height, _ = x.dims
    small = TensorType((batch, 3, height - 9, 4), channel=1)
    assert infer(use("crop"), (x, small), sizes)[0].dims == (batch, 6, height - 9, 4)
    with pytest.raises(Reject):
        infer(use("crop"), (small, x), sizes)


# ---- mistakes


@pytest.mark.parametrize(
    ("op", "ins", "kind", "words"),
    [
        (use("flatten", start=4), (MAP,), NoSuchAxis, "axis 4"),
        (use("flatten", start=3, end=2), (MAP,), CannotFlatten, "from axis 3 to axis 2"),
        (use("reshape", sizes=(2, 7)), (MAP,), ReshapeCount, "14 elements are not 240"),
        (use("reshape", sizes=(7, -1)), (MAP,), ReshapeCount, "7 elements do not fit into 240"),
        (use("reshape", sizes=(-1, -1)), (MAP,), ReshapeCount, "only one size may be -1"),
        (use("reshape", sizes=(0, -1)), (MAP,), BadSize, "size 0"),
        (use("unbind", axis=-5), (MAP,), NoSuchAxis, "axes are -4 to 3"),
        (use("split", sizes=(2, 3)), (MAP,), SplitSum, "add up to 5, but axis 1 has 6"),
        (use("split", sizes=4), (MAP,), CannotSplit, "6, by 4"),
        (use("chunk", n=4), (MAP,), CannotSplit, "6, by 4"),
        (use("chunk", n=2), (plain(2, 6, 5),), NoChannelAxis, "`chunk`"),
        (use("cat"), (MAP, maps(2, 6, 5, 5)), ShapeMismatch, "axis 3 is 4 on one side and 5"),
        (use("cat"), (MAP, maps(2, 6, 5)), RankMismatch, "4 axes and 3 axes"),
        (use("cat"), (maps(2, 6, 1, 1), MAP), ShapeMismatch, "axis 2 is 1"),
        (use("stack"), (MAP, maps(2, 7, 5, 4)), ShapeMismatch, "6 and 7 channels"),
        (use("stack", axis=5), (MAP, MAP), NoSuchAxis, "axes are -5 to 4"),
        (use("transpose", a=0, b=9), (MAP,), NoSuchAxis, "axis 9"),
        (use("expand", sizes=(2, 6, 5, 8)), (MAP,), ExpandSize, "axis 3 has 4"),
        (use("expand", sizes=(2, 6)), (MAP,), ExpandSize, "one size for each axis"),
        (use("mean", axis=(2, -2)), (MAP,), RepeatedAxis, "axis 2"),
        (use("mean", axis=4), (MAP,), NoSuchAxis, "axis 4"),
        (use("pad", p=-1), (MAP,), BadPadding, "by -1"),
        (use("pad", p=4, mode="reflect"), (MAP,), BadPadding, "at most 3"),
        (use("pad", p=5, mode="circular"), (MAP,), BadPadding, "at most 4"),
        (use("pad", p=(1, 2, 3)), (MAP,), WrongSides, "2 spatial axes"),
        (use("crop", margins=2), (MAP,), BadPadding, "by 4 of an axis that has 4"),
        (use("crop"), (MAP,), CropForm, "neither"),
        (use("crop", margins=1), (MAP, MAP), CropForm, "both"),
        (use("crop"), (MAP, maps(2, 6, 9, 4)), BadPadding, "by -2"),
        (use("roll", shift=(1, 2), axis=2), (MAP,), WrongSides, "shift"),
        (use("gather", axis=1), (TOKENS, ints(2, 3)), RankMismatch, "3 axes and 2 axes"),
        (use("gather", axis=1), (TOKENS, ints(2, 3, 7)), ShapeMismatch, "6 on one side and 7"),
        (use("topk", k=7), (TOKENS,), TooManyWanted, "7 of an axis that has 6"),
    ],
)
def test_mistakes(op: Op, ins: tuple[TensorType, ...], kind: type[Mistake], words: str) -> None:
    with pytest.raises(Reject) as caught:
        infer(op, ins)
    mistake = caught.value.mistake
    assert type(mistake) is kind
    assert words in f"{mistake.message} {mistake.label}"

"""Sizes, paddings and strides of windows, against PyTorch and against TensorFlow's published formula."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch.nn import functional as F

from dslc.diagnostics.model import Reject
from dslc.ops.errors import NoHalfPadding, TooSmall, WrongSides
from dslc.ops.window import PAD_SAME, half_const, output_size, paddings, per_axis, same_tf_padding, same_tf_size
from dslc.syntax import tree
from dslc.types.const import Const, Ref
from dslc.types.sizes import Sizes
from tests.ops.context import SPAN, Infer, infer
from tests.ops.sample import maps, over_maps

SIZES = range(1, 24)


def test_output_size_is_torch_s() -> None:
    """Conv and floor-mode pools over all small sizes; a size that does not fit is refused by both."""
    tried = 0
    for size, k, s, p, d in product(SIZES, (1, 2, 3, 5), (1, 2, 3), (0, 1, 2), (1, 2)):
        x = torch.empty(1, 1, size, device="meta")
        if size + 2 * p < d * (k - 1) + 1:
            with pytest.raises(Reject) as rejected:
                output_size(Infer(), "conv", size, k, s, (p, p), d)
            assert isinstance(rejected.value.mistake, TooSmall)
            continue
        y = F.conv1d(x, torch.empty(1, 1, k, device="meta"), stride=s, padding=p, dilation=d)
        assert output_size(Infer(), "conv", size, k, s, (p, p), d) == y.shape[2]
        tried += 1
    assert tried > 1000


def test_ceil_mode_is_torch_s() -> None:
    """The last window must start inside the map or the padding before it."""
    tried = 0
    for size, k, s, p, d in product(SIZES, (1, 2, 3, 5), (1, 2, 3, 4, 7), (0, 1, 2), (1, 2)):
        if p > k // 2 or size + 2 * p < d * (k - 1) + 1:
            continue
        x = torch.empty(1, 1, size, device="meta")
        y = F.max_pool1d(x, k, s, p, d, ceil_mode=True)
        assert output_size(Infer(), "maxpool", size, k, s, (p, p), d, ceil=True) == y.shape[2]
        tried += 1
    assert tried > 1000


def test_symbolic_sizes_equal_numbers() -> None:
    """A symbolic size gives at every allowed number what that number gives, and allows no other."""
    for k, s, p, d, ceil in product((1, 2, 3, 5), (1, 2, 3), (0, 1), (1, 2), (False, True)):
        if ceil and p > k // 2:
            continue
        sizes = Sizes()
        height = sizes.symbol("H", 32, SPAN)
        result = output_size(Infer(sizes), "maxpool", height, k, s, (p, p), d, ceil)
        for number in SIZES:
            fits = number + 2 * p >= d * (k - 1) + 1
            assert (number in sizes.domain["H"]) == fits
            if fits:
                expected = output_size(Infer(), "maxpool", number, k, s, (p, p), d, ceil)
                assert sizes.evaluate(result, {"H": number}) == expected


@pytest.mark.parametrize(
    ("size", "k", "s", "expected"),
    [
        (224, 3, 2, (0, 1)),
        (225, 3, 2, (1, 1)),
        (7, 2, 1, (0, 1)),
        (224, 7, 2, (2, 3)),
        (8, 1, 3, (0, 0)),
        (5, 2, 4, (0, 1)),
    ],
)
def test_same_tf_padding(size: int, k: int, s: int, expected: tuple[int, int]) -> None:
    """Numbers of TensorFlow's "Notes on padding" (tf.nn): the total is max(k - s, 0), or max(k - size % s, 0)."""
    total = max(k - s, 0) if size % s == 0 else max(k - size % s, 0)
    assert sum(expected) == total
    assert same_tf_padding(size, k, s, 1) == expected
    assert same_tf_size(size, s) == -(-size // s)


def test_pad_same_helper() -> None:
    """The helper in generated code pads by the same numbers for every size, kernel, stride and dilation."""
    scope: dict[str, object] = {"F": F, "Tensor": torch.Tensor}
    exec(PAD_SAME, scope)
    pad_same = scope["pad_same"]
    assert callable(pad_same)
    for height, width, k, s, d in product((1, 4, 7, 8), (3, 9), (1, 2, 3), (1, 2, 3), (1, 2)):
        y = pad_same(torch.ones(1, 1, height, width), (k, 3), (s, 1), (d, 1), value=-1.0)
        (top, bottom), (left, right) = same_tf_padding(height, k, s, d), same_tf_padding(width, 3, 1, 1)
        assert y.shape[2:] == (top + height + bottom, left + width + right)
        assert (y[0, 0, top : top + height, left : left + width] == 1).all()
        assert (y == 1).sum() == height * width
    assert pad_same(torch.ones(1, 1, 5), (3,), (2,)).shape == (1, 1, 7)


def test_half_padding() -> None:
    """Exists for odd dilated kernels that overlap; elsewhere the error shows both candidates."""
    assert paddings("conv", "half", (3, 5), (1, 2), (1, 1)) == ((1, 1), (2, 2))
    assert paddings("conv", "half", (2,), (1,), (2,)) == ((1, 1),)
    assert paddings("conv", "half", (1,), (4,), (1,)) == ((0, 0),)
    for k, s, d in ((2, 1, 1), (4, 2, 1), (3, 3, 1), (16, 16, 1), (2, 1, 3)):
        with pytest.raises(Reject) as rejected:
            paddings("conv", "half", (k,), (s,), (d,))
        mistake = rejected.value.mistake
        assert isinstance(mistake, NoHalfPadding)
        assert (mistake.kernel, mistake.stride, mistake.dilation) == (k, s, d)
    with pytest.raises(Reject):
        infer(over_maps(1, 3, 32, 32, out=4, k=16, s=16).op("conv"), (maps(1, 3, 32, 32),))


def test_written_padding() -> None:
    assert paddings("conv", 2, (3, 5), (1, 1), (1, 1)) == ((2, 2), (2, 2))
    assert paddings("conv", (1, 0), (3, 5), (1, 1), (1, 1)) == ((1, 1), (0, 0))
    assert paddings("conv", ((0, 1), (2, 3)), (3, 5), (1, 1), (1, 1)) == ((0, 1), (2, 3))
    assert paddings("conv", "valid", (3, 5), (1, 1), (1, 1)) == ((0, 0), (0, 0))
    with pytest.raises(ValueError, match="no numbers"):
        paddings("conv", "same_tf", (3,), (1,), (1,))


def test_number_of_sides() -> None:
    assert per_axis(3, 2, "k") == (3, 3)
    assert per_axis((3, 5), 2, "k") == (3, 5)
    for attempt in (lambda: per_axis((3, 3, 3), 2, "k"), lambda: paddings("conv", (1, 1), (3,), (1,), (1,))):
        with pytest.raises(Reject) as rejected:
            attempt()
        assert isinstance(rejected.value.mistake, WrongSides)


def named(name: str, value: object) -> Const:
    """A constant that the block calls `name`."""
    return Const(value, tree.Name(SPAN, name), None, SPAN)


def spelled(const: Const) -> str:
    """The words of a derived constant."""
    match const.origin:
        case tree.Name(_, name):
            return name
        case tree.Number(_, value):
            return str(value)
        case tree.Binary(_, op, left, right):
            sides = [
                spelled(s.const) if isinstance(s, Ref) else spelled(Const(0, s, None, SPAN)) for s in (left, right)
            ]
            return f"({sides[0]} {op} {sides[1]})"
    return str(const.value)


def test_half_padding_in_words() -> None:
    """The slot prints in the names of the block, and is a number where nothing has a name."""
    one, three = Const(1, None, None, SPAN), Const(3, tree.Number(SPAN, 3), None, SPAN)
    five, two = Const(5, tree.Number(SPAN, 5), None, SPAN), Const(2, tree.Number(SPAN, 2), None, SPAN)
    assert spelled(half_const(named("k", 5), one, ((2, 2),))) == "(k // 2)"
    assert spelled(half_const(named("k", 3), named("d", 2), ((2, 2),))) == "((d * (k - 1)) // 2)"
    assert spelled(half_const(three, one, ((1, 1),))) == "1"
    assert spelled(half_const(three, named("d", 2), ((2, 2),))) == "d"
    assert spelled(half_const(five, named("d", 2), ((4, 4),))) == "(2 * d)"
    assert spelled(half_const(two, named("d", 2), ((1, 1),))) == "((d * 1) // 2)"
    sides = half_const(named("k", (3, 5)), one, ((1, 1), (2, 2)))
    assert (sides.value, sides.origin) == ((1, 2), None)

"""What windows read, against every place counted one by one, and against what torch has gradients for."""

from __future__ import annotations

import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dslc.lints.convolution.checkerboard import overlaps
from dslc.lints.convolution.unread_places import union
from dslc.lints.windows import Side

SMALL = st.integers(1, 6)


@st.composite
def some_sides(draw: st.DrawFn) -> Side:
    """Windows along an axis, padded by up to more than they are long."""
    kernel, stride, dilation = draw(SMALL), draw(st.integers(1, 5)), draw(st.integers(1, 4))
    before, after, size = draw(st.integers(0, 9)), draw(st.integers(0, 9)), draw(st.integers(1, 20))
    room = size + before + after - dilation * (kernel - 1) - 1
    assume(room >= 0)
    return Side(kernel, stride, dilation, before, after, size, room // stride + 1)


@given(some_sides())
@settings(max_examples=300, deadline=None)
def test_reads_are_counted(side: Side) -> None:
    windows = [[u * side.stride - side.before + j * side.dilation for j in range(side.kernel)] for u in range(side.out)]
    within = [[0 <= place < side.size for place in window] for window in windows]
    assert side.taps == sum(map(any, zip(*within, strict=True)))
    assert side.inside == sum(map(sum, within))
    beyond = [window[-1] < 0 or window[0] >= side.size for window in windows]
    assert side.outside == sum(beyond)


@given(SMALL, st.integers(1, 5), st.integers(1, 4), st.integers(0, 9))
@settings(max_examples=100, deadline=None)
def test_the_part_that_is_read(kernel: int, stride: int, dilation: int, before: int) -> None:
    size = 60 * stride
    side = Side(kernel, stride, dilation, before, 0, size, (size + before - dilation * (kernel - 1) - 1) // stride + 1)
    x = torch.zeros(1, 1, size, requires_grad=True)
    padded = torch.nn.functional.pad(x, (before, 0))
    torch.nn.functional.conv1d(padded, torch.ones(1, 1, kernel), stride=stride, dilation=dilation).sum().backward()
    assert x.grad is not None
    middle = x.grad[0, 0, 20 * stride : 40 * stride]
    assert union([(side,)]) * len(middle) == int((middle != 0).sum())


@given(SMALL, st.integers(1, 5), st.integers(1, 4))
@settings(max_examples=100, deadline=None)
def test_products_of_a_transposed_convolution(kernel: int, stride: int, dilation: int) -> None:
    x = torch.ones(1, 1, 40)
    y = torch.nn.functional.conv_transpose1d(x, torch.ones(1, 1, kernel), stride=stride, dilation=dilation)[0, 0]
    start = 20 * stride
    assert sorted(overlaps(kernel, stride, dilation)) == sorted(map(int, y[start : start + stride]))


@given(some_sides())
@settings(max_examples=50, deadline=None)
def test_weights_that_torch_has_no_gradient_for(side: Side) -> None:
    x = torch.nn.functional.pad(torch.ones(1, 1, side.size), (side.before, side.after))
    weight = torch.ones(1, 1, side.kernel, requires_grad=True)
    torch.nn.functional.conv1d(x, weight, stride=side.stride, dilation=side.dilation).sum().backward()
    assert weight.grad is not None
    assert side.taps == int((weight.grad != 0).sum())

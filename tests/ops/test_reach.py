"""Receptive fields of single layers against what PyTorch's outputs really depend on, found by changing inputs."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from dslc.ops.base import Bins, Global, Pointwise, Reach, TransposedWindow, Unknown, Upsample, Window
from tests.ops.context import infer
from tests.ops.render import Rendered, render
from tests.ops.sample import Sample
from tests.ops.samples_layers import LAYERS
from tests.ops.test_every_op import given, randomised


def places(sample: Sample) -> tuple[int, ...]:
    """The axes of the input that hold places."""
    first = sample.inputs[0]
    return tuple(axis for axis in range(1, first.rank) if axis != first.channel)


CASES = [
    pytest.param(name, s, id=f"{name} {s}")
    for name, samples in LAYERS.items()
    for s in samples
    if s.inputs[0].dtype.is_float and s.inputs[0].channel is not None and places(s)
]


def hull(reach: Reach, axis: int, u: int, n: int) -> tuple[int, int]:
    """First and last place that output place `u` reads along a spatial axis of size `n`, by stats.md."""
    match reach:
        case Pointwise():
            first, last = u, u
        case Global(axes=axes) if axes is not None and axis + 2 not in axes:
            first, last = u, u
        case Global():
            first, last = 0, n - 1
        case Window(k, s, p, d):
            first = s[axis] * u - p[axis]
            last = first + (k[axis] - 1) * d[axis]
        case TransposedWindow(k, s, p, d):
            first = math.ceil((u + p[axis] - (k[axis] - 1) * d[axis]) / s[axis])
            last = (u + p[axis]) // s[axis]
        case Bins(source, target):
            assert source[axis] == n
            first, last = u * n // target[axis], math.ceil((u + 1) * n / target[axis]) - 1
        case Upsample(factor, nearest=True):
            first = last = math.floor(u / factor[axis])
        case _:
            raise AssertionError(f"no hull of {reach}")
    return max(first, 0), min(last, n - 1)


def read(rendered: Rendered, sample: Sample, axis: int) -> list[set[int]]:
    """For each output place along an axis, the input places along it that change it. Found by five random changes."""
    module, ties = randomised(rendered), {k: v.double() for k, v in given(sample).items()}
    module = None if module is None else module.double()
    generator = torch.Generator().manual_seed(4)

    def draw(shape: tuple[int, ...]) -> Tensor:
        return torch.randn(shape, generator=generator, dtype=torch.float64).abs() * 3 - (0 if sample.positive else 2)

    rest = [draw(tuple(t.dims)) for t in sample.inputs[1:]]  # type: ignore[arg-type]
    found: list[set[int]] = []
    for _ in range(5):
        x = draw(tuple(sample.inputs[0].dims))  # type: ignore[arg-type]
        with torch.no_grad():
            before = rendered.call(module, [x, *rest], ties)[0]
            found = found or [set() for _ in range(before.shape[axis])]
            for place in range(x.shape[axis]):
                other = x.clone()
                other.select(axis, place).copy_(draw(x.select(axis, place).shape))
                changed = rendered.call(module, [other, *rest], ties)[0] != before
                others = [a for a in range(before.dim()) if a != axis]
                for u in changed.any(dim=others).nonzero().flatten().tolist():
                    found[u].add(place)
    return found


def blind(reach: Reach, axis: int, u: int, taps: set[int]) -> set[int]:
    """The places of a window's hull that it steps over: none but for dilations and strides of a transposed one."""
    match reach:
        case Window(k, s, p, d):
            mine = {s[axis] * u - p[axis] + j * d[axis] for j in range(k[axis])}
            return taps - mine
        case TransposedWindow(k, s, p, d):
            mine = {u + p[axis] - j * d[axis] for j in range(k[axis])}
            return {i for i in taps if i * s[axis] not in mine}
    return set()


def read_through(window: Window, axis: int, u: int, n: int, mode: str) -> set[int]:
    """The places a window reads where what it finds over the edges are other places of the map."""
    first = window.stride[axis] * u - window.padding[axis]
    taps = (first + j * window.dilation[axis] for j in range(window.kernel[axis]))
    if mode == "circular":
        return {i % n for i in taps}
    if mode == "reflect":
        return {abs(i) if i < n else 2 * (n - 1) - i for i in taps}
    return {min(max(i, 0), n - 1) for i in taps}


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_reach(name: str, sample: Sample) -> None:
    op = sample.op(name)
    outs = infer(op, sample.inputs)
    reach = op.reach(sample.inputs, outs)
    rendered = render(op, sample.inputs, outs)
    for axis in places(sample):
        n = sample.inputs[0].dims[axis]
        assert isinstance(n, int)
        seen = read(rendered, sample, axis)
        if isinstance(reach, Upsample):
            assert math.floor(n * reach.factor[axis - 2] + 1e-9) == len(seen)
            if not reach.nearest or "exact" in str(sample.attributes.get("mode")):
                continue  # interpolated: the weights near an edge differ from those inside
        named = sample.attributes.get("axis")
        along = named if isinstance(named, tuple) else () if named is None else (named,)
        if isinstance(reach, Global) and reach.axes is None and along and axis not in [a % outs[0].rank for a in along]:
            continue  # one axis is mixed: for the others `Global` is an upper bound
        if isinstance(reach, Unknown):
            assert named is not None if name in ("glu", "geglu", "swiglu", "reglu", "maxout") else name == "upsample"
            continue
        mode = sample.attributes.get("padding_mode")
        if mode is not None:
            assert isinstance(reach, Window)
            assert reach.wraps == (mode == "circular")
            assert seen == [read_through(reach, axis - 2, u, n, mode) for u in range(len(seen))]
            continue
        for u, found in enumerate(seen):
            first, last = hull(reach, axis - 2, u, n)
            expected = set(range(first, last + 1))
            assert found == expected - blind(reach, axis - 2, u, expected), f"output place {u} of axis {axis}"

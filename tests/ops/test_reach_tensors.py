"""Receptive fields of tensor ops against what PyTorch's outputs really depend on, found by changing inputs."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from dslc.ops.base import Axes, Global, Pointwise, Reach, Shift, Types, Upsample, Window
from tests.ops.context import infer
from tests.ops.render import Rendered, render
from tests.ops.sample import Sample
from tests.ops.samples_tensors import TENSORS
from tests.ops.test_every_op import randomised, tensors


def places(sample: Sample) -> tuple[int, ...]:
    """The axes of the first input that hold places."""
    first = sample.inputs[0]
    return tuple(axis for axis in range(1, first.rank) if axis != first.channel)


CASES = [
    pytest.param(name, s, id=f"{name} {s}")
    for name, samples in TENSORS.items()
    for s in samples
    if name not in ("eq", "ne")  # random floats are never equal
    and s.inputs
    and s.inputs[0].dtype.is_float
    and s.inputs[0].channel is not None
    and places(s)
]


def read(rendered: Rendered, sample: Sample, axis: int, out: int) -> list[set[int]]:
    """For each place of the result along axis `out`, the places of the input's axis that change it."""
    module = randomised(rendered)
    generator = torch.Generator().manual_seed(4)
    found: list[set[int]] = []
    for _ in range(6):
        x, *rest = tensors(sample, sample.inputs)
        x = torch.rand(x.shape, generator=generator) + (0 if sample.positive else -0.5)
        before = results(rendered, module, [x, *rest])
        found = found or [set() for _ in range(before[0].shape[out])]
        for place in range(x.shape[axis]):
            other = x.clone()
            part = other.select(axis, place)
            part.copy_(part + torch.rand(part.shape, generator=generator) * 2)
            for a, b in zip(before, results(rendered, module, [other, *rest]), strict=True):
                changed = (a != b).any(dim=[i for i in range(a.dim()) if i != out]) if a.dim() > 1 else a != b
                for u in changed.nonzero().flatten().tolist():
                    found[u].add(place)
    return found


def results(rendered: Rendered, module: torch.nn.Module | None, xs: list[Tensor]) -> list[Tensor]:
    with torch.no_grad():
        return rendered.call(module, xs, {})


def followed(reach: Reach, axis: int, ins: Types, outs: Types) -> int | None:
    """The axis of the result along which the places of an input's axis lie; none where there is no such."""
    if isinstance(reach, Axes):
        return reach.source.index(axis) if axis in reach.source else None
    return axis if outs[0].rank == ins[0].rank else None


def expected(reach: Reach, axis: int, out: int, u: int, n: int) -> set[int]:
    """The places that place `u` reads, by stats.md."""
    match reach:
        case Pointwise():
            found = {u if n > 1 else 0}
        case Axes(offset=offset, step=step):
            found = {u * (step[out] if step else 1) + (offset[out] if offset else 0)}
        case Shift(offset):
            found = {u + offset[axis - 2]}
        case Window(k, s, p, d):
            first = s[axis - 2] * u - p[axis - 2]
            found = {first + i * d[axis - 2] for i in range(k[axis - 2])}
        case Upsample(factor, nearest=True):
            found = {int(u / factor[axis - 2])}
        case Global():
            found = set(range(n))
        case _:
            raise AssertionError(f"no places of {reach}")
    return {place for place in found if 0 <= place < n}


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_reach(name: str, sample: Sample) -> None:
    op = sample.op(name)
    outs = infer(op, sample.inputs)
    reach = op.reach(sample.inputs, outs)
    rendered = render(op, sample.inputs, outs)
    exact = not isinstance(reach, Global) and not (isinstance(reach, Axes) and reach.partitioned)
    for axis in places(sample):
        out = followed(reach, axis, sample.inputs, outs)
        n = sample.inputs[0].dims[axis]
        assert isinstance(n, int)
        if out is None:
            continue
        for u, seen in enumerate(read(rendered, sample, axis, out)):
            bound = expected(reach, axis, out, u, n)
            if isinstance(reach, Shift | Axes) and reach_wraps(name, sample):
                continue  # padding by reflection or repetition, and rolling, read other places near the edge
            assert seen == bound if exact else seen <= bound or isinstance(reach, Axes), f"place {u} of axis {axis}"


def reach_wraps(name: str, sample: Sample) -> bool:
    """Whether the places near an edge are copies of others."""
    return name == "roll" or sample.attributes.get("mode", "constant") != "constant"


def test_what_reads_everything_says_why() -> None:
    causes = {}
    for name, samples in TENSORS.items():
        for sample in samples:
            op = sample.op(name)
            reach = op.reach(sample.inputs, infer(op, sample.inputs))
            if isinstance(reach, Global):
                causes[name] = reach.cause
    assert causes["sdpa"] == "attention"
    assert causes["mean"] == "mean"
    assert causes["lstm"] == "lstm"
    assert set(causes) >= {"matmul", "einsum", "gather", "topk", "reduce", "gru", "rnn", "sum", "amax", "amin"}

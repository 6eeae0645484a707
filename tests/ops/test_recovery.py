"""What an op recovers after a mistake is never wrong: held against the results of every sample."""

from __future__ import annotations

import pytest

from dslc.ops.base import REGISTRY, Op, Types
from dslc.types.dim import UNKNOWN
from dslc.types.tensor import DType, TensorType
from tests.ops.context import infer
from tests.ops.sample import Sample
from tests.ops.samples import SAMPLES

USES = [pytest.param(name, s, id=f"{name} {s}") for name, samples in SAMPLES.items() for s in samples]


def unfinished(op: Op, unknown: set[str]) -> Op:
    """The op as it is where some attributes could not be read."""
    made = object.__new__(type(op))
    made.__dict__.update(op.__dict__ | dict.fromkeys(unknown, UNKNOWN))
    return made


def contradicts(recovered: Types, real: Types) -> str:
    """What a recovered result says that is not so; empty if nothing."""
    if recovered and len(recovered) != len(real):
        return f"{len(recovered)} results"
    for a, b in zip(recovered, real, strict=False):
        if a.rank != b.rank or a.dtype is not b.dtype or a.channel not in (None, b.channel):
            return f"{a} channel={a.channel}"
        if any(x is not UNKNOWN and x != y for x, y in zip(a.dims, b.dims, strict=True)):
            return str(a)
    return ""


@pytest.mark.parametrize(("name", "sample"), USES)
def test_what_is_recovered_is_so(name: str, sample: Sample) -> None:
    op, real = sample.op(name), infer(sample.op(name), sample.inputs)
    attributes = [a for a in REGISTRY[name].attributes if a != "layer"]
    subsets: list[set[str]] = [set(), set(attributes), *({a} for a in attributes)]
    inputs = sample.inputs
    gaps = [(*inputs[:i], None, *inputs[i + 1 :]) for i in range(len(inputs))]
    for unknown in subsets:
        for ins in ([*inputs], *gaps):
            assert not contradicts(unfinished(op, unknown).recover(ins), real), (unknown, ins)


@pytest.mark.parametrize(("name", "sample"), USES)
def test_attributes_of_a_good_use_go_together(name: str, sample: Sample) -> None:
    sample.op(name).check()


def test_the_usual_layers_say_what_they_make() -> None:
    x = TensorType((UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN), DType.FLOAT, 1)
    made = [
        REGISTRY["conv"](out=16, k=3).recover([x]),
        REGISTRY["deconv"](out=8, k=2, s=2).recover([x]),
        REGISTRY["linear"](out=10).recover([TensorType((UNKNOWN, 7))]),
        REGISTRY["flatten"]().recover([x]),
        REGISTRY["gap"]().recover([x]),
        REGISTRY["cat"]().recover([None, x]),
        REGISTRY["embedding"](count=9, dim=5).recover([TensorType((UNKNOWN, 4), DType.INT64)]),
    ]
    shapes = ["".join(str(t) for t in types) for types in made]
    assert shapes == ["[?, 16, ?, ?]", "[?, 8, ?, ?]", "[?, 10]", "[?, ?]", "[?, ?, ?, ?]", "[?, ?, ?, ?]", "[?, 4, 5]"]

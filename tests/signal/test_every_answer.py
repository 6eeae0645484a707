"""Every op answers `signal`, and every kind of answer has its two rules."""

from __future__ import annotations

from typing import get_args

import pytest

from dslc.analysis.signal.roles import shape_of
from dslc.analysis.signal.rules import RULES
from dslc.ops import signals
from dslc.ops.base import REGISTRY
from dslc.types.tensor import TensorType
from tests.ops.context import infer
from tests.ops.sample import Sample
from tests.ops.samples import SAMPLES

KINDS = get_args(signals.Signal)
CASES = [pytest.param(name, sample, id=f"{name} {sample}") for name, all in SAMPLES.items() for sample in all]


def test_every_kind_of_answer_has_rules() -> None:
    assert set(RULES) == set(KINDS) - {signals.NoSignal}


def test_every_op_has_the_rule() -> None:
    assert all("signal" in dir(op) for op in REGISTRY.values())


@pytest.mark.parametrize(("name", "sample"), CASES)
def test_an_op_answers(name: str, sample: Sample) -> None:
    op = sample.op(name)
    outs = infer(op, sample.inputs)
    found = op.signal(sample.inputs, outs)
    assert isinstance(found, KINDS)
    if isinstance(found, signals.NoSignal):
        assert found.reason and found.reason[-1] != "." and found.reason == found.reason[0].lower() + found.reason[1:]
    if isinstance(found, signals.Curve):
        for x in (-2.3, -0.4, 0.3, 1.7):
            step = (found.f(x + 1e-6) - found.f(x - 1e-6)) / 2e-6
            assert found.slope(x) == pytest.approx(step, abs=1e-6)


def test_roles_of_axes() -> None:
    tokens = shape_of(TensorType((4, 17, 64), channel=2), {}, None)
    assert (tokens.width, tokens.samples, tokens.places, tokens.spots) == (64, 1, 68, (0, 1))
    heads = shape_of(TensorType((4, 8, 17, 16), split=(1, 3)), {}, None)
    assert (heads.width, heads.places) == (128, 68)

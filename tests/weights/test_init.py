"""Initialisers: torch's distributions, one stream per (seed, path)."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import init as torch_init

from dslc.ops.base import Init, ParamSpec
from dslc.types.tensor import DType
from dslc.weights.init import sample
from dslc.weights.quantile import normal_quantile

Reference = Callable[[Tensor], Tensor]
SHAPE = (96, 48, 3, 3)

CASES: dict[str, tuple[Init, Reference]] = {
    "uniform": (Init("uniform"), torch_init.uniform_),
    "uniform between": (
        Init("uniform", (("a", -0.3), ("b", 0.1))),
        lambda t: torch_init.uniform_(t, -0.3, 0.1),
    ),
    "normal": (Init("normal", (("mean", 0.5), ("std", 0.02))), lambda t: torch_init.normal_(t, 0.5, 0.02)),
    "trunc_normal narrow": (
        Init("trunc_normal", (("std", 0.02),)),
        lambda t: torch_init.trunc_normal_(t, std=0.02),
    ),
    "trunc_normal wide": (
        Init("trunc_normal", (("std", 1.5), ("mean", 0.5))),
        lambda t: torch_init.trunc_normal_(t, 0.5, 1.5),
    ),
    "trunc_normal tail": (
        Init("trunc_normal", (("a", 1.5), ("b", 2.5))),
        lambda t: torch_init.trunc_normal_(t, a=1.5, b=2.5),
    ),
    "kaiming_uniform of layers": (
        Init("kaiming_uniform", (("a", math.sqrt(5)),)),
        lambda t: torch_init.kaiming_uniform_(t, math.sqrt(5)),
    ),
    "kaiming_uniform": (Init("kaiming_uniform"), torch_init.kaiming_uniform_),
    "kaiming_normal fan_out": (
        Init("kaiming_normal", (("mode", "fan_out"), ("nonlinearity", "relu"))),
        lambda t: torch_init.kaiming_normal_(t, mode="fan_out", nonlinearity="relu"),
    ),
    "kaiming_normal tanh": (
        Init("kaiming_normal", (("nonlinearity", "tanh"),)),
        lambda t: torch_init.kaiming_normal_(t, nonlinearity="tanh"),
    ),
    "kaiming_normal selu": (
        Init("kaiming_normal", (("nonlinearity", "selu"),)),
        lambda t: torch_init.kaiming_normal_(t, nonlinearity="selu"),
    ),
    "xavier_uniform": (
        Init("xavier_uniform", (("gain", 2.0),)),
        lambda t: torch_init.xavier_uniform_(t, 2.0),
    ),
    "xavier_normal": (Init("xavier_normal"), torch_init.xavier_normal_),
    "orthogonal": (Init("orthogonal", (("gain", 1.5),)), lambda t: torch_init.orthogonal_(t, 1.5)),
}


@pytest.mark.parametrize("case", CASES)
def test_distribution_is_torchs(case: str) -> None:
    """Same quantiles, moments and bounds as a sample of torch, of 41,472 numbers each."""
    init, reference = CASES[case]
    torch.manual_seed(0)
    theirs = reference(torch.empty(SHAPE)).numpy().ravel()
    ours = sample(ParamSpec("weight", SHAPE, init), f"net.{case}")
    assert ours.shape == SHAPE
    assert ours.dtype == np.float32
    spread = float(theirs.std())
    at = np.linspace(0.05, 0.95, 19)
    assert np.abs(np.quantile(ours, at) - np.quantile(theirs, at)).max() < 0.05 * spread
    assert abs(ours.mean() - theirs.mean()) < 0.03 * spread
    assert abs(ours.std() - spread) < 0.02 * spread
    if "uniform" in case or case in ("trunc_normal wide", "trunc_normal tail"):
        assert abs(ours.min() - theirs.min()) < 0.05 * spread
        assert abs(ours.max() - theirs.max()) < 0.05 * spread


@pytest.mark.parametrize("shape", [(64, 48), (48, 64), (8, 3, 3, 3)])
def test_orthogonal_rows_or_columns(shape: tuple[int, ...]) -> None:
    flat = sample(ParamSpec("w", shape, Init("orthogonal", (("gain", 2.0),))), "w").reshape(shape[0], -1)
    short = flat if flat.shape[0] <= flat.shape[1] else flat.T
    assert np.allclose(short @ short.T, 4 * np.eye(len(short)), atol=1e-4)


@pytest.mark.parametrize(
    ("init", "reference", "shape"),
    [
        (Init("zeros"), torch_init.zeros_, (3, 4)),
        (Init("ones"), torch_init.ones_, (7,)),
        (Init("constant", (("value", 0.25),)), lambda t: torch_init.constant_(t, 0.25), (2, 2)),
        (Init("eye"), torch_init.eye_, (3, 5)),
        (Init("dirac"), torch_init.dirac_, (6, 4, 3, 5)),
        (Init("dirac", (("groups", 2),)), lambda t: torch_init.dirac_(t, 2), (6, 2, 3)),
    ],
)
def test_without_chance(init: Init, reference: Reference, shape: tuple[int, ...]) -> None:
    expected = reference(torch.full(shape, 9.0)).numpy()
    assert np.array_equal(sample(ParamSpec("w", shape, init), "w"), expected)


def test_element_types() -> None:
    counter = sample(ParamSpec("n", (), Init("zeros"), "buffer", DType.INT64), "n")
    assert counter.shape == ()
    assert counter.dtype == np.int64
    half = sample(ParamSpec("w", (4,), Init("uniform"), dtype=DType.FLOAT16), "w")
    assert half.dtype == np.float16


def test_bounds_are_kept() -> None:
    """A heavily cut normal is drawn by the inverse, a lightly cut one by drawing again: both stay inside."""
    for low, high in ((-2.0, 2.0), (-0.1, 0.1), (3.0, 3.5), (-9.0, -8.0)):
        args = (("a", low), ("b", high))
        drawn = sample(ParamSpec("w", (50_000,), Init("trunc_normal", args)), "w")
        assert drawn.min() >= low
        assert drawn.max() <= high
        assert drawn.std() > 0
    still = sample(ParamSpec("w", (3,), Init("trunc_normal", (("mean", 5.0), ("std", 0.0)))), "w")
    assert still.tolist() == [2.0, 2.0, 2.0]


def test_streams() -> None:
    """The numbers of a parameter depend on the seed and its path alone."""
    spec = ParamSpec("weight", (1000,), Init("normal"))
    first = sample(spec, "a.weight", 1)
    assert np.array_equal(first, sample(spec, "a.weight", 1))
    assert not np.array_equal(first, sample(spec, "a.weight", 2))
    assert not np.array_equal(first, sample(spec, "b.weight", 1))
    many = np.stack([sample(spec, f"layer{i}.weight") for i in range(200)])
    assert abs(np.corrcoef(many)[np.triu_indices(200, 1)]).max() < 0.2
    assert sample(ParamSpec("w", (3,), Init("uniform")), "w", 7).tolist() == PINNED


PINNED = [0.8251620531082153, 0.4351382851600647, 0.32970720529556274]
"""Of seed 7 and path `w`: a change of these numbers changes every network built from a seed."""


def test_normal_quantile() -> None:
    p = np.array([1e-300, 1e-12, 0.01, 0.075, 0.3, 0.5, 0.8, 0.95, 1 - 1e-9])
    x = normal_quantile(p)
    back = [0.5 * math.erfc(-v / math.sqrt(2)) for v in x]
    assert back == pytest.approx(p.tolist(), rel=1e-11)
    assert normal_quantile(np.array([0.0, 1.0])).tolist() == [-math.inf, math.inf]

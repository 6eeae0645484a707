"""Weights drawn for the .onnx follow the same distributions as those that the generated module gives itself.

For the smallest net of each kind in examples/, and for layers that no example has. Both sides are samples, so each
statistic is held to its standard error; fixed seeds make a run the same as the last.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import dslc
from dslc.ir.model import Model, Node, Param
from dslc.weights.init import value_of
from tests.zoo.kinds import Kind, kinds

Numbers = NDArray[np.float64]

FEWEST = 30
"""Elements below which a tensor of chance is compared by shape and type alone."""
MOST = 20_000
"""Elements looked at, spread over the tensor."""
SIGMAS = 5.0
"""Standard errors allowed: with 4,000 comparisons, chance exceeds this once in 400 choices of seeds."""

OTHERS = """
net others on image[N, 8, H=16, W=16], line[N, 8, L=32], ids: int64[N, T=12]:
    a = image -> dw(3) -> deconv(16, 4, g=2) -> gn(4) -> prelu -> inorm(affine=true) -> gap -> flatten
    b = line -> conv(32, 5, init=orthogonal(1.5)) -> bn -> prelu(true) -> gap -> flatten
    c = ids -> embedding(500, 48) -> gru(32, layers=2) -> rnn(64) -> lstm(64, proj=24) -> rmsnorm -> mean(1)
    d = line -> wn(conv(64, 3)) -> sn(conv(32, 3)) -> prelu -> gap -> flatten
    concat(a, b, c, d) -> linear(40, init=xavier_normal(2.0)) -> ln -> relu
"""
"""Layers with weights that the examples lack."""


def sample(flat: Numbers) -> Numbers:
    return flat[:: max(1, flat.size // MOST)]


def layer(param: Param) -> str:
    """What owns a parameter: the layer's kind, or `param` for a block's own."""
    return f"{param.owner.op.name if isinstance(param.owner, Node) else 'param'}.{param.name}"


def check_tensor(path: str, ours: Numbers, theirs: Numbers) -> tuple[float, float] | None:
    """Mean, spread, quantiles and ends; how many standard errors mean and spread are apart, none: without chance."""
    if theirs.min() == theirs.max() or np.array_equal(ours, theirs):
        assert np.allclose(ours, theirs, rtol=1e-6, atol=0), f"{path}: {ours.flat[0]} for {theirs.flat[0]}"
        return None
    assert ours.min() < ours.max(), f"{path}: all {ours.flat[0]}"
    n = len(ours)
    if n < FEWEST:
        return None
    spread = theirs.std()
    mean = (ours.mean() - theirs.mean()) / (spread * math.sqrt(2 / n))
    wide = (ours.std() / spread - 1) / relative_error(theirs)
    assert abs(mean) < SIGMAS, f"{path}: mean {ours.mean():.2e} for {theirs.mean():.2e}"
    assert abs(wide) < SIGMAS, f"{path}: standard deviation {ours.std():.3e} for {spread:.3e}"
    ours, theirs = np.sort(ours), np.sort(theirs)
    # Two-sample Kolmogorov-Smirnov: P(D > c sqrt(2/n)) is about 2 exp(-2 c^2), 3e-8 here.
    below = np.searchsorted(ours, theirs, side="right") - np.searchsorted(theirs, theirs, side="right")
    assert np.abs(below).max() / n < 3 * math.sqrt(2 / n), f"{path}: another distribution"
    # The ends of a sample lie apart by a few gaps between its last elements.
    k = min(20, n // 4)
    for end, other, gap in (
        (ours[-1], theirs[-1], theirs[-1] - theirs[-k]),
        (ours[0], theirs[0], theirs[k] - theirs[0]),
    ):
        assert abs(end - other) < 6 * gap, f"{path}: ends at {end:.3e}, not {other:.3e}"
    return mean, wide


def relative_error(numbers: Numbers) -> float:
    """The standard error of a ratio of two standard deviations (delta method; 4th moments)."""
    centred = numbers - numbers.mean()
    kurtosis = float(np.mean(centred**4) / np.mean(centred**2) ** 2)
    return math.sqrt(max(kurtosis - 1, 0.1) / (2 * len(numbers)))


def check_network(model: Model, state: dict[str, torch.Tensor], seed: int) -> set[str]:
    """All of a state dict, of equal layers two; the kinds of tensors that chance made."""
    params = {path: param for path, param in model.params.items() if param.spec.kind != "const"}
    assert {path: param.spec.shape for path, param in params.items()} == {k: tuple(t.shape) for k, t in state.items()}
    seen: dict[object, int] = defaultdict(int)
    apart: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for path, param in params.items():
        same = (layer(param), param.spec.shape, param.spec.init)
        seen[same] += 1
        if seen[same] > 2:
            continue
        drawn = value_of(param, seed)
        assert drawn.dtype.name == str(state[path].dtype).removeprefix("torch."), path
        ours, theirs = (sample(x.reshape(-1)).astype(np.float64) for x in (drawn, state[path].numpy()))
        found = check_tensor(path, ours, theirs)
        if found is not None:
            apart[layer(param)].append(found)
    for kind, values in apart.items():
        together = np.abs(np.sum(values, axis=0)) / math.sqrt(len(values))
        assert together.max() < SIGMAS, f"{kind}: {together} standard errors over {len(values)} tensors"
    return set(apart)


def initialised(cls: type[torch.nn.Module]) -> dict[str, torch.Tensor]:
    """The state dict of a new module."""
    torch.manual_seed(2010)
    return {path: tensor.detach() for path, tensor in cls().state_dict().items()}


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.id)
def test_first_weights(kind: Kind) -> None:
    cls: Any = dslc.load(kind.file, net=kind.net)
    assert check_network(cls.__dslc__.model, initialised(cls), 10)


def test_first_weights_of_other_layers() -> None:
    cls: Any = dslc.load(OTHERS)
    kinds = check_network(cls.__dslc__.model, initialised(cls), 3)
    assert kinds >= {
        f"{op}.{name}"
        for op, names in {
            "deconv": "weight",
            "gru": "weight_ih_l0 weight_hh_l1 bias_ih_l0",
            "rnn": "weight_ih_l0 weight_hh_l0 bias_hh_l0",
            "lstm": "weight_ih_l0 weight_hr_l0",
            "embedding": "weight",
            "wn(conv)": "parametrizations.weight.original0 parametrizations.weight.original1",
            "sn(conv)": "parametrizations.weight.original parametrizations.weight.0._u",
        }.items()
        for name in names.split()
    }


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("a twentieth wider", lambda x: 1.05 * x),
        ("normal for uniform", lambda x: np.random.default_rng(1).normal(0, x.std(), x.shape)),
        ("shifted", lambda x: x + 0.1 * x.std()),
        ("cut", lambda x: x.clip(-1.7, 1.7)),
        ("constant", lambda x: 0 * x),
    ],
)
def test_other_distributions_are_told_apart(name: str, wrong: object) -> None:
    rng = np.random.default_rng(7)
    theirs = rng.uniform(-1, 1, 10_000) if name != "cut" else rng.normal(size=10_000)
    again = rng.uniform(-1, 1, 10_000) if name != "cut" else rng.normal(size=10_000)
    assert check_tensor(name, again, theirs) is not None
    with pytest.raises(AssertionError):
        check_tensor(name, wrong(again), theirs)  # type: ignore[operator]

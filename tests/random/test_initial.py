"""Random programs with `init` statements at random places: each tensor begins as it says, however it is made."""

from __future__ import annotations

import math
import random
import re

import numpy as np
import pytest
import torch
from torch import nn

from dslc.api import compile_model
from dslc.backends.torch.emit import Generated
from dslc.diagnostics.model import CompileError
from dslc.ir.model import Model, Param
from dslc.ops.initialisers import fans, gain_of
from dslc.weights.init import value_of
from tests.random.case import seeded
from tests.torch_backend.common import both, network

OPS = ("conv", "deconv", "linear", "embedding", "bn", "inorm", "gn", "ln", "rmsnorm", "lstm", "gru", "rnn")
MATRICES = ("conv", "deconv", "linear", "embedding", "lstm", "gru", "rnn")
ANY = ("normal(std=0.3)", "uniform(1, 2)", "zeros", "ones", "constant(0.7)", "none", "trunc_normal(std=0.2)")
OF_MATRICES = ('kaiming_normal(mode="fan_out")', "xavier_uniform(2.0)", "orthogonal")
HEADER = re.compile(r"(?:inline )?(block|net) .*:\s*$")


def statement(rng: random.Random) -> str:
    """`init conv = .., linear.bias = ..`."""
    given = {}
    for _ in range(rng.randint(1, 5)):
        op = rng.choice((*OPS, "conv", "conv", "linear", "bn", "bias"))
        if rng.random() < 0.3 and op not in ("embedding", "rmsnorm", "bias"):
            op += ".bias"
        given[op] = rng.choice((*ANY, *(OF_MATRICES if op in MATRICES else ())))
    return "init " + ", ".join(f"{op} = {init}" for op, init in given.items())


def stated(text: str, rng: random.Random) -> str:
    """A program with statements in its net, in some of its blocks, and maybe for the file."""
    lines = [statement(rng)] if rng.random() < 0.5 else []
    for line in text.split("\n"):
        lines.append(line)
        header = HEADER.match(line)
        if header is not None and rng.random() < (0.9 if header[1] == "net" else 0.4):
            lines.append("    " + statement(rng))
    return "\n".join(lines)


def moments(param: Param) -> tuple[float, float] | None:
    """Mean and deviation of what fills a tensor; none where they are not asked about."""
    init, shape = param.spec.init, param.spec.shape
    args = dict(init.args)
    number = {key: float(value) for key, value in args.items() if not isinstance(value, str)}
    if init.kind == "uniform":
        return (number["a"] + number["b"]) / 2, (number["b"] - number["a"]) / math.sqrt(12)
    if init.kind in ("normal", "trunc_normal"):
        return number["mean"], number["std"]
    if init.kind.startswith("kaiming"):
        fan = fans(shape)[args["mode"] == "fan_out"]
        return 0.0, gain_of(str(args["nonlinearity"]), number["a"]) / math.sqrt(fan)
    if init.kind.startswith("xavier"):
        return 0.0, number["gain"] * math.sqrt(2 / sum(fans(shape)))
    return None


def check(net: nn.Module, model: Model) -> None:
    found = {**dict(net.named_parameters(remove_duplicate=False)), **dict(net.named_buffers())}
    for path, param in model.params.items():
        ours = found[path].detach().double().numpy().ravel()
        assert np.isfinite(ours).all(), path
        if param.values is not None or param.spec.init.kind in ("zeros", "ones", "constant", "dirac", "eye"):
            assert np.allclose(ours, value_of(param).astype(np.float64).ravel()), f"{path}: {ours[:3]}"
            continue
        wanted = moments(param)
        if wanted is not None:
            mean, deviation = wanted
            assert abs(ours.mean() - mean) < 6 * deviation / math.sqrt(len(ours)), f"{path}: {ours.mean()} for {mean}"
            assert np.abs(ours - mean).max() < 7 * deviation, path
            spread = 6 / math.sqrt(2 * len(ours)) + 0.02
            assert len(ours) < 30 or abs(ours.std() / deviation - 1) < spread, f"{path}: {ours.std()} for {deviation}"


def emptied(made: Generated, name: str) -> nn.Module:
    """A module from the meta device, with nothing but NaN in it."""
    with torch.device("meta"):
        net = network(made, name)
    net.to_empty(device="cpu")
    with torch.no_grad():
        for tensor in (*net.parameters(), *net.buffers()):
            tensor.fill_(float("nan") if tensor.is_floating_point() else tensor.dtype != torch.bool)
    return net


@pytest.mark.parametrize("seed", [5, 12, 202, 220, *range(905, 908)])
def test_every_tensor_begins_as_the_program_says(seed: int) -> None:
    try:
        model = compile_model(stated(seeded(seed).text, random.Random(seed)))
    except CompileError as error:
        pytest.fail(f"seed {seed} is no program any more: take another one ({error})")
    torch.manual_seed(seed)
    for made in both(model):
        check(network(made, model.entry), model)
        net = emptied(made, model.entry)
        if hasattr(net, "reset_parameters"):
            net.reset_parameters()  # type: ignore[operator]
            check(net, model)
            net = emptied(made, model.entry)
        for module in reversed(list(net.modules())):
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()  # type: ignore[operator]
        check(net, model)

"""Gradients that begin at a loss, and those of trained weights, against torch."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner
from torch import Tensor, nn
from torch.nn import functional

import dslc
from dslc.cli.main import main

BATCH = 16
PLAIN = """
net plain on x[N, 64] -> [N, 10]:
    init linear = kaiming_normal
    for i in range(4): linear(128) -> relu
    linear(10, init=normal(std=0.2))
"""
CONV = """
net maps on x[N, 3, 8, 8] -> [N, 5, 8, 8]:
    conv(32, 3) -> bn -> relu -> conv(32, 3) -> bn -> relu -> conv(5, 1, init=normal(std=0.3))
"""


def of_loss(loss: str, out: Tensor) -> Tensor:
    if loss == "cross_entropy":
        classes = out.shape[1]
        return functional.cross_entropy(out, torch.randint(0, classes, (out.shape[0], *out.shape[2:])))
    return functional.mse_loss(out, torch.randn_like(out))


def measured(module: nn.Module, loss: str, shape: tuple[int, ...]) -> dict[str, float]:
    out = module(torch.randn(BATCH, *shape))
    of_loss(loss, out).backward()
    return {
        name: float(weight.grad.double().square().mean())
        for name, weight in module.named_parameters()
        if weight.grad is not None
    }


@pytest.mark.parametrize(
    ("source", "shape", "loss", "bar"),
    [
        (PLAIN, (64,), "cross_entropy", 0.06),
        (PLAIN, (64,), "mse", 0.2),  # x - y holds the weights that made x, which the rules do not follow
        (CONV, (3, 8, 8), "cross_entropy", 0.25),  # and so does p, beside labels that average out over many places
        (CONV, (3, 8, 8), "mse", 0.35),
    ],
    ids=["plain entropy", "plain mse", "maps entropy", "maps mse"],
)
def test_the_gradient_of_a_loss(source: str, shape: tuple[int, ...], loss: str, bar: float) -> None:
    network = dslc.compile(source)
    kind, draws = network.load(), 60
    total: dict[str, float] = {}
    for draw in range(draws):
        torch.manual_seed(draw)
        for name, square in measured(kind().train(), loss, shape).items():
            total[name] = total.get(name, 0.0) + square / draws
    found = network.signal(batch=BATCH, loss=loss)
    assert found.loss == loss
    compared = {weight.path: weight.gradient for weight in found.weights if weight.gradient}
    assert len(compared) >= 6
    for name, gradient in compared.items():
        assert abs(math.log10(gradient / math.sqrt(total[name]))) < bar, name


def test_common_logits_push_all_samples_alike() -> None:
    """Of K = 4 classes; with labels alone the gradients of samples would be independent."""
    source = "net f on x[N, 16] -> [N, 4]:\n    init linear = zeros, linear.bias = {}\n    linear(4)\n"
    gradients = []
    for init in ("zeros", "normal(std=3.0)"):
        found = dslc.compile(source.format(init)).signal(batch=BATCH, loss="cross_entropy")
        gradients += [weight.gradient for weight in found.weights if weight.path == "linear.bias"]
    before, after = gradients
    assert before == pytest.approx(math.sqrt((1 - 1 / 4) / 4 / BATCH))
    assert before is not None and after is not None and after > 2 * before


def test_a_loss_without_a_rule() -> None:
    network = dslc.compile(PLAIN)
    with pytest.raises(ValueError, match="`hinge` is none of independent, cross_entropy, mse"):
        network.signal(loss="hinge")
    one = dslc.compile("net f on x[N, 4] -> [N, 1]:\n    linear(1)\n").signal(loss="cross_entropy")
    assert [gap.reason for gap in one.gaps] == ["a result of one class has no cross-entropy"]


def trained(module: nn.Module, shape: tuple[int, ...], classes: int) -> nn.Module:
    """A few steps towards labels that a fixed linear map of the input gives."""
    torch.manual_seed(0)
    rule = torch.randn(math.prod(shape), classes)
    steps = torch.optim.Adam(module.parameters(), 3e-3)
    for _ in range(60):
        x = torch.randn(64, *shape)
        steps.zero_grad()
        functional.cross_entropy(module(x), (x.flatten(1) @ rule).argmax(1)).backward()
        steps.step()
    return module


NET = """
net small on x[N, 3, 8, 8] -> [N, 10]:
    conv(32, 3) -> bn -> relu -> conv(64, 3, s=2) -> bn -> relu -> gap -> flatten -> linear(64) -> relu -> linear(10)
"""


def save(path: Path) -> tuple[Any, nn.Module]:
    network = dslc.compile(NET)
    torch.manual_seed(1)
    module = trained(network.load()().train(), (3, 8, 8), 10)
    torch.save(module.state_dict(), path)
    return network, module


def test_the_moments_of_trained_weights(tmp_path: Path) -> None:
    """With the elements of each tensor in a random order, which keeps the moments alone, over draws of that order."""
    network, module = save(tmp_path / "small.pth")
    found = network.signal(batch=64, weights=tmp_path / "small.pth")
    assert found.trained and "those kept" in " ".join(found.notes)
    state = {name: value.clone() for name, value in module.state_dict().items()}
    seen: dict[str, float] = {}
    draws = 20

    def note(name: str, out: Tensor) -> None:
        seen[name] = seen.get(name, 0.0) + float(out.detach().square().mean()) / draws

    for name, part in module.named_modules():
        if not list(part.children()):
            part.register_forward_hook(lambda _, __, out, name=name: note(name, out))
    for draw in range(draws):
        torch.manual_seed(draw)
        module.load_state_dict(
            {name: value.flatten()[torch.randperm(value.numel())].view_as(value) for name, value in state.items()}
        )
        module.train()(torch.randn(64, 3, 8, 8))
    here = {layer.path: layer.rms for layer in found.layers}
    compared = [name for name in seen if name in here]
    assert len(compared) >= 6
    for name in compared:
        assert abs(math.log10(here[name] / math.sqrt(seen[name]))) < 0.04, name
    weights = {weight.path: weight.rms for weight in found.weights}
    assert weights["linear.weight"] == pytest.approx(float(state["linear.weight"].square().mean().sqrt()), rel=1e-5)


def test_the_command(tmp_path: Path) -> None:
    save(tmp_path / "small.pth")
    (tmp_path / "small.dl").write_text(NET, encoding="utf-8")
    file, weights = str(tmp_path / "small.dl"), str(tmp_path / "small.pth")
    done = CliRunner().invoke(main, ["signal", file, "--weights", weights, "--loss", "cross_entropy"])
    assert done.exit_code == 0, done.output
    head = "small: with trained weights, in training, batch 16, inputs of unit variance, loss cross_entropy"
    assert done.output.splitlines()[0] == head
    assert "batch norms take the statistics of the batch, not those kept" in done.output
    wrong = CliRunner().invoke(main, ["signal", file, "--weights", weights, "--what-if", "norm=bn"])
    assert wrong.exit_code == 2 and "--weights is about one network as it is" in wrong.output
    lost = CliRunner().invoke(main, ["signal", file, "--weights", str(tmp_path / "none.pth")])
    assert lost.exit_code == 1 and "none.pth" in lost.output

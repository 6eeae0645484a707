"""Calls and tensors that are no longer what the program makes are named and refused; others are exported."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune

import dslc
from tests.python.live import TEXT, Live, exported, refusal, twice

# ---- calls


def test_a_forward_of_its_own(net: Any) -> None:
    for part in (net, net.fc, net.tail[4]):
        part.forward = lambda x: 2 * x
    net.norm._compiled_call_impl = lambda x: 2 * x
    words = refusal(net)
    assert "was set on the module itself" in words
    assert all(f"`{name}`" in words for name in ("forward", "fc.forward", "tail.4.forward", "norm._compiled_call_impl"))


def test_an_attribute_that_hides_a_part(net: Any) -> None:
    net.__dict__["fc"] = nn.Linear(6, 8)
    assert "`fc` was set on the module itself" in refusal(net)


def test_layers_that_write_over_their_input() -> None:
    """What comes first in a branch would change what the branch is added to."""
    text = """
use std.combine: residual

net f on x[N, 3, H=8, W=8]:
    conv(4, 3)
    residual:
        seq as branch:
            relu -> conv(4, 3) -> bn -> relu -> dropout -> relu
"""
    net: Any = dslc.load(text)()
    net.branch[3].inplace = net.branch[4].inplace = net.branch[5].inplace = True
    exported(net)
    net.branch[0].inplace = True
    assert "`branch.0.inplace` is True, which may write over what another layer reads" in refusal(net)


def test_a_method_that_forward_calls(net: Any) -> None:
    net.first.conv._conv_forward = lambda x, weight, bias: x
    assert "`first.conv._conv_forward` was set on the module itself" in refusal(net)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (lambda net: nn.Linear, "`Linear.forward` was replaced"),
        (lambda net: nn.BatchNorm2d, "`BatchNorm2d.forward` was replaced"),
        (lambda net: nn.modules.batchnorm._BatchNorm, "`_BatchNorm.forward` was replaced"),
        (lambda net: Live, "`Live.forward` was replaced"),
        (lambda net: type(net.attn), "`Attention.forward` was replaced"),
    ],
)
def test_a_class_that_was_patched(
    net: Any, where: Callable[[Any], type], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where(net), "forward", twice)
    assert words in refusal(net)
    monkeypatch.undo()
    exported(net)


def test_a_class_that_hides_a_tensor(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Linear, "weight", torch.zeros(8, 6), raising=False)
    assert "`Linear.weight` was set on the class" in refusal(net)


def test_a_class_that_has_the_forward_of_another(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is torch's, and not this class's."""
    monkeypatch.setattr(nn.LeakyReLU, "forward", nn.Identity.forward)
    assert "`LeakyReLU.forward` was replaced" in refusal(net)


def test_a_class_that_was_patched_before_the_first_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh instance would be as wrong: what counts is the program's text."""
    other: Any = dslc.load(TEXT.replace("live(", "early("))
    net = other()
    monkeypatch.setattr(type(net.attn), "forward", twice)
    assert "`Attention.forward` was replaced" in refusal(net)
    monkeypatch.setattr(other, "__init__", lambda self: nn.Module.__init__(self))
    assert "`first` (Part) was removed" in refusal(other())


def test_a_name_of_its_module_that_was_patched(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[Live.__module__], "F", object())
    assert "`F` of its module was replaced" in refusal(net)


def test_hooks(net: Any) -> None:
    def mine(module: nn.Module, inputs: object, output: Tensor | None = None) -> None: ...

    handles = [net.fc.register_forward_hook(mine), net.first.register_forward_pre_hook(mine)]
    words = refusal(net)
    assert "`fc` has a forward hook, `test_hooks.<locals>.mine`" in words
    assert "`first` has a forward hook" in words and "handle.remove()" in words
    for handle in handles:
        handle.remove()
    net.fc.register_full_backward_hook(lambda module, inputs, outputs: None)  # changes no result
    exported(net)


def test_hooks_of_all_modules(net: Any) -> None:
    handle = nn.modules.module.register_module_forward_hook(lambda module, inputs, output: None)
    try:
        assert "hooks are registered for the forward passes of all modules" in refusal(net)
    finally:
        handle.remove()
    exported(net)


# ---- tensors


class Symmetric(nn.Module):
    """A parametrization."""

    def forward(self, x: Tensor) -> Tensor:
        return x.triu() + x.triu(1).transpose(-1, -2)


COMPUTED: dict[str, Callable[[Any], object]] = {
    "parametrize": lambda net: parametrize.register_parametrization(net.attn.proj, "weight", Symmetric()),
    "weight_norm": lambda net: parametrizations.weight_norm(net.attn.proj),
    "the old weight_norm": lambda net: nn.utils.weight_norm(net.attn.proj),
    "spectral_norm": lambda net: nn.utils.spectral_norm(net.attn.proj),
    "prune": lambda net: prune.l1_unstructured(net.attn.proj, "weight", 0.5),
}


@pytest.mark.parametrize("name", COMPUTED)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_weight_that_is_computed(net: Any, name: str) -> None:
    COMPUTED[name](net)
    words = refusal(net)
    assert "`attn.proj.weight` is computed by" in words and "remove_parametrizations" in words


def test_computed_weights_that_were_made_ordinary(net: Any) -> None:
    parametrizations.weight_norm(net.attn.proj)
    parametrize.remove_parametrizations(net.attn.proj, "weight")
    prune.l1_unstructured(net.fc, "weight", 0.5)
    prune.remove(net.fc, "weight")
    exported(net)


def test_computed_weights_of_the_program() -> None:
    net: Any = dslc.load("net f on x[N, 8]:\n    wn(linear(8)) as a -> relu -> sn(linear(3)) as b\n")()
    exported(net)
    exported(copy.deepcopy(net))
    parametrize.remove_parametrizations(net.a, "weight")
    assert "`a.parametrizations` (ModuleDict) was removed" in refusal(net)


def grown(net: Any) -> None:
    net.fc.weight = nn.Parameter(torch.ones(8, 7))


def whole(net: Any) -> None:
    net.first.bn.running_mean = torch.ones(4, dtype=torch.int64)


def sparse(net: Any) -> None:
    net.fc.weight = nn.Parameter(net.fc.weight.detach().to_sparse())


class Scaled(nn.Parameter):
    """A tensor that computes otherwise, as those of quantisation do."""


def special(net: Any) -> None:
    net.fc.weight = Scaled(net.fc.weight.detach())


def table(net: Any) -> None:
    net.first.table[1] = 7


TENSORS: dict[str, tuple[Callable[[Any], object], str]] = {
    "another shape": (grown, "`fc.weight` has the shape [8, 7], the program makes [8, 6]"),
    "whole numbers": (whole, "`first.bn.running_mean` holds whole numbers, the program real numbers"),
    "no bias": (lambda net: net.fc.register_parameter("bias", None), "`fc.bias` was removed"),
    "one more": (lambda net: net.fc.register_buffer("extra", torch.ones(1)), "`fc.extra` was added"),
    "complex numbers": (
        lambda net: setattr(net.fc, "weight", nn.Parameter(torch.ones(8, 6, dtype=torch.complex64))),
        "`fc.weight` holds complex numbers, the program real numbers",
    ),
    "sparse": (sparse, "`fc.weight` is sparse_coo, no dense tensor"),
    "of a class of its own": (special, "`fc.weight` is a Scaled, no ordinary tensor"),
    "a constant": (table, "`first.table` holds other numbers than the program gives it"),
    "a constant, rounded": (lambda net: net.half().float(), "`first.table` holds other numbers"),
}


@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_that_differs(net: Any, name: str) -> None:
    change, words = TENSORS[name]
    change(net)
    assert words in refusal(net)


def test_statistics_and_weights_may_differ(net: Any) -> None:
    net.train()
    with torch.no_grad():
        for _ in range(3):
            net(torch.randn(2, 3, 16, 16))
        for parameter in net.parameters():
            parameter.mul_(1.1)
    exported(net)


def test_weights_that_were_tied_are_equal(net: Any) -> None:
    """Two names of one tensor are two equal arrays of the graph."""
    with torch.no_grad():
        net.first.bn.weight.uniform_()
    net.first.bn.bias = net.first.bn.weight
    exported(net)


def test_a_recurrent_layer_that_computes_with_other_tensors(net: Any) -> None:
    net.rnn._parameters["weight_ih_l0"] = nn.Parameter(torch.zeros(24, 8))
    assert "`rnn` computes with other tensors than its parameters" in refusal(net)
    net.rnn._flat_weights_names = ["weight", "bias"]
    assert "`rnn._flat_weights_names` is ['weight', 'bias']" in refusal(net)


def test_a_recurrent_layer_after_gradients_of_functions(net: Any) -> None:
    """torch.func leaves other objects of the same numbers in it."""
    weights = dict(net.named_parameters())
    torch.func.grad(lambda given: torch.func.functional_call(net, given, (torch.ones(1, 3, 16, 16),)).sum())(weights)
    assert net.rnn._flat_weights[0] is not net.rnn.weight_ih_l0
    exported(net)


def test_a_weight_that_is_a_negative_view(net: Any) -> None:
    net.fc.bias = nn.Parameter(torch.randn(8, dtype=torch.complex64).conj().imag)
    assert net.fc.bias.is_neg()
    exported(net)


def test_numbers_of_normalize() -> None:
    """They lie in no state dict and are no constants of the program, but arguments of a layer."""
    net: Any = dslc.load(
        "net f on x[N, 3, H=8, W=8]:\n    normalize((0.1, 0.2, 0.3), (0.5, 0.6, 0.7)) -> conv(4, 3)\n"
    )()
    exported(net)
    layer = next(part for part in net.modules() if type(part).__name__ == "Normalize")
    layer.mean.zero_()
    assert "mean` holds other numbers than the program gives it" in refusal(net)

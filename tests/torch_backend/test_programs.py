"""Generated code against the network it is of: merged and unmerged files agree bit for bit, names and shapes hold."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from dslc.weights.init import numpy_type
from tests.torch_backend.common import EXAMPLES, TRAPS, both, flat, inputs_of, model_of, network, scatter

LONG = ("googlenet", "densenet121", "unet", "vgg16_bn")
ALL = [*TRAPS, *(pytest.param(n, marks=pytest.mark.long) if n in LONG else n for n in EXAMPLES)]


ALIASED = ("lenet", "resnet18", "densenet121", "mobilenet_v2", "vit_b_16", "unet", "googlenet")


@pytest.mark.parametrize("name", ALL)
def test_merged_is_unmerged(name: str) -> None:
    """Same weights, same outputs, at another batch, in evaluation and training; running statistics too."""
    model = model_of(name)
    one, other = (network(made, name) for made in both(model))
    scatter(one)
    other.load_state_dict(one.state_dict())
    inputs = inputs_of(model, 3)
    for training in (False, True):
        results = []
        for net in (one, other):
            torch.manual_seed(5)
            with torch.no_grad():
                results.append(flat(net.train(training)(*inputs)))
        assert len(results[0]) == len(results[1]) > 0
        for a, b in zip(*results, strict=True):
            assert torch.equal(a, b)
            assert torch.isfinite(a).all() and a.abs().sum() > 0
    for a, b in zip(one.state_dict().values(), other.state_dict().values(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("name", ALL)
def test_state_dict_is_the_models(name: str) -> None:
    """Exactly the names, shapes and element types of `Model.params`, on the meta device too."""
    model = model_of(name)
    wanted = {
        k: (p.spec.shape, numpy_type(p.spec.dtype).name) for k, p in model.params.items() if p.spec.kind != "const"
    }
    for made in both(model):
        with torch.device("meta"):
            net = network(made, name)
        found = {k: (tuple(t.shape), str(t.dtype).removeprefix("torch.")) for k, t in net.state_dict().items()}
        if name == "external":  # a user's module has tensors that the program does not know
            found = {k: v for k, v in found.items() if not k.endswith("shift")}
        assert found == wanted
        assert {t.device.type for t in net.state_dict().values()} <= {"meta"}


@pytest.mark.parametrize("name", [*TRAPS, *ALIASED])
def test_arguments_of_the_root(name: str) -> None:
    """An argument that stayed one, given another value, makes the network that the program has with it."""
    model = model_of(name)
    made = both(model)[0]
    root = made.classes[-1]
    for key, parameter in root.parameters.items():
        if type(parameter.default) is not int:
            continue
        other = parameter.default + 4
        wanted = {k: p.spec.shape for k, p in model_of(name, {key: other}).params.items() if p.spec.kind != "const"}
        with torch.device("meta"):
            net = network(made, name, **{parameter.name: other})
        assert {k: tuple(t.shape) for k, t in net.state_dict().items()} == wanted


PARAMETRIZED = ("stated",)
"""Programs with parametrized layers, which PyTorch copies and does not pickle."""


@pytest.mark.parametrize("name", TRAPS)
def test_copies(name: str) -> None:
    """A deep copy and a pickle give the same outputs, and do not share weights."""
    model = model_of(name)
    net = network(both(model)[0], name).eval()
    inputs = inputs_of(model, 2)
    with torch.no_grad():
        first = flat(net(*inputs))
        others = [copy.deepcopy(net)]
        if name in PARAMETRIZED:
            with pytest.raises(RuntimeError, match="parametrized modules is only supported through state_dict"):
                pickle.dumps(net)
        else:
            others.append(pickle.loads(pickle.dumps(net)))
        for other in others:
            for a, b in zip(first, flat(other(*inputs)), strict=True):
                assert torch.equal(a, b)
            assert not {id(p) for p in net.parameters()} & {id(p) for p in other.parameters()}


@pytest.mark.parametrize("name", TRAPS)
def test_training_step(name: str) -> None:
    """Every trained tensor gets a gradient."""
    model = model_of(name)
    net = network(both(model)[0], name).train()
    scatter(net)
    total = sum(t.square().mean() for t in flat(net(*inputs_of(model, 3))))
    assert isinstance(total, torch.Tensor)
    total.backward()
    without = [n for n, p in net.named_parameters() if p.grad is None and ".extra." not in n]  # named `_extra`: not run
    assert without == []

"""First weights are those of the library or the paper that a network is from: of every tensor the same law.

Of all networks of torchvision test_torchvision.py compares what the programs state. Here the generated modules are made
and compared, one of each kind; and of small ones the numbers, after they lay on the meta device.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import dslc
from benchmarks import learning
from dslc.api import compile_model
from tests.zoo import zoo
from tests.zoo.kinds import Kind, kinds
from tests.zoo.laws import GIVEN, Law, constant, declared, differences, laws, normal, trunc_normal
from tests.zoo.sources import LIBRARIES, PAPERS, of_paper
from tests.zoo.test_initialisers import Numbers, check_tensor, sample
from tests.zoo.zoo import programs


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.id)
def test_modules_begin_as_their_programs_state(kind: Kind) -> None:
    cls: Any = dslc.load(kind.file, net=kind.net)
    stated = declared(cls.__dslc__.model)
    assert differences(laws(cls), stated, {key for key, law in stated.items() if law != GIVEN}) == []


@pytest.mark.parametrize("net", LIBRARIES)
def test_libraries(net: str) -> None:
    source = LIBRARIES[net]
    model = compile_model(programs()[net], net=net, sizes=dict(source.sizes), args=dict(source.args))
    ours, theirs = declared(model), source.theirs()
    if not source.named:
        theirs = dict(zip(ours, theirs.values(), strict=True))
    assert differences(ours, theirs, ours) == []


@pytest.mark.parametrize("net", PAPERS)
def test_papers(net: str) -> None:
    model = compile_model(programs()[net], net=net)
    assert differences(declared(model), of_paper(net, model), model.params) == []


def test_every_network_is_held_to_a_source() -> None:
    """Its own, or that of another of its kind: one that is written with the same definitions."""
    held = {row.model for row in zoo.THERE} | set(LIBRARIES) | set(PAPERS)
    assert [kind.id for kind in kinds() if not held & set(kind.nets)] == []


# ---- numbers

Make = Callable[[], nn.Module]
LARGE = 32_000_000
"""Weights from which on no numbers are drawn; VGG and ViT have small ones in benchmarks/learning.py."""
DRAWN: dict[str, tuple[Make, Make]] = {
    row.model: (lambda row=row: dslc.load(row.file, net=row.model)(), partial(row.reference, init=True))
    for row in zoo.smallest().values()
    if row.params < LARGE
} | {net: (learning.NETS[net].ours, learning.NETS[net].theirs) for net in ("vgg11_quarter", "vit_small")}


@pytest.mark.parametrize("net", DRAWN)
def test_numbers_after_the_meta_device(net: str) -> None:
    """`reset_parameters` fills every tensor, a whole after its parts: mean, spread and form are torchvision's."""
    make, reference = DRAWN[net]
    with torch.device("meta"):
        network: Any = make()
    network.to_empty(device="cpu")
    for tensor in network.state_dict().values():
        tensor.fill_(torch.nan if tensor.is_floating_point() else -1)
    torch.manual_seed(2010)
    reset(network)
    theirs = reference().state_dict()
    learned = dict(network.named_parameters())
    seen: set[object] = set()
    for key, tensor in network.state_dict().items():
        ours, other = array(tensor), array(theirs[key])
        assert not np.isnan(ours).any(), key
        if key not in learned:
            assert np.allclose(ours, other, rtol=1e-6, atol=1e-7), key
            continue
        same = re.sub(r"\d+", "0", key), tensor.shape
        if same not in seen:
            check_tensor(key, sample(ours), sample(other))
        seen.add(same)


def reset(network: nn.Module) -> None:
    """As docs/language.md says: by the method of the whole, or where all is PyTorch's default by those of the parts."""
    for module in [network] if hasattr(network, "reset_parameters") else reversed(list(network.modules())):
        if hasattr(module, "reset_parameters"):
            module.reset_parameters()  # type: ignore[operator]


def array(tensor: Tensor) -> Numbers:
    return tensor.detach().double().numpy().reshape(-1)


# ---- the notes themselves


class Layers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 8, 3)
        self.linear = nn.Linear(8, 6)
        self.scale = nn.Parameter(torch.ones(5) * 0.5)
        self.token = nn.Parameter(torch.randn(7) * 0.02)
        self.halves = nn.Parameter(torch.zeros(6))
        self.table = nn.Parameter(torch.empty(9).uniform_())
        nn.init.trunc_normal_(self.conv.weight, std=0.5, a=-1, b=1)
        nn.init.trunc_normal_(self.linear.weight, std=0.01)
        nn.init.kaiming_normal_(self.linear.weight, mode="fan_out")
        with torch.no_grad():
            self.halves[:3].fill_(1)
        self.register_buffer("index", torch.arange(4))


def test_notes_are_of_what_a_constructor_does_last() -> None:
    expected = {
        "conv.weight": trunc_normal(0, 0.5, -1, 1),
        "conv.bias": Law("uniform", (-1 / 6, 1 / 6)),
        "linear.weight": normal(0, (2 / 6) ** 0.5),
        "linear.bias": Law("uniform", (-(8**-0.5), 8**-0.5)),
        "scale": constant(0.5),
        "token": normal(0, 0.02),
        "halves": GIVEN,
        "table": Law("uniform", (0.0, 1.0)),
        "index": GIVEN,
    }
    assert differences(laws(Layers), expected, ()) == differences(laws(Layers, "cpu"), expected, ()) == []


@pytest.mark.parametrize(
    "law", [trunc_normal(0.2, 1, -0.5, 2), Law("uniform", (-1.0, 3.0)), normal(1, 0.1), constant(2)], ids=str
)
def test_mean_and_spread_of_a_law(law: Law) -> None:
    numbers = torch.empty(200_000)
    torch.manual_seed(1)
    getattr(nn.init, f"{law.kind}_")(numbers, *law.numbers)
    assert abs(float(numbers.mean()) - law.mean) < 0.01
    assert abs(float(numbers.std()) - law.spread) < 0.01


def test_another_law_is_a_difference() -> None:
    ours = {"a": normal(0, 1), "b": constant(0), "c": GIVEN, "d": normal(0, 1)}
    theirs = {"a": normal(0, 1.001), "b": constant(0), "c": GIVEN, "e": normal(0, 1)}
    assert [line.partition(":")[0] for line in differences(ours, theirs, {"a", "b", "c"})] == ["a", "c", "d", "e"]

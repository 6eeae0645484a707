"""Every network that torchvision publishes: the same names, weights, outputs, parameters and multiply-adds."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import nn

from dslc.analysis.cost import costs
from dslc.ir.walk import flatten
from dslc.weights.init import numpy_type
from tests.zoo import lines, zoo
from tests.zoo.laws import declared, differences, noted
from tests.zoo.zoo import EXAMPLES, Published

pytest.importorskip("torchvision.models")

LIGHT = [
    row for row in zoo.THERE if not row.heavy and not any(r.model == row.model and r.size < row.size for r in zoo.THERE)
]
"""One row for each network that fits: that of its smallest size."""

TRAINED = list(zoo.smallest().values())


def test_every_builder_has_a_program() -> None:
    assert not set(zoo.BUILDERS) - set(zoo.programs())


@pytest.mark.parametrize("row", zoo.THERE, ids=lambda row: row.id)
def test_names_shapes_counts_and_first_weights(row: Published) -> None:
    model = row.compiled()
    with noted() as notes:
        network = row.reference(init=True)
        state = network.state_dict(keep_vars=True)
        theirs = {key: notes.of(tensor) for key, tensor in state.items()}
    expected = {key: (tuple(tensor.shape), str(tensor.dtype)) for key, tensor in state.items()}
    found = {
        path: (param.spec.shape, f"torch.{numpy_type(param.spec.dtype)}")
        for path, param in model.params.items()
        if param.spec.kind != "const"
    }
    assert found == expected
    assert differences(declared(model), theirs, dict(network.named_parameters())) == []
    cost = costs(model, flatten(model))
    counted = cost.count.params + (cost.count.train_only if row.model == "inception_v3" else 0)
    assert counted == row.params
    assert round(cost.macs / 1e9, 3) == row.gmacs
    assert not cost.unknown


ALWAYS = ("alexnet", "vit_b_16")
"""The smallest of their families, however large."""


def marks(row: Published) -> list[pytest.MarkDecorator]:
    """Above 40 M params networks are left to `-m long`."""
    return [pytest.mark.long] if row.params > 40 * 10**6 and row.model not in ALWAYS else []


@pytest.mark.parametrize("row", [pytest.param(row, id=row.id, marks=marks(row)) for row in LIGHT])
def test_outputs(row: Published, record_property: Callable[[str, object], None]) -> None:
    network = zoo.filled(row).eval()
    side = row.side()
    image = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(7))
    if row.model == "maxvit_t":  # with any other statistics it grows values so that float32 is right to 2e-5 only
        zoo.calibrate(network, image)
    mine = zoo.ours(row, network).eval()
    with torch.no_grad():
        expected, found = network(image), mine(image)
    first = next(zoo.tensors(expected))
    assert first.std(0).max() > 1e-3 * first.abs().max(), "the weights make every image look the same"
    error = zoo.difference(found, expected)
    theirs = lines.torchvision_lines(lines.module_of(row.model))
    record_property("zoo", (row.model, lines.of_program(row.file), theirs, row.params, row.gmacs, error))
    assert error <= 1e-5


def without_randomness(network: nn.Module) -> nn.Module:
    """Dropout and stochastic depth off, so that training draws nothing."""
    for module in network.modules():
        if hasattr(module, "p") and isinstance(module.p, float):
            setattr(module, "p", 0.0)  # noqa: B010 - of any class
        if isinstance(module, nn.MultiheadAttention):
            module.dropout = 0.0
        for name in ("attention_dropout", "dropout", "drop"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)
    return network


@pytest.mark.parametrize("row", TRAINED, ids=lambda row: row.id)
def test_training(row: Published) -> None:
    """In training with nothing drawn: the same outputs, auxiliary heads too, and the same running statistics."""
    network = without_randomness(zoo.filled(row)).train()
    mine = without_randomness(zoo.ours(row, network)).train()
    side = max(row.side(), 128) if row.side() != row.size else row.size
    image = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(7))
    expected, found = network(image), mine(image)
    assert zoo.difference(found, expected) <= 1e-4
    for key, tensor in network.state_dict().items():
        assert torch.allclose(mine.state_dict()[key].float(), tensor.float(), rtol=1e-3, atol=1e-4), key


@pytest.mark.parametrize(("file", "most"), [("resnet", 31), ("mobilenet_v2", 18), ("densenet", 22), ("vit", 32)])
def test_programs_are_short(file: str, most: int) -> None:
    assert lines.of_program(EXAMPLES / f"{file}.dl") <= most


def test_all_programs_are_at_most_an_eighth_of_torchvisions_code() -> None:
    ours, _, theirs = lines.totals()
    assert 8 * ours <= theirs, f"{ours} lines of .dl against {theirs}"


def test_lines_of_code_leave_out_what_is_none() -> None:
    text = '''"""Doc."""
import os  # a comment

# a comment
class A_Weights(WeightsEnum):
    V1 = 3

class B:
    """Doc
    of two lines."""

    x = """text
    of two lines"""
'''
    assert lines.of_python(text) == 4

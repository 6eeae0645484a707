"""What users do with a generated module: compile it, export it, trace it, and give it other sizes."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import fx

from dslc.backends.torch.guards import refusal
from dslc.ir.model import Model
from dslc.record import replace
from dslc.types.domain import domain
from tests.torch_backend.common import both, flat, inputs_of, model_of, network, scatter

COMPILED = (
    "resnet18",
    "kept_loop",
    "dense",
    "factory",
    "symbolic",
    "guards",
    "tensors",
    "shared",
    "either",
    "training",
)
EXPORTED = ("resnet18", "kept_loop", "factory", "symbolic", "guards", "escape", "both_sides")


@pytest.mark.parametrize("name", COMPILED)
def test_compiles_as_one_graph(name: str) -> None:
    model = model_of(name)
    net = network(both(model)[0], name).eval()
    scatter(net)
    inputs = inputs_of(model, 2)
    torch.compiler.reset()
    compiled = torch.compile(net, fullgraph=True, backend="eager")
    with torch.no_grad():
        for a, b in zip(flat(net(*inputs)), flat(compiled(*inputs)), strict=True):
            assert torch.equal(a, b)


@pytest.mark.parametrize("name", EXPORTED)
def test_exports_with_any_batch(name: str) -> None:
    model = model_of(name)
    net = network(both(model)[0], name).eval()
    inputs = inputs_of(model, 2)
    dynamic = tuple({0: torch.export.Dim.AUTO} for _ in inputs)
    program = torch.export.export(net, tuple(inputs), dynamic_shapes=dynamic)
    others = inputs_of(model, 5)
    with torch.no_grad():
        for a, b in zip(flat(net(*others)), flat(program.module()(*others)), strict=True):
            torch.testing.assert_close(a, b)


@pytest.mark.parametrize("name", ["resnet18", "guards"])
def test_traces(name: str) -> None:
    model = model_of(name)
    net = network(both(model)[0], name).eval()
    inputs = inputs_of(model, 2)
    with torch.no_grad():
        traced = fx.symbolic_trace(net)
        for a, b in zip(flat(net(*inputs)), flat(traced(*inputs)), strict=True):
            assert torch.equal(a, b)


def at(model: Model, **sizes: int) -> Model:
    """The model with other default sizes, for inputs of that size."""
    found = replace(model.sizes, default={**model.sizes.default, **sizes})
    return replace(model, sizes=found)


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("symbolic", {"H": 9, "W": 14}),
        ("guards", {"H": 40, "W": 31}),
        ("windows", {"H": 56, "W": 29}),
        ("same_padding", {"H": 18, "W": 23}),
        ("table_slice", {"T": 11}),
        ("resnet18", {"H": 97, "W": 64}),
        ("optional_port", {"T": 9}),
        ("square", {"H": 12, "W": 12}),
    ],
)
def test_sizes_never_elaborated(name: str, sizes: dict[str, int]) -> None:
    """Merged and unmerged agree at other sizes, and give the shape that the types say."""
    model = model_of(name)
    one, other = (network(made, name).eval() for made in both(model))
    scatter(one)
    other.load_state_dict(one.state_dict())
    inputs = inputs_of(at(model, **sizes), 3)
    with torch.no_grad():
        results = flat(one(*inputs)), flat(other(*inputs))
    where = {**model.sizes.default, **sizes, **dict.fromkeys(model.sizes.universal, 3)}
    for a, b, value in zip(*results, model.root.outputs, strict=True):
        assert torch.equal(a, b)
        assert list(a.shape) == [model.sizes.evaluate(d, where) for d in value.type.dims]


@pytest.mark.parametrize(
    ("name", "sizes", "says"),
    [
        ("guards", {"H": 36}, "H % 8 == 0"),
        ("windows", {"H": 14}, "H=14"),
        ("tensors", {"T": 7}, "T == 6; it has T=7"),
        ("square", {"W": 17}, "W == H"),
        ("vit_b_16", {"H": 230}, "H == 224"),
        ("lists", {"H": 12, "W": 20}, "H=12, W=20"),
    ],
)
def test_refused_sizes(name: str, sizes: dict[str, int], says: str) -> None:
    model = model_of(name)
    net = network(both(model)[0], name).eval()
    inputs = inputs_of(model, 1)
    axes = {n: a for v in (model.root.definition,) for n, a in _axes(v)}
    for symbol, size in sizes.items():
        index, axis = axes[symbol]
        shape = list(inputs[index].shape)
        shape[axis] = size
        inputs[index] = torch.zeros(shape, dtype=inputs[index].dtype)
    with pytest.raises(ValueError, match="the input must have") as caught:
        net(*inputs)
    assert says in str(caught.value)


def _axes(block: object) -> list[tuple[str, tuple[int, int]]]:
    from dslc.syntax import tree

    assert isinstance(block, tree.Block)
    found = []
    for index, port in enumerate(block.ports or ()):
        for axis, dim in enumerate(port.spec.dims or ()):
            if isinstance(dim.value, tree.Name):
                found.append((dim.value.name, (index, axis)))
    return found


@pytest.mark.parametrize(
    "allowed",
    [
        domain(1, None, 32, (0, 29, 30, 31)),
        domain(29),
        domain(5, 90, 6, (1, 4), (10, 16)),
        domain(224, 224),
        domain(1, None, 12, (0, 5, 7)),
        domain(3, None, 2, (1,)),
        domain(1, 1024),
        domain(1, None, 9, (1, 2, 3, 4, 5, 6, 7, 8)),
    ],
)
def test_refusal_is_the_complement(allowed: object) -> None:
    """Brute force: the conditions of the check hold exactly for the sizes that are not allowed."""
    from dslc.types.domain import Domain

    assert isinstance(allowed, Domain)
    conditions = refusal("h", allowed)
    for size in itertools.chain(range(1, 400), (1000, 1024, 1025, 4096)):
        assert any(eval(c, {"h": size}) for c in conditions) == (size not in allowed), size

"""Every registered op against PyTorch and onnxruntime, on the samples of samples.py."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

import dslc.ops
from dslc.ops.base import REGISTRY, Init, ParamSpec, Types
from dslc.record import replace
from dslc.types.dim import evaluate, product
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType
from tests.ops.context import SPAN, infer, torch_type
from tests.ops.export import export, run
from tests.ops.render import Rendered, render
from tests.ops.sample import Sample
from tests.ops.samples import SAMPLES

PAIRS = [(name, s) for name, samples in SAMPLES.items() for s in samples]


def own_specs(name: str, sample: Sample) -> list[ParamSpec]:
    """The tensors that a use makes and keeps in the state dict."""
    specs = sample.op(name).params(*sample.inputs)
    return [spec for spec in specs if spec.name not in sample.given and spec.kind != "const"]


def cases(pairs: list[tuple[str, Sample]]) -> pytest.MarkDecorator:
    """A test for each sample."""
    params = [pytest.param(name, s, id=f"{name} {s}") for name, s in pairs]
    return pytest.mark.parametrize(("name", "sample"), params)


def test_every_op_has_a_sample() -> None:
    assert dslc.ops.__all__
    assert set(SAMPLES) == set(REGISTRY)
    assert not [name for name, samples in SAMPLES.items() if not samples]


def tensors(sample: Sample, types: Types) -> list[Tensor]:
    """Random inputs of these types."""
    generator = torch.Generator().manual_seed(7)
    found = []
    for type_ in types:
        shape = [size for size in type_.dims if isinstance(size, int)]
        assert len(shape) == type_.rank
        if type_.dtype is DType.BOOL:
            found.append(torch.rand(shape, generator=generator) < 0.5)
        elif not type_.dtype.is_float:
            dtype = getattr(torch, type_.dtype.value)
            found.append(torch.randint(sample.below, shape, generator=generator).to(dtype))
        else:
            x = torch.randn(shape, generator=generator)
            found.append(x.abs() if sample.positive else x)
    return found


def given(sample: Sample) -> dict[str, Tensor]:
    """The tensors of a sample that are owned elsewhere."""
    generator = torch.Generator().manual_seed(8)
    return {name: torch.randn(shape, generator=generator) for name, shape in sample.given.items()}


def randomised(rendered: Rendered) -> torch.nn.Module | None:
    """The module with weights and statistics that are no defaults, so that each of them matters."""
    module = rendered.build()
    if module is None:
        return None
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for tensor in (
            *module.parameters(),
            *(b for name, b in module.named_buffers() if name in module.state_dict()),
        ):
            if tensor.dtype.is_floating_point:
                tensor.copy_(torch.rand(tensor.shape, generator=generator) + 0.5)
    return module


@cases(PAIRS)
def test_torch(name: str, sample: Sample) -> None:
    """Result types, parameters and multiply-adds are those of what the rule writes for PyTorch."""
    op = sample.op(name)
    outs = infer(op, sample.inputs)
    rendered = render(op, sample.inputs, outs)
    module = randomised(rendered)
    xs, ties = tensors(sample, sample.inputs), given(sample)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        results = rendered.call(module, xs, ties)
    for result, type_ in zip(results, outs, strict=True):
        assert tuple(result.shape) == type_.dims
        assert result.dtype == torch_type(type_.dtype)
    if module is not None and rendered.form.function is not None:
        for result, other in zip(results, rendered.call(None, xs, ties), strict=True):
            torch.testing.assert_close(result, other, equal_nan=True)

    specs = {p.name: p for p in op.params(*sample.inputs)}
    assert {key: tuple(value.shape) for key, value in ties.items()} == {key: specs[key].shape for key in ties}
    state = {} if module is None else module.state_dict()
    kept = [p for p in specs.values() if p.name not in ties and p.kind != "const"]
    expected = {p.name: (p.shape, torch_type(p.dtype)) for p in kept}
    assert {key: (tuple(v.shape), v.dtype) for key, v in state.items()} == expected
    trained = set() if module is None else {key for key, _ in module.named_parameters()}
    assert trained == {p.name for p in specs.values() if p.kind == "param" and p.name not in ties}

    counted = 0
    for work in op.macs(sample.inputs, outs):
        places = product(work.sizes)
        assert isinstance(places, int)
        counted += work.count * places
    assert counted == (counter.get_total_flops() // 2 if sample.macs is None else sample.macs)


@cases(PAIRS)
def test_onnx(name: str, sample: Sample) -> None:
    """The ONNX rule's model is valid, and onnxruntime computes what PyTorch does."""
    op = sample.op(name)
    outs = infer(op, sample.inputs)
    rendered = render(op, sample.inputs, outs)
    module = randomised(rendered)
    xs, ties = tensors(sample, sample.inputs), given(sample)
    with torch.no_grad():
        results = rendered.call(module, xs, ties)
    state = ({} if module is None else module.state_dict()) | ties
    model = export(op, sample.inputs, outs, {key: value.numpy() for key, value in state.items()})
    assert all(not node.domain for node in model.graph.node)
    for result, found in zip(results, run(model, [x.numpy() for x in xs]), strict=True):
        np.testing.assert_allclose(found, result.numpy(), rtol=1e-5, atol=1e-5)


def opened(sample: Sample, sizes: Sizes) -> tuple[TensorType, ...]:
    """The sample's types with its open axes symbolic: `A0`, the batch, universal; others with defaults."""
    first = sample.inputs[0]
    dims = list(first.dims)
    for axis in sample.open:
        size = dims[axis]
        assert isinstance(size, int)
        dims[axis] = sizes.symbol(f"A{axis}", None if axis == 0 else size, SPAN)
    rest = tuple(replace(t, dims=(dims[0], *t.dims[1:])) if 0 in sample.open else t for t in sample.inputs[1:])
    return (replace(first, dims=tuple(dims)), *rest)


@cases([(name, s) for name, s in PAIRS if s.open])
def test_open_sizes(name: str, sample: Sample) -> None:
    """With symbolic sizes: at other allowed sizes the types are PyTorch's, and onnxruntime agrees with it."""
    op, sizes = sample.op(name), Sizes()
    ins = opened(sample, sizes)
    outs = infer(op, ins, sizes)
    at = {}
    for symbol, default in sizes.default.items():
        allowed = [n for n in range(default + 1, default + 40) if n in sizes.domain[symbol]]
        at[symbol] = allowed[min(2, len(allowed) - 1)]
    numbers = tuple(replace(t, dims=tuple(evaluate(d, at) for d in t.dims)) for t in ins)
    rendered = render(op, sample.inputs, infer(op, sample.inputs))
    module = randomised(rendered)
    xs, ties = tensors(sample, numbers), given(sample)
    with torch.no_grad():
        results = rendered.call(module, xs, ties)
    for result, type_ in zip(results, outs, strict=True):
        assert tuple(result.shape) == tuple(evaluate(d, at) for d in type_.dims)
    state = ({} if module is None else module.state_dict()) | ties
    arrays = {key: value.numpy() for key, value in state.items()}
    model = export(op, ins, outs, arrays, sizes, tuple(sizes.default))
    for result, found in zip(results, run(model, [x.numpy() for x in xs]), strict=True):
        np.testing.assert_allclose(found, result.numpy(), rtol=1e-5, atol=1e-5)


# ---- initialisers


def expected(init: Init, shape: tuple[int, ...]) -> tuple[str, float, float]:
    """A distribution by torch/nn/init.py: ("constant", value, 0), ("uniform", low, high), ("normal", mean, std)."""
    args = {key: float(value) for key, value in init.args if isinstance(value, int | float)}
    match init.kind:
        case "zeros":
            return "constant", 0.0, 0.0
        case "ones":
            return "constant", 1.0, 0.0
        case "constant":
            return "constant", args["value"], 0.0
        case "uniform":
            return "uniform", args["a"], args["b"]
        case "normal":
            return "normal", args["mean"], args["std"]
        case "kaiming_uniform":
            bound = math.sqrt(2 / (1 + args["a"] ** 2)) * math.sqrt(3 / math.prod(shape[1:]))
            return "uniform", -bound, bound
        case "xavier_uniform":
            area = math.prod(shape[2:])
            bound = args.get("gain", 1.0) * math.sqrt(6 / (area * (shape[0] + shape[1])))
            return "uniform", -bound, bound
    raise AssertionError(f"no formula for the default initialiser {init}")


@cases([(name, s) for name, s in PAIRS if own_specs(name, s)])
def test_default_initialisers(name: str, sample: Sample) -> None:
    """Parameters of a new module are spread as their default initialiser says."""
    op = sample.op(name)
    rendered = render(op, sample.inputs, infer(op, sample.inputs))
    torch.manual_seed(3)
    states = [module.state_dict() for module in (rendered.build() for _ in range(60)) if module is not None]
    for spec in own_specs(name, sample):
        assert spec.init.default, "an op's own initialiser is torch's"
        if spec.init.kind in ("length", "singular"):  # follow from another parameter: tests/weights/test_derived.py
            continue
        drawn = torch.cat([state[spec.name].flatten().double() for state in states])
        kind, a, b = expected(spec.init, spec.shape)
        if kind == "constant":
            torch.testing.assert_close(drawn, torch.full_like(drawn, a))
            continue
        spread = 5 / math.sqrt(drawn.numel())
        if kind == "normal":
            assert abs(drawn.mean() - a) < spread * b
            assert abs(drawn.std() / b - 1) < spread
            continue
        gap = 12 / drawn.numel()  # the extremes are further in with probability exp(-12)
        assert a * (1 + 1e-6) <= drawn.min() < a + (b - a) * gap
        assert b - (b - a) * gap < drawn.max() <= b * (1 + 1e-6)
        assert abs(drawn.mean() - (a + b) / 2) < spread * (b - a)

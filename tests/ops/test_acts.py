"""What `acts` states against counts by PyTorch's dispatcher and by fvcore, on the samples of every op."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from fvcore.nn import ActivationCountAnalysis
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._python_dispatch import TorchDispatchMode

from dslc.analysis.cost import costs, value_at
from dslc.api import compile_model
from dslc.ir.walk import flatten
from dslc.types.dim import product
from tests.ops.context import infer
from tests.ops.render import Rendered, render
from tests.ops.sample import Sample
from tests.ops.samples import SAMPLES
from tests.ops.test_every_op import cases, given, randomised, tensors
from tests.ops.test_saved import around

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"

PAIRS = [(name, s) for name, samples in SAMPLES.items() for s in samples]

PRODUCTS = ("convolution", "addmm", "mm", "bmm", "baddbmm")
"""ATen's linear maps, which all others are made of while attention and recurrent layers are not fused."""

COUNTED_BY_FVCORE = ("conv", "deconv", "linear", "matmul", "einsum")


class Products(TorchDispatchMode):
    """Adds up the elements of the results of ATen's linear maps."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ in PRODUCTS:
            self.count += result.numel()
        return result


def stated(name: str, sample: Sample) -> int:
    """The rule's count."""
    op = sample.op(name)
    total = 0
    for work in op.acts(sample.inputs, infer(op, sample.inputs)):
        places = product(work.sizes)
        assert isinstance(places, int)
        total += work.count * places
    return total


@cases(PAIRS)
def test_acts(name: str, sample: Sample) -> None:
    """The elements that linear maps give while the op's PyTorch text runs; none for all other ops."""
    op = sample.op(name)
    rendered = render(op, sample.inputs, infer(op, sample.inputs))
    module = randomised(rendered)
    xs, ties = tensors(sample, sample.inputs), given(sample)
    with torch.no_grad(), around(name), sdpa_kernel(SDPBackend.MATH), Products() as products:
        rendered.call(module, xs, ties)
    assert stated(name, sample) == products.count


class Use(nn.Module):
    """A use of an op as a module, for tools that trace one."""

    def __init__(self, rendered: Rendered, ties: dict[str, Tensor]) -> None:
        super().__init__()
        self.rendered, self.ties, self.module = rendered, ties, randomised(rendered)

    def forward(self, *xs: Tensor) -> Sequence[Tensor]:
        return self.rendered.call(self.module, xs, self.ties)


def one_join(name: str, sample: Sample) -> bool:
    """Whether fvcore counts the use as the rule does: it takes an einsum of any number of tensors for one product."""
    return name != "einsum" or len(sample.inputs) == 2


@cases([(name, s) for name, s in PAIRS if name in COUNTED_BY_FVCORE and one_join(name, s)])
def test_fvcore(name: str, sample: Sample) -> None:
    """fvcore's count of activations, which is timm's `macts`."""
    op = sample.op(name)
    use = Use(render(op, sample.inputs, infer(op, sample.inputs)), given(sample))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        analysis = ActivationCountAnalysis(use.eval(), tuple(tensors(sample, sample.inputs)))
        counted = analysis.unsupported_ops_warnings(False).tracer_warnings("none").total()
    assert stated(name, sample) == counted


@pytest.mark.parametrize("name", COUNTED_BY_FVCORE)
def test_fvcore_sees_each(name: str) -> None:
    """No op of the comparison is left out of it."""
    assert any(one_join(name, sample) for sample in SAMPLES[name])


PUBLISHED = {
    "resnet": {
        "resnet50": "11.11",
        "resnet101": "16.23",
        "resnet152": "22.56",
        "resnext50_32x4d": "14.4",
        "resnext101_32x8d": "31.21",
        "wide_resnet50_2": "14.4",
        "wide_resnet101_2": "21.23",
    },
    "densenet": {"densenet121": "6.9", "densenet161": "11.06", "densenet169": "7.3", "densenet201": "7.85"},
    "vgg": {"vgg11": "7.44", "vgg13": "12.25", "vgg16": "13.56", "vgg19": "14.86", "vgg19_bn": "14.86"},
    "vit": {"vit_b_16": "23.9"},
}
"""Millions, rounded to two places: column infer_macts of timm's
results/benchmark-infer-amp-nchw-pt113-cu117-rtx3090.csv (github.com/huggingface/pytorch-image-models).
"""


@pytest.mark.parametrize(
    ("file", "net", "millions"),
    [(file, net, millions) for file, nets in PUBLISHED.items() for net, millions in nets.items()],
)
def test_published_totals(file: str, net: str, millions: str) -> None:
    """Whole networks against timm's table."""
    model = compile_model(EXAMPLES / f"{file}.dl", net)
    total = value_at(costs(model, flatten(model)).acts, model.sizes.default)
    assert round(total / 1e6, 2) == float(millions)

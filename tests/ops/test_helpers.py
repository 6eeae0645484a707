"""Helper classes that layers put into generated code: what they do in training and to a state dict."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dslc.backends.torch.verify import check_code
from tests.ops.context import Torch, infer
from tests.ops.render import Rendered, render
from tests.ops.sample import Sample, over_maps, tokens
from tests.ops.samples import SAMPLES


def rendered(name: str, sample: Sample) -> Rendered:
    op = sample.op(name)
    return render(op, sample.inputs, infer(op, sample.inputs))


def helpers(name: str, sample: Sample) -> list[str]:
    """The sources of the helpers that a use registers."""
    op = sample.op(name)
    context = Torch(op, sample.inputs, infer(op, sample.inputs))
    op.torch(context)
    return list(context.helpers.values())


def built(name: str, sample: Sample) -> nn.Module:
    module = rendered(name, sample).build()
    assert module is not None
    return module


def test_drop_path_drops_samples() -> None:
    """In training each sample is zero or scaled by 1 / (1 - p), with probability p of zero; else the identity."""
    module = built("droppath", over_maps(2, 3, 4, 4, p=0.25))
    x = torch.full((4000, 3, 2), 3.0)
    assert module(x) is x
    torch.manual_seed(0)
    ratio = module.train()(x) / x
    kept = ratio[:, 0, 0]
    torch.testing.assert_close(ratio, kept[:, None, None].expand_as(ratio))
    assert sorted(kept.unique().tolist()) == pytest.approx([0, 4 / 3])
    assert abs((kept == 0).float().mean() - 0.25) < 0.03


def test_drop_path_drops_a_batch() -> None:
    module = built("droppath", over_maps(2, 3, 4, 4, p=0.5, mode="batch")).train()
    x = torch.ones(8, 3, 2)
    torch.manual_seed(0)
    means = [module(x).unique().tolist() for _ in range(200)]
    assert {len(m) for m in means} == {1}
    assert {m[0] for m in means} == {0.0, 2.0}


@pytest.mark.parametrize("mode", ["row", "batch"])
def test_drop_path_at_the_ends(mode: str) -> None:
    """Probability 0 drops nothing, probability 1 everything, and neither divides by zero."""
    x = torch.rand(5, 3, 2)
    assert built("droppath", over_maps(2, 3, 4, 4, p=0.0, mode=mode)).train()(x) is x
    assert (built("droppath", over_maps(2, 3, 4, 4, p=1.0, mode=mode)).train()(x) == 0).all()


@pytest.mark.parametrize("mode", ["row", "batch"])
@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_drop_path_draws_as_torchvision_does(mode: str, p: float) -> None:
    """In both modes: the same samples dropped, and the same factor, from the same state of the generator."""
    stochastic_depth = pytest.importorskip("torchvision.ops").StochasticDepth(p, mode)
    module = built("droppath", over_maps(8, 3, 4, 4, p=p, mode=mode)).train()
    x = torch.rand(8, 3, 4, 4)
    for seed in range(5):
        results = []
        for layer in (module, stochastic_depth):
            torch.manual_seed(seed)
            results.append(layer(x))
        torch.testing.assert_close(*results, rtol=1e-6, atol=0)


def test_normalize_holds_no_state() -> None:
    """Its numbers move with the module and are in no state dict."""
    module = built("normalize", over_maps(2, 2, 4, 4, mean=(0.5, 0.25), std=(2.0, 4.0)))
    assert module.state_dict() == {}
    assert {name: b.shape for name, b in module.named_buffers()} == {"mean": (2, 1, 1), "std": (2, 1, 1)}
    double = module.double()(torch.ones(1, 2, 1, 1, dtype=torch.float64))
    assert double.flatten().tolist() == [0.25, 0.1875]


def test_tied_linear_shares_the_gradient() -> None:
    """The tensor that is given is trained where it is owned; the module owns only the other."""
    sample = Sample((tokens(2, 3, 7),), {"out": 5}, given={"weight": (5, 7)})
    use = rendered("linear", sample)
    module = use.build()
    assert module is not None
    assert list(module.state_dict()) == ["bias"]
    weight = torch.randn(5, 7, requires_grad=True)
    use.call(module, [torch.randn(2, 3, 7)], {"weight": weight})[0].sum().backward()
    assert weight.grad is not None and weight.grad.abs().sum() > 0
    assert module.get_parameter("bias").grad is not None


def test_helpers_work_on_meta_and_compile() -> None:
    """Modules with helpers are built without memory, and their code is traced whole."""
    with torch.device("meta"):
        norm = built("ln", over_maps(2, 4, 5, 6, axis=1))
    assert norm(torch.empty(2, 4, 5, 6, device="meta")).shape == (2, 4, 5, 6)
    use = rendered("conv", over_maps(1, 2, 9, 8, out=3, k=3, s=2, p="same_tf"))
    module = use.build()

    def forward(x: torch.Tensor) -> torch.Tensor:
        return use.call(module, [x], {})[0]

    exported = torch.export.export(
        Wrapped(forward),
        (torch.randn(1, 2, 9, 8),),
        dynamic_shapes=({2: torch.export.Dim.AUTO, 3: torch.export.Dim.AUTO},),
    )
    for height, width in ((9, 8), (12, 7), (5, 5)):
        x = torch.randn(1, 2, height, width)
        torch.testing.assert_close(exported.module()(x), forward(x))


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_helpers_may_stand_in_generated_files(name: str) -> None:
    """The allow-list of generated files accepts every helper."""
    for sample in SAMPLES[name]:
        for source in helpers(name, sample):
            check_code(source)


class Wrapped(nn.Module):
    """A function as a module, for torch.export."""

    def __init__(self, function: object) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert callable(self.function)
        result = self.function(x)
        assert isinstance(result, torch.Tensor)
        return result

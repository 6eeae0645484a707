"""What the tensors of generated modules begin with: once made, and by `reset_parameters` from the meta device."""

from __future__ import annotations

import textwrap

import numpy as np
import pytest
import torch
from torch import nn

from dslc.api import compile_model
from dslc.backends.torch.emit import Generated
from dslc.ir.model import Model
from dslc.weights.init import value_of
from tests.torch_backend.common import both, network

PROGRAMS = {
    "stated for a net": """
        net f on x[N, 3, H=16, W=16]:
            init conv = kaiming_normal(mode="fan_out"), linear = normal(mean=1, std=0.01), bias = constant(0.5)
            init bn = constant(2)
            conv(32, 3) -> bn -> cba(32) -> cba(32, act=prelu) -> conv(32, 3, bias=false) -> bn(affine=false)
            dw(5) -> pw(48) -> relu -> conv(32, 3, init=orthogonal(3), bias_init=normal) as written
            gap -> flatten -> linear(64) -> relu -> linear(64) -> relu -> linear(40)
    """,
    "layers of one, two and three dimensions": """
        net f on x[N, 8, T=16], y[N, 8, H=8, W=8], z[N, 8, D=4, H=8, W=8]:
            init conv = normal(std=0.3), deconv = normal(std=0.4), bias = ones, ln = constant(3), bn = constant(4)
            a = x -> conv(24, 3) -> ln(axis=1) -> conv(24, 3) -> bn -> deconv(24, 2, s=2) -> gap -> flatten
            b = y -> conv(24, 3) -> ln(axis=1) -> conv(24, 3) -> bn -> deconv(24, 2, s=2) -> gap -> flatten
            c = z -> conv(24, 3) -> conv(24, 3) -> bn -> deconv(24, 2, s=2) -> deconv(24, 2, s=2) -> gap -> flatten
            a + b + c
            ln(bias=false) -> bn -> ln
    """,
    "an inner statement and what is written win": """
        block own(std: float) on x[N, C, H, W]:
            init conv = normal(std=std), bias = constant(7)
            param gain: [C, 1, 1] = constant(2)
            for i in range(4): conv(C, 3) as `c{i}` -> relu
            plain -> (it * gain)

        block plain on x[N, C, H, W]:
            conv(C, 3) as a -> relu -> conv(C, 3, init=dirac) as b -> bn -> bn(init=zeros, bias_init=ones) as last

        block default on x[N, C, H, W]:
            init conv = none, conv.bias = none
            conv(C, 3) as a -> relu -> conv(C, 3) as b

        inline block laid on x[N, C, H, W]:
            init conv.bias = normal(mean=3)
            conv(C, 3) as laid

        net f on x[N, 16, H=16, W=16]:
            init conv = uniform(1, 2), bias = constant(-1), linear = zeros
            conv(16, 3) -> own(0.1) -> own(0.2) as second -> plain -> default -> laid
            conv(16, 1) as last -> gap -> flatten -> linear(8)
    """,
    "spectral norms beside weight norms that write their own": """
        net f on x[N, 16, H=8, W=8]:
            init linear = uniform(-1, 1)
            sn(conv(16, 3, bias_init=zeros)) as s -> wn(conv(16, 3, init=normal(std=2))) as w
            gap -> flatten -> linear(32)
    """,
    "an inner statement of other layers": """
        block part on x[N, C, H, W]:
            init gn = constant(3), gn.bias = constant(4)
            for i in range(5): conv(C, 3) as `c{i}` -> gn(4) as `n{i}` -> relu

        net f on x[N, 16, H=16, W=16]:
            init conv = uniform(1, 2), linear = normal
            conv(16, 3) -> conv(16, 3) -> part -> part as again -> gap -> flatten -> linear(30) -> linear(30)
    """,
    "a net in a net, each with its statements": """
        init bias = constant(0.25)

        net trunk on x[N, 16, H=16, W=16]:
            init conv = normal(std=0.5)
            for i in range(3): conv(16, 3) as `c{i}` -> relu
            bn(init=zeros)

        net f on x[N, 16, H=16, W=16]:
            init conv = uniform(3, 4)
            conv(16, 3) -> trunk -> conv(16, 3) -> conv(16, 3) -> gap -> flatten -> linear(20)
    """,
    "computed weights": """
        block unit(out: int) on x[N, C, T]:
            wn(conv(out, 3)) as a -> relu -> wn(conv(out, 3, init=normal(std=0.01), bias_init=ones)) as b -> relu

        net f on x[N, 16, T=32]:
            unit(16) -> unit(24) as second -> sn(conv(16, 3)) as s -> relu -> wn(deconv(16, 2, s=2)) as up
            gap -> flatten -> sn(linear(32)) -> wn(linear(16, bias=false)) as w
    """,
    "computed weights under a statement": """
        net f on x[N, 16, H=16, W=16]:
            init conv = normal(std=0.7), bias = constant(3), linear = normal(std=0.2)
            conv(16, 3) -> conv(16, 3) -> conv(16, 3) as plain
            wn(conv(16, 3)) as w1 -> wn(conv(16, 3)) as w2 -> wn(conv(16, 3, init=dirac)) as w3
            sn(conv(16, 3)) as s1 -> sn(conv(16, 3, bias=false)) as s2 -> relu
            gap -> flatten -> sn(linear(16)) as s3 -> linear(16) -> linear(16)
    """,
    "nothing stated, and computed weights alone": """
        net f on x[N, 16, T=32]: wn(conv(16, 3)) as a -> wn(conv(16, 3)) as b -> sn(conv(16, 3)) as c -> bn
    """,
    "tensors, tables and all other layers with weights": """
        block table(heads: int) on x[N, T, D]:
            param bias: [heads, 2 * T - 1] = trunc_normal(std=0.02)
            buffer steps: int64[i: T, j: T] = i - j + T - 1
            const scale: [3] = [1.0, 2.0, 3.0]
            param shift: [D] = ones
            y = linear(heads) -> rearrange("n t h -> n h t 1")
            z = bias[:, steps] -> rearrange("h i j -> 1 h i j")
            (y + z) * cast(scale, float)[none, none, none, :1]
            mean(-1) -> mean(1) -> linear(D) -> (it[:, none] + x + shift)

        net f on ids: int64[N, T=6], line[N, 8, L=32]:
            module words = embedding(60, 24)
            ids -> words -> table(4) -> table(3) as second
            lstm(24, layers=2, bidirectional=true, init=orthogonal, bias_init=zeros) -> gru(24)
            rnn(24, init=normal(std=2)) -> rmsnorm(init=constant(2))
            linear(60, weight=words.weight, bias_init=normal(std=0.1)) as tied -> mean(1)
            y = line -> conv(60, 3) -> inorm(true) -> prelu -> prelu(true, 0.1) -> swish(learned=true) -> gap -> flatten
            it + y
    """,
    "optional parts and kept loops": """
        block stage(n: int, wide: bool) on x[N, C, H, W]:
            if wide: conv(C, 1) as pre -> relu
            for i in range(n): conv(C, 3) as `c{i}` -> bn as `n{i}` -> relu
            if wide: conv(C, 1, init=zeros) as post

        net f on x[N, 16, H=16, W=16]:
            init conv = normal(std=0.5), bias = constant(3)
            stage(2, true) -> stage(3, false) -> stage(4, true) -> stage(1, false)
            module twice = seq: conv(16, 3) -> relu
            twice -> twice -> gap -> flatten -> linear(9)
    """,
    "statements that meet no layer, and layers without tensors": """
        block part on x[N, C, H, W]:
            init linear.bias = ones, conv = none
            for i in range(4): conv(C, 3) as `c{i}` -> relu

        net f on x[N, 16, H=16, W=16]:
            init conv = uniform(3, 4), ln = constant(3), bias = constant(2), inorm = constant(4)
            conv(16, 3) -> ln(axis=1) -> conv(16, 3) -> ln(axis=1, affine=false) as plain -> part -> conv(16, 3)
            inorm(true) -> relu -> inorm as bare -> gap -> flatten -> linear(16) -> ln -> ln(bias=false)
    """,
    "a bias in some": """
        block part(biased: bool) on x[N, C, H, W]:
            init conv = normal(std=0.5), conv.bias = constant(3)
            conv(C, 3, bias=biased) as a -> relu -> conv(C, 3, bias=biased, init=dirac) as b

        net f on x[N, 16, H=16, W=16]:
            part(true) -> part(false) -> part(true) -> conv(16, 3) -> gap -> flatten
    """,
}


DEFAULTS = "nothing but what PyTorch does"
PROGRAMS[DEFAULTS] = """
    net f on x[N, 8, T=32]:
        cba(16) -> conv(16, 3, init=kaiming_uniform(sqrt(5))) -> ln(axis=1, init=ones)
        prelu -> gap -> flatten -> linear(4)
"""


def model_of(name: str) -> Model:
    return compile_model(textwrap.dedent(PROGRAMS[name]).strip() + "\n", "f")


def check(net: nn.Module, model: Model) -> None:
    """Each tensor has the mean and spread of what the program says, to six standard errors, or its very numbers."""
    found = {**dict(net.named_parameters(remove_duplicate=False)), **dict(net.named_buffers())}
    for path, param in model.params.items():
        ours = found[path].detach().double().numpy().ravel()
        theirs = value_of(param).astype(np.float64).ravel()
        assert np.isfinite(ours).all(), path
        if param.spec.init.kind == "singular":
            assert abs(np.square(ours).sum() - 1) < 1e-4, path
        elif theirs.min() == theirs.max() or param.values is not None or param.spec.init.kind in ("dirac", "eye"):
            assert np.allclose(ours, theirs), f"{path}: {ours[:5]} for {theirs[:5]}"
        else:
            error = 6 * max(theirs.std(), ours.std()) * (2 / len(ours)) ** 0.5
            assert ours.min() < ours.max(), path
            assert abs(ours.mean() - theirs.mean()) < error, f"{path}: mean {ours.mean()} for {theirs.mean()}"
            assert abs(ours.std() - theirs.std()) < error, f"{path}: spread {ours.std()} for {theirs.std()}"


def emptied(made: Generated) -> nn.Module:
    """A module from the meta device, with nothing but NaN in it."""
    with torch.device("meta"):
        net = network(made, "f")
    net.to_empty(device="cpu")
    with torch.no_grad():
        for tensor in (*net.parameters(), *net.buffers()):
            tensor.fill_(float("nan") if tensor.is_floating_point() else -99)
    return net


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_tensor_begins_as_the_program_says(name: str) -> None:
    """However it is made: by the constructor, by `reset_parameters`, and by that of each module, parts first."""
    model = model_of(name)
    torch.manual_seed(0)
    for made in both(model):
        check(network(made, "f"), model)
        net = emptied(made)
        assert hasattr(net, "reset_parameters") == (name != DEFAULTS)
        if hasattr(net, "reset_parameters"):
            net.reset_parameters()  # type: ignore[operator]
            check(net, model)
            net = emptied(made)
        for module in reversed(list(net.modules())):
            if hasattr(module, "reset_parameters"):
                module.reset_parameters()  # type: ignore[operator]
        check(net, model)


def test_initial_values_follow_the_arguments_of_a_class() -> None:
    """Those that depend on an argument of the root are printed in its words, also from `init` statements."""
    text = """
    block part(std: float, out: int = 8) on x[N, C, H, W]:
        param gain: [C, 1, 1] = constant(std / 2)
        conv(C, 3, init=normal(std=1 / sqrt(9 * out))) -> (it * gain)

    net f(classes: int = 10, scale: float = 0.5) on image[N, 3, H=32, W=32]:
        let width = 16
        init linear = uniform(-1 / sqrt(classes), 1 / sqrt(classes)), conv = normal(std=scale / width)
        for i in range(4): conv(width, 3) as `c{i}` -> relu
        part(0.2) -> part(0.1, 16) as second -> gap -> flatten -> linear(classes) as head
    """
    made, apart = both(compile_model(textwrap.dedent(text), "f"))
    assert "std=self.scale / 16" in made.text and "std=1 / math.sqrt(9 * self.out)" in made.text
    torch.manual_seed(0)
    for generated, bound in ((made, 0.05), (apart, 10**-0.5)):
        arguments = {"classes": 400} if generated is made else {}
        net = network(generated, "f", **arguments)
        head = net.get_parameter("head.weight").detach()
        assert 0.9 * bound < head.abs().max().item() <= bound
    net = network(made, "f", scale=8.0)
    assert abs(net.get_parameter("c1.weight").std().item() - 0.5) < 0.05
    assert abs(net.get_parameter("second.conv.weight").std().item() - 1 / 12) < 0.01
    assert net.get_parameter("second.gain").unique().tolist() == pytest.approx([0.05])

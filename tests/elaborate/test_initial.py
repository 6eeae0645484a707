"""Initialisers: those written with a layer, and `init` statements, of which the nearest counts."""

from __future__ import annotations

from pathlib import Path

import pytest

from dslc.api import compile_model
from dslc.ir.model import Model
from dslc.ops.base import REGISTRY
from tests.elaborate.programs import body, errors, failing, model

IMAGE = "on x[N, 3, H=16, W=16]"


def kinds(found: Model) -> dict[str, str]:
    """The initialiser of each learned tensor, by key; those that PyTorch uses anyway are left out."""
    specs = {path: param.spec for path, param in found.params.items() if param.spec.kind == "param"}
    return {path: s.init.kind for path, s in specs.items() if not s.init.default}


def test_every_layer_with_a_bias_takes_bias_init() -> None:
    found = model("""
    net f on x[N, 3, H=16, W=16]:
        conv(8, 3, init=dirac, bias_init=constant(1))
        deconv(8, 2, s=2, bias_init=constant(2))
        wn(conv(8, 3, init=normal(std=0.1), bias_init=constant(3))) as weighed
        sn(conv(8, 3, bias_init=constant(4))) as spectral -> relu
        bn(init=zeros, bias_init=ones) -> inorm(true, bias_init=ones, init=zeros)
        gn(2, init=zeros, bias_init=ones) -> ln(axis=1, init=zeros, bias_init=ones)
        y = gap -> flatten -> linear(8, init=eye_, bias_init=constant(5))
        y -> rearrange("n (t d) -> n t d", t=2) -> rmsnorm(init=zeros)
        lstm(4, layers=2, bidirectional=true, init=orthogonal, bias_init=zeros) -> gru(4, bias_init=zeros) -> rnn(4)
    """)
    initial = kinds(found)
    assert initial.pop("weighed.parametrizations.weight.original1") == "normal"
    recurrent = {path: initial.pop(path) for path in list(initial) if path.startswith(("lstm", "gru", "rnn"))}
    assert {kind for path, kind in recurrent.items() if "weight" in path} == {"orthogonal"}
    assert {kind for path, kind in recurrent.items() if "bias" in path} == {"zeros"}
    assert len(recurrent) == 4 * 4 + 2
    assert initial == {
        "conv.weight": "dirac",
        "conv.bias": "constant",
        "deconv.bias": "constant",
        "weighed.bias": "constant",
        "spectral.bias": "constant",
        "linear.weight": "eye",
        "linear.bias": "constant",
        "rmsnorm.weight": "zeros",
        **{f"{norm}.weight": "zeros" for norm in ("bn", "inorm", "gn", "ln")},
        **{f"{norm}.bias": "ones" for norm in ("bn", "inorm", "gn", "ln")},
    }


def test_what_pytorch_does_anyway_is_no_other_initialiser() -> None:
    text = f"net f {IMAGE}: conv(8, 3) -> bn(init=ones, bias_init=zeros) -> gap -> flatten"
    assert kinds(model(text)) == {}


def test_a_statement_holds_for_the_whole_expansion_and_the_nearest_counts() -> None:
    found = model("""
    init conv = kaiming_normal, bias = constant(1)
    init linear = normal(std=0.01), conv.bias = constant(2)

    block own on x[N, C, H, W]:
        init conv = dirac, bias = zeros
        conv(C, 3)
        plain

    block plain on x[N, C, H, W]:
        conv(C, 3)
        conv(C, 3, init=orthogonal, bias_init=ones) as written

    inline block laid on x[N, C, H, W]:
        init conv.bias = uniform
        conv(C, 3) as laid

    net f on x[N, 3, H=16, W=16]:
        init conv.weight = xavier_normal
        own -> plain -> laid -> dw(3) -> gap -> flatten -> linear(8) as head
    """)
    assert kinds(found) == {
        "own.conv.weight": "dirac",
        "own.conv.bias": "zeros",
        "own.plain.conv.weight": "dirac",
        "own.plain.conv.bias": "zeros",
        "own.plain.written.weight": "orthogonal",
        "own.plain.written.bias": "ones",
        "plain.conv.weight": "xavier_normal",
        "plain.conv.bias": "constant",
        "plain.written.weight": "orthogonal",
        "plain.written.bias": "ones",
        "laid.weight": "xavier_normal",
        "laid.bias": "uniform",
        "conv.weight": "xavier_normal",
        "conv.bias": "constant",
        "head.weight": "normal",
        "head.bias": "constant",
    }
    values = {path: dict(found.params[path].spec.init.args).get("value") for path in ("plain.conv.bias", "head.bias")}
    assert values == {"plain.conv.bias": 2, "head.bias": 1}


def test_the_layers_of_std_and_layers_given_as_arguments_follow() -> None:
    found = model("""
    use std.resnet: basic

    net f on x[N, 3, H=16, W=16]:
        init conv = kaiming_normal(mode="fan_out", nonlinearity="relu"), bn = zeros
        cba(8, act=prelu) -> basic(16, s=2)
        residual: (conv(16, 3) -> relu)
        let last = wn(conv(4, 1))
        last -> gap -> flatten
    """)
    convs = {path for path in found.params if path.endswith("weight") and len(found.params[path].spec.shape) == 4}
    convs = {p for p in convs if "parametrizations" not in p} | {"conv_2.parametrizations.weight.original1"}
    initial = kinds(found)
    assert len(convs) == 6 and {initial[path] for path in convs} == {"kaiming_normal"}
    assert {initial[path] for path in set(initial) - convs} == {"zeros"} and len(initial) == len(convs) + 4


def test_a_statement_may_depend_on_parameters_and_none_is_pytorchs_own() -> None:
    text = """
    net f(std: float = 0.5, zero: bool = false, w: init? = none) on x[N, 3, H=16, W=16]:
        init linear = uniform(-1 / sqrt(8), 1 / sqrt(8)), conv = w
        let spread = normal(std=std)
        init embedding = spread
        if zero: init conv.bias = zeros
        conv(8, 3) as a -> gap -> flatten -> linear(8) as head
        it * embedding(1, 8)(zeros(N, dtype=int64))

    block quiet on x[N, C, H, W]:
        init conv = none
        conv(C, 3)

    net g on x[N, 3, H=16, W=16]:
        init conv = dirac
        quiet -> conv(3, 3, init=none) as follows -> gap -> flatten
    """
    found = model(text, "f")
    assert kinds(found) == {"head.weight": "uniform", "embedding.weight": "normal"}
    assert dict(found.params["embedding.weight"].spec.init.args) == {"mean": 0, "std": 0.5}
    assert dict(found.params["head.weight"].spec.init.args)["a"] == pytest.approx(-(8**-0.5))
    assert kinds(model(text, "f", zero=True))["a.bias"] == "zeros"
    assert kinds(model(text, "g")) == {"follows.weight": "dirac"}


def test_a_files_statements_are_those_of_its_nets(tmp_path: Path) -> None:
    parts = "init conv = dirac, bias = ones\n\nblock b on x[N, C, H, W]: conv(C, 3)\n\n"
    (tmp_path / "parts.dl").write_text(parts + f"net trunk {IMAGE}:\n    init bias = zeros\n    b -> conv(4, 3)\n")
    main = f'use "./parts.dl": b, trunk\n\nnet f {IMAGE}:\n    init bias = constant(2)\n    b -> trunk -> conv(4, 3)\n'
    (tmp_path / "main.dl").write_text(main + "\nnet same = trunk\n")
    found = kinds(compile_model(tmp_path / "main.dl", "f"))
    assert found == {
        "b.conv.bias": "constant",
        "trunk.b.conv.weight": "dirac",
        "trunk.b.conv.bias": "zeros",
        "trunk.conv.weight": "dirac",
        "trunk.conv.bias": "zeros",
        "conv.bias": "constant",
    }
    own = kinds(compile_model(tmp_path / "main.dl", "same"))
    assert own == {path.removeprefix("trunk."): kind for path, kind in found.items() if path.startswith("trunk.")}


def test_init_is_a_name_everywhere_else() -> None:
    found = model("""
    block b(init: init = zeros, w: int = 3) on x[N, C, H, W]:
        let init2 = init
        conv(C, w, init=init, bias_init=init2)

    net f(init: init = ones) on x[N, 3, H=16, W=16]:
        init conv = init
        conv(3, 3) -> b -> b(init=init) as c
        gap -> flatten
    """)
    assert kinds(found) == {
        "conv.weight": "ones",
        **{f"b.conv.{part}": "zeros" for part in ("weight", "bias")},
        **{f"c.conv.{part}": "ones" for part in ("weight", "bias")},
    }
    assert kinds(model(f"net f {IMAGE}:\n    init = conv(3, 1)\n    init + it\n    gap -> flatten")) == {}


def test_a_mistake_of_a_statement_is_said_once_where_it_was_written() -> None:
    found = failing("init bias = kaiming_uniform", "for i in range(3): conv(8, 3) as `c{i}`", "gap -> flatten")
    assert found == [("E0484", 2, "`kaiming_uniform` needs a tensor of at least 2 axes, and `c0.bias` is [8]")]
    text = f"init convv = zeros\n\nnet f {IMAGE}: conv(3, 3)\n\nnet g {IMAGE}: f -> f as again -> gap -> flatten"
    assert errors(text, "g") == [("E0388", 1, "there is no layer `convv`")]


@pytest.mark.parametrize("norm", ["bn", "inorm"])
def test_an_absorbed_bias_is_refused_where_it_was_asked_for_alone(norm: str) -> None:
    (found,) = failing(f"conv(8, 3, bias_init=zeros) -> {norm} -> gap -> flatten")
    assert found[0] == "E0390" and f"`{norm}` follows" in found[2]
    stated = body("init bias = constant(1)", f"conv(8, 3) -> {norm} as norm -> conv(8, 3) as last -> gap -> flatten")
    initial = kinds(stated)
    assert "conv.bias" not in stated.params and initial["last.bias"] == "constant"
    assert kinds(body(f"conv(8, 3, bias=true, bias_init=ones) -> {norm} -> gap -> flatten")) == {"conv.bias": "ones"}


def test_every_op_with_weights_can_be_initialised() -> None:
    """Those without `init` take numbers (`prelu(0.1)`), or hold a layer that has it."""
    owning = {name for name, cls in REGISTRY.items() if not cls.weightless}
    stated = {name for name, cls in REGISTRY.items() if "init" in cls.attributes}
    assert owning - stated == {"prelu", "swish", "sn", "wn"}

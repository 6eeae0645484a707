"""Parameters and multiply-adds: exact numbers, and the same as sums by size."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from dslc.analysis.cost import value_at
from dslc.api import compile_model
from dslc.diagnostics.model import CompileError
from tests.analysis.nets import compiled, cost_of, macs_by_path

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"


def test_layers_by_hand() -> None:
    model = compiled("""
        net f on x[N, 3, H=32, W=32]:
            conv(16, 3, s=2) as a -> bn as b -> relu
            conv(32, 3, g=4, bias=true) as c -> gap -> flatten -> linear(10) as d
    """)
    assert macs_by_path(model) == {
        "a": 16 * 16 * 16 * 27,
        "c": 16 * 16 * 32 * 4 * 9,
        "d": 320,
    }
    cost = cost_of(model)
    assert cost.macs == sum(macs_by_path(model).values())
    assert cost.count.params == 16 * 27 + 32 + (32 * 4 * 9 + 32) + 330
    assert cost.count.buffers == 16 + 16 + 1


def test_resnet50_is_torchvisions() -> None:
    """4.089 G and 25,557,032 (torchvision 0.28, models/resnet.py, ResNet50_Weights)."""
    cost = cost_of(compile_model(EXAMPLES / "resnet.dl", "resnet50"))
    assert cost.macs == 4_089_184_256
    assert cost.count.params == 25_557_032
    assert cost.terms and value_at(cost.terms, {"H": 224, "W": 224}) == cost.macs


@pytest.mark.parametrize(
    ("file", "net", "step"), [("resnet", "resnet50", 1), ("googlenet", "googlenet", 1), ("unet", "unet", 16)]
)
def test_the_expression_is_exact_at_other_sizes(file: str, net: str, step: int) -> None:
    """Against a compile at that size."""
    path = EXAMPLES / f"{file}.dl"
    terms = cost_of(compile_model(path, net)).terms
    draw = random.Random(1)
    for _ in range(3):
        at = {"H": draw.randrange(64, 300, step), "W": draw.randrange(64, 300, step)}
        assert value_at(terms, at) == cost_of(compile_model(path, net, sizes=at)).macs


def test_batch_counts_as_one_and_stays_out_of_the_terms() -> None:
    model = compiled("net f on x[N, 64, T=8]:\n    conv(4, 3)\n")
    assert [[str(size) for size in key] for key in cost_of(model).terms] == [["T"]]
    windows = compiled("""
        net f on x[N, 3, 32, 32]:
            rearrange("n c (h p) (w q) -> (n h w) c p q", p=8, q=8) -> conv(4, 1)
    """)
    assert cost_of(windows).macs == 32 * 32 * 3 * 4 and list(cost_of(windows).terms) == [()]


def test_a_shared_module_costs_each_use_and_counts_once() -> None:
    model = compiled("""
        net f on x[N, 8]:
            module head = linear(8)
            a = head
            a -> head -> head
    """)
    cost = cost_of(model)
    assert cost.macs == 3 * 64
    assert cost.count.params == 72


def test_a_tied_weight_counts_once() -> None:
    model = compiled("""
        net f on ids: int64[N, T=16]:
            module wte = embedding(100, 8)
            wte -> linear(100, bias=false, weight=wte.weight)
    """)
    cost = cost_of(model)
    assert cost.count.params == 800
    assert cost.macs == 16 * 800


def test_what_only_training_computes_is_apart() -> None:
    model = compiled("""
        net f on x[N, 8, 4, 4] -> main, aux when training:
            main = gap -> flatten -> linear(3) as head
            aux = flatten -> linear(5) as extra
    """)
    cost = cost_of(model)
    assert (cost.macs, cost.train_only_macs) == (24, 640)
    assert (cost.count.params, cost.count.train_only) == (27, 645)


def test_a_parameter_that_evaluation_shares_with_training_is_evaluations() -> None:
    model = compiled("""
        net f on x[N, 8] -> main, aux when training:
            module head = linear(3)
            main = head
            aux = relu -> head
    """)
    assert (cost_of(model).count.params, cost_of(model).count.train_only) == (27, 0)


def test_declared_tensors() -> None:
    model = compiled("""
        block tokens on x[N, T, D]:
            param pos: [1, T, D] = zeros
            buffer scale: [D] = ones
            const shift: [D] = zeros
            it * scale + shift + pos

        net f on x[N, 16, 8]:
            tokens -> linear(2)
    """)
    cost = cost_of(model)
    assert (cost.count.params, cost.count.buffers) == (128 + 18, 8)
    ((owner, count),) = cost.declared.items()
    assert (owner.path, count.params, count.buffers) == ("tokens", 128, 8)


def test_attention_by_the_formula() -> None:
    """Projections T*D*4D, and heads * T * T * (dqk + dv) = 2*T*T*D."""
    model = compiled("""
        use std.attention: attention

        net f on x[N, 16, 32]:
            attention(4)
    """)
    assert cost_of(model).macs == 16 * 32 * 4 * 32 + 2 * 16 * 16 * 32


EXTERN = """
    extern block swirl(out: int) on x[N, C, H, W] -> [N, out, H, W] = "my.parts:Swirl"
{}
    net f on x[N, 3, H=32, W=32]:
        conv(8, 3) -> swirl(16) -> gap -> flatten
"""


def test_a_module_of_the_users_own_costs_what_it_states() -> None:
    model = compiled(EXTERN.format("        macs = N * out * C * H * W\n        params = out * C\n"))
    cost = cost_of(model)
    assert (cost.macs, cost.count.params) == (27 * 8 * 1024 + 128 * 1024, 27 * 8 + 8 + 128)
    assert cost.unknown == []
    assert value_at(cost.terms, {"H": 64, "W": 8}) == (27 * 8 + 128) * 64 * 8


def test_what_it_does_not_state_is_unknown_not_zero() -> None:
    assert cost_of(compiled(EXTERN.format("        macs = 3\n"))).unknown == ["swirl"]
    assert cost_of(compiled(EXTERN.format(""))).unknown == ["swirl"]
    with pytest.raises(CompileError) as error:
        compiled(EXTERN.format("") + "        budget macs <= 1G\n")
    assert [d.code for d in error.value.diagnostics] == ["E0703"]

"""Which sizes and values are tried, and that each kind of them finds a graph that is wrong there alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from textwrap import dedent
from typing import Any

import numpy as np
import pytest
from torch import nn

from dslc.analysis.feeds import feeds
from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.build import build, torch_text
from dslc.diagnostics.model import Failure
from dslc.ir.model import Model
from dslc.ir.walk import flatten
from dslc.ops.base import Op
from dslc.parity.cases import FLAT, LARGE, MASKED, NEGATIVE, ORDINARY, TINY, WHOLE, Case, random_sizes, sizes_to_try
from dslc.parity.check import check_parity
from dslc.parity.inputs import RANGES, draw, kinds
from dslc.parity.judge import agree
from dslc.types.tensor import DType
from dslc.verify import maker
from dslc.weights.init import initial

Rule = Callable[..., Any]


def compiled(text: str) -> Model:
    return compile_model(dedent(text).lstrip("\n"))


def parity(model: Model, dynamic: tuple[str, ...] = ()) -> str:
    state, again = initial(model.params), partial(emit, model, dynamic=dynamic)
    make = maker(torch_text(model), model.entry)
    return check_parity(model, make, again(state), state, again, DType.FLOAT32, dynamic)


# ---- sizes


def test_every_open_size_is_tried_at_its_smallest_an_odd_and_a_larger_number() -> None:
    model = compiled("net f on x[N, 3, H=64, W=48]: conv(8, 3, s=2) -> maxpool(2) -> upsample(4) -> conv(3, 3)\n")
    assert sizes_to_try(model.sizes) == [
        {},
        {"H": 3, "W": 3},
        {"N": 3, "H": 33, "W": 25},
        {"N": 2, "H": 96, "W": 72},
        {"H": 3, "W": 72},
        {"H": 96, "W": 3},
    ]


def test_sizes_keep_to_guards_and_to_each_other() -> None:
    model = compiled(
        """
        net f on x[N, 3, H=64, W=32]:
            require H == 2 * W
            conv(8, 3, s=2) -> conv(8, 3, s=2) -> upsample(4) -> (it + conv(8, 3)(x))
        """
    )
    rows = sizes_to_try(model.sizes) + random_sizes(model.sizes, {"W", "H"}, 20)
    assert len(rows) > 8
    for row in rows:
        full = model.sizes.default | row
        assert full["H"] == 2 * full["W"] and full["W"] % 4 == 0 and full["N"] >= 1


# ---- what inputs are


def test_what_an_input_is_for() -> None:
    model = compiled(
        """
        net f on ids: int64[N, T=8], more: int64[N, T], mask[N, 1, T, T], bias[N, T], x[N, T, 8] -> a, b, c, d:
            a = ids[:, 1:] -> embedding(50, 4)
            q = rearrange(x, "n t (h d) -> n h t d", h=2)
            b = sdpa(q, q, q, mask=mask)
            scores = x @ transpose(x, 1, 2)
            c = softmax(scores + bias[:, none], axis=-1)
            d = more * 2
        """
    )
    found = feeds(flatten(model), model.root.inputs)
    assert [tuple(size for size, _ in feed.places) for feed in found] == [(50,), (), (), (), ()]
    assert [feed.mask for feed in found] == [False, False, True, True, False]
    assert kinds(model.root.inputs, found) == [LARGE, TINY, NEGATIVE, FLAT, MASKED, WHOLE]
    types = [value.type.dtype for value in model.root.inputs]
    ids, more, mask, _, x = draw(model, found, types, Case(MASKED, {"N": 3}), 0)
    assert ids.min() == 0 and ids.max() == 49 and more.max() <= 1
    assert set(np.unique(mask)) == {0.0, -np.inf} and (mask[0, 0, 0] == -np.inf).all()
    assert np.isfinite(x).all()
    whole = draw(model, found, types, Case(WHOLE, {}), 0, between=RANGES[0])[1]
    assert whole.min() == -(2**31) and whole.max() == 2**31 - 1


# ---- graphs that are wrong for some values alone


def clipped(self: Op, g: Any, x: Any, p: dict[str, str], ins: Any, outs: Any) -> str:
    """Rows above the second are never read."""
    return str(g.op("Gather", [p["weight"], g.op("Min", [x[0], g.scalar(1, DType.INT64)])]))


def unshifted(self: Op, g: Any, x: Any, p: dict[str, str], ins: Any, outs: Any) -> str:
    """Exponentials of the values as they are: too large ones overflow."""
    powers = g.op("Exp", [x[0]])
    return str(g.op("Div", [powers, g.op("ReduceSum", [powers, g.ints([-1])])]))


def other_eps(self: Op, g: Any, x: Any, p: dict[str, str], ins: Any, outs: Any) -> str:
    return str(g.op("LayerNormalization", [x[0], p["weight"], p["bias"]], axis=-1, epsilon=1e-3))


def absolute(self: Op, g: Any, x: Any, p: dict[str, str], ins: Any, outs: Any) -> str:
    return str(g.op("Relu", [g.op("Abs", [x[0]])]))


def by_default(self: Op, g: Any, x: Any, p: dict[str, str], ins: Any, outs: Any) -> str:
    """The first eight places, whatever there is."""
    start, end, axis = g.ints([0]), g.ints([8]), g.ints([2])
    return str(g.op("Relu", [g.op("Concat", [g.op("Slice", [x[0], start, end, axis])], axis=2)]))


WRONG: dict[str, tuple[str, str, Rule, str]] = {
    "indices": ("net f on ids: int64[N, T=8]: embedding(9, 4)\n", "embedding", clipped, "ordinary values"),
    "large": ("net f on x[N, 8]: softmax(-1)\n", "softmax", unshifted, "large values"),
    "tiny": ("net f on x[N, 8]: ln\n", "ln", other_eps, "values at"),
    "negative": ("net f on x[N, 8]: relu\n", "relu", absolute, "values at"),
    "sizes": ("net f on x[N, 1, H=8]: relu\n", "relu", by_default, r"H=12"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_graph_that_is_wrong_for_some_inputs_is_found(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text, op, rule, where = WRONG[name]
    model = compiled(text)
    assert parity(model).startswith("parity: torch and onnxruntime agree")
    node: Any = model.root.body[0]
    assert node.op.name == op
    monkeypatch.setattr(type(node.op), "onnx", rule)
    with pytest.raises(Failure, match=rf"E065[19].*{where}"):
        parity(model)


def test_a_masked_row_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """PyTorch gives NaN for a row of -inf; a graph that gives zeros is another network."""
    model = compiled("net f on scores[N, 4, 4], mask[N, 4, 4]: (scores + mask) -> softmax(-1)\n")
    assert "agree within" in parity(model)
    node: Any = model.root.body[1]

    def quiet(self: Op, g: Any, x: Any, p: dict[str, str], ins: Any, outs: Any) -> str:
        result = g.op("Softmax", [x[0]], axis=-1)
        return str(g.op("Where", [g.op("IsNaN", [result]), g.scalar(0.0, DType.FLOAT32), result]))

    monkeypatch.setattr(type(node.op), "onnx", quiet)
    with pytest.raises(Failure, match=r"E0651.*masked values"):
        parity(model)


# ---- sides that do not run


class Raising(nn.Module):
    def forward(self, *tensors: object) -> object:
        raise RuntimeError("no such kernel\nand more")


def test_a_module_that_raises_is_a_finding() -> None:
    model = compiled("net f on x[N, 8]: relu\n")
    with pytest.raises(Failure, match=r"E0659.*the PyTorch module fails for ordinary values at .*no such kernel$"):
        check_parity(model, Raising, emit(model, {}), {}, partial(emit, model), DType.FLOAT32)


def test_a_session_that_raises_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    model = compiled("net f on x[N, 1, H=8]: relu\n")

    def absent(self: Op, g: Any, x: Any, p: dict[str, str], ins: Any, outs: Any) -> str:
        return str(g.op("Relu", [g.op("Gather", [x[0], g.ints([7])], axis=2)]))

    node: Any = model.root.body[0]
    monkeypatch.setattr(type(node.op), "onnx", absent)
    with pytest.raises(Failure, match=r"E065[19]"):
        parity(model, ("N", "H"))


def test_the_type_that_a_network_runs_in_sets_the_limit(tmp_path: Any) -> None:
    """Tokens are whole numbers: nothing among the inputs says that the network computes in 16 bits."""
    model = compiled("net f on ids: int64[N, T=8]: embedding(500, 64) -> linear(64) -> gelu -> linear(500)\n")
    (line,) = build(model, tmp_path, checks=("parity",), dtype=DType.FLOAT16).checks
    assert "agree within" in line
    with pytest.raises(Failure, match=r"E0655.*cannot run bfloat16 here"):
        build(model, tmp_path / "none", checks=("parity",), dtype=DType.BFLOAT16)
    assert not (tmp_path / "none").exists()


# ---- the judgement


def test_values_beyond_the_range_of_the_type_say_nothing() -> None:
    exact = np.array([1e39, 1.0])
    ours, theirs = np.array([3e38, 1.0], np.float32), np.array([np.inf, 1.0], np.float32)
    assert agree(ours, theirs, lambda: exact, 1e-4) == (True, 0.0)
    assert not agree(ours, theirs, lambda: None, 1e-4)[0]
    assert not agree(theirs, ours, lambda: exact, 1e-4)[0], "PyTorch's result is finite"


def test_ordinary_values_are_two_kinds_of_truth() -> None:
    model = compiled("net f on keep: bool[N, 4, 16]: where(keep, 1.0, 0.0)\n")
    known = feeds(flatten(model), model.root.inputs)
    assert kinds(model.root.inputs, known) == [MASKED]
    (keep,) = draw(model, known, [DType.BOOL], Case(ORDINARY, {}), 0)
    assert keep.any() and not keep.all()

"""Attention, products and recurrence: rows without keys, open sizes, multiply-adds, and mistakes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dslc.diagnostics.model import Mistake, Reject
from dslc.ops.base import Op
from dslc.ops.errors_product import (
    CausalMask,
    EinsumPattern,
    EinsumSize,
    HeadsMismatch,
    InnerMismatch,
    OddFeatures,
    StateShape,
)
from dslc.ops.errors_tensor import RankMismatch, ShapeMismatch
from dslc.types.dim import evaluate, product
from dslc.types.sizes import Sizes
from dslc.types.tensor import DType, TensorType
from tests.ops.context import SPAN, infer
from tests.ops.export import export, run
from tests.ops.render import render
from tests.ops.sample import bools, plain, tokens
from tests.ops.samples_tensors import use

HEADS = tokens(2, 4, 5, 6)


def test_a_query_without_keys_gives_zeros() -> None:
    """torch's rule (`_safe_softmax`); a plain softmax over minus infinity would give NaN."""
    op = use("sdpa")
    ins = (HEADS, HEADS, HEADS, bools(2, 1, 5, 5))
    outs = infer(op, ins)
    q, k, v = torch.randn(3, 2, 4, 5, 6, generator=torch.Generator().manual_seed(1))
    mask = torch.rand(2, 1, 5, 5, generator=torch.Generator().manual_seed(2)) < 0.5
    mask[0, 0, 3] = False
    (by_torch,) = render(op, ins, outs).call(None, [q, k, v, mask], {})
    (by_ort,) = run(export(op, ins, outs, {}), [x.numpy() for x in (q, k, v, mask)])
    assert (by_torch[0, :, 3] == 0).all()
    np.testing.assert_allclose(by_ort, by_torch.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "attributes", "count"),
    [("sdpa", {"causal": True}, 3), ("sdpa", {}, 3), ("rotary", {}, 1), ("rotary", {"interleaved": True}, 1)],
)
def test_open_lengths(name: str, attributes: dict[str, object], count: int) -> None:
    """The export with an open length is right at other lengths than the default."""
    sizes = Sizes()
    batch, time = sizes.symbol("N", None, SPAN), sizes.symbol("T", 5, SPAN)
    ins = (TensorType((batch, 4, time, 6), channel=3),) * count
    op = use(name, **attributes)
    outs = infer(op, ins, sizes)
    assert sizes.guards == []
    model = export(op, ins, outs, {}, sizes, ("N", "T"))
    for length in (1, 5, 9):
        xs = list(torch.randn(count, 3, 4, length, 6, generator=torch.Generator().manual_seed(1)))
        (expected,) = render(op, ins, outs).call(None, xs, {})
        (found,) = run(model, [x.numpy() for x in xs])
        np.testing.assert_allclose(found, expected.numpy(), rtol=1e-5, atol=1e-6)


def test_multiply_adds_are_polynomials_of_the_length() -> None:
    sizes = Sizes()
    time = sizes.symbol("T", 16, SPAN)
    x = TensorType((1, 4, time, 6), channel=3)
    op = use("sdpa")
    total = sum(work.count * product(work.sizes) for work in op.macs((x,) * 3, infer(op, (x,) * 3, sizes)))
    assert [evaluate(total, {"T": t}) for t in (1, 7)] == [4 * (6 + 6), 4 * 49 * (6 + 6)]


def test_causal_lengths_must_be_equal() -> None:
    sizes = Sizes()
    time, other = sizes.symbol("T", 16, SPAN), sizes.symbol("S", 16, SPAN)
    q, k = (TensorType((1, 4, size, 6), channel=3) for size in (time, other))
    assert infer(use("sdpa"), (q, k, k), sizes)[0].dims == q.dims
    with pytest.raises(Reject, match="different sizes"):
        infer(use("sdpa", causal=True), (q, k, k), sizes)


@pytest.mark.parametrize(
    ("op", "ins", "kind", "words"),
    [
        (use("sdpa"), (HEADS, tokens(2, 4, 6), HEADS), RankMismatch, "4 axes and 3 axes"),
        (use("sdpa"), (HEADS, tokens(2, 2, 5, 6), tokens(2, 2, 5, 6)), HeadsMismatch, "must be equal"),
        (use("sdpa", gqa=True), (HEADS, tokens(2, 3, 5, 6), tokens(2, 3, 5, 6)), HeadsMismatch, "3 does not"),
        (use("sdpa", gqa=True), (HEADS, tokens(2, 2, 5, 6), tokens(2, 4, 5, 6)), HeadsMismatch, "4 heads"),
        (use("sdpa"), (HEADS, tokens(2, 4, 5, 7), HEADS), ShapeMismatch, "6 features in each head of"),
        (use("sdpa"), (HEADS, HEADS, tokens(2, 4, 7, 6)), ShapeMismatch, "5 on one side and 7"),
        (use("sdpa"), (HEADS, tokens(3, 4, 5, 6), HEADS), ShapeMismatch, "axis 0 is 2 on one side and 3"),
        (use("sdpa", causal=True), (HEADS, tokens(2, 4, 7, 6), tokens(2, 4, 7, 6)), ShapeMismatch, "axis 2"),
        (use("sdpa", causal=True), (HEADS, HEADS, HEADS, bools(1, 1, 5, 5)), CausalMask, "causal=true"),
        (use("sdpa"), (HEADS, HEADS, HEADS, bools(2, 1, 5, 4)), ShapeMismatch, "axis 3 is 5"),
        (use("sdpa"), (HEADS, HEADS, HEADS, bools(5, 5)), RankMismatch, "4 axes and 2 axes"),
        (use("rotary"), (tokens(2, 5, 7),), OddFeatures, "7 features"),
        (use("matmul"), (tokens(2, 5, 6), tokens(2, 5, 6)), InnerMismatch, "sums over 6 of the first and 5"),
        (use("matmul"), (tokens(2, 5, 6), tokens(3, 6, 5)), ShapeMismatch, "axis 0"),
        (use("matmul"), (tokens(2, 5, 6), tokens(6, 5)), RankMismatch, "3 axes and 2 axes"),
        (use("einsum", pattern="nd,nd"), (plain(2, 3),) * 2, EinsumPattern, "one `->`"),
        (use("einsum", pattern="nd->n"), (plain(2, 3),) * 2, EinsumPattern, "names 1 tensors, but 2"),
        (use("einsum", pattern="nn->n"), (plain(2, 2),), EinsumPattern, "`nn` names an axis twice"),
        (use("einsum", pattern="nd->ndd"), (plain(2, 2),), EinsumPattern, "`ndd` names an axis twice"),
        (use("einsum", pattern="nde->n"), (plain(2, 2),), EinsumPattern, "3 axes of [2, 2]"),
        (use("einsum", pattern="nd->nx"), (plain(2, 2),), EinsumPattern, "`x` is only in the result"),
        (use("einsum", pattern="n1->n"), (plain(2, 2),), EinsumPattern, "`1` is no letter"),
        (use("einsum", pattern="nd,nd->n"), (plain(2, 3), plain(2, 4)), EinsumSize, "`d` is 3 and 4"),
        (use("gru", hidden=4), (tokens(2, 5, 6), tokens(1, 2, 5)), StateShape, "needs [1, 2, 4]"),
        (use("gru", hidden=4, layers=2), (tokens(2, 5, 6), tokens(1, 2, 4)), StateShape, "needs [2, 2, 4]"),
        (use("gru", hidden=4), (tokens(2, 5, 6), tokens(1, 3, 4)), StateShape, "needs [1, 2, 4]"),
        (use("lstm", hidden=4), (tokens(2, 5, 6), tokens(1, 2, 4)), StateShape, "needs 2 tensors"),
    ],
)
def test_mistakes(op: Op, ins: tuple[TensorType, ...], kind: type[Mistake], words: str) -> None:
    with pytest.raises(Reject) as caught:
        infer(op, ins)
    mistake = caught.value.mistake
    assert type(mistake) is kind
    assert words in f"{mistake.message} {mistake.label}"


def test_channels_of_products() -> None:
    scores = infer(use("matmul"), (HEADS, tokens(2, 4, 6, 5)))[0]
    assert scores.channel == 3
    assert infer(use("matmul"), (scores, tokens(2, 4, 5, 3)))[0].channel == 3
    assert infer(use("einsum", pattern="nhqd,nhkd->nhqk"), (HEADS, HEADS))[0].channel == 3
    assert infer(use("einsum", pattern="nhqk,nhkd->nhdq"), (scores, tokens(2, 4, 5, 3)))[0].channel == 2


def test_a_product_is_of_one_type() -> None:
    half = TensorType((2, 5, 6), DType.FLOAT16, 2)
    with pytest.raises(Reject, match="`@` joins float16 and float"):
        infer(use("matmul"), (half, tokens(2, 6, 5)))
    assert infer(use("matmul"), (half, TensorType((2, 6, 5), DType.FLOAT16)))[0].dtype is DType.FLOAT16


@pytest.mark.parametrize("dtype", [DType.FLOAT32, DType.FLOAT16])
@pytest.mark.parametrize("shape", [(1, 1, 5, 5), (2, 1, 5, 5), (1, 1, 5, 1)])
def test_a_row_of_minus_infinity_gives_zeros_as_in_torch(dtype: DType, shape: tuple[int, ...]) -> None:
    """And a row of the type's least number does not: torch adds the mask in float32."""
    ins = (*(tokens(2, 2, 5, 8),) * 3, TensorType(shape))
    op = use("sdpa")
    rng, kind = np.random.default_rng(0), np.dtype(dtype.value)
    q, k, v = ((3 * rng.standard_normal((2, 2, 5, 8))).astype(kind) for _ in range(3))
    mask = np.zeros(shape, kind)
    mask[..., 2, :] = -np.inf
    mask[..., 3, :] = np.finfo(kind).min
    mask[..., 1, :2] = -np.inf
    (found,) = run(export(op, ins, infer(op, ins), {}, dtype=dtype), [q, k, v, mask])
    tq, tk, tv, tm = (torch.from_numpy(a) for a in (q, k, v, mask))
    expected = F.scaled_dot_product_attention(tq, tk, tv, attn_mask=tm)
    assert not expected[:, :, 2].any() and expected[:, :, 3].all()
    np.testing.assert_allclose(found, expected.numpy(), atol=1e-5 if dtype is DType.FLOAT32 else 1e-2)

"""`upsample`: its sizes and the places it reads are PyTorch's, and the graph's where Resize has others too."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from dslc.ops.base import REGISTRY
from dslc.ops.interpolation import Line
from dslc.ops.resize import always_alike
from dslc.ops.scaling import exact, scaled, written
from dslc.types.dim import evaluate
from dslc.types.sizes import Sizes
from tests.ops.context import SPAN, Infer, infer
from tests.ops.export import export, run
from tests.ops.sample import maps

HUNDREDTHS = [i / 100 for i in range(5, 401)]
ODD = [1 / 3, 2 / 3, 0.333333, 0.3333, math.pi, math.sqrt(2), 1e-3, 0.999, 1.0001, 41.0, 1.125, 0.0625]


# ---- sizes


def test_known_sizes_are_torchs() -> None:
    """Every size up to 64 by every factor; 100 by 0.29 is 28, 9 by 0.333333 is 2."""
    c = Infer(Sizes())
    assert scaled(c, 100, 0.29) == 28
    assert scaled(c, 9, 0.333333) == 2
    for n in range(1, 65):
        x = torch.zeros(1, 1, n)
        for factor in [*HUNDREDTHS[:: 1 if n in (20, 50, 64) else 7], *ODD]:
            if n * factor >= 1:
                assert scaled(c, n, factor) == F.interpolate(x, scale_factor=factor).shape[2], (n, factor)


def test_open_sizes_are_torchs_at_every_allowed_size() -> None:
    """The size as an expression, at all sizes up to 10,000 that the guards leave, of which the default is one."""
    tried = 0
    for factor in [*HUNDREDTHS[::4], 0.7, 1.4, 0.29, 2.3, 0.58, *ODD]:
        for default in (12, 100, 640):
            if default * factor < 1:
                continue
            sizes = Sizes()
            size = scaled(Infer(sizes), sizes.symbol("H", default, SPAN), factor)
            allowed = sizes.domain["H"]
            assert default in allowed
            for n in range(1, 10_001, 1 if factor in (0.7, 1.4, 0.29) else 19):
                if n in allowed:
                    tried += 1
                    assert evaluate(size, {"H": n}) == math.floor(float(n) * factor), (factor, n)
    assert tried > 100_000


@pytest.mark.parametrize("factor", [2.0, 0.5, 1.5, 0.25, 1 / 3, 0.1, 0.3, 1.1, 1.2])
def test_an_exact_factor_allows_every_size(factor: float) -> None:
    sizes = Sizes()
    scaled(Infer(sizes), sizes.symbol("H", 100, SPAN), factor)
    assert exact(factor) and not sizes.guards


@pytest.mark.parametrize(
    ("factor", "default", "text"),
    [(1.4, 12, "H % 5 != 0"), (0.7, 100, "91 <= H <= 169"), (0.29, 100, "H <= 299"), (0.7, 90, "81 <= H <= 99")],
)
def test_a_factor_that_rounds_keeps_out_the_sizes_of_another_rounding(factor: float, default: int, text: str) -> None:
    """5 * 1.4 is 7, and 45 * 1.4 is 62.99999999999999: of an open size both cannot be."""
    sizes = Sizes()
    scaled(Infer(sizes), sizes.symbol("H", default, SPAN), factor)
    assert not exact(factor)
    assert sizes.domain["H"].exact_text("H") == text


def test_a_factor_is_the_simplest_fraction_of_its_double() -> None:
    for p in range(1, 40):
        for q in (1, 3, 7, 10, 100, 1000):
            assert written(p / q) == written(float(written(p / q)))
            assert float(written(p / q)) == p / q
            assert written(p / q).denominator <= q


# ---- places


def pairs(seed: int, count: int, longest: int) -> Iterator[tuple[int, int, float | None]]:
    """Sizes before and after, and the factor between them, if one is given."""
    draw = random.Random(seed)
    for _ in range(count):
        n = draw.choice([1, 2, draw.randint(1, longest)])
        if draw.random() < 0.5:
            yield n, draw.choice([1, n, 2 * n, draw.randint(1, 2 * longest)]), None
            continue
        factor = draw.choice([2, 0.5, 1.5, 1.05, 1.25, 2.1, 1 / 3, round(draw.uniform(0.1, 3), draw.randint(1, 3))])
        m = math.floor(float(n) * factor)
        if m >= 1:
            yield n, m, float(factor)


def torch_reads(mode: str, n: int, m: int, factor: float | None, images: bool) -> list[int]:
    """The places that PyTorch copies, of an axis, or of the rows of an image."""
    x = torch.arange(n, dtype=torch.float32).reshape((1, 1, n, 1) if images else (1, 1, n))
    target: Any = {"size": (m, 1) if images else m} if factor is None else {"scale_factor": (factor, 1.0)[: 1 + images]}
    return [int(v) for v in F.interpolate(x, mode=mode, **target).flatten()]


@pytest.mark.parametrize("mode", ["nearest", "nearest-exact"])
@pytest.mark.parametrize("images", [False, True])
def test_the_table_of_a_copied_axis_is_torchs(mode: str, images: bool) -> None:
    for n, m, factor in pairs(1, 3000, 200):
        line = Line(mode, n, m, factor, small=images and m + 1 <= 128)
        assert line.nearest() == torch_reads(mode, n, m, factor, images), (n, m, factor)


def test_all_pairs_of_sizes_are_copied_as_torch_copies() -> None:
    """26 to 64 reads place 13 at 32, where a quotient in float32 gives 12.9999."""
    assert Line("nearest", 26, 64).nearest()[32] == 13
    for n in range(1, 40):
        for m in range(1, 60):
            assert Line("nearest", n, m).nearest() == torch_reads("nearest", n, m, None, False)


@pytest.mark.parametrize("mode", ["linear", "bicubic"])
@pytest.mark.parametrize("corners", [False, True])
def test_the_taps_of_a_mixed_axis_are_torchs(mode: str, corners: bool) -> None:
    for n, m, factor in pairs(2, 150, 120):
        x = torch.eye(n)[:, None] if mode == "linear" else torch.eye(n)[:, None, :, None].repeat(1, 1, 1, 2)
        whole: Any = (m, 2) if mode == "bicubic" else m
        times: Any = (factor, 1.0) if mode == "bicubic" else factor
        target = {"size": whole} if factor is None else {"scale_factor": times}
        expected = F.interpolate(x, mode=mode, align_corners=corners, **target)
        rows = (expected[..., 0] if mode == "bicubic" else expected)[:, 0].T.numpy()
        found = np.zeros((m, n))
        for places, weights in Line(mode, n, m, factor, corners).taps():
            np.add.at(found, (np.arange(m), np.array(places)), weights)
        np.testing.assert_allclose(found, rows, atol=2e-6, err_msg=f"{n} {m} {factor}")


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("corners", [False, True])
def test_the_matrix_of_an_antialiased_axis_is_torchs(mode: str, corners: bool) -> None:
    for n, m, factor in pairs(3, 120, 60):
        x = torch.eye(n)[:, None, :, None].repeat(1, 1, 1, 2)
        target: Any = {"size": (m, 2)} if factor is None else {"scale_factor": (factor, 1.0)}
        expected = F.interpolate(x, mode=mode, align_corners=corners, antialias=True, **target)
        found = np.array(Line(mode, n, m, factor, corners).antialiased())
        np.testing.assert_allclose(found, expected[:, 0, :, 0].T.numpy(), atol=3e-6, err_msg=f"{n} {m} {factor}")


def test_what_is_always_alike_is_alike_at_every_size() -> None:
    """The claim of `always_alike`, place by place up to 2**16, and its refusal of what some size contradicts."""
    from fractions import Fraction

    u = np.arange(1 << 16, dtype=np.float32)
    half = np.float32(0.5)
    alike = 0
    for p in range(1, 60):
        for q in (1, 2, 4, 8, 3, 10):
            factor = Fraction(p, q)
            scale, step = np.float32(p / q), np.float32(1.0 / (p / q))
            if always_alike("nearest", factor):
                alike += 1
                assert (np.floor(u / scale) == np.floor(u * step)).all(), factor
            if always_alike("nearest-exact", factor):
                theirs = np.floor((u + half) / scale - half + half)
                assert (theirs == np.floor((np.float64(step) * (u + half) - 0.5).astype(np.float32) + half)).all(), (
                    factor
                )
    assert alike > 100
    assert not always_alike("nearest", Fraction(41)), "41 * float32(1 / 41) is below 1"
    assert not always_alike("nearest", Fraction(7, 10))


# ---- graphs


def upsampled(shape: tuple[int, ...], **attributes: Any) -> tuple[set[str], float]:
    """The kinds of nodes that stand for an upsampling, and how far onnxruntime is from PyTorch."""
    op = REGISTRY["upsample"](**attributes)
    ins = (maps(*shape),)
    outs = infer(op, ins)
    model = export(op, ins, outs, {})
    x = torch.randn(shape, generator=torch.Generator().manual_seed(3))
    given = {{"scale": "scale_factor"}.get(name, name): value for name, value in attributes.items()}
    expected = F.interpolate(x, **given).numpy()
    assert expected.shape == outs[0].dims
    (found,) = run(model, [x.numpy()])
    assert found.shape == expected.shape
    return {node.op_type for node in model.graph.node} - {"Identity"}, float(np.abs(found - expected).max())


KINDS: list[tuple[tuple[int, ...], dict[str, Any], set[str]]] = [
    ((1, 2, 8, 8), {"scale": 2.0}, {"Resize"}),
    ((1, 2, 8, 8), {"scale": 2.0, "mode": "bilinear"}, {"Resize"}),
    ((1, 2, 26), {"size": 64}, {"Gather"}),
    ((1, 2, 20), {"size": 6, "mode": "nearest-exact"}, {"Gather"}),
    ((1, 2, 26, 8), {"size": (64, 16)}, {"Gather", "Resize"}),
    ((1, 1, 100, 100), {"scale": 0.29, "mode": "bilinear"}, {"Resize"}),
    ((1, 2, 10, 10), {"scale": 1.05}, set()),  # a small image is copied
    ((1, 2, 10), {"scale": 1.05}, {"Gather"}),
    ((1, 2, 100, 100), {"scale": 1.004}, {"Gather"}),
    ((1, 2, 8, 39), {"scale": (2.1, 1.04)}, {"Resize"}),  # a small image is doubled
    ((1, 2, 10, 10), {"scale": 1.05, "mode": "bilinear"}, set()),
    ((1, 2, 10, 10), {"scale": 1.05, "mode": "bicubic"}, {"Gather", "Mul", "Add"}),
    ((1, 2, 3, 4, 5), {"scale": (1.05, 2.0, 0.5)}, {"Gather", "Resize"}),
    ((1, 1, 3000), {"size": 4097, "mode": "linear"}, {"Gather", "Mul", "Add"}),  # coordinates of other noise
    ((1, 2, 10, 10), {"size": 1, "mode": "bilinear"}, {"Resize"}),
    ((1, 2, 10, 10), {"size": 1, "mode": "area"}, {"GlobalAveragePool"}),
    ((1, 2, 9, 8), {"scale": 0.5, "mode": "bilinear", "antialias": True}, {"MatMul"}),
]


@pytest.mark.parametrize(("shape", "attributes", "kinds"), KINDS)
def test_the_form_is_resize_where_that_reads_the_same(
    shape: tuple[int, ...], attributes: dict[str, Any], kinds: set[str]
) -> None:
    found, apart = upsampled(shape, **attributes)
    assert found == kinds
    assert apart < 1e-4


@pytest.mark.parametrize("seed", range(8))
def test_any_upsampling_is_torchs(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(25):
        axes = draw.choice([1, 2, 2, 3])
        linear = {1: "linear", 2: "bilinear", 3: "trilinear"}[axes]
        mode = draw.choice(["nearest", "nearest-exact", "area", linear, *(["bicubic"] if axes == 2 else [])])
        longest = {1: 150, 2: 40, 3: 9}[axes]
        found = [next(pairs(draw.randint(0, 1 << 30), 9, longest)) for _ in range(axes)]
        given: dict[str, Any] = {"mode": mode}
        if mode in (linear, "bicubic"):
            given["align_corners"] = draw.random() < 0.4
            given["antialias"] = axes == 2 and found[-1][1] > 1 and draw.random() < 0.4
        by_factor = all(factor is not None for _, _, factor in found)
        if by_factor:
            given["scale"] = tuple(factor for _, _, factor in found)
        else:
            given["size"] = tuple(m for _, m, _ in found)
        given = {name: value for name, value in given.items() if value is not False}
        shape = (1, 2, *(n for n, _, _ in found))
        assert upsampled(shape, **given)[1] < 1e-4, (shape, given)

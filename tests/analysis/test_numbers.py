"""Numbers of a program that 16 bits do not hold: found before a build, at the number; masks are held."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.run import run
from dslc.check import check_file
from dslc.diagnostics.model import CompileError, Failure
from dslc.types.floats import LARGEST, overflows, vanishes
from dslc.types.tensor import DType
from dslc.weights.init import initial, numpy_type

HALVES = [DType.FLOAT16, DType.BFLOAT16]


@pytest.mark.parametrize("dtype", HALVES)
def test_what_a_type_holds_is_what_numpy_rounds_to(dtype: DType) -> None:
    kind = numpy_type(dtype)
    least = float(np.nextafter(kind.type(0), kind.type(1)))
    assert float(np.finfo(kind).max if dtype is DType.FLOAT16 else kind.type(LARGEST[dtype])) == LARGEST[dtype]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in (LARGEST[dtype], 65504.0, 65519.0, 65520.0, 1e9, 3.39e38, 3.4e38, -65520.0, -1e30):
            assert overflows(number, dtype) == bool(np.isinf(np.float64(number).astype(kind))), number
        for number in (least, least / 2, least * 0.51, 1e-9, -least / 2, 1e-45, 0.0):
            expected = number != 0 and np.float64(number).astype(kind) == 0
            assert vanishes(number, dtype) == bool(expected), number


REFUSED = [
    ("x * 1e9", "1,000,000,000 is beyond float16", "1e9"),
    ("x + 1e-9", "1e-09 becomes 0 in float16", "1e-9"),
    ("x / 1e-9", "1e-09 becomes 0 in float16", "1e-9"),
    ("where(x < 70_000, x, 0)", "70,000 is beyond float16", "70_000"),
    ("clamp(x, max=1e9)", "1,000,000,000 is beyond float16", "1e9"),
    ("hardtanh(-1e6, 1.0)", "-1,000,000 is beyond float16", "-1e6"),
    ("1e5 - x", "100,000 is beyond float16", "1e5"),
    ('rearrange(x, "n d -> n d 1") -> pad((1,), value=-1e9)', "-1,000,000,000 is beyond float16", "-1e9"),
]


@pytest.mark.parametrize(("line", "message", "place"), REFUSED)
def test_numbers_are_refused_where_they_stand(line: str, message: str, place: str, tmp_path: Any) -> None:
    """By `check --dtype` and by a build alike; in the types that hold them nothing is said."""
    path = tmp_path / "a.dl"
    path.write_text(f"net f on x[N, 8]:\n    {line}\n", encoding="utf-8")
    (found,) = check_file(path, dtype=DType.FLOAT16).diagnostics
    assert (found.code, found.message, found.span.text) == ("E0616", message, place)
    assert not check_file(path).diagnostics
    model = compile_model(path)
    with pytest.raises(CompileError, match=message):
        emit(model, initial(model.params), dtype=DType.FLOAT16)
    if "1e-9" not in line:
        assert not check_file(path, dtype=DType.BFLOAT16).diagnostics


def test_a_table_is_refused_for_its_large_end_or_for_vanishing() -> None:
    large = compile_model("net f on x[N, 8]:\n    const t: [i: 8] = 1e4 * i\n    x * t\n")
    with pytest.raises(CompileError, match="`t` has 70,000, more than float16 holds"):
        emit(large, {}, dtype=DType.FLOAT16)
    small = compile_model("net f on x[N, 8]:\n    const t: [i: 8] = 1e-9 * (i + 1)\n    x * t\n")
    with pytest.raises(CompileError, match="`t` has 8e-09, less than float16 holds"):
        emit(small, {}, dtype=DType.FLOAT16)
    sine = compile_model("net f on x[N, 8]:\n    const t: [i: 8] = 1.0 if i > 0 else 1e-16\n    x * t\n")
    emit(sine, {}, dtype=DType.FLOAT16)


MASKS = [
    "where(m > 0, x, -1e9)",
    "x + (1 - m) * -1e9",
    "x + -1e9 * (1 - m)",
    "x + ((1 - m) - 1e9) * (1 - m)",
    "where(m > 0, x, -1e38)",
    "x * m + where(m > 0, 0.0, -1e9)",
]


@pytest.mark.parametrize("line", MASKS)
def test_masks_are_finite_in_float16(line: str) -> None:
    """A row that may read something gives what torch's half gives, and one that may not is spread, as in float32."""
    source = f"net f on x[4, 8], m[4, 8]:\n    ({line}) -> softmax(axis=-1)\n"
    model = compile_model(source)
    graph = emit(model, {}, dtype=DType.FLOAT16)
    assert all(
        np.isfinite(np.asarray(a, np.float32)).all() for a in graph.graph.initializers.values() if a.dtype.kind == "f"
    )
    rng = np.random.default_rng(0)
    x, m = rng.standard_normal((4, 8)).astype(np.float16), (rng.random((4, 8)) > 0.5).astype(np.float16)
    m[:, 0] = 1
    found = run(graph, {"x": x, "m": m}, "cpu").outputs["output"]
    expected = np.where(m > 0, np.exp(x.astype(np.float64)), 0)
    np.testing.assert_allclose(found, expected / expected.sum(-1, keepdims=True), atol=1e-3)
    empty = run(graph, {"x": x, "m": np.zeros_like(m)}, "cpu").outputs["output"]
    assert np.isfinite(empty).all()


def test_a_mask_of_a_table_is_finite() -> None:
    model = compile_model(
        "net f on x[N, 8]:\n    const m: [i: 8] = -1e9 if i > 3 else 0.0\n    softmax(x + m, axis=-1)\n"
    )
    graph = emit(model, {}, dtype=DType.FLOAT16)
    assert graph.graph.numbers("m").min() == -65504
    found = run(graph, {"x": np.ones((1, 8), np.float16)}, "cpu").outputs["output"]
    np.testing.assert_allclose(found, [[0.25] * 4 + [0.0] * 4], atol=1e-3)


def test_no_warning_reaches_the_user() -> None:
    """Neither of constants nor of weights too large for the type."""
    model = compile_model("net f on x[N, 3, 8, 8]:\n    bn -> relu -> conv(4, 3) -> gap -> flatten\n")
    state = initial(model.params) | {"bn.running_var": np.full(3, 1e5, np.float32)}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(Failure, match=r"`bn.running_var` has 100,000, more than float16 holds"):
            emit(model, state, dtype=DType.FLOAT16)

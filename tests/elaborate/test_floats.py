"""Types of floats: what is `float` and what is float32, that they never mix, and that the fix of a mix mends it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dslc.api import compile_model
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.run import run as run_graph
from dslc.diagnostics.model import CompileError, Diagnostic, Edit
from dslc.syntax.rewrite import apply_edits
from dslc.types.tensor import DType
from dslc.weights.init import initial
from tests.cli.running import printed, run

F, F32, F16 = DType.FLOAT, DType.FLOAT32, DType.FLOAT16


def type_of(line: str, header: str = "x[N, 8], y: float32[N, 8], ids: int64[N, 8], m: bool[N, 8]") -> DType:
    """The element type of a line's result, with all inputs read."""
    used = "\n    _a = x * 1\n    _b = y * 1\n    _c = ids + 1\n    _d = not m\n" if "m: bool" in header else "\n"
    model = compile_model(f"net f on {header} -> result:{used}    result = {line}\n")
    return model.root.outputs[0].type.dtype


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x", F),
        ("y", F32),
        ("x * 2.5", F),
        ("y * 2.5", F32),
        ("x + ids", F),
        ("y + ids", F32),
        ("ids * 0.5", F),
        ("ids / 2", F),
        ("ids / ids", F),
        ("ids * 2", DType.INT64),
        ("where(m, 0.0, -1e9)", F),
        ("where(m, ids, 0.5)", F),
        ("where(m, y, 0.5)", F32),
        ("where(m, 1, 0)", DType.INT64),
        ("cast(x, float32)", F32),
        ("cast(ids, float)", F),
        ("cast(ids, like=x)", F),
        ("cast(ids, like=y)", F32),
        ("cast(x, like=ids)", DType.INT64),
        ("cast(x, float16)", F16),
        ("zeros(N, 8)", F),
        ("zeros(N, 8, dtype=float32)", F32),
        ("ones(N, 8, dtype=float)", F),
        ("eye(8)", F),
        ("arange(8)", DType.INT64),
        ("arange(8, dtype=float)", F),
        ("ids -> embedding(4, 8)", F),
        ("y -> linear(4)", F32),
        ("y -> ln", F32),
        ("cast(y > 0, float)", F),
    ],
)
def test_types_of_results(line: str, expected: DType) -> None:
    assert type_of(line) is expected


def test_an_input_of_16_bits_sets_float() -> None:
    """For the whole network; one that is declared float32 stays so beside it."""
    model = compile_model(
        "net f on x: float16[N, 8], y[N, 8], z: float32[N, 8] -> a, b:\n    a = x + y\n    b = z * 1\n"
    )
    assert model.float is F16 and [v.type.dtype for v in model.root.outputs] == [F, F32]
    graph = emit(model, {})
    assert [info.dtype for info in graph.graph.inputs.values()] == [F16, F16, F32]
    with pytest.raises(CompileError, match="the input `y` is bfloat16"):
        compile_model("net f on x: float16[N, 8], y: bfloat16[N, 8]:\n    concat(x, cast(y, like=x), axis=1)\n")


def test_a_block_may_ask_for_a_type() -> None:
    asks = "block b on x: {0}[N, 8]: linear(4)\nnet f on x: {1}[N, 8]: b\n"
    for stated, given in (("float", "float16"), ("float16", "float16"), ("float32", "float32"), ("float", "float")):
        compile_model(asks.format(stated, given))
    for stated, given in (("float", "float32"), ("float32", "float"), ("float16", "float"), ("float32", "float16")):
        with pytest.raises(CompileError, match=r"E0362|element type"):
            compile_model(asks.format(stated, given))


MIXES = [
    "net f on x[N, T=16, 64]:\n    p = cast(arange(T), float32)[:, none] * 0.1\n    it * cos(p)[none]\n",
    "net f on x[N, T=16, 64]:\n    p = cast(arange(T), float32)[:, none] * 0.1\n    cos(p)[none] + it\n",
    "net f on x[N, 8], y: float32[N, 8]:\n    (x * 2) * (y + 1)\n",
    "net f on t: int64[N]:\n    const s: [i: 8] = 0.5**i\n    cast(t, float32)[:, none] * s[none]\n",
    "net f on x[N, 8], y: float32[N, 8]:\n    where(x < y, x, 0)\n",
    "net f on x[N, 8], y: float32[N, 8], m: bool[N, 8]:\n    where(m, x, y)\n",
    'net f on x[N, 8, 8], y: float32[N, 8, 8]:\n    einsum("nab,nbc->nac", y * 2, x)\n',
    "net f on x[N, 2, 8, 8], y: float32[1, 1, 8, 8]:\n    sdpa(x, x, x, mask=y)\n",
]


@pytest.mark.parametrize("text", MIXES)
def test_the_fix_of_a_mix_mends_it(text: str) -> None:
    """In every build; in float32 nothing is rounded by it."""
    with pytest.raises(CompileError) as caught:
        compile_model(text)
    (found,) = caught.value.diagnostics
    assert found.code == "E0395" and "joins float32 and float: `cast(like=x)`" in found.message
    model = compile_model(apply_edits(text, edits_of(found)))
    emit(model, initial(model.params), dtype=F16)


def edits_of(found: Diagnostic) -> list[Edit]:
    (help,) = found.help
    return list(help.edits)


def test_positions_stay_exact_in_float16() -> None:
    """Far beyond what float16 counts, at a length of 70,000."""
    text = MIXES[0].replace("it * cos(p)[none]", "it * cast(cos(p)[none], like=it)")
    model = compile_model(text, sizes={"T": 70_000})
    graph = emit(model, {}, dtype=F16)
    found = run_graph(graph, {"x": np.ones((1, 70_000, 64), np.float16)}, "cpu").outputs["output"]
    expected = np.cos(np.arange(70_000, dtype=np.float32) * np.float32(0.1))
    np.testing.assert_allclose(found[0, :, 0].astype(np.float32), expected, atol=2e-3)


BUCKETS = """
net b(count: int = 32, far: int = 128) on x[N, T=128, 4] -> out, places:
    let half = count // 2
    let near = half // 2
    out = x * 2
    away = cast(arange(T)[none] - arange(T)[:, none], float32)
    n = abs(away)
    logs = log(clamp(n, min=near) / near) / log(far / near) * (half - near)
    far_off = clamp(cast(cast(logs, int64), float32) + near, max=half - 1)
    places = cast(where(n < near, n, far_off) + where(away > 0, half, 0), int64)
"""


def test_whole_numbers_do_not_depend_on_the_build() -> None:
    """Buckets of T5's distances are computed in float32, as they are written."""
    model = compile_model(BUCKETS)
    x = np.ones((1, 128, 4), np.float32)
    full = run_graph(emit(model, {}), {"x": x}, "cpu").outputs["places"]
    half = run_graph(emit(model, {}, dtype=F16), {"x": x.astype(np.float16)}, "cpu").outputs["places"]
    np.testing.assert_array_equal(half, full)


def test_check_and_run_take_a_type(tmp_path: Path) -> None:
    path = tmp_path / "a.dl"
    path.write_text("net f on x[N, 8]:\n    linear(4) -> (it * 1e9)\n", encoding="utf-8")
    assert "no errors" in printed("check", path)
    refused = run("check", path, "--dtype", "fp16")
    assert refused.exit_code == 1 and "error[E0616]: 1,000,000,000 is beyond float16" in refused.stderr
    np.save(tmp_path / "x.npy", np.ones((2, 8), np.float32))
    words = ("run", path, "--input", tmp_path / "x.npy", "--device", "cpu", "--repeat", "0", "--dtype", "float16")
    assert run(*words).exit_code == 1
    path.write_text("net f on x[N, 8]:\n    linear(4) -> relu\n", encoding="utf-8")
    assert "output: float16 [2, 4]" in printed(*words)

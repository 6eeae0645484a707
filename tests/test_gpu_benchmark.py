"""The CPU half of benchmarks/gpu.py: what `prepare` writes, and `run` without this project, on the CPU provider."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from benchmarks import gpu
from dslc.generated import root_class

PROGRAM = """
use std.attention: encoder

net maps on image[N, 3, H=32, W=32]:
    conv(32, 3, s=2) -> bn -> relu
    residual: conv(32, 3) -> bn
    relu -> maxpool(2) -> gap -> flatten -> linear(10)

net tokens on ids: int64[N, T=16]:
    embedding(100, 32) -> encoder(4) -> ln -> mean(1) -> linear(5)

net fixed on x[2, 64]:
    linear(64) -> relu -> linear(64)
"""
NETS = ("maps", "tokens", "fixed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("gpu")
    source = made / "nets.dl"
    source.write_text(PROGRAM)
    gpu.prepare(made / "built", dict.fromkeys(NETS, source), export=False, batches=(1, 4))
    return made / "built"


def facts(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "index.json").read_text())["nets"]
    return found


def test_all_sizes_are_open_and_others_are_allowed(folder: Path) -> None:
    found = facts(folder)
    assert found["maps"]["symbols"] == ["N", "H", "W"] and found["maps"]["batch"] == "N"
    assert found["maps"]["other"] == {"N": 3, "H": 33, "W": 33}
    assert found["tokens"]["other"] == {"N": 3, "T": 17}
    assert found["fixed"]["symbols"] == [] and found["fixed"]["batch"] is None


def test_the_module_is_the_whole_net(folder: Path) -> None:
    for net in NETS:
        module = gpu.torch_module(folder, net)
        assert type(module).__name__ == root_class(sys.modules[f"gpu_{net}"])
        assert not module.training


def test_weights_are_left_out_and_made_alike(folder: Path) -> None:
    path = folder / "maps.static.float32.onnx"
    light = onnx.load(str(path), load_external_data=False)
    named = {t.name for t in light.graph.initializer if t.data_location == onnx.TensorProto.EXTERNAL}
    assert len(named) == 1 and path.stat().st_size < 10_000  # a convolution of 9,216; the others are small
    gpu.fill(path)
    gpu.fill(folder / "maps.open.float16.onnx")
    first = {t.name: onnx.numpy_helper.to_array(t) for t in onnx.load(str(path)).graph.initializer}
    other = onnx.load(str(folder / "maps.open.float16.onnx")).graph.initializer
    second = {t.name: onnx.numpy_helper.to_array(t) for t in other}
    for name in named:
        assert 0.5 < first[name].std() * (32 * 9) ** 0.5 < 2
        np.testing.assert_array_equal(first[name].astype(np.float16), second[name])
    gpu.clean(folder, folder.parent / "out.json", {"provider": "cpu"})
    assert not list(folder.glob("*.bin"))


def test_run_needs_nothing_of_this_project(folder: Path, tmp_path: Path) -> None:
    """The script alone, in a process where `import dslc` fails."""
    script = tmp_path / "gpu.py"
    script.write_text(Path(gpu.__file__).read_text())
    arguments = ["gpu.py", "run", str(folder), "--provider", "cpu", "--seconds", "0.01"]
    code = (
        "import runpy, sys\n"
        "sys.modules['dslc'] = sys.modules['benchmarks'] = None\n"
        f"sys.argv = {arguments!r}\n"
        f"runpy.run_path({str(script)!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads((folder / "result.json").read_text())
    for net in NETS:
        checks = found["nets"][net]["checks"]
        assert set(checks) == {f"{kind} {dtype}" for kind in ("static", "open") for dtype in ("float32", "float16")} | {
            f"open {dtype} elsewhere" for dtype in ("float32", "float16")
        }
        assert all(check["ok"] for check in checks.values())
        assert any(check["away"] > 0 for name, check in checks.items() if "float16" in name)
        times = found["nets"][net]["times"]
        assert set(times) == ({"1"} if net == "fixed" else {"1", "4"})
        for here in times.values():
            assert here["ours"] > 0 and here["eager"] > 0 and here["exported"] == "not exported"
    assert "| maps | 4 | 6 of 6 |" in done.stdout and "maps, batch 1, exported: not exported" in done.stdout


def test_what_is_wrong_is_said_and_fails(folder: Path, tmp_path: Path) -> None:
    """A graph that computes something else, and one that does not load."""
    spoiled = tmp_path / "spoiled"
    spoiled.mkdir()
    for file in folder.iterdir():
        (spoiled / file.name).write_bytes(file.read_bytes())
    half = onnx.load(str(spoiled / "fixed.static.float16.onnx"), load_external_data=False)
    relu = next(node for node in half.graph.node if node.op_type == "Relu")
    relu.op_type = "Neg"
    (spoiled / "fixed.static.float16.onnx").write_bytes(half.SerializeToString())
    (spoiled / "fixed.open.float16.onnx").write_bytes(b"no model")
    checks = gpu.checked(spoiled, "fixed", facts(folder)["fixed"], "cpu")
    assert not checks["static float16"]["ok"] and checks["static float16"]["away"] > 0.01
    assert not checks["open float16"]["ok"] and checks["open float16"]["why"]
    assert checks["static float32"]["ok"]


def test_without_time_nothing_is_claimed(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    assert not gpu.run(folder, "cpu", 0, 0.01, out)
    found = json.loads(out.read_text())["nets"]["maps"]
    assert found["checks"]["all"] == {"why": "no time left", "ok": False}
    assert set(found["times"]["1"].values()) == {"no time left"}


def test_distance() -> None:
    one, two = np.array([1.0, -4.0]), np.array([1.0, -4.4])
    assert gpu.distance([two], [one]) == pytest.approx(0.1)
    assert gpu.distance([np.array([1.0, np.nan])], [one]) == float("inf")
    assert gpu.distance([np.zeros((2, 1))], [one]) == float("inf")
    assert gpu.distance([np.zeros(0)], [np.zeros(0)]) == 0


def test_a_card_that_is_not_there_is_an_error(folder: Path) -> None:
    """Never silently the CPU."""
    path = gpu.fill(folder / "fixed.static.float32.onnx")
    with pytest.raises(Exception, match=r"CUDA|CPU EP|Fallback|fallback"):
        gpu.session(path, "cuda")

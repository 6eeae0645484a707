"""`dslc weights`: what it prints of files and networks, what it compares, and the files it writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch

from tests.cli.running import printed, run

NET = """
net f(classes: int = 3) on x[N, 2, 8, 8]:
    conv(4, 3) as conv -> bn as norm -> relu
    gap -> flatten -> linear(classes) as head
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program, its weights as built, and the same as a checkpoint of a run."""
    (tmp_path / "f.dl").write_text(NET, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    printed("build", "f.dl", "-o", ".", "--seed", "1")
    state = safetensors.torch.load_file("f.safetensors")
    wrapped = {f"module.{name}": tensor for name, tensor in state.items()}
    torch.save({"model": wrapped, "model_ema": wrapped, "epoch": 3}, "run.pth")
    return tmp_path


def inspected(*words: str | Path) -> dict[str, dict[str, Any]]:
    """The rows that are printed as JSON, by name."""
    found = json.loads(printed("weights", "inspect", *words, "--format", "json"))
    return {row["name"]: row for row in found["tensors"]}


# ---- inspect


def test_numbers_are_those_of_numpy(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    arrays = {
        "big": draw.normal(3, 0.01, (700, 800)).astype(np.float32),
        "half": draw.normal(size=50).astype(ml_dtypes.bfloat16),
        "whole": np.arange(-5, 5),
        "truth": np.array([True, False, True]),
        "one": np.array(2.5),
        "none": np.zeros((0, 3), np.float16),
    }
    safetensors.numpy.save_file(arrays, tmp_path / "x.safetensors")
    rows = inspected(tmp_path / "x.safetensors")
    for name, array in arrays.items():
        row, wide = rows[name], array.astype(np.float64)
        assert (row["shape"], row["dtype"]) == (list(array.shape), str(array.dtype))
        assert (row["count"], row["bytes"], row["nan"], row["inf"]) == (array.size, array.nbytes, 0, 0)
        if not array.size:
            assert [row[key] for key in ("mean", "std", "norm", "min", "max")] == [None] * 5
            continue
        found = [row[key] for key in ("mean", "std", "norm", "min", "max")]
        wanted = [wide.mean(), wide.std(), np.linalg.norm(wide), wide.min(), wide.max()]
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-15)


def test_numbers_that_are_not_finite_are_counted(tmp_path: Path) -> None:
    array = np.array([1, np.nan, np.inf, -np.inf, 3, np.nan], np.float32)
    safetensors.numpy.save_file({"w": array, "v": np.full(2, np.nan, np.float32)}, tmp_path / "x.safetensors")
    rows = inspected(tmp_path / "x.safetensors")
    assert (rows["w"]["nan"], rows["w"]["inf"], rows["w"]["mean"], rows["w"]["std"]) == (2, 2, 2, 1)
    assert (rows["v"]["nan"], rows["v"]["mean"]) == (2, None)
    text = printed("weights", "inspect", tmp_path / "x.safetensors")
    assert [line.split() for line in text.splitlines()[2:]] == [
        "tensor shape type bytes norm mean std min max NaN inf".split(),
        "v [2] float32 8 B 2".split(),
        "w [6] float32 24 B 3.162 2 1 1 3 2 2".split(),
    ]


def test_what_a_network_expects(folder: Path) -> None:
    rows = inspected("f.dl", "--set", "classes=7")
    assert rows["head.weight"].pop("init").startswith("kaiming_uniform(a=2.23607")
    assert rows["head.weight"] == {
        "name": "head.weight",
        "tensors": 1,
        "shape": [7, 4],
        "dtype": "float",
        "count": 28,
        "bytes": 112,
    }
    assert rows["norm.running_var"]["init"] == "ones"
    assert rows.keys() == safetensors.torch.load_file("f.safetensors").keys()
    assert "f: 8 tensors" in printed("weights", "inspect", "f.dl")
    assert "resnet18: 122 tensors" in printed("weights", "inspect", "zoo:resnet18")


def test_a_checkpoint_with_several_state_dicts(folder: Path) -> None:
    text = printed("weights", "inspect", "run.pth")
    assert "run.pth, model; read by torch.load(weights_only=True): 8 tensors" in text
    assert "run.pth, model_ema; read by" in text
    assert "model_ema" not in printed("weights", "inspect", "run.pth", "--part", "model")


def test_rows_are_folded_or_closed(folder: Path) -> None:
    arrays = {f"blocks.{i}.{n}": np.full(4, i, np.float32) for i in range(12) for n in ("weight", "bias")}
    safetensors.numpy.save_file(arrays, "x.safetensors")
    lines = printed("weights", "inspect", "x.safetensors").splitlines()
    assert [line.split()[:2] for line in lines[3:]] == [
        ["blocks.{0..11}.bias", "x12"],
        ["blocks.{0..11}.weight", "x12"],
    ]
    assert lines[3].split()[-5:] == ["44.99", "5.5", "3.452", "0", "11"]
    assert len(printed("weights", "inspect", "x.safetensors", "--no-fold").splitlines()) == 3 + 24
    assert len(printed("weights", "inspect", "x.safetensors", "--depth", "1").splitlines()) == 3 + 1
    assert len(printed("weights", "inspect", "x.safetensors", "--depth", "2").splitlines()) == 3 + 12


# ---- diff


def test_a_file_beside_itself_under_other_names(folder: Path) -> None:
    done = run("weights", "diff", "f.safetensors", "run.pth", "--exit-code", "--part", "model")
    assert done.exit_code == 0
    assert done.stdout == "the same: 8 tensors\n"
    assert "took off the prefix `module.`" in done.stderr


def test_a_network_and_a_file(folder: Path) -> None:
    assert printed("weights", "diff", "f.dl", "run.pth") == "the same: 8 tensors\n"
    done = run("weights", "diff", "f.dl", "f.safetensors", "--set", "classes=5", "--exit-code")
    assert done.exit_code == 1
    assert "of another shape: 2" in done.stdout
    assert "head.weight    [5, 4]  [3, 4]" in done.stdout


def test_a_part_of_either_file(folder: Path) -> None:
    for pair in (("run.pth", "f.safetensors"), ("run.pth", "run.pth"), ("f.safetensors", "run.pth")):
        assert printed("weights", "diff", *pair, "--part", "model_ema") == "the same: 8 tensors\n"
    state = safetensors.torch.load_file("f.safetensors")
    torch.save({"student": state, "teacher": state}, "two.pth")
    assert run("weights", "diff", "two.pth", "f.safetensors").exit_code == 1
    assert printed("weights", "diff", "two.pth", "f.safetensors", "--part", "student") == "the same: 8 tensors\n"


def test_everything_that_two_files_have_apart(folder: Path) -> None:
    state = safetensors.numpy.load_file("f.safetensors")
    other = {name: array.copy() for name, array in state.items()}
    other["conv.weight"].flat[3] += 0.5
    other["head.bias"] = other["head.bias"].astype(np.float16)
    other["head.weight"] = np.zeros((4, 4), np.float32)
    other["extra"] = other.pop("norm.weight")
    other["norm.bias"][1] = np.nan
    safetensors.numpy.save_file(other, "g.safetensors")
    found = json.loads(printed("weights", "diff", "f.safetensors", "g.safetensors", "--format", "json"))
    assert found["differ"] and found["only_a"] == {"norm.weight": [4]} and found["only_b"] == {"extra": [4]}
    assert found["shapes"] == {"head.weight": [[3, 4], [4, 4]]}
    assert found["types"] == {"head.bias": ["float32", "float16"]}
    assert list(found["numbers"]) == ["norm.bias", "conv.weight", "head.bias"], "the worst first"
    assert found["numbers"]["norm.bias"] == {"differ": 1, "count": 4, "largest": None, "relative": None}
    row = found["numbers"]["conv.weight"]
    assert row["differ"] == 1 and abs(row["largest"] - 0.5) < 1e-7
    assert abs(row["relative"] - 0.5 / np.abs(state["conv.weight"]).max()) < 1e-6
    text = printed("weights", "diff", "f.safetensors", "g.safetensors")
    for words in ("only in f.safetensors: 1", "only in g.safetensors: 1", "of another shape: 1", "of another type: 1"):
        assert words in text


def test_wrong_use(folder: Path) -> None:
    cases = [
        (["diff", "f.dl", "f.dl"], "`dslc diff` compares two networks"),
        (["diff", "f.safetensors", "run.pth", "--set", "classes=5"], "are about a network, and there is none"),
        (["inspect", "f.safetensors", "--net", "f"], "are about a network, and there is none"),
        (["diff", "f.safetensors", "f.dl"], "give the network first"),
        (["diff", "f.safetensors", "run.pth", "--map", "timm"], "`--map` leads to the names of a network"),
        (["convert", "run.pth", "-o", "x.onnx"], "`x.onnx` is named neither .safetensors nor .pth"),
        (["convert", "run.pth", "-o", "x.pth", "--map", "timm"], "need `--for`"),
        (["convert", "run.pth"], "Missing option '-o'"),
    ]
    for words, message in cases:
        done = run("weights", *words)
        assert done.exit_code == 2 and message in done.stderr, done.stderr


# ---- convert


def test_a_checkpoint_as_safetensors(folder: Path) -> None:
    done = run("weights", "convert", "run.pth", "-o", "out.safetensors", "--part", "model")
    assert done.exit_code == 0 and done.stdout == "out.safetensors  8 tensors, 420 B\n"
    assert "weights: took `model`, took off the prefix `module.`" in done.stderr
    state = safetensors.torch.load_file("f.safetensors")
    found = safetensors.torch.load_file("out.safetensors")
    assert all(torch.equal(found[name], state[name]) for name in (*found, *state))


@pytest.mark.parametrize("kind", ["float16", "bf16", "fp32"])
@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".pt"])
def test_floats_of_another_type(folder: Path, kind: str, suffix: str) -> None:
    printed("weights", "convert", "f.safetensors", "-o", f"out{suffix}", "--dtype", kind)
    wanted = {"float16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}[kind]
    state = safetensors.torch.load_file("f.safetensors")
    read = safetensors.torch.load_file if suffix == ".safetensors" else torch.load
    found = read(f"out{suffix}")
    for name, tensor in state.items():
        assert torch.equal(found[name], tensor.to(wanted) if tensor.is_floating_point() else tensor), name


def test_types_of_a_checkpoint_stay(folder: Path) -> None:
    kinds = (torch.bfloat16, torch.float8_e5m2, torch.float16, torch.int8, torch.bool, torch.float64)
    state = {str(kind): torch.ones(2, 3).to(kind) for kind in kinds}
    torch.save(state, "a.pth")
    printed("weights", "convert", "a.pth", "-o", "b.safetensors")
    printed("weights", "convert", "b.safetensors", "-o", "c.pth")
    for found in (safetensors.torch.load_file("b.safetensors"), torch.load("c.pth")):
        assert {name: tensor.dtype for name, tensor in found.items()} == {str(kind): kind for kind in kinds}
        assert all(torch.equal(found[name].float(), state[name].float()) for name in state)


def test_for_a_network(folder: Path) -> None:
    printed("weights", "convert", "run.pth", "-o", "out.safetensors", "--for", "f.dl")
    printed("build", "f.dl", "-o", "again", "--weights", "out.safetensors")
    done = run("weights", "convert", "run.pth", "-o", "no.safetensors", "--for", "f.dl", "--set", "classes=9")
    assert done.exit_code == 1 and "of another shape" in done.stderr
    assert not Path("no.safetensors").exists()


def test_what_cannot_be_written(folder: Path) -> None:
    torch.save({"a": torch.zeros(2, dtype=torch.complex64), "b": torch.tensor([1e6, 1.0])}, "a.pth")
    before = sorted(path.name for path in folder.iterdir())
    done = run("weights", "convert", "a.pth", "-o", "a.safetensors")
    assert done.exit_code == 1 and "`a` is complex64, which a .safetensors file cannot hold" in done.stderr
    done = run("weights", "convert", "a.pth", "-o", "b.pth", "--dtype", "fp16")
    assert done.exit_code == 1 and "E0616" in done.stderr and "`b` has 1000000" in done.stderr.replace(",", "")
    assert sorted(path.name for path in folder.iterdir()) == before, "nothing is half written"


def test_over_the_file_itself(folder: Path) -> None:
    printed("weights", "convert", "f.safetensors", "-o", "f.safetensors", "--dtype", "fp16")
    assert safetensors.torch.load_file("f.safetensors")["head.weight"].dtype is torch.float16

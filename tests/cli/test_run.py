"""`dslc run` with data that a network does not take: what to type instead, and never a traceback."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch

from tests.cli.running import printed, run

PICTURES = "net f on image[N, 3, H=32, W=32]:\n    cba(8, s=2) -> gap -> flatten -> linear(4)\n"
BATCH = "net f on x[N=1, T=6, 3]:\n    mean(1) -> linear(4)\n"
JOIN = "net f on x[N, 2, H=16, W=16]:\n    (it + (it -> maxpool(4) -> upsample(4))) -> gap -> flatten\n"
PAIR = "net f on x[N, T=8, 3], y[N, 2*T, 3]:\n    (x -> mean(1)) + (y -> mean(1))\n"
WORDS = "net f on ids: int64[N, T=16]:\n    embedding(1000, 8) -> mean(1) -> linear(4)\n"


def command(folder: Path, text: str, shapes: Mapping[str, tuple[int, ...]]) -> list[str | Path]:
    """`run` on zeros of these shapes, in files."""
    (folder / "net.dl").write_text(text)
    words: list[str | Path] = ["run", folder / "net.dl", "--device", "cpu", "--repeat", "0"]
    for name, shape in shapes.items():
        np.save(folder / f"{name}.npy", np.zeros(shape, np.float32))
        words += ["--input", folder / f"{name}.npy"]
    return words


@pytest.mark.parametrize(
    ("text", "shapes", "sizes"),
    [
        (PICTURES, {"image": (2, 3, 48, 48)}, "H=48,W=48"),
        (PICTURES, {"image": (2, 3, 32, 40)}, "W=40"),
        (BATCH, {"x": (5, 6, 3)}, "N=5"),
        (BATCH, {"x": (5, 9, 3)}, "N=5,T=9"),
        (PAIR, {"x": (2, 5, 3), "y": (2, 10, 3)}, "T=5"),
    ],
)
def test_another_size(tmp_path: Path, text: str, shapes: dict[str, tuple[int, ...]], sizes: str) -> None:
    """The help, typed as it stands, runs the network on the same data."""
    words = command(tmp_path, text, shapes)
    result = run(*words)
    assert result.exit_code == 1 and result.stderr.startswith("error[E0623]")
    found = re.search(r"`--size (\S+)`", result.stderr)
    assert found and found[1] == sizes
    assert f"[{next(iter(shapes.values()))[0]}, " in printed(*words, "--size", found[1])


@pytest.mark.parametrize(
    ("text", "shapes", "says"),
    [
        (PICTURES, {"image": (2, 4, 48, 48)}, "`image` must be [N, 3, 32, 32], got [2, 4, 48, 48]"),
        (PICTURES, {"image": (0, 3, 32, 32)}, "got [0, 3, 32, 32]: a size is at least 1"),
        (BATCH, {"x": (1, 0, 3)}, "got [1, 0, 3]: a size is at least 1"),
        (JOIN, {"x": (1, 2, 18, 16)}, "H=18 is not allowed: this network needs H % 4 == 0 (net.dl:2)"),
        (PAIR, {"x": (2, 5, 3), "y": (2, 11, 3)}, "y.shape[1]=11 is not allowed: this network needs y.shape[1] == 2*T"),
    ],
)
def test_no_size_helps(tmp_path: Path, text: str, shapes: dict[str, tuple[int, ...]], says: str) -> None:
    result = run(*command(tmp_path, text, shapes))
    assert result.exit_code == 1
    assert says in result.stderr and "--size" not in result.stderr


@pytest.mark.parametrize("value", [5000, -1])
def test_ids_outside_the_table(tmp_path: Path, value: int) -> None:
    words = command(tmp_path, WORDS, {"ids": (1, 16)})
    ids = np.zeros((1, 16), np.int64)
    ids[0, 5] = value
    np.save(tmp_path / "ids.npy", ids)
    result = run(*words)
    assert result.exit_code == 1
    says = f"`embedding` takes indices from 0 to 999, and `ids` holds {value} (net.dl:2)"
    assert result.stderr == f"error[E0628]: {says}\n"


@pytest.mark.parametrize("name", ["x.pth", "x.ckpt", "x.bin", "x.safetensors", "folder"])
def test_weights_of_every_kind_of_file(tmp_path: Path, name: str) -> None:
    """The same weights in each, and so the same best classes."""
    words = command(tmp_path, PICTURES, {"image": (1, 3, 32, 32)})
    printed("build", tmp_path / "net.dl", "-o", tmp_path, "--seed", "7")
    own = tmp_path / "f.safetensors"
    if name == "folder":
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(own.read_bytes())
    elif name == "x.safetensors":
        (tmp_path / name).write_bytes(own.read_bytes())
    else:
        state = {f"module.{key}": tensor for key, tensor in safetensors.torch.load_file(own).items()}
        torch.save({"state_dict": state}, tmp_path / name)
    drawn = printed(*words, "--seed", "7").splitlines()
    done = run(*words, "--weights", tmp_path / name)
    assert done.exit_code == 0
    assert [line for line in done.stdout.splitlines() if "class" in line] == [line for line in drawn if "class" in line]
    assert ("read by torch.load(weights_only=True)" in done.stderr) == (name in ("x.pth", "x.ckpt", "x.bin"))

"""Checkpoints of PyTorch: read by torch.load(weights_only=True) alone, and what is hostile or damaged is named."""

from __future__ import annotations

import argparse
import os
import re
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dslc.weights import pickled, sources
from dslc.weights.errors import WeightsError
from dslc.weights.memory import Array
from tests.cli.running import run
from tests.weights.reading import load

TYPES = [(getattr(torch, name), True) for name in pickled.NAMES]
TYPES += [(kind, False) for kind, _ in TYPES if not re.search(r"float8|uint(16|32|64)", str(kind))]  # nor does torch


def refused(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        load(path)
    (mistake,) = caught.value.mistakes
    return f"{mistake.code}: {mistake.message}".replace(str(path), path.name)


@pytest.mark.parametrize(("kind", "zipped"), TYPES, ids=str)
def test_numbers_of_every_type(tmp_path: Path, kind: torch.dtype, zipped: bool) -> None:
    tensor = torch.tensor([0.0, 1.0, 2.0, 0.5, 4.0, 0.0]).to(kind).reshape(2, 3)
    state = {"w": tensor, "turned": tensor.t(), "part": tensor[1:], "scalar": tensor[0, 1]}
    torch.save(state, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    found = load(tmp_path / "x.pth")
    for name, wanted in state.items():
        assert found[name].shape == tuple(wanted.shape)
        wide = wanted if kind.is_complex else wanted.double()
        np.testing.assert_array_equal(found[name].astype(np.complex128), wide.numpy().astype(np.complex128))


def test_the_tensors_of_a_zip_are_mapped_and_not_copied(tmp_path: Path) -> None:
    torch.save({"w": torch.zeros(1 << 20)}, tmp_path / "x.pth")
    with sources.opened(tmp_path / "x.pth") as parts:
        first, second = (parts[""].read("w") for _ in range(2))
        assert np.shares_memory(first, second)
        assert parts[""].notes == ("read by torch.load(weights_only=True)",)


def test_what_stands_beside_the_weights_is_no_hindrance(tmp_path: Path) -> None:
    """Options as `argparse` makes them, numbers of numpy, an optimiser's state by number, and what is no tensor."""
    whole = {
        "model": OrderedDict(w=torch.ones(2), note="text", count=3, nothing=None),
        "args": argparse.Namespace(lr=0.1, name="run"),
        "best": {"accuracy": np.float64(0.9), "epoch": np.int64(7), "half": np.float16(0.5), "done": np.bool_(True)},
        "optimizer": {"state": {0: {"exp_avg": torch.zeros(2)}}, "w": torch.zeros(9)},
        "epoch": 3,
    }
    torch.save(whole, tmp_path / "x.pth")
    assert {name: array.tolist() for name, array in load(tmp_path / "x.pth").items()} == {"w": [1.0, 1.0]}


# ---- hostile


class Trap:
    """Runs something where a pickle of it is opened."""

    def __init__(self, call: Any, *args: object) -> None:
        self.call = call
        self.args = args

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call, self.args


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("call", "name"), [(os.system, "posix.system"), (os.mkdir, "posix.mkdir"), (eval, "eval"), (exec, "exec")]
)
def test_what_would_run_is_named_and_not_run(tmp_path: Path, call: Any, name: str, zipped: bool, protocol: int) -> None:
    words = {"posix.system": f"mkdir {tmp_path}/trapped", "posix.mkdir": f"{tmp_path}/trapped"}
    trap = Trap(call, words.get(name, f"__import__('os').mkdir({str(tmp_path / 'trapped')!r})"))
    path = tmp_path / "x.pth"
    whole = {"w": torch.zeros(1), "trap": trap}
    torch.save(whole, path, pickle_protocol=protocol, _use_new_zipfile_serialization=zipped)
    assert re.match(rf"E0640: `x.pth` asks to import `\w*\.?{name}`; nothing was run", refused(path))
    assert not (tmp_path / "trapped").exists()


def test_a_whole_module(tmp_path: Path) -> None:
    torch.save(torch.nn.Sequential(torch.nn.Linear(2, 2)), tmp_path / "x.pth")
    with pytest.raises(WeightsError, match=r"asks to import `torch.nn.modules.container.Sequential`") as caught:
        load(tmp_path / "x.pth")
    assert "save its `state_dict()`" in caught.value.mistakes[0].help[0].text


def test_names_of_a_pickle_are_found_without_running_it() -> None:
    assert pickled.wants(b"\x80\x02cos\nsystem\n(S'x'\ntR.") == (("os.system",), False)
    assert pickled.wants(b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x94.") == (("os.system",), False)
    memo = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x940h\x00h\x01\x93."
    assert pickled.wants(memo) == (("os.system",), False)
    assert pickled.wants(b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nccollections\nOrderedDict\n.") == ((), False)
    assert pickled.wants(b"no pickle") == ((), False)


# ---- damaged, or no state dict


MADE: dict[str, tuple[Any, str]] = {
    "list": ([torch.zeros(1)], "E0610: cannot read weights from `x.pth`: it holds no tensors by name, but a `list`"),
    "tensor": (torch.zeros(1), "but a `Tensor`"),
    "empty": ({}, "but an empty dictionary"),
    "numbers": ({"lr": 0.1, "names": ["a"]}, "but a dictionary of 2 (`lr`: float, `names`: list)"),
    "sparse": ({"w": torch.eye(3).to_sparse()}, "E0617: cannot read `w` of `x.pth`: it is sparse or nested"),
    "expanded": ({"w": torch.zeros(1).expand(2**20, 2**20)}, "takes 4,398,046,511,104 bytes, not 4"),
    "meta": ({"w": torch.zeros(2, device="meta")}, "its numbers are not in the file (device `meta`)"),
}


@pytest.mark.parametrize("name", MADE)
def test_what_is_no_state_dict(tmp_path: Path, name: str) -> None:
    value, words = MADE[name]
    torch.save(value, tmp_path / "x.pth")
    assert words in refused(tmp_path / "x.pth")


@pytest.mark.filterwarnings("ignore")
def test_quantised_tensors_and_torchscript(tmp_path: Path) -> None:
    torch.save({"w": torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8)}, tmp_path / "x.pth")
    assert "it is quantised (qint8)" in refused(tmp_path / "x.pth")
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), tmp_path / "y.pt")
    assert "it is a TorchScript archive" in refused(tmp_path / "y.pt")


CONTENTS: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "it is no checkpoint of PyTorch: it is empty"),
    "zeros": (bytes(1000), "it is no checkpoint of PyTorch: it begins with b'\\x00"),
    "text": (b"weights", "it is no checkpoint of PyTorch: it begins with b'weights'"),
    "page": (b"\n<!DOCTYPE html>\n<html>", "it is a page of the web, not the weights"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 9\n", "it is a Git LFS pointer"),
    "keras": (b"\x89HDF\r\n\x1a\n" + bytes(99), "it is a file of HDF5"),
    "gzip": (b"\x1f\x8b\x08" + bytes(99), "it is compressed by gzip"),
    "tar": (b"a.txt".ljust(257, b"\0") + b"ustar" + bytes(400), "it is a tar archive"),
    "half a zip": (b"PK\x03\x04" + bytes(999), "it was cut off or damaged"),
    "half a pickle": (b"\x80\x02}q\x00(X\x01", "PyTorch cannot read it"),
    "a number": (b"\x80\x02K\x01.", "PyTorch cannot read it"),
}


@pytest.mark.parametrize("name", CONTENTS)
def test_files_that_hold_no_weights(tmp_path: Path, name: str) -> None:
    content, words = CONTENTS[name]
    (tmp_path / "x.pth").write_bytes(content)
    found = refused(tmp_path / "x.pth")
    assert words in found
    assert len(found) < 300


@pytest.mark.parametrize(("name", "words"), [("x.onnx", "an ONNX graph"), ("x.npz", "a file of numpy's")])
def test_files_that_their_name_tells(tmp_path: Path, name: str, words: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04" if name == "x.npz" else b"\x08\x0a")
    assert f"it is {words}" in refused(tmp_path / name)


def records(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {entry.filename: archive.read(entry) for entry in archive.infolist()}


def rewritten(path: Path, entries: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", how) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def test_a_zip_that_is_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "x.pth"
    torch.save({"w": torch.arange(100.0)}, path)
    whole = records(path)
    rewritten(path, {name: data for name, data in whole.items() if not name.endswith("data.pkl")})
    assert "it is a zip without `data.pkl`" in refused(path)
    rewritten(path, whole, zipfile.ZIP_DEFLATED)
    assert "its records are compressed" in refused(path)
    rewritten(path, {name: data for name, data in whole.items() if not name.endswith("data/0")})
    assert "PyTorch cannot read it" in refused(path)
    for data in (bytes(396), bytes(404), b""):  # a tensor with fewer or more bytes than its shape needs
        rewritten(path, {n: data if n.endswith("data/0") else d for n, d in whole.items()})
        assert re.search("PyTorch cannot read it|no record of that length", refused(path))
    rewritten(path, whole)
    assert load(path)["w"].tolist() == [*range(100)]


def test_a_file_cut_off_anywhere(tmp_path: Path) -> None:
    for zipped in (True, False):
        torch.save({"w": torch.arange(20.0)}, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
        whole = (tmp_path / "x.pth").read_bytes()
        for length in range(0, len(whole), 41):
            (tmp_path / "x.pth").write_bytes(whole[:length])
            assert refused(tmp_path / "x.pth").startswith("E0610")


def test_bytes_changed_anywhere_are_read_or_refused(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    for zipped in (True, False):
        torch.save({"w": torch.arange(20.0)}, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
        whole = bytearray((tmp_path / "x.pth").read_bytes())
        for _ in range(60):
            spoilt = bytearray(whole)
            spoilt[draw.integers(len(whole))] = draw.integers(256)
            (tmp_path / "x.pth").write_bytes(spoilt)
            try:
                found: dict[str, Array] = load(tmp_path / "x.pth")
            except WeightsError:
                continue
            assert all(array.nbytes <= 160 for array in found.values())


def test_a_torch_that_is_not_safe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save({"w": torch.zeros(1)}, tmp_path / "x.pth")
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
    assert "`weights_only` of PyTorch 2.5.1+cpu can run code: 2.6 is safe" in refused(tmp_path / "x.pth")


def test_nothing_is_written_where_a_checkpoint_is_refused(tmp_path: Path) -> None:
    (tmp_path / "f.dl").write_text("net f on x[N, 4]: linear(2) as fc\n", encoding="utf-8")
    torch.save({"fc.weight": Trap(os.mkdir, str(tmp_path / "trapped"))}, tmp_path / "x.pth")
    done = run("build", tmp_path / "f.dl", "-o", tmp_path / "out", "--weights", tmp_path / "x.pth")
    assert done.exit_code == 1
    assert "asks to import `posix.mkdir`" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.dl", "x.pth"]

"""Weights in several files: what an index may name, and what shards hold."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
import torch

from dslc.weights.errors import WeightsError
from dslc.weights.memory import Array
from dslc.weights.sources import opened
from tests.weights.reading import load

ONE: dict[str, Array] = {"a": np.ones(2, np.float32), "b": np.arange(3)}
TWO: dict[str, Array] = {"c": np.full((2, 2), 7, np.float16)}
NAMES = ["model-00001-of-00002", "model-00002-of-00002"]


def shards(folder: Path, kind: str = ".safetensors", stem: str = "model") -> Path:
    """A folder of Hugging Face with two shards and their index; the index."""
    folder.mkdir(exist_ok=True)
    table: dict[str, str] = {}
    for name, tensors in zip(NAMES, (ONE, TWO), strict=True):
        file = f"{name.replace('model', stem)}{kind}"
        table |= dict.fromkeys(tensors, file)
        if kind == ".safetensors":
            safetensors.numpy.save_file(tensors, folder / file)
        else:
            torch.save({key: torch.from_numpy(value) for key, value in tensors.items()}, folder / file)
    index = folder / f"{stem}{kind}.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": table}), encoding="utf-8")
    (folder / "config.json").write_text("{}", encoding="utf-8")
    return index


def refused(path: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        load(path)
    return "\n".join(f"{m.code}: {m.message}" for m in caught.value.mistakes)


@pytest.mark.parametrize(("kind", "stem"), [(".safetensors", "model"), (".bin", "pytorch_model")])
def test_a_folder_and_its_index(tmp_path: Path, kind: str, stem: str) -> None:
    index = shards(tmp_path / "net", kind, stem)
    for path in (index, index.parent):
        found = load(path)
        assert found.keys() == {"a", "b", "c"}
        assert all(np.array_equal(found[name], array) for name, array in (ONE | TWO).items())


def test_links_as_the_cache_of_hugging_face_has_them(tmp_path: Path) -> None:
    index = shards(tmp_path / "blobs")
    (tmp_path / "snapshot").mkdir()
    for path in (tmp_path / "blobs").iterdir():
        os.symlink(path, tmp_path / "snapshot" / path.name)
    assert load(tmp_path / "snapshot" / index.name).keys() == {"a", "b", "c"}


def test_one_shard_says_that_there_are_more(tmp_path: Path) -> None:
    shards(tmp_path)
    with opened(tmp_path / f"{NAMES[1]}.safetensors") as parts:
        assert parts[""].notes == (
            f"`{NAMES[1]}.safetensors` is one of 2 shards: the index beside them, or their folder, names all",
        )
    with opened(tmp_path) as parts:
        assert parts[""].notes == ()


FOLDERS: list[tuple[list[str], str]] = [
    (["model.safetensors"], "model.safetensors"),
    (["net.safetensors", "notes.txt"], "net.safetensors"),
    (["model.safetensors", "model.fp16.safetensors", "pytorch_model.bin"], "model.safetensors"),
    (["weights.pth"], "weights.pth"),
]


@pytest.mark.parametrize(("names", "meant"), FOLDERS)
def test_a_folder_with_one_file_of_weights(tmp_path: Path, names: list[str], meant: str) -> None:
    for name in names:
        value = np.full(1, float(name == meant), np.float32)
        if name.endswith(".safetensors"):
            safetensors.numpy.save_file({"w": value}, tmp_path / name)
        else:
            torch.save({"w": torch.from_numpy(value)}, tmp_path / name)
    assert load(tmp_path)["w"].tolist() == [1.0]


def test_folders_without_an_answer(tmp_path: Path) -> None:
    assert "the folder holds no file of weights" in refused(tmp_path)
    for name in ("b.safetensors", "a.safetensors"):
        safetensors.numpy.save_file(ONE, tmp_path / name)
    assert "the folder holds several files of weights, name one: `a.safetensors`, `b.safetensors`" in refused(tmp_path)


@pytest.mark.parametrize(
    "file",
    ["../secret.safetensors", "/etc/passwd", "sub/x.safetensors", "..", "", "C:x", "a\\b", "x\0", "x.index.json"],
)
def test_an_index_names_files_beside_it_alone(tmp_path: Path, file: str) -> None:
    safetensors.numpy.save_file(ONE, tmp_path / "secret.safetensors")
    index = shards(tmp_path / "net")
    table = json.loads(index.read_text("utf-8"))
    table["weight_map"]["a"] = file
    index.write_text(json.dumps(table), encoding="utf-8")
    assert "and a shard is a file beside its index" in refused(index)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"weight_map": []}',
        '{"weight_map": {}}',
        '{"weight_map": {"a": 1}}',
        "[" * 100_000,
        "\xff",
    ],
)
def test_what_is_no_index(tmp_path: Path, text: str) -> None:
    (tmp_path / "x.index.json").write_bytes(text.encode("latin-1"))
    assert "it is no index of shards" in refused(tmp_path / "x.index.json")


def test_shards_that_are_missing_or_hold_other_tensors(tmp_path: Path) -> None:
    index = shards(tmp_path)
    table = json.loads(index.read_text("utf-8"))
    one, two = (tmp_path / f"{name}.safetensors" for name in NAMES)
    safetensors.numpy.save_file(TWO | {"a": ONE["a"]}, two)
    assert refused(index) == f"E0617: cannot read `a` of `{index}`: two shards hold it"
    safetensors.numpy.save_file(TWO | {"d": ONE["a"]}, two)
    assert refused(index) == f"E0617: cannot read `d` of `{index}`: a shard holds it and the index does not name it"
    safetensors.numpy.save_file({"d": ONE["a"]}, two)
    table["weight_map"]["d"] = two.name
    index.write_text(json.dumps(table), encoding="utf-8")
    assert refused(index) == f"E0617: cannot read `c` of `{index}`: `{two.name}` does not hold it"
    one.unlink()
    assert f"1 of its 2 files are missing: `{one.name}`" in refused(index)
    one.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert "it is a Git LFS pointer" in refused(index)

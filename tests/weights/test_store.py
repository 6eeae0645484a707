"""State dicts as .safetensors: the same bytes as the library's, and every misfit named."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
import torch

from dslc.api import compile_model
from dslc.ir.model import Param
from dslc.ops.base import Init, ParamSpec
from dslc.output import write_all
from dslc.types.tensor import DType
from dslc.weights import checkpoint, store
from dslc.weights.errors import WeightsError
from dslc.weights.memory import Array
from tests.weights.reading import load

OWNER = compile_model("net f on x[N, 2]:\n    relu\n").root


def params(**specs: ParamSpec) -> dict[str, Param]:
    return {n.replace("__", "."): Param(n, n, spec, OWNER) for n, spec in specs.items()}


def spec(*shape: int, dtype: DType = DType.FLOAT32, kind: str = "param") -> ParamSpec:
    return ParamSpec("w", shape, Init("zeros"), kind, dtype)


STATE: dict[str, Array] = {
    "b.weight": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a.weight": np.arange(5, dtype=np.float16),
    "mask": np.array([True, False]),
    "index": np.arange(4).reshape(2, 2),
    "half": np.ones((2, 2), ml_dtypes.bfloat16),
}


def test_same_bytes_as_the_library(tmp_path: Path) -> None:
    safetensors.numpy.save_file(STATE, tmp_path / "theirs.safetensors")
    write_all([store.output(tmp_path / "ours.safetensors", STATE)])
    assert (tmp_path / "ours.safetensors").read_bytes() == (tmp_path / "theirs.safetensors").read_bytes()


def test_round_trip(tmp_path: Path) -> None:
    state = {**STATE, "counter": np.array(7), "turned": np.arange(6.0).reshape(2, 3).T, "none": np.zeros((0, 2))}
    write_all([store.output(tmp_path / "x.safetensors", state)])
    found = load(tmp_path / "x.safetensors")
    assert found.keys() == state.keys()
    for name, array in state.items():
        assert np.array_equal(found[name], array), name
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)


def test_empty(tmp_path: Path) -> None:
    write_all([store.output(tmp_path / "x.safetensors", {})])
    assert checkpoint.read(tmp_path / "x.safetensors", {}).state == {}


def test_torch_reads_it(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    write_all([store.output(tmp_path / "x.safetensors", {"n": np.array(3), **STATE})])
    found = load_file(tmp_path / "x.safetensors")
    assert found["n"].shape == ()
    assert found["half"].dtype is torch.bfloat16


def test_order_and_types_are_the_networks(tmp_path: Path) -> None:
    safetensors.numpy.save_file({"b": np.ones(2, np.float64), "a": np.ones(2, ml_dtypes.bfloat16)}, tmp_path / "x")
    state = checkpoint.read(tmp_path / "x", params(a=spec(2), b=spec(2), c=spec(3, kind="const"))).state
    assert list(state) == ["a", "b"]
    assert {array.dtype for array in state.values()} == {np.dtype(np.float32)}


def test_every_misfit_is_named() -> None:
    wanted = params(
        conv1__weight=spec(8, 3), conv1__bias=spec(8), fc__weight=spec(10, 4), table=spec(4, dtype=DType.INT64)
    )
    found: dict[str, Array] = {
        "conv_1.weight": np.zeros((8, 3), np.float32),
        "conv1.bias": np.zeros((8, 2), np.float32),
        "fc.weight": np.zeros((10, 4), np.int64),
        "table": np.zeros(4, np.float32),
        "other": np.zeros(1, np.float32),
    }
    with pytest.raises(WeightsError) as caught:
        store.fit(found, wanted)
    (mistake,) = caught.value.mistakes
    assert mistake.code == "E0644"
    assert mistake.message == (
        "the weights do not fit the network: 1 renamed, 1 of another shape, 1 surplus, 2 of another type; "
        "0 of its 4 tensors fit"
    )
    assert list(mistake.table) == [
        "  renamed, 1: the file has as many of the same shapes",
        "    `conv1.weight` may be the file's `conv_1.weight`",
        "  another shape, 1: other widths",
        "    `conv1.bias`  [8] in the network, [8, 2] in the file",
        "  surplus, 1: the file's alone",
        "    `other`  [1]",
        "  another type, 2",
        "    `fc.weight`  float32 in the network, int64 in the file",
        "    `table`  int64 in the network, float32 in the file",
    ]
    lines = str(caught.value).splitlines()[1:]
    assert lines[: len(mistake.table)] == list(mistake.table), "the exception's text has the table too"
    assert lines[len(mistake.table) :] == [f"  help: {words.text}" for words in mistake.help]


SINGLE: list[tuple[dict[str, Array], str]] = [
    ({}, "E0611: the weights lack `w` [2]"),
    ({"w": np.zeros(2), "v": np.zeros(1)}, "E0612: the weights have `v` [1], which the network does not"),
    ({"w": np.zeros((2, 1))}, "E0613: `w` is [2] in the network and [2, 1] in the weights"),
    ({"w": np.zeros(2, int)}, "E0614: `w` is float32 in the network and int64 in the weights"),
]


@pytest.mark.parametrize(("found", "words"), SINGLE, ids=[words[:5] for _, words in SINGLE])
def test_one_misfit_is_a_mistake_of_its_own(found: dict[str, Array], words: str) -> None:
    with pytest.raises(WeightsError) as caught:
        store.fit(found, params(w=spec(2)))
    assert [f"{m.code}: {m.message}" for m in caught.value.mistakes] == [words]


def test_batch_counter_may_be_missing() -> None:
    state = store.fit({}, params(bn__num_batches_tracked=spec(dtype=DType.INT64, kind="buffer")))
    assert state["bn.num_batches_tracked"].shape == ()
    assert state["bn.num_batches_tracked"].dtype == np.int64


def test_thousands_of_misfits_are_fast() -> None:
    wanted = params(**{f"layer{i}": spec(2) for i in range(5000)})
    with pytest.raises(WeightsError) as caught:
        store.fit({f"block{i}": np.zeros(2, np.float32) for i in range(5000)}, wanted)
    (mistake,) = caught.value.mistakes
    assert mistake.message.endswith("5,000 renamed; 0 of its 5,000 tensors fit")
    assert "`layer{0..4999}` may be the file's `block{0..4999}`  x5000" in mistake.table[1]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file or directory"),
        (b"", "no .safetensors"),
        (b"PK\x03\x04 a zip as torch.save makes", "a PyTorch checkpoint under the name"),
        (b"\x02\x00\x00\x00\x00\x00\x00\x00{}tail", "no .safetensors"),
    ],
)
def test_unreadable(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "x.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=reason) as caught:
        load(path)
    assert caught.value.mistakes[0].code == "E0610"


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="the folder holds no file of weights"):
        load(tmp_path)

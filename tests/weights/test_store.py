"""State dicts as .safetensors: the same bytes as the library's, and every misfit named."""

from __future__ import annotations

from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors.numpy
import torch

from dslc.ir.model import Param
from dslc.ops.base import Init, ParamSpec
from dslc.output import write_all
from dslc.types.tensor import DType
from dslc.weights import store
from dslc.weights.errors import WeightsError
from dslc.weights.memory import Array


def params(**specs: ParamSpec) -> dict[str, Param]:
    return {n.replace("__", "."): Param(n, n, spec, None) for n, spec in specs.items()}  # type: ignore[arg-type]


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
    found = store.load(tmp_path / "x.safetensors")
    assert found.keys() == state.keys()
    for name, array in state.items():
        assert np.array_equal(found[name], array), name
        assert (found[name].dtype, found[name].shape) == (array.dtype, array.shape)


def test_empty(tmp_path: Path) -> None:
    write_all([store.output(tmp_path / "x.safetensors", {})])
    assert store.read(tmp_path / "x.safetensors", {}) == {}


def test_torch_reads_it(tmp_path: Path) -> None:
    from safetensors.torch import load_file

    write_all([store.output(tmp_path / "x.safetensors", {"n": np.array(3), **STATE})])
    found = load_file(tmp_path / "x.safetensors")
    assert found["n"].shape == ()
    assert found["half"].dtype is torch.bfloat16


def test_order_and_types_are_the_networks(tmp_path: Path) -> None:
    safetensors.numpy.save_file({"b": np.ones(2, np.float64), "a": np.ones(2, ml_dtypes.bfloat16)}, tmp_path / "x")
    state = store.read(tmp_path / "x", params(a=spec(2), b=spec(2), c=spec(3, kind="const")))
    assert list(state) == ["a", "b"]
    assert {array.dtype for array in state.values()} == {np.dtype(np.float32)}


def test_every_misfit_is_named() -> None:
    wanted = params(
        conv1__weight=spec(8, 3), conv1__bias=spec(8), fc__weight=spec(10, 4), table=spec(4, dtype=DType.INT64)
    )
    found: dict[str, Array] = {
        "conv_1.weight": np.zeros((8, 3), np.float32),
        "conv1.bias": np.zeros(9, np.float32),
        "fc.weight": np.zeros((10, 4), np.int64),
        "table": np.zeros(4, np.float32),
        "other": np.zeros(1, np.float32),
    }
    with pytest.raises(WeightsError) as caught:
        store.fit(found, wanted)
    assert [(m.code, m.message) for m in caught.value.mistakes] == [
        ("E0611", "the weights lack `conv1.weight` [8, 3]"),
        ("E0612", "the weights have `conv_1.weight` [8, 3], which the network does not"),
        ("E0612", "the weights have `other` [1], which the network does not"),
        ("E0613", "`conv1.bias` is [8] in the network and [9] in the weights"),
        ("E0614", "`fc.weight` is float32 in the network and int64 in the weights"),
        ("E0614", "`table` is int64 in the network and float32 in the weights"),
    ]
    assert [h.text for m in caught.value.mistakes for h in m.help] == [
        "the file has `conv_1.weight`",
        "the network has `conv1.weight`",
    ]


def test_batch_counter_may_be_missing() -> None:
    state = store.fit({}, params(bn__num_batches_tracked=spec(dtype=DType.INT64, kind="buffer")))
    assert state["bn.num_batches_tracked"].shape == ()
    assert state["bn.num_batches_tracked"].dtype == np.int64


def test_thousands_of_misfits_are_fast() -> None:
    wanted = params(**{f"layer{i}": spec(2) for i in range(5000)})
    with pytest.raises(WeightsError) as caught:
        store.fit({f"block{i}": np.zeros(2, np.float32) for i in range(5000)}, wanted)
    assert len(caught.value.mistakes) == 10_000


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "no such file or directory"),
        (b"", "no .safetensors"),
        (b"PK\x03\x04 a zip as torch.save makes", "a PyTorch checkpoint"),
        (b"\x02\x00\x00\x00\x00\x00\x00\x00{}tail", "no .safetensors"),
    ],
)
def test_unreadable(tmp_path: Path, content: bytes | None, reason: str) -> None:
    path = tmp_path / "x.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WeightsError, match=reason) as caught:
        store.load(path)
    assert caught.value.mistakes[0].code == "E0610"


def test_folder(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="is a directory"):
        store.load(tmp_path)

"""The common view of tensors: what wraps it reads nothing before it is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import safetensors.numpy

from dslc.weights.file import opened
from dslc.weights.memory import Array
from dslc.weights.tensors import Arrays, Renamed, Tensors, TensorSpec

ONE, TWO = np.arange(6, dtype=np.float16).reshape(2, 3), np.arange(4)


def test_a_file_and_arrays_look_alike(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    safetensors.numpy.save_file({"b": ONE, "a": TWO}, path)
    with opened(path) as file:
        of_both: list[Tensors] = [file, Arrays({"a": TWO, "b": ONE})]
        for found in of_both:
            spec = found.specs["b"]
            assert (spec.shape, spec.dtype, spec.count, spec.nbytes) == ((2, 3), np.dtype(np.float16), 6, 12)
            assert np.array_equal(found.read("b"), ONE)
            assert np.array_equal(found.read("a"), TWO)
        assert file.origin("b") == f"`b` of `{path}`"
        assert of_both[1].origin("b") == "`b` of the state dict"


class Once(Tensors):
    """Counts what is read."""

    def __init__(self) -> None:
        self.specs = {"module.w": TensorSpec((2, 3), np.dtype(np.float16)), "step": TensorSpec((), np.dtype(np.int64))}
        self.notes = ("taken from `model`",)
        self.asked: list[str] = []

    def read(self, name: str) -> Array:
        self.asked.append(name)
        return ONE

    def origin(self, name: str) -> str:
        return f"`{name}` of `x.pth`"


def test_new_names_for_some_of_the_tensors() -> None:
    inner = Once()
    found = Renamed(inner, {"w": "module.w"}, "without the prefix `module.`")
    assert dict(found.specs) == {"w": inner.specs["module.w"]}
    assert found.notes == ("taken from `model`", "without the prefix `module.`")
    assert found.origin("w") == "`module.w` of `x.pth`"
    assert inner.asked == []
    assert found.read("w") is ONE
    assert inner.asked == ["module.w"]

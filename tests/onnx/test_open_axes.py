"""Sizes that stay open, named or given by the axes of inputs."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import onnx
import pytest
import torch

import dslc
from dslc.api import compile_model
from dslc.backends.onnx.dynamic import open_sizes
from dslc.build import build
from dslc.diagnostics.model import Failure

TEXT = """
net two on image[N, 3, H=8, W=8], mask[N, H] -> map, note:
    map = image -> conv(4, 3)
    note = mask -> mean(1)
"""
IMAGE = """
net f on image[N, 3, H=8, W=8], mask[N, 2*H] -> output, note:
    output = image -> conv(4, 3, s=2)
    note = mask -> mean(1)
"""
Dim = torch.export.Dim


@pytest.mark.parametrize(
    ("dynamic", "names"),
    [
        (None, ()),
        ((), ()),
        ({}, ()),
        ("", ()),
        ("N", ("N",)),
        ("W, N,W", ("W", "N")),
        (["N"], ("N",)),
        (("N", "W", "N"), ("N", "W")),
        ({"N": None}.keys(), ("N",)),
        ({"image": {0: "N"}}, ("N",)),
        ({"image": {0: "N", 3: "W"}, "mask": None}, ("N", "W")),
        ({"image": [0, -1]}, ("N", "W")),
        ({"image": {0, 3}}, ("N", "W")),
        ({"image": (0,)}, ("N",)),
        ({"image": {0: Dim("N"), 2: Dim.AUTO, 3: Dim.STATIC}}, ("N", "H")),
        ({"image": (Dim("N"), None, None, Dim.DYNAMIC), "mask": (Dim.AUTO, None)}, ("N", "W")),
        ({"image": ("N", None, "H", None)}, ("N", "H")),
        ({"image": {0: "N"}, "output": {0: "N"}}, ("N",)),
        (({0: "N"}, None), ("N",)),
        ([{0: Dim("N"), 2: Dim.AUTO}, {1: "H"}], ("N", "H")),
        ({"mask": {1: "H"}}, ("H",)),
        ({"mask": {1: "2*H"}}, ("H",)),
        ({"mask": [1]}, ("H",)),
    ],
    ids=str,
)
def test_forms(dynamic: Any, names: tuple[str, ...]) -> None:
    assert open_sizes(compile_model(IMAGE), dynamic) == names


@pytest.mark.parametrize(
    ("dynamic", "code", "words", "help"),
    [
        ("NHW", "E0630", "the inputs have no size `NHW`: there are `N`, `H`, `W`", ""),
        (
            {"imagee": {0: "N"}},
            "E0633",
            "the network has no input `imagee`: there are `image`, `mask`",
            "did you mean `image`?",
        ),
        ({"image": {4: "N"}}, "E0634", "`image` has no axis 4: it is [N, 3, H, W]", ""),
        ({"image": [-5]}, "E0634", "`image` has no axis -5: it is [N, 3, H, W]", ""),
        (
            {"image": {1: "C"}},
            "E0635",
            "axis 1 of `image` is 3 in the program, and cannot stay open",
            'these can: `{0: "N", 2: "H", 3: "W"}`',
        ),
        ({"output": {1: "C"}}, "E0635", "axis 1 of `output` is 4 in the program, and cannot stay open", None),
        (
            {"image": {0: "batch"}},
            "E0636",
            "axis 0 of `image` is called `N` in the program, not `batch`",
            'write `dynamic={"image": {0: "N"}}`',
        ),
        ({"image": {0: Dim("batch")}}, "E0636", "axis 0 of `image` is called `N` in the program, not `batch`", None),
        ({"mask": {1: "W"}}, "E0636", "axis 1 of `mask` is called `2*H` in the program, not `W`", None),
    ],
    ids=str,
)
def test_mistakes(dynamic: Any, code: str, words: str, help: str | None) -> None:
    with pytest.raises(Failure) as failure:
        open_sizes(compile_model(IMAGE), dynamic)
    (mistake,) = failure.value.mistakes
    assert (mistake.code, mistake.message) == (code, words)
    assert help is None or "".join(h.text for h in mistake.help) == help


def test_all_mistakes_are_said_at_once() -> None:
    with pytest.raises(Failure) as failure:
        open_sizes(compile_model(IMAGE), {"imag": [0], "image": {1: "C", 0: "B"}})
    assert [mistake.code for mistake in failure.value.mistakes] == ["E0633", "E0635", "E0636"]


def test_a_size_that_weights_fix() -> None:
    model = compile_model("net f on x[N, 3, H=8, W=8]:\n    flatten -> linear(2)\n")
    for dynamic in ("H", {"x": {2: "H"}}):
        with pytest.raises(Failure, match=r"E0631\]: `H` cannot stay symbolic"):
            open_sizes(model, dynamic)


@pytest.mark.parametrize(
    "dynamic", [3, b"N", [0], [None], {"image": "N"}, {"image": 0}, {"image": {"0": "N"}}, {"image": {0: 5}}], ids=str
)
def test_what_is_none_of_the_forms(dynamic: Any) -> None:
    with pytest.raises(
        TypeError, match=r"^`dynamic` is names of sizes such as|^an axis of|^axis 0 of `image` is given a"
    ):
        open_sizes(compile_model(IMAGE), dynamic)


def test_axes_of_more_inputs_than_there_are() -> None:
    with pytest.raises(TypeError, match="`dynamic` has axes of 3 inputs, and the network has 2"):
        open_sizes(compile_model(IMAGE), ({0: "N"}, {0: "N"}, {0: "N"}))


def dims(data: bytes | Path) -> dict[str, list[int | str]]:
    """The shapes of a graph's inputs and outputs."""
    model = onnx.load_model_from_string(data) if isinstance(data, bytes) else onnx.load(data)
    return {
        value.name: [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }


def test_one_size_is_open_wherever_it_stands(tmp_path: Path) -> None:
    """`H` of the image is that of the mask too."""
    wanted = {"image": ["N", 3, "H", 8], "mask": ["N", "H"], "map": ["N", 4, "H", 8], "note": ["N"]}
    net = dslc.load(TEXT)()
    stream = BytesIO()
    assert net.to_onnx(stream, dynamic={"image": {0: "N", 2: "H"}}) == []
    assert dims(stream.getvalue()) == wanted
    (path,) = dslc.export_onnx(net, tmp_path / "net.onnx", dynamic="N,H")
    assert path.read_bytes() == stream.getvalue()
    build(compile_model(TEXT), tmp_path, dynamic={"image": [0, 2]}, targets=["onnx"], dtype="half")
    assert dims(tmp_path / "two.onnx") == wanted

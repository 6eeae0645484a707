"""Running: inputs are checked, devices are the ones asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from torchvision import transforms

from dslc.api import compile_model
from dslc.backends.onnx import run as runner
from dslc.backends.onnx.emit import emit
from dslc.backends.onnx.errors_run import RunError
from dslc.backends.onnx.file import save
from dslc.backends.onnx.image import load_array, load_image
from dslc.diagnostics.model import Mistake
from tests.onnx.models import difference, exported, inputs_of, lively, run

IMAGE = "net f on image[N, 3, H=32, W=32]:\n    conv(8, 3, s=2) -> bn -> relu -> gap -> flatten -> linear(10)\n"
JOIN = """
net f on image[N, 3, H=32, W=32]:
    c1 = conv(8, 3, s=2)
    c2 = c1 -> conv(8, 3, s=2)
    (c1 + (c2 -> upsample(2))) -> gap -> flatten
"""


def mistake(caught: pytest.ExceptionInfo[RunError]) -> Mistake:
    (found,) = caught.value.mistakes
    return found


def test_run(tmp_path: Path) -> None:
    model = compile_model(IMAGE)
    graph, inputs = emit(model, lively(model)), inputs_of(model)
    expected = run(graph, inputs)["output"]
    save(graph, tmp_path / "f.onnx")
    for source in (graph, graph.proto(), tmp_path / "f.onnx", str(tmp_path / "f.onnx")):
        done = runner.run(source, inputs, "cpu", repeat=3)
        assert difference(done.outputs["output"], expected) < 1e-5
        assert (done.device, len(done.seconds)) == ("cpu", 3)
        assert done.median is not None
        assert min(done.seconds) <= done.median <= max(done.seconds)
    assert runner.run(graph, list(inputs.values())).median is None


def test_weights_too_large_for_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "INLINE_LIMIT", 10)
    model = compile_model(IMAGE)
    graph, inputs = emit(model, lively(model)), inputs_of(model)
    done = runner.run(graph, inputs, "cpu")
    assert difference(done.outputs["output"], run(graph, inputs)["output"]) < 1e-5


def test_element_types_are_converted() -> None:
    session = runner.load(exported("net f on x[N, 4], ids: int64[N]:\n    x + embedding(9, 4)(ids)\n"), "cpu")
    feeds = runner.prepare(session, [np.ones((1, 4)), np.ones(1, np.int32)])
    assert [feed.dtype for feed in feeds.values()] == [np.float32, np.int64]
    with pytest.raises(RunError) as caught:
        session.run([np.ones((1, 4)), np.ones(1)])
    assert mistake(caught).message == "`ids` takes int64, got float64"


def test_an_element_type_without_arrays() -> None:
    """Python has no arrays of bfloat16 that onnxruntime takes: said, not a traceback."""
    graph = exported("net f on x: bfloat16[N, 4]:\n    reshape(N, 2, 2)\n")
    with pytest.raises(RunError) as caught:
        runner.load(graph, "cpu").run([np.ones((1, 4))])
    assert mistake(caught).code == "E0629" and "bfloat16" in mistake(caught).message


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ([], "the network takes `image`; given: 0 arrays"),
        ({}, "the network takes `image`; given: nothing"),
        ({"x": np.ones(1)}, "the network takes `image`; given: `x`"),
        ([np.ones((1, 3, 32))], "`image` must be [N, 3, H, 32], got [1, 3, 32]"),
        ([np.ones((1, 1, 32, 32))], "`image` must be [N, 3, H, 32], got [1, 1, 32, 32]"),
        ([np.ones((1, 3, 32, 31))], "`image` must be [N, 3, H, 32], got [1, 3, 32, 31]"),
        ([np.ones((0, 3, 32, 32))], "`image` must be [N, 3, H, 32], got [0, 3, 32, 32]: a size is at least 1"),
    ],
)
def test_wrong_inputs(inputs: runner.Inputs, message: str) -> None:
    session = runner.load(exported(IMAGE, dynamic=("N", "H")), "cpu")
    with pytest.raises(RunError) as caught:
        session.run(inputs)
    assert mistake(caught).message == message


def test_one_symbol_has_one_size() -> None:
    session = runner.load(exported("net f on x[N, T=4, 8], y[N, T, 8]:\n    x + y\n", dynamic=("N", "T")), "cpu")
    x = np.ones((2, 4, 8), np.float32)
    with pytest.raises(RunError) as caught:
        session.run([x, x[:, :3]])
    assert mistake(caught).message == "`y` must be [N, T, 8], got [2, 3, 8]: T is 4"
    with pytest.raises(RunError):
        session.run([x, x[:1]])


def test_sizes_that_the_network_refuses() -> None:
    """onnxruntime itself runs some of them, and broadcasts."""
    session = runner.load(exported(JOIN, dynamic=("H", "W")), "cpu")
    session.run([np.zeros((1, 3, 64, 24), np.float32)])
    with pytest.raises(RunError) as caught:
        session.run([np.zeros((1, 3, 33, 24), np.float32)])
    found = mistake(caught)
    assert found.code == "E0624"
    assert found.message.startswith("H=33 is not allowed: this network needs H % 4 == 0")
    assert [help.text for help in found.help] == ["the nearest sizes are 32 and 35"]
    with pytest.raises(RunError) as caught:
        session.run([np.zeros((1, 3, 33, 25), np.float32)])
    assert len(caught.value.mistakes) == 2


@pytest.mark.skipif("CUDAExecutionProvider" in onnxruntime.get_available_providers(), reason="has CUDA")
def test_cuda_is_never_silently_the_cpu() -> None:
    graph = exported(IMAGE)
    with pytest.raises(RunError) as caught:
        runner.load(graph, "cuda")
    assert mistake(caught).code == "E0620"
    session = runner.load(graph, "auto")
    assert (session.device, session.note) == ("cpu", "")


class NoGpu:
    """onnxruntime-gpu on a machine without a GPU, as observed with 1.31.1.

    It lists the provider, prints which libraries are missing, and gives a session on the CPU; with the fallback
    disabled it fails, and says nothing of the GPU.
    """

    def __init__(self, fails: bool) -> None:
        self.fails = fails
        self.severities: list[int] = []
        self.SessionOptions = onnxruntime.SessionOptions

    def get_available_providers(self) -> list[str]:
        return ["CUDAExecutionProvider", "CPUExecutionProvider"]

    def set_default_logger_severity(self, level: int) -> None:
        self.severities.append(level)

    def preload_dlls(self) -> None:
        print("Failed to load libcublasLt.so.13: cannot open shared object file: No such file or directory")

    def InferenceSession(
        self, source: bytes, options: object, providers: list[str], disabled_optimizers: Sequence[str] = ()
    ) -> onnxruntime.InferenceSession:
        if self.fails and providers == ["CUDAExecutionProvider"]:
            raise RuntimeError("fallback to CPU EP has been explicitly disabled by the user.\nmore")
        return onnxruntime.InferenceSession(source, providers=["CPUExecutionProvider"])


@pytest.mark.parametrize("fails", [True, False])
def test_cuda_that_does_not_work(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], fails: bool
) -> None:
    ort = NoGpu(fails)
    monkeypatch.setitem(sys.modules, "onnxruntime", ort)
    graph = exported(IMAGE)
    with pytest.raises(RunError) as caught:
        runner.load(graph, "cuda")
    message = "onnxruntime cannot run on cuda: libcublasLt.so.13 cannot be loaded"
    assert (mistake(caught).code, mistake(caught).message) == ("E0620", message)
    session = runner.load(graph, "auto")
    assert (session.device, session.note) == ("cpu", message)
    assert ort.severities[-1] == 2
    assert capfd.readouterr() == ("", "")


class Node:
    """A node as onnxruntime reports its placement."""

    def __init__(self, name: str, op_type: str) -> None:
        self.name, self.op_type = name, op_type


class Part:
    """The nodes of one provider, as onnxruntime reports them."""

    def __init__(self, ep_name: str, nodes: list[Node]) -> None:
        self.ep_name = ep_name
        self.get_nodes = lambda: nodes


class PartlyOnCpu(NoGpu):
    """onnxruntime-gpu with a GPU, for a graph with one node that it has no kernel for."""

    class Session:
        def get_providers(self) -> list[str]:
            return ["CUDAExecutionProvider", "CPUExecutionProvider"]

        def get_provider_graph_assignment_info(self) -> list[Part]:
            there = Part("CUDAExecutionProvider", [Node("conv", "Conv")])
            return [there, Part("CPUExecutionProvider", [Node("pool", "LpPool")])]

    def preload_dlls(self) -> None:
        pass

    def InferenceSession(
        self, source: bytes, options: object, providers: list[str], disabled_optimizers: Sequence[str] = ()
    ) -> object:
        if providers == ["CPUExecutionProvider"]:
            return onnxruntime.InferenceSession(source, providers=providers)
        if providers == ["CUDAExecutionProvider"]:
            raise RuntimeError("fallback to CPU EP has been explicitly disabled by the user.")
        return self.Session()


def test_nodes_that_would_leave_the_gpu_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", PartlyOnCpu(True))
    with pytest.raises(RunError) as caught:
        runner.load(exported(IMAGE), "cuda")
    found = mistake(caught)
    assert (found.code, found.message) == ("E0621", "1 node would run on the CPU: `pool (LpPool)`")
    session = runner.load(exported(IMAGE), "auto")
    assert (session.device, session.note) == ("cpu", found.message)


class SizesOnCpu(PartlyOnCpu):
    """The same for a graph whose only nodes on the CPU compute sizes."""

    class Session(PartlyOnCpu.Session):
        def get_provider_graph_assignment_info(self) -> list[Part]:
            there = Part("CUDAExecutionProvider", [Node("conv", "Conv"), Node("size/H", "Shape")])
            return [there, Part("CPUExecutionProvider", [Node("size/H // 2", "Div"), Node("size/sizes", "Concat")])]

        def get_modelmeta(self) -> Meta:
            return Meta()


class Meta:
    """What a session says of its model."""

    custom_metadata_map: ClassVar[dict[str, str]] = {}


def test_arithmetic_on_sizes_may_stay_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", SizesOnCpu(True))
    assert runner.load(exported(IMAGE), "cuda").device == "cuda"


def test_without_onnxruntime(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(RunError) as caught:
        runner.load(exported(IMAGE))
    assert mistake(caught).code == "E0650"


@pytest.mark.parametrize("size", [(500, 375), (375, 500), (100, 90), (224, 224)])
def test_images_are_prepared_as_by_torchvision(tmp_path: Path, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "photo.png")
    preset = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224), transforms.ToTensor()])
    with Image.open(tmp_path / "photo.png") as image:
        expected = torch.Tensor(preset(image)).numpy()[np.newaxis]
    found = load_image(tmp_path / "photo.png", 3, 224, 224)
    assert found.shape == (1, 3, 224, 224)
    assert found.dtype == np.float32
    assert np.abs(found - expected).mean() < 0.01


def test_other_images(tmp_path: Path) -> None:
    Image.new("RGBA", (40, 30), (255, 0, 0, 128)).save(tmp_path / "a.png")
    assert load_image(tmp_path / "a.png", 1, 28, 28).shape == (1, 1, 28, 28)
    assert load_image(tmp_path / "a.png", 4, 28, 20)[0, :, 9, 9].tolist() == pytest.approx([1, 0, 0, 128 / 255])
    tall = load_image(tmp_path / "a.png", 3, 200, 50)
    assert tall.shape == (1, 3, 200, 50)
    assert tall.min(axis=(2, 3)).tolist() == [[1, 0, 0]]


def test_files_that_are_no_inputs(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"text")
    np.save(tmp_path / "objects.npy", np.array([{}], object), allow_pickle=True)
    np.savez(tmp_path / "two.npz", a=np.ones(1), b=np.ones(1))
    for path in ("a", "missing", "."):
        with pytest.raises(RunError) as caught:
            load_image(tmp_path / path, 3, 8, 8)
        assert mistake(caught).code == "E0626"
    for path in ("a", "missing", ".", "objects.npy", "two.npz"):
        with pytest.raises(RunError) as caught:
            load_array(tmp_path / path)
        assert mistake(caught).code == "E0626"
    np.save(tmp_path / "x.npy", np.arange(4))
    assert load_array(tmp_path / "x.npy").tolist() == [0, 1, 2, 3]


def test_image_size() -> None:
    assert runner.image_size(runner.load(exported(IMAGE, dynamic=("H",)), "cpu")) == ("image", 3, 32, 32)
    with pytest.raises(RunError) as caught:
        runner.image_size(runner.load(exported("net f on x[N, 8]:\n    linear(2)\n"), "cpu"))
    assert mistake(caught).message == "`x` [1, 8] is no image"


def test_top() -> None:
    scores = np.array([[1.0, 3.0, 2.0], [-1.0, -1.0, 5.0]])
    found = runner.top(scores, 2)
    assert [[index for index, _ in row] for row in found] == [[1, 2], [2, 0]]
    assert found[0][0][1] == pytest.approx(np.exp(3) / np.exp([1, 2, 3]).sum())
    assert runner.top(np.array([[0.25, 0.75]]))[0] == [(1, 0.75), (0, 0.25)]

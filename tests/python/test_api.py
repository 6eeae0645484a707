"""The Python API: compile, load and export_onnx."""

from __future__ import annotations

import copy
import inspect
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import dslc
from dslc.api import compile_model
from dslc.generated import module_from_text, root_class

ROOT = Path(__file__).resolve().parent.parent.parent
RESNET = ROOT / "examples" / "resnet.dl"

SMALL = """
## A small network.
net small(c: int = 8) on image[N, 3, H=32, W=32] -> [N, 4]:
    conv(c, 3, s=2) as stem -> bn as norm -> relu
    gap -> flatten -> linear(4) as head
"""


def run_onnx(path: Path, x: torch.Tensor) -> torch.Tensor:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {session.get_inputs()[0].name: x.numpy()})[0])


def test_public_names() -> None:
    assert set(dslc.__all__) <= set(dir(dslc))
    assert all(getattr(dslc, name) is not None for name in dslc.__all__)
    wrong = "compiel"
    with pytest.raises(AttributeError, match="no attribute `compiel`"):
        getattr(dslc, wrong)


# ---- compile


def test_compile_text_and_file() -> None:
    assert dslc.compile(SMALL).name == "small"
    assert dslc.compile(RESNET, "resnet18").name == "resnet18"
    assert dslc.compile(str(RESNET), net="resnet18").name == "resnet18"


def test_compile_with_arguments_and_sizes() -> None:
    model = dslc.compile(SMALL, c=16, sizes={"H": 64})
    assert model.params["stem.weight"].shape == (16, 3, 3, 3)
    assert model.sizes["H"] == 64


def test_compile_raises_what_the_command_line_prints() -> None:
    with pytest.raises(dslc.CompileError) as error:
        dslc.compile("net f on x[N, 8]:\n    linaer(3)\n")
    assert str(error.value).startswith("error[E0201]: unknown name `linaer`\n  --> <text>:2:5\n")
    assert "did you mean `linear`?" in str(error.value)
    assert [d.code for d in error.value.diagnostics] == ["E0201"]


# ---- load


def test_a_loaded_class_is_an_ordinary_module_class() -> None:
    small = dslc.load(SMALL)
    assert small.__name__ == "Small"
    net = small()
    assert next(iter(net.state_dict())) == "stem.weight"
    assert net(torch.zeros(2, 3, 32, 32)).shape == (2, 4)


def test_its_source_can_be_read() -> None:
    small = dslc.load(SMALL)
    source = inspect.getsource(small)
    assert source.startswith("class Small(nn.Module):") and "self.stem = nn.Conv2d(3, c, 3" in source
    whole = inspect.getsource(sys.modules[small.__module__])
    assert "from torch import" in whole and "A small network." in whole


def test_instances_pickle_and_copy() -> None:
    net = dslc.load(SMALL)().eval()
    x = torch.randn(2, 3, 32, 32)
    for twin in (pickle.loads(pickle.dumps(net)), copy.deepcopy(net)):
        assert type(twin) is type(net)
        assert torch.equal(twin(x), net(x))


def test_a_pickle_loads_in_another_process_that_has_loaded_the_network(tmp_path: Path) -> None:
    (tmp_path / "net.dl").write_text(SMALL)
    net = dslc.load(tmp_path / "net.dl")()
    (tmp_path / "net.pickle").write_bytes(pickle.dumps(net))
    code = (
        "import dslc, pickle\n"
        "small = dslc.load('net.dl')\n"
        "net = pickle.loads(open('net.pickle', 'rb').read())\n"
        "assert type(net) is small\n"
        "print(float(net.stem.weight.detach().sum()))"
    )
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{code}"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout) == float(net.stem.weight.detach().sum())


def test_the_same_program_gives_the_same_class_and_another_another() -> None:
    assert dslc.load(SMALL) is dslc.load(SMALL)
    assert dslc.load(SMALL) is not dslc.load(SMALL, c=16)


def test_a_class_says_where_it_came_from(tmp_path: Path) -> None:
    path = tmp_path / "own.dl"  # a text of its own: one program has one class, by whatever name it was loaded first
    path.write_text("net own(classes: int = 3) on x[N, 8]:\n    linear(classes)\n")
    origin = vars(dslc.load(path, classes=5))["__dslc__"]
    assert (origin.source, origin.net, origin.args) == (path, "own", {"classes": 5})


def test_loading_a_program_with_a_mistake() -> None:
    with pytest.raises(dslc.CompileError):
        dslc.load("net f on x[N, 8]:\n    linaer(3)\n")


def test_a_broken_text_leaves_no_module_behind() -> None:
    before = set(sys.modules)
    with pytest.raises(ZeroDivisionError):
        module_from_text("x = 1 / 0\n", "broken")
    assert set(sys.modules) == before


def test_the_root_is_the_last_class_of_its_own() -> None:
    module = module_from_text("from fractions import Fraction\n\n\nclass A:\n    pass\n\n\nclass B:\n    pass\n", "two")
    assert root_class(module) == "B"


# ---- onnx


def test_a_live_module_exports_its_present_weights(tmp_path: Path) -> None:
    net = dslc.load(SMALL)().train()
    x = torch.randn(3, 3, 32, 32)
    for _ in range(3):
        net(x)
    with torch.no_grad():
        net.head.weight.mul_(3)
    (path,) = net.to_onnx(tmp_path / "net.onnx", dynamic=("N",))
    assert net.training
    expected = net.eval()(x)
    assert torch.allclose(run_onnx(path, x), expected, rtol=1e-4, atol=1e-5)
    (other,) = dslc.export_onnx(net, tmp_path / "other.onnx", dynamic=("N",))
    assert other.read_bytes() == path.read_bytes()


def test_export_takes_well_under_a_second(tmp_path: Path) -> None:
    net = dslc.load(RESNET, net="resnet50")()
    dslc.export_onnx(net, tmp_path / "warm.onnx")
    start = time.perf_counter()
    dslc.export_onnx(net, tmp_path / "resnet50.onnx")
    assert time.perf_counter() - start < 3, "about 0.3 s on an idle machine"


def test_only_loaded_modules_export(tmp_path: Path) -> None:
    with pytest.raises(dslc.ExportError, match=r"this `Linear` is no network that dslc made"):
        dslc.export_onnx(nn.Linear(2, 2), tmp_path / "x.onnx")


def test_a_loaded_network_trains() -> None:
    torch.manual_seed(0)
    net = dslc.load(SMALL)()
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    x, y = torch.randn(16, 3, 32, 32), torch.from_numpy(np.arange(16) % 4)
    losses = []
    for _ in range(20):
        loss = nn.functional.cross_entropy(net(x), y)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]


def test_a_constructors_argument_is_followed(tmp_path: Path) -> None:
    """A net's parameter that is left open is a constructor argument; the export is of the network it makes."""
    resnet = dslc.load(RESNET, net="resnet18")
    net = resnet(classes=7).eval()
    x = torch.randn(1, 3, 224, 224)
    for twin in (net, copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        (path,) = twin.to_onnx(tmp_path / "seven.onnx")
        assert torch.allclose(run_onnx(path, x), net(x), rtol=1e-3, atol=1e-4)


def test_a_model_can_be_shown() -> None:
    """The module tree refers to itself in many ways; its text is short all the same."""
    model = compile_model(RESNET, "resnet50")
    assert repr(model) == "<Model resnet50: 320 tensors>"
    assert len(repr(model.root.body)) < 2000 and len(repr(model.root.scope)) < 500

"""Weights of files in live modules: `load_weights`, and classes whose instances start from a file."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

import dslc

NET = """
net small(classes: int = 4) on x[N, 3, 8, 8]:
    conv(8, 3) as stem -> bn as norm -> relu
    gap -> flatten -> linear(classes) as head
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program, and a checkpoint of a run of it: both kinds of file."""
    monkeypatch.chdir(tmp_path)
    Path("net.dl").write_text(NET, encoding="utf-8")
    torch.manual_seed(5)
    state = dslc.load("net.dl")().state_dict()
    state["norm.running_mean"].uniform_()
    safetensors.torch.save_file(state, "a.safetensors")
    torch.save({"model": {f"module.{name}": tensor for name, tensor in state.items()}}, "a.pth")
    return tmp_path


def state() -> dict[str, torch.Tensor]:
    found: dict[str, torch.Tensor] = safetensors.torch.load_file("a.safetensors")
    return found


def same(net: nn.Module, names: Any = None) -> bool:
    own, wanted = net.state_dict(), state()
    return all(torch.equal(own[name].float(), wanted[name].float()) for name in names or wanted)


@pytest.mark.parametrize("file", ["a.safetensors", "a.pth"])
def test_a_file_into_a_module(folder: Path, file: str) -> None:
    net = dslc.load("net.dl")()
    places = {name: tensor.data_ptr() for name, tensor in net.state_dict().items()}
    assert not same(net)
    said = net.load_weights(file)
    assert same(net)
    assert {name: tensor.data_ptr() for name, tensor in net.state_dict().items()} == places, "copied, not replaced"
    assert said == (
        ()
        if file == "a.safetensors"
        else ("read by torch.load(weights_only=True)", "took `model`, took off the prefix `module.`")
    )
    net.head.weight.data.zero_()
    assert state()["head.weight"].any(), "the file stays as it was"
    net(torch.zeros(1, 3, 8, 8)).sum().backward()


def test_types_of_the_module_stay(folder: Path) -> None:
    for kind in (torch.float16, torch.bfloat16, torch.float64):
        net = dslc.load("net.dl")().to(kind)
        net.load_weights("a.safetensors")
        assert net.head.weight.dtype is kind
        assert torch.equal(net.head.weight, state()["head.weight"].to(kind))


def test_a_new_head(folder: Path) -> None:
    net = dslc.load("net.dl")(classes=9)
    before = net.head.weight.clone()
    with pytest.raises(dslc.Failure, match=r"2 of another shape(.|\n)*another number of classes"):
        net.load_weights("a.safetensors")
    assert not same(net, ["stem.weight"]), "nothing is half loaded"
    assert net.load_weights("a.safetensors", skip="head") == ("`head.weight`, `head.bias` stayed as they were",)
    assert same(net, ["stem.weight", "norm.running_mean"])
    assert torch.equal(net.head.weight, before)


def test_nothing_is_half_loaded(folder: Path) -> None:
    spoilt = state()
    spoilt["head.bias"][1] = torch.nan  # the last tensor
    safetensors.torch.save_file(spoilt, "b.safetensors")
    net = dslc.load("net.dl")()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    for file, words in (("b.safetensors", "`head.bias` has nan at"), ("no.pth", "no such file")):
        with pytest.raises(dslc.Failure, match=words):
            net.load_weights(file)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())


def test_a_module_without_memory(folder: Path) -> None:
    with torch.device("meta"):
        net = dslc.load("net.dl")()
        with pytest.raises(dslc.Failure, match=r"E0647(.*)the device meta holds no numbers"):
            dslc.load("net.dl", weights="a.safetensors")()
    with pytest.raises(dslc.Failure, match=r"the device meta holds no numbers(.*)`stem.weight`"):
        net.load_weights("a.safetensors")
    net.to_empty(device="cpu").load_weights("a.safetensors")
    assert same(net)


def test_a_module_that_was_modified(folder: Path) -> None:
    net = dslc.load("net.dl")()
    net.head = nn.Linear(8, 5)
    with pytest.raises(dslc.Failure, match=r"the module was modified(.*)`head.weight`, `head.bias`"):
        net.load_weights("a.safetensors")
    assert not same(net, ["stem.weight"])


def test_instances_that_start_from_a_file(folder: Path) -> None:
    Plain, Small = dslc.load("net.dl"), dslc.load("net.dl", weights="a.pth")
    net = Small()
    assert same(net) and not same(Plain())
    assert type(net) is Plain and isinstance(net, Small) and isinstance(net, dslc.Module)
    assert issubclass(Small, Plain) and not isinstance(nn.Linear(2, 2), Small)
    assert (Small.__name__, Small.__doc__) == (Plain.__name__, Plain.__doc__)
    for again in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert type(again) is Plain and same(again)
    assert same(pickle.loads(pickle.dumps(Small))())
    x = torch.randn(2, 3, 8, 8)
    (path,) = net.to_onnx("x.onnx")
    import onnxruntime

    given = {"x": x[:1].numpy()}
    found = onnxruntime.InferenceSession(str(path)).run(None, given)[0]
    np.testing.assert_allclose(found, net.eval()(x[:1]).detach().numpy(), atol=1e-5)


def test_arguments_of_such_instances(folder: Path) -> None:
    Small = dslc.load("net.dl", weights="a.safetensors", skip="head")
    net = Small(classes=7)
    assert net.head.weight.shape == (7, 8) and same(net, ["stem.weight"])
    with pytest.raises(dslc.Failure, match="2 of another shape"):
        dslc.load("net.dl", weights="a.safetensors")(classes=7)


def test_a_class_derived_from_such_a_class(folder: Path) -> None:
    Small = dslc.load("net.dl", weights="a.safetensors")

    class Mine(Small):  # type: ignore[valid-type,misc]
        def twice(self, x: torch.Tensor) -> torch.Tensor:
            found: torch.Tensor = 2 * self(x)
            return found

    net = Mine()
    assert type(net) is Mine and same(net) and isinstance(net, Small)
    assert not isinstance(Small(), Mine)
    assert net.twice(torch.zeros(1, 3, 8, 8)).shape == (1, 4)


def test_options_without_a_file(folder: Path) -> None:
    for options in ({"part": "ema"}, {"map": "timm"}, {"skip": "head"}, {"adapt": "channels"}):
        with pytest.raises(ValueError, match="mean nothing without `weights`"):
            dslc.load("net.dl", **options)  # type: ignore[arg-type]

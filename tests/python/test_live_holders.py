"""Networks within what holds them: looked through, or refused by name with what to do."""

from __future__ import annotations

import copy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch._C._distributed_c10d import FileStore
from torch.distributed.algorithms._checkpoint.checkpoint_wrapper import checkpoint_wrapper
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FullyShardedDataParallel, fully_shard
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

import dslc
from dslc.live.export import to_model

TEXT = """
net small(classes: int = 4) on image[N, 3, H=16, W=16]:
    conv(8, 3) as conv -> bn as bn -> relu -> dropout(0.5)
    gap -> flatten -> linear(16) as mid -> relu -> linear(classes) as fc
"""

Small: Any = dslc.load(TEXT)


@pytest.fixture
def net() -> Any:
    torch.manual_seed(0)
    return Small(classes=5)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[None]:
    """A process group of this process alone."""
    dist.init_process_group("gloo", store=FileStore(str(tmp_path / "store"), 1), rank=0, world_size=1)
    yield
    dist.destroy_process_group()


def same(holder: Any, net: nn.Module) -> None:
    """What a holder exports is what its network exports, to the byte; and that is right."""
    assert to_model(holder, check=True).data() == to_model(net).data()


def refusal(module: Any) -> str:
    with pytest.raises(dslc.ExportError) as caught:
        to_model(module)
    return str(caught.value)


# ---- looked through


HOLDERS: dict[str, Callable[[Any], Any]] = {
    "averaged": AveragedModel,
    "averaged with buffers": lambda net: AveragedModel(net, use_buffers=True),
    "compiled": lambda net: torch.compile(net, backend="eager"),
    "DataParallel": nn.DataParallel,
    "one in the other": lambda net: torch.compile(nn.DataParallel(AveragedModel(net)), backend="eager"),
    "a copy": copy.deepcopy,
}


@pytest.mark.parametrize("name", HOLDERS)
def test_a_holder_is_looked_through(net: Any, name: str) -> None:
    same(HOLDERS[name](net), net)


def test_an_average_has_its_own_weights(net: Any) -> None:
    average = AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(0.5))
    average.update_parameters(net)
    before = net.fc.bias.detach().clone()
    with torch.no_grad():
        net.fc.bias += 2
    average.update_parameters(net)
    assert torch.allclose(torch.from_numpy(to_model(average).graph.numbers("fc.bias")), before + 1)


@pytest.mark.parametrize("name", ["ModelEma", "ModelEmaV2", "ModelEmaV3"])
def test_timms_averages(net: Any, name: str) -> None:
    utils = pytest.importorskip("timm.utils")
    same(getattr(utils, name)(net), net)


def test_data_parallel_of_several_processes(net: Any, group: None) -> None:
    held = nn.parallel.DistributedDataParallel(net)
    same(held, net)
    same(torch.compile(held, backend="eager"), net)
    held.register_forward_hook(lambda module, inputs, output: None)
    assert "the DistributedDataParallel around it has a forward hook" in refusal(held)


def test_shards_are_gathered(net: Any, group: None) -> None:
    """Before a step, after it, and after the next: the export leaves memory such that shards can be made again."""
    whole = copy.deepcopy(net)
    mesh = init_device_mesh("cpu", (1,))
    fully_shard(net.mid, mesh=mesh)
    fully_shard(net, mesh=mesh)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.1)
    same(net, whole)
    for _ in range(2):
        net(torch.randn(2, 3, 16, 16)).sum().backward()
        optimiser.step()
        assert to_model(net, check=True).data()
    net.reshard()
    state = {
        name: tensor.full_tensor() if hasattr(tensor, "full_tensor") else tensor
        for name, tensor in net.state_dict().items()
    }
    whole.load_state_dict(state)
    same(net, whole)
    net.conv.stride = (2, 2)
    assert "`conv.stride` is (2, 2)" in refusal(net)


def test_parts_that_are_held(net: Any) -> None:
    whole = copy.deepcopy(net)
    net.mid = checkpoint_wrapper(net.mid)
    net.fc = torch.compile(net.fc, backend="eager")
    same(net, whole)


# ---- refused


@pytest.mark.filterwarnings("ignore")
def test_fully_sharded_data_parallel(net: Any, group: None) -> None:
    held = FullyShardedDataParallel(net, device_id=torch.device("cpu"))
    words = refusal(held)
    assert "this `FullyShardedDataParallel` is no network" in words and "gather the full state dict" in words


class Task(nn.Module):
    """As a LightningModule holds its networks."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Small()
        self.heads = nn.ModuleList([nn.Linear(4, 2), Small()])


OTHERS: dict[str, tuple[Callable[[], Any], str, str]] = {
    "Sequential": (
        lambda: nn.Sequential(nn.Sequential(Small()), nn.Softmax(1)),
        "this `Sequential` is no network that dslc made",
        'its part `0.0` is a network of dslc: export `module.get_submodule("0.0")`',
    ),
    "a task": (Task, "this `Task`", 'export `module.get_submodule("heads.1")`'),
    "scripted": (lambda: torch.jit.script(Small().eval()), "this `ScriptModule`", "that was scripted or traced"),
    "traced": (lambda: torch.fx.symbolic_trace(Small().eval()), "this `GraphModule`", "that was traced"),
    "exported": (
        lambda: torch.export.export(Small().eval(), (torch.zeros(1, 3, 16, 16),)),
        "this `ExportedProgram`",
        "export the module that it was made of",
    ),
    "a layer": (lambda: Small().fc, "this `Linear`", "dslc has no program of it"),
    "a block": (
        lambda: dslc.load("block b:\n    linear(2)\n    relu\n    it + 1\nnet f on x[N, 3]:\n    b() as b\n")().b,
        "this `B`",
        "it is a part of a network of dslc",
    ),
    "a class": (lambda: Small, "the class `Small`", "make an instance first: `Small()`"),
    "a state dict": (lambda: Small().state_dict(), "this `OrderedDict`", "net.load_state_dict(..)"),
    "a network": (lambda: dslc.compile(TEXT), "this `Network`", "write it by its own `to_onnx`"),
    "a path": (lambda: "small.pt", "this `str`", "give a module that `dslc.load` or a built file made"),
    "nothing": (lambda: None, "this `NoneType`", "give a module"),
}


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_is_no_network_is_named(name: str) -> None:
    make, what, advice = OTHERS[name]
    words = refusal(make())
    assert words.startswith("error[E0660]: ") and what in words and advice in words


def test_a_part_that_was_named_is_exported() -> None:
    held = nn.Sequential(nn.Sequential(Small()), nn.Softmax(1))
    assert to_model(held.get_submodule("0.0"), check=True).data()


def test_adapters(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As peft's: layers of its own stand for the ones adapted, and `merge_and_unload` puts these back."""
    layers, models = ModuleType("peft.tuners.lora.layer"), ModuleType("peft.peft_model")
    for module in (layers, models):
        monkeypatch.setitem(sys.modules, module.__name__, module)

    class Linear(nn.Module):
        __module__ = layers.__name__

        def __init__(self, base: nn.Linear) -> None:
            super().__init__()
            self.base_layer = base
            self.lora = nn.Linear(base.in_features, base.out_features, bias=False)

        def forward(self, x: Tensor) -> Tensor:
            return torch.add(self.base_layer(x), self.lora(x))

        def merged(self) -> nn.Module:
            self.base_layer.weight.data += self.lora.weight.data
            return self.base_layer

    class PeftModel(nn.Module):
        __module__ = models.__name__

        def __init__(self, base: nn.Module) -> None:
            super().__init__()
            self.base_model = base

    net.mid = Linear(net.mid)
    advice = "merge the adapters into the layers first: `net = model.merge_and_unload()`"
    words = refusal(net)
    assert "`mid` is peft.tuners.lora.layer.Linear, the program makes Linear" in words and advice in words
    assert "this `PeftModel`" in refusal(PeftModel(net)) and "merge_and_unload" in refusal(PeftModel(net))
    net.mid = net.mid.merged()
    assert to_model(net, check=True).data()


@pytest.mark.filterwarnings("ignore")
def test_quantised_layers(net: Any) -> None:
    layers: set[type] = {nn.Linear}
    words = refusal(torch.ao.quantization.quantize_dynamic(net, layers))
    assert "`fc` is torch.ao.nn.quantized.dynamic.modules.linear.Linear, the program makes Linear" in words
    assert "before it is quantised" in words


def test_a_network_that_holds_itself(net: Any) -> None:
    net.again = net
    assert "`again` (Small) was added" in refusal(net)

"""Element types, derived classes and arguments of a live module, and `check=True`."""

from __future__ import annotations

import abc
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import dslc
from dslc.live.errors import ModifiedModule
from dslc.live.export import to_model
from tests.python.live import TEXT, Live, exported, refusal, twice

# ---- element types


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_a_module_in_16_bits_is_exported_so(net: Any, dtype: torch.dtype) -> None:
    graph = to_model(net.to(dtype)).graph
    kind = str(dtype).removeprefix("torch.")
    assert graph.initializers["fc.weight"].dtype.name == kind
    assert [info.dtype.value for info in graph.inputs.values()] == [kind]
    assert to_model(net, dtype="float32").graph.initializers["fc.weight"].dtype.name == "float32"


def test_half_is_checked_too(net: Any) -> None:
    assert to_model(net.half(), check=True).data()


def test_a_module_in_several_types(net: Any) -> None:
    net.half()
    net.first.bn.float()
    words = refusal(net)
    assert "error[E0662]: `first.bn.weight`, and 3 more, is float32, and the other tensors are float16" in words


def test_types_that_the_program_gives() -> None:
    text = (
        "net f on x[N, 4]:\n    param scale: float32[4] = ones\n    linear(4) as a\n    it * cast(scale, float)[none]\n"
    )
    net: Any = dslc.load(text)().half()
    assert net.scale.dtype is torch.float32
    assert to_model(net).graph.initializers["a.weight"].dtype.name == "float16"
    net.scale.data = net.scale.data.half()
    assert "`scale` is float16, and float32 in the program" in refusal(net)


def test_float64_is_rounded_only_where_asked(net: Any) -> None:
    net.double()
    assert "this module is in float64" in refusal(net)
    assert to_model(net, dtype="float32", check=True).data()
    torch.set_default_dtype(torch.float64)
    try:
        made = Live()  # its constant is not what float32 rounds it to
    finally:
        torch.set_default_dtype(torch.float32)
    assert made.first.table.dtype is torch.float64
    assert to_model(made, dtype="float32", check=True).data()


def test_a_module_without_numbers() -> None:
    """Loading weights gives none to a constant, which is in no state dict."""
    with torch.device("meta"):
        net = Live()
    net.load_state_dict(Live().state_dict(), assign=True)
    words = refusal(net)
    assert "`first.table` has no numbers: it lies on the device meta" in words
    assert '`net.to_empty(device="cpu")`, then `reset_parameters` of every part that has it, then load weights' in words
    net.to_empty(device="cpu")
    net.reset_parameters()
    net.load_state_dict(Live().state_dict())
    exported(net)


# ---- classes


class Foreign(nn.Module):
    """A layer of the user's, which no meta device can make."""

    def __init__(self, out: int) -> None:
        super().__init__()
        self.linear = nn.Linear(4, out)
        self.drawn = float(self.linear.weight.detach().sum())

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.linear(x))


def test_blocks_of_the_users_own() -> None:
    """They have no form in ONNX, which is said where evaluation needs it; those of training alone do not matter."""
    head = f'extern block mine(out: int) on x[N, D] -> [N, out] = "{__name__}:Foreign"\n'
    net = dslc.load(f"{head}net f on x[N, 4]:\n    mine(3)\n", allow_extern=[__name__])()
    with pytest.raises(dslc.CompileError, match="E0632"):
        to_model(net)
    body = "    aux = mine(3)\n    out = linear(2)\n"
    exported(dslc.load(f"{head}net f on x[N, 4] -> out, aux when training:\n{body}", allow_extern=[__name__])())


def test_derived_classes(net: Any) -> None:
    class More(Live):  # type: ignore[misc]
        """Nothing that a call reads."""

        def __init__(self) -> None:
            super().__init__(classes=6)
            self.best = 0.0

        def training_step(self, batch: Tensor) -> Tensor:
            return self(batch).sum()  # type: ignore[no-any-return]

    class Abstract(Live, abc.ABC):  # type: ignore[misc]
        """Of two metaclasses."""

    class Other(Live):  # type: ignore[misc]
        """Another network."""

        def forward(self, image: Tensor) -> Tensor:
            return 2 * super().forward(image)  # type: ignore[no-any-return]

    class Task(nn.Module):
        """As a LightningModule: its `forward` comes after the network's."""

        def forward(self, *values: Any) -> Any:
            return super().forward(*values)

        def log(self, name: str) -> None: ...

    exported(More())
    exported(Abstract())
    exported(type("Both", (Live, Task), {})())
    assert "with `forward` of its own" in refusal(type("Both", (Task, Live), {})())
    assert "it is Other, derived from Live, with `forward` of its own" in refusal(Other())


def test_arguments_are_those_of_the_instance(net: Any) -> None:
    wide = Live(classes=9)
    exported(wide)
    wide.__dict__["_dslc_arguments"] = {"classes": 5}
    assert "`head.weight` has the shape [9, 8], the program makes [5, 8]" in refusal(wide)


def test_a_new_head_is_an_argument(net: Any) -> None:
    """What the program makes with another argument is refused all the same, and the argument said."""
    net.head = nn.Linear(8, 9)
    words = refusal(net)
    assert "`head.weight` has the shape [9, 8], the program makes [4, 8]" in words
    assert "help: the program makes it by `Live(classes=9)`: make one so" in words
    fresh = Live(classes=9)
    fresh.load_state_dict(net.state_dict())
    exported(fresh)
    net.fc.forward = twice
    assert "Live(" not in refusal(net)


def test_the_error_is_one_of_dslc(net: Any, tmp_path: Path) -> None:
    net.fc = nn.ReLU()
    with pytest.raises(dslc.Failure) as caught:
        net.to_onnx(tmp_path / "a.onnx")
    assert isinstance(caught.value, dslc.ExportError)
    assert isinstance(caught.value.mistakes[0], ModifiedModule)
    assert list(tmp_path.iterdir()) == []


# ---- check


def test_check_sees_what_the_comparison_cannot(net: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    real = nn.functional.group_norm
    monkeypatch.setattr(nn.functional, "group_norm", lambda *args, **options: 2 * real(*args, **options))
    to_model(net)
    with pytest.raises(dslc.ExportError, match=r"error\[E0663\]: `output` of this module and of its graph differ"):
        net.to_onnx(tmp_path / "a.onnx", check=True)
    assert list(tmp_path.iterdir()) == []


def test_check_takes_one_session_and_one_pass_of_each(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    sessions: list[object] = []
    session = onnxruntime.InferenceSession

    def counted(*args: Any, **options: Any) -> Any:
        sessions.append(1)
        return session(*args, **options)

    monkeypatch.setattr(onnxruntime, "InferenceSession", counted)
    with torch.autograd.profiler.profile() as profile:
        to_model(net, check=True)
    convolutions = [event for event in profile.function_events if event.name == "aten::conv2d"]
    assert (len(sessions), len(convolutions)) == (1, 3), "this network has three"


def test_check_leaves_the_module_as_it_was(net: Any) -> None:
    net.train()
    net.first.bn.eval()
    state = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    random = torch.get_rng_state()
    exported(net)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(tensor, state[name]) for name, tensor in net.state_dict().items())
    assert net.training and not net.first.bn.training


def test_an_export_draws_no_random_numbers() -> None:
    net = dslc.load(TEXT.replace("live(", "still("))()
    random = torch.get_rng_state()
    to_model(net)
    assert torch.equal(torch.get_rng_state(), random)

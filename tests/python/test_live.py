"""A module that is no longer what its program makes is named and refused; what changes no result is exported."""

from __future__ import annotations

import abc
import copy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize, prune

import dslc
from dslc.live.errors import ModifiedModule
from dslc.live.export import to_model

TEXT = """
use std.attention: attention

block part(c: int, s: int = 1):
    const table: [i: c] = i / 10 + 1
    conv(c, 3, s=s) as conv -> bn as bn -> prelu as act
    it * table[none, :, none, none]

net live(classes: int = 4, c: int = 4) on image[N, 3, H=16, W=16] -> [N, classes]:
    part(c) as first -> part(2 * c, s=2) as second
    seq as tail:
        conv(8, 1) -> gn(2) -> leaky_relu(0.1) -> maxpool(2) -> dropout(0.3) -> upsample(2, mode="bilinear") -> gelu
    flatten(2) -> transpose(1, 2) -> ln as norm
    attention(2) as attn -> lstm(6) as rnn -> mean(1)
    linear(8) as fc -> relu -> linear(classes) as head
"""

Live: Any = dslc.load(TEXT)


@pytest.fixture
def net() -> Any:
    torch.manual_seed(0)
    return Live().eval()


def refusal(net: nn.Module, **options: Any) -> str:
    """What the error says for a module that is not exported; it is one error, of one mistake."""
    with pytest.raises(dslc.ExportError) as caught:
        to_model(net, **options)
    assert len(caught.value.mistakes) == 1
    return str(caught.value)


def exported(net: nn.Module) -> None:
    """A module that is exported: in onnxruntime it gives what it gives itself, in the mode that it stays in."""
    before = [part.training for part in net.modules()]
    assert to_model(net, check=True).data()
    assert [part.training for part in net.modules()] == before


# ---- attributes

ATTRIBUTES = [
    ("first.conv", "stride", (2, 2)),
    ("first.conv", "padding", (0, 0)),
    ("first.conv", "dilation", (2, 2)),
    ("first.conv", "groups", 3),
    ("first.conv", "padding_mode", "reflect"),
    ("first.bn", "eps", 0.5),
    ("norm", "eps", 0.5),
    ("norm", "normalized_shape", (4,)),
    ("tail.1", "num_groups", 4),
    ("tail.2", "negative_slope", 0.5),
    ("tail.3", "stride", 1),
    ("tail.3", "kernel_size", 3),
    ("tail.3", "ceil_mode", True),
    ("tail.3", "return_indices", True),
    ("tail.5", "scale_factor", 4.0),
    ("tail.5", "mode", "nearest"),
    ("tail.5", "align_corners", True),
    ("tail.6", "approximate", "tanh"),
    ("attn", "heads", 4),
    ("rnn", "batch_first", False),
    ("rnn", "bidirectional", True),
]


@pytest.mark.parametrize(("part", "name", "value"), ATTRIBUTES, ids=lambda v: str(v))
def test_an_attribute_that_decides_is_named(net: Any, part: str, name: str, value: object) -> None:
    before = getattr(net.get_submodule(part), name)
    setattr(net.get_submodule(part), name, value)
    words = refusal(net)
    assert words.startswith("error[E0661]: this module was modified: ")
    assert f"`{part}.{name}` is {value!r}, the program makes {before!r}" in words
    assert "help: write it into the program" in words


@pytest.mark.parametrize(
    ("part", "name", "value"),
    [
        ("tail.4", "p", 0.9),
        ("first.bn", "momentum", 0.5),
        ("rnn", "dropout", 0.5),
        ("", "class_names", ["cat", "dog"]),
        ("fc", "note", "mine"),
        ("", "shape", (3, 16, 16)),
        ("", "mean", [0.5]),
        ("", "F", 1.0),
        ("first", "device", "cpu"),
        ("first.conv", "stride", [1, 1]),
    ],
)
def test_an_attribute_that_decides_nothing_may_differ(net: Any, part: str, name: str, value: object) -> None:
    setattr(net.get_submodule(part), name, value)
    exported(net)


def test_all_differences_are_in_one_error(net: Any) -> None:
    net.first.conv.stride = (2, 2)
    net.second.bn.eps = 1.0
    net.tail[6] = nn.ReLU()
    net.more = nn.Linear(2, 2)
    words = refusal(net)
    for one in (
        "`first.conv.stride` is (2, 2)",
        "`second.bn.eps` is 1.0",
        "`tail.6` is ReLU, the program makes GELU",
        "`more` (Linear) was added",
    ):
        assert f"\n  {one}" in words


def test_very_many_differences_are_counted(net: Any) -> None:
    for number in range(40):
        setattr(net.fc, f"more{number}", nn.Parameter(torch.ones(number)))
        net.add_module(f"part{number}", nn.PReLU())
        net.add_module(f"other{number}", nn.Linear(1, 1))
    words = refusal(net)
    assert "`part0` (PReLU) was added; so with `part1`, `part2`" in words and "`part19` and 20 more" in words
    for number in range(30):
        net.first.add_module(f"x{number}", type(f"Kind{number}", (nn.PReLU,), {})())
    words = refusal(net)
    assert "`first.x3` (Kind3) was added" in words and "and 13 more" in words
    assert words.count("\n") < 30


# ---- parts


class Lora(nn.Linear):
    """A layer with a correction, as adapters are written."""

    def __init__(self, base: nn.Linear) -> None:
        super().__init__(base.in_features, base.out_features)
        self.low = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + self.low


class Quiet(nn.Linear):
    """A layer with a method more, which no call reads."""

    def summary(self) -> str:
        return f"{self.in_features}"


class Striding(nn.Conv2d):
    """A layer whose stride is no attribute."""

    stride = property(lambda self: (2, 2), lambda self, value: None)


class Doubling(nn.Dropout):
    """A dropout that does something in evaluation."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * x


class Shifting(nn.Identity):
    """The layer that does nothing, with something to do."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 1


class DropPath(nn.Module):
    """A layer called as one that does nothing in evaluation."""

    def forward(self, x: Tensor) -> Tensor:
        return x + 1


def swap(path: str, make: Callable[[Any], nn.Module]) -> Callable[[Any], None]:
    """A change that replaces a part by what is made of it."""

    def change(net: Any) -> None:
        parent, _, name = path.rpartition(".")
        setattr(net.get_submodule(parent), name, make(net.get_submodule(path)))

    return change


def appended(net: Any) -> None:
    net.tail.append(nn.ReLU())


def inserted(net: Any) -> None:
    net.tail.insert(2, nn.ReLU())


def shortened(net: Any) -> None:
    del net.tail[6]


def reordered(net: Any) -> None:
    net.tail._modules["6"], net.tail._modules["2"] = net.tail[2], net.tail[6]


def moved(net: Any) -> None:
    net.tail._modules["2"] = net.tail._modules.pop("2")


def removed(net: Any) -> None:
    del net.first.act


def emptied(net: Any) -> None:
    net.first.act = None


def renamed(net: Any) -> None:
    net.last = net._modules.pop("head")


PARTS: dict[str, tuple[Callable[[Any], None], str]] = {
    "another layer": (swap("tail.6", lambda _: nn.SiLU()), "`tail.6` is SiLU, the program makes GELU"),
    "nothing in its place": (swap("first.act", lambda _: nn.Identity()), "`first.act` is Identity"),
    "wrapped": (swap("fc", lambda old: nn.Sequential(old, nn.ReLU())), "`fc` is Sequential, the program makes Linear"),
    "an adapter": (swap("fc", Lora), "`fc` is Lora, derived from Linear, with `forward` of its own"),
    "a property": (
        swap("first.conv", lambda _: Striding(3, 4, 3, bias=False)),
        "derived from Conv2d, with `stride` of its own",
    ),
    "a dropout that computes": (
        swap("tail.4", lambda _: Doubling(0.3)),
        "Doubling, derived from Dropout, with `forward`",
    ),
    "an identity that computes": (swap("tail.4", lambda _: Shifting()), "`tail.4` is Shifting"),
    "a name of a dropout": (swap("tail.4", lambda _: DropPath()), "`tail.4` is DropPath"),
    "another block": (swap("first", lambda _: nn.Conv2d(3, 4, 3)), "`first` is Conv2d, the program makes Part"),
    "batch statistics": (
        swap("first.bn", lambda _: nn.BatchNorm2d(4, track_running_stats=False)),
        "`first.bn.running_mean` was removed",
    ),
    "no scale": (swap("first.bn", lambda _: nn.BatchNorm2d(4, affine=False)), "`first.bn.weight` was removed"),
    "a bias": (swap("first.conv", lambda _: nn.Conv2d(3, 4, 3, padding=1)), "`first.conv.bias` was added"),
    "a wider layer": (swap("head", lambda _: nn.Linear(8, 9)), "`head.weight` has the shape [9, 8]"),
    "appended": (appended, "`tail.7` (ReLU) was added"),
    "inserted": (inserted, "`tail.2` is ReLU, the program makes LeakyReLU"),
    "shortened": (shortened, "`tail.6` (GELU) was removed"),
    "reordered": (reordered, "`tail.2` is GELU, the program makes LeakyReLU"),
    "moved": (moved, "`tail` has its layers in another order: 0, 1, 3, 4, 5, 6, 2"),
    "removed": (removed, "`first.act` (PReLU) was removed"),
    "emptied": (emptied, "`first.act` (PReLU) was removed"),
    "renamed": (renamed, "`last` (Linear) was added"),
}


@pytest.mark.parametrize("name", PARTS)
def test_a_part_that_was_replaced_is_named(net: Any, name: str) -> None:
    change, words = PARTS[name]
    change(net)
    assert words in refusal(net)


def compiled(part: nn.Module) -> nn.Module:
    found: Any = torch.compile(part, backend="eager")
    assert isinstance(found, nn.Module)
    return found


def with_a_loss(net: Any) -> None:
    net.criterion = nn.CrossEntropyLoss()
    net.first.metrics = nn.ModuleDict({"top": nn.Identity()})


def new_head(net: Any) -> None:
    del net.head
    net.head = nn.Linear(8, 4)


def as_buffer(net: Any) -> None:
    weight = net.fc.weight.detach()
    del net.fc.weight
    net.fc.register_buffer("weight", weight)


SAME: dict[str, Callable[[Any], None]] = {
    "a layer of the same kind": swap("fc", lambda _: nn.Linear(6, 8)),
    "a head made anew": new_head,
    "a class that adds a method": swap("fc", lambda _: Quiet(6, 8)),
    "a number for each axis": swap("tail.3", lambda _: nn.MaxPool2d((2, 2))),
    "a loss function and metrics": with_a_loss,
    "no dropout": swap("tail.4", lambda _: nn.Identity()),
    "another dropout": swap("tail.4", lambda _: nn.Dropout2d(0.1)),
    "SyncBatchNorm": lambda net: nn.SyncBatchNorm.convert_sync_batchnorm(net),
    "a compiled part": swap("tail", compiled),
    "compiled in place": lambda net: net.compile(backend="eager"),
    "in training": lambda net: net.train(),
    "no counter": lambda net: setattr(net.first.bn, "num_batches_tracked", None),
    "channels last": lambda net: net.to(memory_format=torch.channels_last),
    "a parameter as a buffer": as_buffer,
    "frozen": lambda net: net.requires_grad_(False),
}


@pytest.mark.parametrize("name", SAME)
def test_what_changes_no_result_is_exported(net: Any, name: str) -> None:
    SAME[name](net)
    exported(net)


def test_a_compiled_forward_is_its_own(net: Any) -> None:
    net.forward = torch.compile(net.forward, backend="eager")
    exported(net)
    twin = copy.deepcopy(net)  # its `forward` is still the other's
    assert "`forward` was set on the module itself" in refusal(twin)


# ---- calls


def test_a_forward_of_its_own(net: Any) -> None:
    for part in (net, net.fc, net.tail[4]):
        part.forward = lambda x: 2 * x
    net.norm._compiled_call_impl = lambda x: 2 * x
    words = refusal(net)
    assert "was set on the module itself" in words
    assert all(f"`{name}`" in words for name in ("forward", "fc.forward", "tail.4.forward", "norm._compiled_call_impl"))


def test_an_attribute_that_hides_a_part(net: Any) -> None:
    net.__dict__["fc"] = nn.Linear(6, 8)
    assert "`fc` was set on the module itself" in refusal(net)


def test_layers_that_write_over_their_input() -> None:
    """What comes first in a branch would change what the branch is added to."""
    text = """
use std.combine: residual

net f on x[N, 3, H=8, W=8]:
    conv(4, 3)
    residual:
        seq as branch:
            relu -> conv(4, 3) -> bn -> relu -> dropout -> relu
"""
    net: Any = dslc.load(text)()
    net.branch[3].inplace = net.branch[4].inplace = net.branch[5].inplace = True
    exported(net)
    net.branch[0].inplace = True
    assert "`branch.0.inplace` is True, which may write over what another layer reads" in refusal(net)


def test_a_method_that_forward_calls(net: Any) -> None:
    net.first.conv._conv_forward = lambda x, weight, bias: x
    assert "`first.conv._conv_forward` was set on the module itself" in refusal(net)


def twice(self: Any, x: Tensor) -> Tensor:
    return 2 * x


@pytest.mark.parametrize(
    ("where", "words"),
    [
        (lambda net: nn.Linear, "`Linear.forward` was replaced"),
        (lambda net: nn.BatchNorm2d, "`BatchNorm2d.forward` was replaced"),
        (lambda net: nn.modules.batchnorm._BatchNorm, "`_BatchNorm.forward` was replaced"),
        (lambda net: Live, "`Live.forward` was replaced"),
        (lambda net: type(net.attn), "`Attention.forward` was replaced"),
    ],
)
def test_a_class_that_was_patched(
    net: Any, where: Callable[[Any], type], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(where(net), "forward", twice)
    assert words in refusal(net)
    monkeypatch.undo()
    exported(net)


def test_a_class_that_hides_a_tensor(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nn.Linear, "weight", torch.zeros(8, 6), raising=False)
    assert "`Linear.weight` was set on the class" in refusal(net)


def test_a_class_that_has_the_forward_of_another(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is torch's, and not this class's."""
    monkeypatch.setattr(nn.LeakyReLU, "forward", nn.Identity.forward)
    assert "`LeakyReLU.forward` was replaced" in refusal(net)


def test_a_class_that_was_patched_before_the_first_export(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh instance would be as wrong: what counts is the program's text."""
    other: Any = dslc.load(TEXT.replace("live(", "early("))
    net = other()
    monkeypatch.setattr(type(net.attn), "forward", twice)
    assert "`Attention.forward` was replaced" in refusal(net)
    monkeypatch.setattr(other, "__init__", lambda self: nn.Module.__init__(self))
    assert "`first` (Part) was removed" in refusal(other())


def test_a_name_of_its_module_that_was_patched(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[Live.__module__], "F", object())
    assert "`F` of its module was replaced" in refusal(net)


def test_hooks(net: Any) -> None:
    def mine(module: nn.Module, inputs: object, output: Tensor | None = None) -> None: ...

    handles = [net.fc.register_forward_hook(mine), net.first.register_forward_pre_hook(mine)]
    words = refusal(net)
    assert "`fc` has a forward hook, `test_hooks.<locals>.mine`" in words
    assert "`first` has a forward hook" in words and "handle.remove()" in words
    for handle in handles:
        handle.remove()
    net.fc.register_full_backward_hook(lambda module, inputs, outputs: None)  # changes no result
    exported(net)


def test_hooks_of_all_modules(net: Any) -> None:
    handle = nn.modules.module.register_module_forward_hook(lambda module, inputs, output: None)
    try:
        assert "hooks are registered for the forward passes of all modules" in refusal(net)
    finally:
        handle.remove()
    exported(net)


# ---- tensors


class Symmetric(nn.Module):
    """A parametrization."""

    def forward(self, x: Tensor) -> Tensor:
        return x.triu() + x.triu(1).transpose(-1, -2)


COMPUTED: dict[str, Callable[[Any], object]] = {
    "parametrize": lambda net: parametrize.register_parametrization(net.attn.proj, "weight", Symmetric()),
    "weight_norm": lambda net: parametrizations.weight_norm(net.attn.proj),
    "the old weight_norm": lambda net: nn.utils.weight_norm(net.attn.proj),
    "spectral_norm": lambda net: nn.utils.spectral_norm(net.attn.proj),
    "prune": lambda net: prune.l1_unstructured(net.attn.proj, "weight", 0.5),
}


@pytest.mark.parametrize("name", COMPUTED)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_weight_that_is_computed(net: Any, name: str) -> None:
    COMPUTED[name](net)
    words = refusal(net)
    assert "`attn.proj.weight` is computed by" in words and "remove_parametrizations" in words


def test_computed_weights_that_were_made_ordinary(net: Any) -> None:
    parametrizations.weight_norm(net.attn.proj)
    parametrize.remove_parametrizations(net.attn.proj, "weight")
    prune.l1_unstructured(net.fc, "weight", 0.5)
    prune.remove(net.fc, "weight")
    exported(net)


def test_computed_weights_of_the_program() -> None:
    net: Any = dslc.load("net f on x[N, 8]:\n    wn(linear(8)) as a -> relu -> sn(linear(3)) as b\n")()
    exported(net)
    exported(copy.deepcopy(net))
    parametrize.remove_parametrizations(net.a, "weight")
    assert "`a.parametrizations` (ModuleDict) was removed" in refusal(net)


def grown(net: Any) -> None:
    net.fc.weight = nn.Parameter(torch.ones(8, 7))


def whole(net: Any) -> None:
    net.first.bn.running_mean = torch.ones(4, dtype=torch.int64)


def sparse(net: Any) -> None:
    net.fc.weight = nn.Parameter(net.fc.weight.detach().to_sparse())


class Scaled(nn.Parameter):
    """A tensor that computes otherwise, as those of quantisation do."""


def special(net: Any) -> None:
    net.fc.weight = Scaled(net.fc.weight.detach())


def table(net: Any) -> None:
    net.first.table[1] = 7


TENSORS: dict[str, tuple[Callable[[Any], object], str]] = {
    "another shape": (grown, "`fc.weight` has the shape [8, 7], the program makes [8, 6]"),
    "whole numbers": (whole, "`first.bn.running_mean` holds whole numbers, the program real numbers"),
    "no bias": (lambda net: net.fc.register_parameter("bias", None), "`fc.bias` was removed"),
    "one more": (lambda net: net.fc.register_buffer("extra", torch.ones(1)), "`fc.extra` was added"),
    "complex numbers": (
        lambda net: setattr(net.fc, "weight", nn.Parameter(torch.ones(8, 6, dtype=torch.complex64))),
        "`fc.weight` holds complex numbers, the program real numbers",
    ),
    "sparse": (sparse, "`fc.weight` is sparse_coo, no dense tensor"),
    "of a class of its own": (special, "`fc.weight` is a Scaled, no ordinary tensor"),
    "a constant": (table, "`first.table` holds other numbers than the program gives it"),
    "a constant, rounded": (lambda net: net.half().float(), "`first.table` holds other numbers"),
}


@pytest.mark.parametrize("name", TENSORS)
def test_a_tensor_that_differs(net: Any, name: str) -> None:
    change, words = TENSORS[name]
    change(net)
    assert words in refusal(net)


def test_statistics_and_weights_may_differ(net: Any) -> None:
    net.train()
    with torch.no_grad():
        for _ in range(3):
            net(torch.randn(2, 3, 16, 16))
        for parameter in net.parameters():
            parameter.mul_(1.1)
    exported(net)


def test_weights_that_were_tied_are_equal(net: Any) -> None:
    """Two names of one tensor are two equal arrays of the graph."""
    with torch.no_grad():
        net.first.bn.weight.uniform_()
    net.first.bn.bias = net.first.bn.weight
    exported(net)


def test_a_recurrent_layer_that_computes_with_other_tensors(net: Any) -> None:
    net.rnn._parameters["weight_ih_l0"] = nn.Parameter(torch.zeros(24, 8))
    assert "`rnn` computes with other tensors than its parameters" in refusal(net)
    net.rnn._flat_weights_names = ["weight", "bias"]
    assert "`rnn._flat_weights_names` is ['weight', 'bias']" in refusal(net)


def test_a_recurrent_layer_after_gradients_of_functions(net: Any) -> None:
    """torch.func leaves other objects of the same numbers in it."""
    weights = dict(net.named_parameters())
    torch.func.grad(lambda given: torch.func.functional_call(net, given, (torch.ones(1, 3, 16, 16),)).sum())(weights)
    assert net.rnn._flat_weights[0] is not net.rnn.weight_ih_l0
    exported(net)


def test_a_weight_that_is_a_negative_view(net: Any) -> None:
    net.fc.bias = nn.Parameter(torch.randn(8, dtype=torch.complex64).conj().imag)
    assert net.fc.bias.is_neg()
    exported(net)


def test_numbers_of_normalize() -> None:
    """They lie in no state dict and are no constants of the program, but arguments of a layer."""
    net: Any = dslc.load(
        "net f on x[N, 3, H=8, W=8]:\n    normalize((0.1, 0.2, 0.3), (0.5, 0.6, 0.7)) -> conv(4, 3)\n"
    )()
    exported(net)
    layer = next(part for part in net.modules() if type(part).__name__ == "Normalize")
    layer.mean.zero_()
    assert "mean` holds other numbers than the program gives it" in refusal(net)


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

"""Attributes and parts that are not what the program makes are refused by name; what changes no result is exported."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.python.live import exported, refusal

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

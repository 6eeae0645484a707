"""From which distribution each tensor of a new module is drawn, read while it is made on the meta device.

No number is drawn: a mode of PyTorch's dispatcher notes which filling operation reached a tensor last, and with which
arguments. So the first weights of the largest network are compared exactly, in the time its constructor takes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from unittest import mock

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from dslc.ir.model import Model, Param
from dslc.ops.initialisers import fans, gain_of

FAR = 8.0
"""Standard deviations from which on a bound cuts nothing off: P(|x| > 8) is 1e-15."""


@dataclass(frozen=True, slots=True)
class Law:
    """How the elements of a tensor are drawn; all alike, each for itself."""

    kind: str
    numbers: tuple[float, ...] = ()

    @property
    def mean(self) -> float:
        match self.kind, self.numbers:
            case "constant", (value,):
                return value
            case "uniform", (low, high):
                return (low + high) / 2
            case "normal", (mean, _):
                return mean
            case "trunc_normal", (mean, std, low, high):
                a, b = (low - mean) / std, (high - mean) / std
                return mean + std * (density(a) - density(b)) / (below(b) - below(a))
        return math.nan

    @property
    def spread(self) -> float:
        """The standard deviation."""
        match self.kind, self.numbers:
            case "constant", _:
                return 0.0
            case "uniform", (low, high):
                return (high - low) / math.sqrt(12)
            case "normal", (_, std):
                return std
            case "trunc_normal", (mean, std, low, high):
                a, b = (low - mean) / std, (high - mean) / std
                inside = below(b) - below(a)
                shift = (density(a) - density(b)) / inside
                return std * math.sqrt(1 + (a * density(a) - b * density(b)) / inside - shift**2)
        return math.nan

    def same(self, other: Law) -> bool:
        """Whether both are one distribution, but for rounding in their numbers."""
        return self.kind == other.kind and all(
            math.isclose(a, b, rel_tol=1e-5, abs_tol=1e-12) for a, b in zip(self.numbers, other.numbers, strict=True)
        )

    def moved(self, factor: float, shift: float) -> Law:
        """The law of `factor * x + shift`."""
        match self.kind, self.numbers:
            case "normal", (mean, std):
                return normal(factor * mean + shift, abs(factor) * std)
            case (("constant" | "uniform"), _):
                return Law(self.kind, tuple(sorted(factor * number + shift for number in self.numbers)))
            case "trunc_normal", (mean, std, *ends):
                low, high = sorted(factor * end + shift for end in ends)
                return trunc_normal(factor * mean + shift, abs(factor) * std, low, high)
        return GIVEN

    def __str__(self) -> str:
        return f"{self.kind}({', '.join(f'{number:.5g}' for number in self.numbers)})"


Laws = dict[str, Law]
"""By the keys of a state dict."""

UNSET = Law("unset")
"""Memory as it was found."""
GIVEN = Law("given")
"""Computed, or given number by number."""


def density(x: float) -> float:
    return math.exp(-x * x / 2) / math.sqrt(2 * math.pi)


def below(x: float) -> float:
    return 0.5 * math.erfc(-x / math.sqrt(2))


def normal(mean: float, std: float) -> Law:
    return Law("normal", (mean, std)) if std else constant(mean)


def trunc_normal(mean: float, std: float, low: float, high: float) -> Law:
    uncut = std == 0 or min(mean - low, high - mean) > FAR * std
    return normal(mean, std) if uncut else Law("trunc_normal", (mean, std, low, high))


def constant(value: float) -> Law:
    return Law("constant", (float(value),))


DRAWN: dict[str, Callable[..., Law]] = {
    "normal_": lambda mean=0.0, std=1.0: normal(mean, std),
    "uniform_": lambda low=0.0, high=1.0: Law("uniform", (low, high)),
    "fill_": constant,
    "zero_": lambda: constant(0),
}
"""Operations that fill their first argument."""
MADE: dict[str, Callable[..., Law]] = {
    "empty": lambda *_: UNSET,
    "empty_like": lambda *_: UNSET,
    "empty_strided": lambda *_: UNSET,
    "new_empty": lambda *_: UNSET,
    "zeros": lambda *_: constant(0),
    "zeros_like": lambda *_: constant(0),
    "new_zeros": lambda *_: constant(0),
    "ones": lambda *_: constant(1),
    "ones_like": lambda *_: constant(1),
    "new_ones": lambda *_: constant(1),
    "full": lambda _, value: constant(value),
    "scalar_tensor": constant,
    "randn": lambda *_: normal(0, 1),
    "rand": lambda *_: Law("uniform", (0.0, 1.0)),
}
"""Operations that make a tensor."""
KEEPS = {"detach", "alias", "view", "_to_copy", "clone", "expand", "unsqueeze", "slice", "t", "transpose", "lift_fresh"}
"""Operations whose result is as its first argument; most are views, which share its memory."""


class Notes(TorchDispatchMode):
    """The law of every piece of memory that a tensor was made in while the mode holds."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.laws: dict[int, tuple[Law, object]] = {}  # the storage is kept, so that its address stays its own

    def of(self, tensor: Tensor) -> Law:
        return self.laws.get(tensor.untyped_storage()._cdata, (GIVEN, None))[0]

    def note(self, tensor: Tensor, law: Law) -> None:
        storage = tensor.untyped_storage()
        self.laws[storage._cdata] = (law, storage)

    def fill(self, tensor: Tensor, law: Law) -> None:
        """A part of a tensor that is filled with what the rest has changes nothing."""
        part = tensor.numel() * tensor.element_size() < tensor.untyped_storage().nbytes()
        self.note(tensor, law if not part or self.of(tensor) == law else GIVEN)

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        result = func(*args, **kwargs)
        name = func.overloadpacket.__name__
        if name in DRAWN:
            named = {k: v for k, v in kwargs.items() if k != "generator"}
            self.fill(args[0], DRAWN[name](*args[1:], **named))
        elif isinstance(result, Tensor):
            law = MADE[name](*args) if name in MADE else GIVEN
            if name in KEEPS:
                law = self.of(args[0])
            elif name.rstrip("_") in ("mul", "add") and isinstance(args[1], int | float):
                factor, shift = (args[1], 0) if name.startswith("mul") else (1, args[1])
                law = self.of(args[0]).moved(factor, shift)
            elif name == "log" and self.of(args[0]).kind == "constant":
                law = constant(math.log(self.of(args[0]).numbers[0]))
            self.note(result, law)
        return result


TRUNCATED = {"torch.nn.init": "_no_grad_trunc_normal_", "timm.layers.weight_init": "_trunc_normal_"}
"""What draws truncated normals, in steps that depend on what was drawn."""


@contextmanager
def noted(device: str = "meta") -> Iterator[Notes]:
    """Notes what modules made in this context draw, or would draw on the meta device."""
    notes = Notes()

    def truncated(tensor: Tensor, mean: float, std: float, a: float, b: float, generator: object = None) -> Tensor:
        notes.fill(tensor, trunc_normal(mean, std, a, b))
        return tensor

    with ExitStack() as stack:
        for module, name in TRUNCATED.items():
            try:
                stack.enter_context(mock.patch.object(import_module(module), name, truncated))
            except ModuleNotFoundError:
                continue
        stack.enter_context(torch.device(device))
        stack.enter_context(notes)
        yield notes


def laws(make: Callable[[], nn.Module], device: str = "meta") -> Laws:
    """The law of each tensor in the state dict of the module that `make` makes."""
    with noted(device) as notes:
        network = make()
        return {key: notes.of(tensor) for key, tensor in network.state_dict(keep_vars=True).items()}


def declared(model: Model) -> Laws:
    """The law that a program states for each tensor of the state dict, by torch.nn.init's formulas."""
    return {path: law(param) for path, param in model.params.items() if param.spec.kind != "const"}


def law(param: Param) -> Law:
    if param.values is not None:
        return GIVEN
    args: dict[str, Any] = dict(param.spec.init.args)
    kind, _, shape = param.spec.init.kind.partition("_")
    if kind in ("kaiming", "xavier"):
        fan_in, fan_out = fans(param.spec.shape)
        if kind == "kaiming":
            gain = gain_of(args.get("nonlinearity", "leaky_relu"), args.get("a", 0.0))
            std = gain / math.sqrt(fan_out if args.get("mode") == "fan_out" else fan_in)
        else:
            std = args.get("gain", 1.0) * math.sqrt(2 / (fan_in + fan_out))
        return normal(0, std) if shape == "normal" else Law("uniform", (-math.sqrt(3) * std, math.sqrt(3) * std))
    match param.spec.init.kind:
        case "zeros" | "ones" as kind:
            return constant(kind == "ones")
        case "constant":
            return constant(args["value"])
        case "uniform":
            return Law("uniform", (args.get("a", 0.0), args.get("b", 1.0)))
        case "normal":
            return normal(args.get("mean", 0.0), args.get("std", 1.0))
        case "trunc_normal":
            return trunc_normal(*(args.get(key, it) for key, it in TRUNC.items()))
    raise NotImplementedError(param.spec.init.kind)


TRUNC = {"mean": 0.0, "std": 1.0, "a": -2.0, "b": 2.0}


def differences(ours: Mapping[str, Law], theirs: Mapping[str, Law], parameters: Container[str]) -> list[str]:
    """What is not alike, a line each: a tensor that one has not, or another law. Of learned ones the law is known."""
    found = [f"{key}: one alone has it" for key in ours.keys() ^ theirs.keys()]
    for key in ours.keys() & theirs.keys():
        if key in parameters and ours[key] in (UNSET, GIVEN):
            found.append(f"{key}: {ours[key]}")
        elif not ours[key].same(theirs[key]):
            found.append(f"{key}: {ours[key]}, not {theirs[key]}")
    return sorted(found)
